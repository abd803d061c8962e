import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { approvalCode, approvalId, approvedSignedBytes, codeKey } from '#protocol/approval.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { type CarrierSigned, hubMessageBytes } from '#protocol/envelope.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { encodeLink, linkSignedBytes } from '#protocol/payment-link.ts';
import type { AccountsAnswer, BuyerAnswer, ContactAnswerText, Seller } from '#protocol/routes.ts';
import { agreeKeyText, ed25519FromText, signEd25519, verifyEd25519, x25519FromText } from '#protocol/signing.ts';
import type { ApprovalAnswer, HubApprovalAnswerText, PasskeyAnswer, RequestAnswer, WalletCodeAnswer } from '#protocol/wallet-routes.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { type DatabaseUnderTest, ENGINES } from './engines.ts';
import { type Answer, call, HubTwin, newId } from './hub-twin.ts';
import { PasskeyTwin } from './passkey-twin.ts';

describe.each(ENGINES)('approval on the buyer’s own phone, on $name', (engine) => {
  let folder: string;
  let database: DatabaseUnderTest;
  let server: RunningServer;
  let seller: Seller;
  let hub: HubTwin;
  let origin: string;
  const agree = generateKeyPairSync('x25519');
  let sharedKey: Uint8Array;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'handover-approvals-'));
    database = await engine.open(folder);
    server = await startServer({ data: folder, port: 0, logLevel: 'silent', ...database.options });
    origin = server.url.replace('127.0.0.1', 'localhost');
    const body = { name: 'Veldhuis Ceramics', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    seller = (await order<Seller>('/v1/operator/sellers', body)).body;
    hub = await HubTwin.enrol(server.url, server.operatorToken);
    const word = await contact(hub);
    expect(word.walletUrl).toBe(`${origin}/pay`);
    sharedKey = codeKey(agree.privateKey, x25519FromText(word.agreeKey!)!, hub.identity.counterId as Id);
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const order = <T>(url: string, body?: unknown): Promise<Answer<T>> => call<T>(server.url, url, body, server.operatorToken);
  const post = <T>(url: string, body: unknown): Promise<Answer<T>> => call<T>(server.url, url, body);

  async function hubAsks<T>(at: HubTwin, url: string, words: Record<string, unknown>): Promise<T> {
    const { hubId, counterId } = at.identity;
    const text = JSON.stringify({ v: 1, counterId, nonce: toBase64Url(new Uint8Array(16).fill(3)), ...words });
    const signature = toBase64Url(signEd25519(at.pair.privateKey, hubMessageBytes(hubId as Id, text)));
    const answer = await post<CarrierSigned>(url, { hubId, text, signature });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return JSON.parse(answer.body.text) as T;
  }
  const contact = (at: HubTwin): Promise<ContactAnswerText> =>
    hubAsks(at, '/v1/contact', { at: Date.now(), waiting: 0, lastSeq: at.seq, agreeKey: agreeKeyText(agree.publicKey) });
  const askHub = (requestId: string, at = hub): Promise<HubApprovalAnswerText> => hubAsks(at, '/v1/approvals', { requestId });

  interface Buyer {
    readonly buyerId: string;
    readonly wallet: string;
    readonly passkey: PasskeyTwin;
    readonly credentialId: string;
  }
  async function buyer(balance = '100.00'): Promise<Buyer> {
    const { buyerId, walletAccount } = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' })).body;
    await order(`/v1/operator/buyers/${buyerId}/top-ups`, { requestId: newId(), amount: balance, currency: 'EUR' });
    const passkey = new PasskeyTwin(origin);
    const registered = await register(passkey, (await walletCode(buyerId)).code);
    expect(registered.status).toBe(200);
    return { buyerId, wallet: walletAccount, passkey, credentialId: registered.body.credentialId };
  }
  const walletCode = async (buyerId: string): Promise<WalletCodeAnswer> =>
    (await order<WalletCodeAnswer>(`/v1/operator/buyers/${buyerId}/wallet-codes`, {})).body;
  async function register(passkey: PasskeyTwin, code: string): Promise<Answer<PasskeyAnswer>> {
    const begun = await post<{ options: { challenge: string } }>('/v1/wallet/passkeys/options', { code });
    if (begun.status !== 200) return begun as unknown as Answer<PasskeyAnswer>;
    return post('/v1/wallet/passkeys', { code, response: passkey.register(begun.body.options.challenge) });
  }

  interface Asked {
    readonly requestId: string;
    readonly terms: string;
    readonly link: string;
  }
  function ask(amount: string, change: Record<string, unknown> = {}, at = hub): Asked {
    const { hubId, counterId } = at.identity;
    const requestId = newId();
    const named = { v: 1, requestId, hubId, counterId, sellerId: seller.sellerId, amount, currency: 'EUR', askedAt: Date.now() };
    const terms = JSON.stringify({ ...named, ...change });
    return { requestId, terms, link: encodeLink(terms, signEd25519(at.pair.privateKey, linkSignedBytes(terms)))! };
  }
  async function signedApproval({ link }: Asked, by: Buyer): Promise<{ link: string; response: unknown }> {
    const shown = await post<RequestAnswer>('/v1/wallet/requests', { link });
    return { link, response: by.passkey.approve(shown.body.challenge) };
  }
  const approve = async (asked: Asked, by: Buyer): Promise<Answer<ApprovalAnswer>> =>
    post('/v1/wallet/approvals', await signedApproval(asked, by));
  const entry = ({ requestId, terms }: Asked, proof: unknown): string =>
    JSON.stringify({ v: 1, kind: 'payment', requestId, terms, proof, tappedAt: Date.now() });
  const standing = async (wallet: string) =>
    (await order<AccountsAnswer>('/v1/operator/accounts')).body.accounts.find(({ accountId }) => accountId === wallet)!;

  test('what is shown is what the hub signed; approved, the money is held; the hub’s entry takes it, once', async () => {
    const by = await buyer();
    const asked = ask('42.80', { parcel: 'P-17' });
    const shown = await post<RequestAnswer>('/v1/wallet/requests', { link: asked.link });
    expect(shown.body).toMatchObject({ seller: 'Veldhuis Ceramics', hub: 'Test hub', amount: '42.80', parcel: 'P-17', state: 'OPEN' });
    expect((await askHub(asked.requestId)).approved).toBeNull();
    const approval = (await approve(asked, by)).body;
    expect(approval.state).toBe('APPROVED');
    expect(await standing(by.wallet)).toMatchObject({ balance: '100.00', debitsPending: '42.80' });
    expect((await post<RequestAnswer>('/v1/wallet/requests', { link: asked.link })).body.state).toBe('APPROVED');

    const told = (await askHub(asked.requestId)).approved!;
    const key = ed25519FromText(server.keys.find(({ keyId }) => keyId === told.keyId)!.publicKey)!;
    const signed = approvedSignedBytes(asked.requestId as Id, asked.terms, told.expiresAt);
    expect(verifyEd25519(key, signed, fromBase64Url(told.signature)!)).toBe(true);

    const text = entry(asked, { class: 'W', ...told });
    const batch = hub.batch([text]);
    const first = await hub.post(batch);
    expect(JSON.parse(first.body.receipts[0]!.outcome)).toMatchObject({ state: 'CAPTURED', amount: '42.80', standing: 'GUARANTEED' });
    expect((await hub.post(batch)).body).toEqual(first.body);
    expect(await standing(by.wallet)).toMatchObject({ balance: '57.20', debitsPending: '0.00' });
    const again = await hub.send(entry(asked, { class: 'O', code: approval.code, atMs: Date.now() }));
    expect(again.outcomes[0]).toMatchObject({ state: 'DECLINED', reason: 'REQUEST_CONFLICT' });

    const refund = await hub.send(hub.refund(asked.requestId, '2.80'));
    expect(refund.outcomes[0]).toMatchObject({ state: 'COMMITTED', amount: '2.80' });
    expect(await standing(by.wallet)).toMatchObject({ balance: '60.00' });
    expect((await database.verify(server.keys)).findings).toEqual([]);
  });

  test('a hub without a network takes the eight digits, which it can compute, and drains them later', async () => {
    const by = await buyer();
    const asked = ask('10.00');
    const { code, scan } = (await approve(asked, by)).body;
    expect(code).toBe(approvalCode(sharedKey, asked.requestId as Id, asked.terms));
    expect(scan).toMatch(/^HO1\./);
    const wrong = await hub.send(entry(ask('10.00'), { class: 'O', code, atMs: Date.now() }));
    expect(wrong.outcomes[0]).toMatchObject({ state: 'DECLINED', reason: 'PROOF_INVALID' });
    const { outcomes } = await hub.send(entry(asked, { class: 'O', code, atMs: Date.now() }));
    expect(outcomes[0]).toMatchObject({ state: 'CAPTURED', amount: '10.00' });
  });

  test('approving twice, and a lost answer asked for again, hold the money once', async () => {
    const by = await buyer();
    const asked = ask('30.00');
    const answers = [await approve(asked, by), await approve(asked, by), ...(await Promise.all([approve(asked, by), approve(asked, by)]))];
    for (const { body } of answers) expect(body).toEqual(answers[0]!.body);
    expect(await standing(by.wallet)).toMatchObject({ debitsPending: '30.00' });
  });

  test('the very bytes sent again are the same approval, whatever the passkey has counted since; declined stays declined for its reason', async () => {
    const by = await buyer('30.00');
    const asked = ask('30.00');
    const body = await signedApproval(asked, by);
    const first = await post<ApprovalAnswer>('/v1/wallet/approvals', body);
    expect(first.body.state).toBe('APPROVED');
    const tooMuch = ask('0.01');
    const second = await signedApproval(tooMuch, by);
    const declined = await post<ApprovalAnswer>('/v1/wallet/approvals', second);
    expect(declined.body).toMatchObject({ state: 'DECLINED', reason: 'INSUFFICIENT_FUNDS' });
    expect((await post('/v1/wallet/approvals', second)).body).toEqual(declined.body);
    expect((await approve(tooMuch, by)).body).toEqual(declined.body);
    expect((await post('/v1/wallet/approvals', body)).body).toEqual(first.body);
    // Good for its own request only, and for nobody else's bytes.
    expect((await post('/v1/wallet/approvals', { ...body, link: ask('30.00').link })).body.code).toBe('PROOF_INVALID');
  });

  test('what an operator has set free again is approved no more, and no counter gets a code for it', async () => {
    const by = await buyer();
    const asked = ask('10.00');
    await approve(asked, by);
    const voided = await order(`/v1/operator/payments/${approvalId(asked.requestId as Id)}/void`, { requestId: newId() });
    expect(voided.status).toBe(200);
    expect((await post<RequestAnswer>('/v1/wallet/requests', { link: asked.link })).body.state).toBe('EXPIRED');
    expect((await approve(asked, by)).body.code).toBe('HOLD_EXPIRED');
    expect((await askHub(asked.requestId)).approved).toBeNull();
  });

  test('two buyers approve the same request: one pays, the other is told', async () => {
    const [first, second] = [await buyer(), await buyer()];
    const asked = ask('10.00');
    expect((await approve(asked, first)).body.state).toBe('APPROVED');
    expect((await approve(asked, second)).body.code).toBe('REQUEST_CONFLICT');
    expect(await standing(second.wallet)).toMatchObject({ debitsPending: '0.00' });
  });

  test('not enough money is an answer, and holds nothing', async () => {
    const by = await buyer('5.00');
    const asked = ask('5.01');
    expect((await approve(asked, by)).body).toMatchObject({ state: 'DECLINED', reason: 'INSUFFICIENT_FUNDS' });
    expect((await askHub(asked.requestId)).approved).toBeNull();
  });

  test('only this hub comes for the money, for this seller, this amount and not more', async () => {
    const by = await buyer();
    const asked = ask('10.00');
    const { code } = (await approve(asked, by)).body;
    const told = (await askHub(asked.requestId)).approved!;
    const other = await HubTwin.enrol(server.url, server.operatorToken);
    expect((await askHub(asked.requestId, other)).approved).toBeNull();
    const stolen = JSON.stringify({ ...JSON.parse(asked.terms), hubId: other.identity.hubId, counterId: other.identity.counterId });
    const tries: [HubTwin, string][] = [
      [other, entry({ ...asked, terms: stolen }, { class: 'W', ...told })],
      [hub, entry({ ...asked, terms: asked.terms.replace('"10.00"', '"11.00"') }, { class: 'W', ...told })],
      [hub, entry({ ...asked, terms: asked.terms.replace('"10.00"', '"9.00"') }, { class: 'O', code, atMs: 1 })],
      [hub, entry({ ...ask('10.00') }, { class: 'W', ...told })],
    ];
    for (const [at, text] of tries) expect((await at.send(text)).outcomes[0]).toMatchObject({ state: 'DECLINED', reason: 'PROOF_INVALID' });
  });

  test('a request that was asked too long ago can be looked at, and no longer approved', async () => {
    const by = await buyer();
    const asked = ask('10.00', { askedAt: Date.now() - LIMITS.approve_within_ms });
    expect((await post<RequestAnswer>('/v1/wallet/requests', { link: asked.link })).body.state).toBe('EXPIRED');
    expect((await approve(asked, by)).body.code).toBe('HOLD_EXPIRED');
  });

  test('a link that its hub did not sign shows nothing', async () => {
    const stranger = Object.assign(Object.create(hub) as HubTwin, { pair: (await HubTwin.enrol(server.url, server.operatorToken)).pair });
    const forged = ask('1.00', {}, stranger);
    expect((await post('/v1/wallet/requests', { link: forged.link })).body.code).toBe('BAD_SIGNATURE');
    expect((await post('/v1/wallet/requests', { link: 'A'.repeat(200) })).body.code).toBe('BAD_REQUEST');
    expect((await post('/v1/wallet/requests', { link: '' })).body.code).toBe('BAD_REQUEST');
  });

  describe('the passkey', () => {
    test.for<[string, (passkey: PasskeyTwin) => void]>([
      ['without the person verified', (passkey) => void (passkey.verified = false)],
      ['from another origin', (passkey) => void (passkey.origin = 'https://evil.example')],
      ['for another relying party', (passkey) => void (passkey.rpId = 'evil.example')],
      ['copied: its count does not rise', (passkey) => void (passkey.count -= 1)],
    ])('%s holds nothing', async ([, spoil]) => {
      const by = await buyer();
      await approve(ask('1.00'), by);
      spoil(by.passkey);
      expect((await approve(ask('10.00'), by)).body.code).toBe('PROOF_INVALID');
      expect(await standing(by.wallet)).toMatchObject({ debitsPending: '1.00' });
    });

    test('signs one request: its answer is good for no other', async () => {
      const by = await buyer();
      const [small, large] = [ask('1.00'), ask('90.00')];
      const shown = await post<RequestAnswer>('/v1/wallet/requests', { link: small.link });
      const response = by.passkey.approve(shown.body.challenge);
      expect((await post('/v1/wallet/approvals', { link: large.link, response })).body.code).toBe('PROOF_INVALID');
      expect(await standing(by.wallet)).toMatchObject({ debitsPending: '0.00' });
    });

    test('frozen or unknown is refused by name', async () => {
      const by = await buyer();
      await order(`/v1/operator/credentials/${by.credentialId}/state`, { state: 'FROZEN' });
      expect((await approve(ask('1.00'), by)).body.code).toBe('CREDENTIAL_FROZEN');
      const stranger = { ...by, passkey: new PasskeyTwin(origin) };
      expect((await approve(ask('1.00'), stranger)).body.code).toBe('CREDENTIAL_UNKNOWN');
    });

    test('is registered with a code that works once', async () => {
      const { buyerId } = await buyer();
      const { code } = await walletCode(buyerId);
      expect((await register(new PasskeyTwin('https://evil.example', 'localhost'), code)).body.code).toBe('PROOF_INVALID');
      expect((await register(new PasskeyTwin(origin), code.toLowerCase())).status).toBe(200);
      expect((await register(new PasskeyTwin(origin), code)).body.code).toBe('ENROL_CODE_REFUSED');
      expect((await register(new PasskeyTwin(origin), 'AAAA-BBBB-CCCC-DDDD')).body.code).toBe('ENROL_CODE_REFUSED');
      expect((await order('/v1/operator/buyers/00000000-0000-7000-8000-000000000001/wallet-codes', {})).status).toBe(404);
    });
  });

  test('the carrier’s agreement key is its own, and nobody else can read it', () => {
    const pem = readFileSync(path.join(folder, 'carrier-agree-key.pem'), 'utf8');
    expect(createPublicKey(createPrivateKey(pem)).asymmetricKeyType).toBe('x25519');
  });
});
