/** The buyer's page before a real carrier: what it does not believe, every kind of no, and what it costs a phone. */
import { expect, type Page, type Request, test } from '@playwright/test';
import { LIMITS } from '#protocol/limits.ts';
import { PayCarrier } from './pay-carrier.ts';
import { loseAnswers, PayPhone } from './pay-phone.ts';

const APPROVALS = '**/v1/wallet/approvals';
const REQUESTS = '**/v1/wallet/requests';
const APPROVE = /^Approve €/;
const GZIP_BYTES_MAX = 60_000;

let carrier: PayCarrier;
test.use({ locale: 'en-GB', viewport: { width: 360, height: 640 } });
test.beforeAll(async () => void (carrier = await PayCarrier.open()));
test.afterAll(() => carrier.close());

const registered = (page: Page, amount?: string, balance?: string) => PayPhone.registered(page, carrier, amount, balance);

test.describe('what the page does not believe', () => {
  const lies = { amount: '4.28', requestId: '01890000-0000-7000-8000-000000000009', challenge: 'A'.repeat(43), parcel: 'PK-0', askedAt: 1 };
  for (const [field, lie] of Object.entries(lies)) {
    test(`an answer with another ${field}`, async ({ page }) => {
      await page.route(REQUESTS, async (route) => {
        const response = await route.fetch();
        await route.fulfill({ response, json: { ...((await response.json()) as object), [field]: lie } });
      });
      const phone = await PayPhone.of(page);
      await phone.scan(carrier.address, carrier.ask('42.80').link);
      await expect(phone.headline).toHaveText('Do not pay this');
      await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
    });
  }

  test('a link with another amount than its hub signed', async ({ page }) => {
    const phone = await PayPhone.of(page);
    const { link } = carrier.ask('42.80');
    const bytes = Buffer.from(link, 'base64url');
    bytes[72]! ^= 1;
    await phone.scan(carrier.address, bytes.toString('base64url'));
    await expect(phone.headline).toHaveText('This code is not right');
    await phone.scan(carrier.address, carrier.ask('42.80', {}, 'stranger').link);
    await expect(phone.headline).toHaveText('This code is not right');
  });

  test('text that is no link, which it does not even ask about', async ({ page }) => {
    let asked = 0;
    await page.route(REQUESTS, (route) => ((asked += 1), route.continue()));
    const phone = await PayPhone.of(page);
    await phone.scan(carrier.address, '<img/src=x>');
    await expect(phone.headline).toHaveText('This code is not right');
    expect(asked).toBe(0);
  });
});

test.describe('a no', () => {
  test('for want of money says so, and that nothing was taken', async ({ page }) => {
    const { phone, by } = await registered(page, '42.80', '42.79');
    await phone.tap(APPROVE);
    await expect(phone.spoken).toHaveText('Not paid. There is not enough money for this. Nothing was taken.');
    await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
    expect(await carrier.held(by)).toBe('0.00');
  });

  test('because it is too late', async ({ page }) => {
    const phone = await PayPhone.of(page);
    await phone.scan(carrier.address, carrier.ask('42.80', { askedAt: Date.now() - LIMITS.approve_within_ms }).link);
    await expect(phone.headline).toHaveText('Too late to approve');
  });

  test('because it became too late while the person looked at it', async ({ page }) => {
    const phone = await PayPhone.of(page);
    await phone.scan(carrier.address, carrier.ask('42.80', { askedAt: Date.now() - LIMITS.approve_within_ms + 4_000 }).link);
    await expect(page.locator('#left')).toHaveText(/^[1-4] s left/);
    await expect(phone.headline).toHaveText('Too late to approve', { timeout: 8_000 });
  });

  test('because somebody else has approved it', async ({ page, browser }) => {
    const { phone, asked } = await registered(page);
    const context = await browser.newContext({ locale: 'en-GB' });
    const second = await PayPhone.of(await context.newPage());
    await second.scan(carrier.address, asked.link);
    const by = await carrier.buyer();
    await second.register(by.code);
    await expect(second.page.locator('#note')).toHaveText('This phone is registered. Now approve.');
    await phone.tap(APPROVE);
    await expect(phone.headline).toHaveText('Approved');
    await second.tap(APPROVE);
    await expect(second.headline).toHaveText('Approved by someone else');
    expect(await carrier.held(by)).toBe('0.00');
    await context.close();
  });

  test('because the passkey is frozen, in words for a buyer', async ({ page }) => {
    const { phone, by } = await registered(page);
    await carrier.freeze(by.buyerId);
    await phone.tap(APPROVE);
    await expect(phone.spoken).toContainText('You have frozen this passkey.');
  });

  test('because the carrier forgot this passkey: the way to register comes first again', async ({ page }) => {
    const { phone } = await registered(page);
    const elsewhere = await PayCarrier.open();
    try {
      await page.route('**/v1/wallet/**', async (route) => {
        const url = route.request().url().replace(new URL(carrier.address).origin, elsewhere.server.url);
        await route.fulfill({ response: await route.fetch({ url }) });
      });
      await phone.scan(carrier.address, elsewhere.ask('5.00').link);
      await phone.tap(APPROVE);
      await expect(phone.spoken).toContainText('The carrier does not know this passkey. Nothing was taken.');
      await expect(page.getByRole('button', { name: 'Register this phone' })).toBeVisible();
    } finally {
      await elsewhere.close();
    }
  });
});

test('a lost no is found by asking again: the same bytes have the same answer', async ({ page }) => {
  const { phone, by } = await registered(page, '42.80', '5.00');
  await loseAnswers(page);
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('We do not know yet');
  await page.unroute(APPROVALS);
  await phone.tap('Ask again now');
  await expect(phone.spoken).toHaveText('Not paid. There is not enough money for this. Nothing was taken.');
  expect(await carrier.held(by)).toBe('0.00');
});

test('what a stranger in between answers is no answer', async ({ page }) => {
  const { phone } = await registered(page);
  for (const [status, body] of [
    [502, '<h1>Bad gateway</h1>'],
    [200, '<h1>Welcome to this Wi-Fi</h1>'],
    [200, '{}'],
    [503, '{"code":"BUSY","retry":"same"}'],
  ] as const) {
    await page.route(APPROVALS, (route) => route.fulfill({ status, body }));
    await page.reload();
    await phone.tap(APPROVE);
    await expect(phone.headline).toHaveText('We do not know yet');
    await page.unroute(APPROVALS);
  }
});

test('a browser without passkeys, and a page under another name than the carrier’s, say so and what to do', async ({ page }) => {
  const phone = await PayPhone.of(page);
  // The numbers lead to the same server, but its passkeys belong to its name.
  await phone.scan(`${carrier.server.url}/pay`, carrier.ask('42.80').link);
  await phone.tap('Approve with my passkey');
  await expect(phone.headline).toHaveText('Not the carrier’s address');
  await page.addInitScript(() => Reflect.deleteProperty(globalThis, 'PublicKeyCredential'));
  await phone.scan(carrier.address, carrier.ask('42.80').link);
  await expect(phone.headline).toHaveText('This browser cannot approve');
});

test('a browser that stores nothing still approves', async ({ page }) => {
  await page.addInitScript(() => {
    for (const store of ['localStorage', 'sessionStorage']) {
      Object.defineProperty(globalThis, store, {
        get: () => {
          throw new DOMException('forbidden', 'SecurityError');
        },
      });
    }
  });
  const phone = await PayPhone.of(page);
  await phone.scan(carrier.address, carrier.ask('42.80').link);
  await phone.register((await carrier.buyer()).code);
  await phone.tap(APPROVE);
  await expect(phone.headline).toHaveText('Approved');
  expect(page.url()).toBe(carrier.address);
});

test('a page whose script does not come says what to do, in both languages', async ({ page }) => {
  await page.route('**/*.js', (route) => route.abort());
  await page.goto(carrier.address);
  await expect(page.getByText('scan the code again')).toBeHidden();
  await expect(page.getByText('scan the code again')).toBeVisible();
  await expect(page.getByText('もう一度コードを読み取ってください')).toBeVisible();
});

test('costs a phone less than 60 kB, all from the carrier, under a policy without exceptions', async ({ page }) => {
  const asked: Request[] = [];
  page.on('request', (request) => asked.push(request));
  const answer = await page.goto(carrier.address);
  await expect(page.locator('h1')).toHaveText('No payment here');
  await page.waitForLoadState('networkidle');
  const sizes = await Promise.all(asked.map(async (request) => (await request.sizes()).responseBodySize));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const policy = answer!.headers()['content-security-policy']!;
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
  expect(policy).not.toMatch(/unsafe|data:|https?:/);
  expect(asked.map((request) => request.url()).filter((url) => !url.startsWith(carrier.address))).toEqual([]);
  expect(bytes).toBeGreaterThan(10_000);
  expect(bytes).toBeLessThan(GZIP_BYTES_MAX);
});
