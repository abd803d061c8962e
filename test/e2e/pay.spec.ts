/** The buyer's page before a real carrier: what it approves and how often, also when the network goes. */
import { expect, type Page, test } from '@playwright/test';
import { LIMITS } from '#protocol/limits.ts';
import { PayCarrier } from './pay-carrier.ts';
import { loseAnswers, PayPhone } from './pay-phone.ts';

const APPROVALS = '**/v1/wallet/approvals';
const REQUESTS = '**/v1/wallet/requests';

let carrier: PayCarrier;
test.use({ locale: 'en-GB', viewport: { width: 360, height: 640 } });
test.beforeAll(async () => void (carrier = await PayCarrier.open()));
test.afterAll(() => carrier.close());

const registered = (page: Page, amount?: string, balance?: string) => PayPhone.registered(page, carrier, amount, balance);

/** Bodies of the approvals that left the page. */
function approvalsFrom(page: Page): string[] {
  const sent: string[] = [];
  page.on('request', (request) => {
    if (request.url().endsWith('/v1/wallet/approvals')) sent.push(request.postData() ?? '');
  });
  return sent;
}

/** Keeps such requests back until the answer is called. */
async function hold(page: Page, pattern: string): Promise<() => Promise<void>> {
  let go: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (go = resolve));
  await page.route(pattern, async (route) => {
    await held;
    await route.continue();
  });
  return async () => go();
}

const APPROVE = /^Approve €/;

test('first visit: register with the code, approve; the hub is told, and its own digits are those on the phone', async ({ page }) => {
  const { phone, by, asked } = await registered(page);
  await expect(page.locator('main')).toContainText('Veldhuis Ceramics');
  await expect(page.locator('.huge')).toHaveText('€42.80');
  await expect(page.locator('.signed')).toContainText('PK-2210-4471');
  expect(await carrier.isApproved(asked)).toBe(false);
  await phone.tap('Approve €42.80 to Veldhuis Ceramics');
  await expect(phone.headline).toHaveText('Approved');
  const code = carrier.codeAtHub(asked);
  await expect(page.locator('.digits [aria-hidden]')).toHaveText([code.slice(0, 4), code.slice(4)]);
  await expect(phone.spoken).toContainText(code.split('').join(' '));
  await expect(page.getByRole('img', { name: /scanner/ })).toBeVisible();
  expect(await carrier.isApproved(asked)).toBe(true);
  expect(await carrier.held(by)).toBe('42.80');
  expect(phone.troubles).toEqual([]);
});

test('second visit: no code, one button, by keyboard alone', async ({ page }) => {
  const { phone, by } = await registered(page);
  const asked = carrier.ask('7.50');
  await phone.scan(carrier.address, asked.link);
  await expect(page.getByRole('button', { name: APPROVE })).toBeVisible();
  await expect(page.getByRole('button', { name: /Register/ })).toHaveCount(0);
  await expect(phone.headline).toBeFocused();
  await page.waitForTimeout(450);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('button', { name: APPROVE })).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(phone.headline).toHaveText('Approved');
  await expect(phone.headline).toBeFocused();
  expect(await carrier.held(by)).toBe('7.50');
});

test('a double tap asks for the finger once, and one more while the carrier is asked sends nothing', async ({ page }) => {
  const { phone, by } = await registered(page);
  const sent = approvalsFrom(page);
  await page.evaluate(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (options) => {
      document.documentElement.dataset['asked'] = `${document.documentElement.dataset['asked'] ?? ''}*`;
      return get(options);
    };
  });
  const go = await hold(page, APPROVALS);
  await page.waitForTimeout(450);
  await page.getByRole('button', { name: APPROVE }).dblclick();
  await page.getByRole('button', { name: 'Asking the carrier' }).click({ force: true });
  await go();
  await expect(phone.headline).toHaveText('Approved');
  await expect(page.locator('html')).toHaveAttribute('data-asked', '*');
  expect(sent).toHaveLength(1);
  expect(await carrier.held(by)).toBe('42.80');
});

test('a finger that is not the owner’s sends nothing; the owner can still approve', async ({ page }) => {
  const { phone, by, asked } = await registered(page);
  const sent = approvalsFrom(page);
  await phone.setVerified(false);
  await phone.tap(APPROVE);
  await expect(phone.spoken).toHaveText('You stopped. Nothing was sent, and nothing was taken.');
  await expect(page.getByRole('button', { name: APPROVE })).toBeFocused();
  expect([sent, await carrier.held(by)]).toEqual([[], '0.00']);
  await phone.setVerified(true);
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('Approved');
  expect(await carrier.isApproved(asked)).toBe(true);
});

test('the address keeps nothing of the link, and a reload shows the same request', async ({ page }) => {
  const { phone } = await registered(page);
  expect(page.url()).toBe(carrier.address);
  await page.reload();
  await expect(page.getByRole('button', { name: APPROVE })).toBeVisible();
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('Approved');
  await page.reload();
  await expect(page.locator('main')).toContainText('The counter knows, if it has a network.');
  expect(page.url()).toBe(carrier.address);
});

test('after a reload the code can be seen again, and nothing is held twice', async ({ page }) => {
  const { phone, by, asked } = await registered(page);
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('Approved');
  await page.reload();
  await phone.setVerified(false);
  await phone.tap('Show the code for the counter');
  await expect(phone.spoken).toHaveText('You stopped. The payment is still approved.');
  await phone.setVerified(true);
  await phone.tap('Show the code for the counter');
  await expect(page.locator('.digits .spoken')).toHaveText(carrier.codeAtHub(asked).split('').join(' '));
  expect(await carrier.held(by)).toBe('42.80');
});

test('another code scanned into the same tab is shown instead', async ({ page }) => {
  await registered(page);
  await page.goto(`${carrier.address}#${carrier.ask('7.50').link}`);
  await expect(page.locator('.huge')).toHaveText('€7.50');
  expect(page.url()).toBe(carrier.address);
});

test.describe('when the network goes', () => {
  test('before the request is read: nothing was approved, and it goes on when the network is back', async ({ page, context }) => {
    const phone = await PayPhone.of(page);
    await page.route(REQUESTS, (route) => route.abort());
    await phone.scan(carrier.address, carrier.ask('42.80').link);
    await expect(phone.spoken).toContainText('Nothing was approved');
    await page.unroute(REQUESTS);
    await context.setOffline(true);
    await phone.tap('Try again');
    await expect(phone.headline).toHaveText('This phone has no network');
    await context.setOffline(false);
    await expect(page.locator('.huge')).toHaveText('€42.80');
  });

  test('before anything is signed: nothing is sent', async ({ page, context }) => {
    const { phone } = await registered(page);
    const sent = approvalsFrom(page);
    await context.setOffline(true);
    await phone.tap(APPROVE);
    await expect(phone.spoken).toContainText('This phone has no network. Nothing was sent');
    expect(sent).toEqual([]);
    await context.setOffline(false);
  });

  test('and the approval never arrived: the same bytes are sent again, and approve once', async ({ page }) => {
    const { phone, by, asked } = await registered(page);
    const sent = approvalsFrom(page);
    await page.route(APPROVALS, (route) => route.abort());
    await phone.tap(APPROVE);
    await expect(phone.spoken).toContainText('It may have gone through. You cannot be charged twice.');
    expect(await carrier.isApproved(asked)).toBe(false);
    await page.unroute(APPROVALS);
    await phone.tap('Ask again now');
    await expect(phone.headline).toHaveText('Approved');
    expect(new Set(sent).size).toBe(1);
    expect(sent.length).toBeGreaterThan(1);
    expect(await carrier.held(by)).toBe('42.80');
  });

  test('and only the answer was lost: by itself the page finds that it is approved', async ({ page }) => {
    const { phone, by, asked } = await registered(page);
    const sent = approvalsFrom(page);
    await loseAnswers(page);
    await phone.tap(APPROVE);
    await expect(phone.headline).toHaveText('We do not know yet');
    expect(await carrier.isApproved(asked)).toBe(true);
    await page.unroute(APPROVALS);
    await expect(phone.headline).toHaveText('Approved', { timeout: LIMITS.answer_wait_ms + 5_000 });
    expect(new Set(sent).size).toBe(1);
    expect(await carrier.held(by)).toBe('42.80');
  });
});

test('a counter that has no key for codes: nothing to read out', async ({ page }) => {
  const { phone } = await registered(page);
  await phone.scan(carrier.address, carrier.ask('7.50', {}, 'codeless').link);
  await phone.tap(APPROVE);
  await expect(page.locator('main')).toContainText('The counter knows.');
  await expect(page.locator('.digits')).toHaveCount(0);
});

test('the language of the phone, or the one that is chosen, which it remembers', async ({ page, browser }) => {
  const phone = await PayPhone.of(page);
  await phone.scan(carrier.address, carrier.ask('42.80').link);
  await page.getByRole('button', { name: '日本語' }).click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await expect(page.getByRole('button', { name: 'English' })).toBeFocused();
  await page.reload();
  await expect(page.getByRole('button', { name: '心当たりがありません' })).toBeVisible();
  const context = await browser.newContext({ locale: 'ja-JP' });
  const other = await context.newPage();
  await other.goto(carrier.address);
  await expect(other.locator('h1')).toHaveText('お支払いがありません');
  await context.close();
});

test('at 320 px and with a long seller nothing is cut; with reduced motion nothing moves', async ({ page }) => {
  await page.setViewportSize({ width: 320, height: 568 });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await page.route(REQUESTS, async (route) => {
    const response = await route.fetch();
    const seller = 'Ambachtelijke Keramiekwerkplaats-Buitenpostenstraat van der Veldhuis & Zonen';
    await route.fulfill({ response, json: { ...((await response.json()) as object), seller } });
  });
  const phone = await PayPhone.of(page);
  const by = await carrier.buyer('10000.00');
  await phone.scan(carrier.address, carrier.ask('9999.99', { parcel: 'P'.repeat(64) }).link);
  await phone.expectSound('narrow-open');
  await phone.register(by.code);
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('Approved');
  await expect(phone.headline).toBeInViewport();
  await phone.expectSound('narrow-approved');
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
});
