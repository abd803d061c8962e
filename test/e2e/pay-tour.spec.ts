/**
 * F3, the whole way with no reader at all: the real counter and its display, the QR code read off the display's picture by a decoder that is
 * not ours, the buyer's page on the real carrier, a passkey, and back to the counter: over the network, and by eight digits without one.
 * Screenshots go to test-results/tour/.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, type Page, test } from '@playwright/test';
import type { BuyerAnswer } from '#protocol/routes.ts';
import { ROUTES } from '#protocol/routes.ts';
import { WALLET_ROUTES, type WalletCodeAnswer } from '#protocol/wallet-routes.ts';
import { enrolArguments, startAgentProcess, startCarrier } from '../../cli/embedded.ts';
import { folders } from '../../cli/folders.ts';
import { networkSwitch, type NetworkSwitch } from '../../simulator/network/switch.ts';
import { newId } from '../server/hub-twin.ts';
import { PayPhone } from './pay-phone.ts';

const ends: (() => Promise<void>)[] = [];
let network: NetworkSwitch;
let urls: { counterUrl: string; displayUrl: string };
let code: string;

test.skip(spawnSync('zbarimg', ['--version']).status !== 0, 'zbarimg is missing: apt-get install zbar-tools');
test.use({ locale: 'en-GB' });
test.setTimeout(120_000);

test.beforeAll(async () => {
  const where = folders(mkdtempSync(path.join(tmpdir(), 'handover-pay-tour-')));
  ends.push(async () => rmSync(where.root, { recursive: true, force: true, maxRetries: 3 }));
  const { server, carrier } = await startCarrier(where, 0);
  ends.push(() => server.close());
  network = await networkSwitch(server.url);
  ends.push(() => network.close());
  const { buyerId } = await carrier.post<BuyerAnswer>(ROUTES.operatorBuyers, { name: 'Mieke', currency: 'EUR' });
  const topUp = { requestId: newId(), amount: '500.00', currency: 'EUR' };
  await carrier.post(ROUTES.operatorTopUps.replace(':buyerId', buyerId), topUp);
  ({ code } = await carrier.post<WalletCodeAnswer>(WALLET_ROUTES.operatorWalletCodes.replace(':buyerId', buyerId), {}));
  const agent = await startAgentProcess(where.hub, network.url, [], 0, await enrolArguments(carrier, where.hub));
  urls = agent.ready;
  ends.push(() => agent.end());
});
test.afterAll(async () => {
  for (const end of ends.toReversed()) await end();
});

async function open(page: Page, url: string, width: number, height: number): Promise<Page> {
  await page.setViewportSize({ width, height });
  await page.goto(url);
  return page;
}

/** Keys an amount, asks, and makes the buyer's phone the main way. */
async function ask(counter: Page, digits: string): Promise<void> {
  await expect(counter.getByText('Ready', { exact: false }).first()).toBeVisible({ timeout: 15_000 });
  await counter.waitForTimeout(500);
  await counter.keyboard.type(digits, { delay: 60 });
  await counter.waitForTimeout(500);
  await counter.keyboard.press('Enter');
  await expect(counter.getByText('Waiting for tap').first()).toBeVisible({ timeout: 10_000 });
  await counter.waitForTimeout(500);
  await counter.keyboard.press('F8');
  await expect(counter.getByText('The buyer scans the code').first()).toBeVisible();
}

/** What a camera in front of the display would read. */
async function scan(display: Page, name: string): Promise<{ readonly address: string; readonly link: string }> {
  await expect(display.locator('svg.qr')).toBeVisible();
  await display.waitForTimeout(250);
  const picture = `test-results/tour/display-${name}.png`;
  await display.screenshot({ path: picture });
  const read = spawnSync('zbarimg', ['--quiet', '--raw', picture], { encoding: 'utf8' });
  const [address, link] = read.stdout.trim().split('#');
  expect(link, read.stderr).toMatch(/^[A-Za-z0-9_-]{196,}$/);
  return { address: address!, link: link! };
}

test('F3: a code on the display, a passkey on the phone, and the parcel goes; with the network and without', async ({ browser }) => {
  const counter = await open(await browser.newPage(), urls.counterUrl, 1366, 768);
  const display = await open(await browser.newPage(), urls.displayUrl, 1024, 768);
  const phone = await PayPhone.of(await open(await browser.newPage(), 'about:blank', 360, 640));
  await expect(counter.getByText('Online').first()).toBeVisible({ timeout: 20_000 });

  await ask(counter, '4280');
  await counter.screenshot({ path: 'test-results/tour/counter-phone.png' });
  const first = await scan(display, 'phone');
  await phone.scan(first.address, first.link);
  await phone.register(code);
  await phone.tap(/^Approve €42\.80 to/);
  await expect(phone.headline).toHaveText('Approved');
  await phone.page.screenshot({ path: 'test-results/tour/phone-approved.png' });
  await expect(counter.getByText('Hand over the parcel').first()).toBeVisible({ timeout: 15_000 });
  await expect(display.getByText('Paid').first()).toBeVisible();
  await counter.waitForTimeout(500);
  await counter.keyboard.press('Enter');

  await network.set('off');
  await expect(counter.getByText('Ready, offline').first()).toBeVisible({ timeout: 25_000 });
  await ask(counter, '12500'); // far above what a card gets here on trust
  const second = await scan(display, 'phone-offline');
  await phone.scan(second.address, second.link);
  await phone.tap(/^Approve €125\.00 to/);
  await expect(phone.headline).toHaveText('Approved');
  const digits = (await phone.page.locator('.digits [aria-hidden]').allTextContents()).join('');
  expect(digits).toMatch(/^[0-9]{8}$/);
  await counter.keyboard.type(digits, { delay: 80 });
  await counter.screenshot({ path: 'test-results/tour/counter-digits.png' });
  await counter.keyboard.press('Enter');
  await expect(counter.getByText('Hand over the parcel').first()).toBeVisible({ timeout: 15_000 });
  await expect(counter.getByText('Guaranteed.', { exact: false }).first()).toBeVisible();
  await counter.screenshot({ path: 'test-results/tour/counter-guaranteed-offline.png' });
  await counter.waitForTimeout(500);
  await counter.keyboard.press('Enter');
  await network.set('on');
  await expect(counter.getByText('0 · €0.00').first()).toBeVisible({ timeout: 30_000 });
  expect(phone.troubles).toEqual([]);
});
