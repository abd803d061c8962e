import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decodePass } from '#protocol/applet.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { hubMessageBytes, type CarrierSigned } from '#protocol/envelope.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { passRequestSignedBytes } from '#protocol/pass-request.ts';
import type { ContactAnswerText, CredentialAnswer, CredentialsAnswer, PassAnswer, PassesAnswer, Seller } from '#protocol/routes.ts';
import { p256Compressed, signEd25519, signP256 } from '#protocol/signing.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { type DatabaseUnderTest, ENGINES } from './engines.ts';
import { type Answer, BuyerTwin, call, HubTwin, newId } from './hub-twin.ts';

describe.each(ENGINES)('credentials on $name', (engine) => {
  let folder: string;
  let database: DatabaseUnderTest;
  let server: RunningServer;
  let seller: Seller;
  let hub: HubTwin;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'handover-credentials-'));
    database = await engine.open(folder);
    server = await startServer({ data: folder, port: 0, logLevel: 'silent', ...database.options });
    const body = { name: 'Veldhuis Ceramics', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    seller = (await call<Seller>(server.url, '/v1/operator/sellers', body, server.operatorToken)).body;
    hub = await HubTwin.enrol(server.url, server.operatorToken);
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const order = <T>(url: string, body?: unknown): Promise<Answer<T>> => call<T>(server.url, url, body, server.operatorToken);
  const credentialsOf = async (buyer: BuyerTwin): Promise<CredentialAnswer[]> =>
    (await order<CredentialsAnswer>(`/v1/operator/buyers/${buyer.buyerId}/credentials`)).body.credentials;
  const become = (credentialId: string, state: string, replacedBy?: string): Promise<Answer<CredentialAnswer>> =>
    order(`/v1/operator/credentials/${credentialId}/state`, { state, ...(replacedBy && { replacedBy }) });
  const pay = async (buyer: BuyerTwin) => (await hub.send(hub.payment(buyer, seller, '1.00'))).outcomes[0]!;

  /** A phone that taps with its home key, and its credential. */
  const phone = async (): Promise<{ buyer: BuyerTwin; id: Id }> => {
    const buyer = await BuyerTwin.make(server.url, server.operatorToken, '500.00');
    return { buyer, id: (await credentialsOf(buyer))[0]!.credentialId as Id };
  };

  const askPasses = (buyer: BuyerTwin, credentialId: Id, deviceKeys: readonly string[], signer = buyer.device.privateKey) =>
    call<PassesAnswer>(server.url, '/v1/passes', {
      ...{ credentialId, deviceKeys },
      signature: toBase64Url(signP256(signer, passRequestSignedBytes(credentialId, deviceKeys))),
    });

  const deny = async (denySeq: number) => {
    const { hubId, counterId } = hub.identity;
    const nonce = toBase64Url(new Uint8Array(16).fill(7));
    const text = JSON.stringify({ v: 1, counterId, nonce, at: Date.now(), waiting: 0, lastSeq: hub.seq, denySeq });
    const signature = toBase64Url(signEd25519(hub.pair.privateKey, hubMessageBytes(hubId as Id, text)));
    const answer = await call<CarrierSigned>(server.url, '/v1/contact', { hubId, text, signature });
    return (JSON.parse(answer.body.text) as ContactAnswerText).deny!;
  };
  const wholeList = async () => {
    const entries: { seq: number; passId: string; denied: boolean }[] = [];
    for (let page = await deny(0); ; page = await deny(entries.at(-1)!.seq)) {
      entries.push(...page.entries);
      if (!page.more) return entries;
    }
  };

  test('a frozen, lost, replaced or revoked phone cannot pay, each for its own reason; a thawed and a found one can again', async () => {
    const { buyer, id } = await phone();
    const steps: [state: string, reason: string | undefined][] = [
      ['FROZEN', 'CREDENTIAL_FROZEN'],
      ['ACTIVE', undefined],
      ['LOST', 'CREDENTIAL_LOST'],
      ['ACTIVE', undefined],
      ['FROZEN', 'CREDENTIAL_FROZEN'],
      ['LOST', 'CREDENTIAL_LOST'],
      ['REVOKED', 'CREDENTIAL_REVOKED'],
    ];
    for (const [state, reason] of steps) {
      expect((await become(id, state)).body).toMatchObject({ credentialId: id, state });
      expect((await pay(buyer)).reason).toBe(reason);
    }
  });

  test('what has ended stays ended; the same state again changes nothing', async () => {
    const { id } = await phone();
    const first = await become(id, 'REVOKED');
    expect((await become(id, 'REVOKED')).body).toEqual(first.body);
    for (const state of ['ACTIVE', 'FROZEN', 'LOST']) expect((await become(id, state)).body.code).toBe('CREDENTIAL_STATE');
    expect((await become(newId(), 'FROZEN')).status).toBe(404);
    expect((await become(id, 'ASLEEP')).body.code).toBe('BAD_REQUEST');
  });

  test('a phone is replaced by another active one of the same buyer, and by nothing else', async () => {
    const { buyer, id } = await phone();
    const stranger = await phone();
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const deviceKey = toBase64Url(p256Compressed(publicKey));
    const next = (await order<PassAnswer>(`/v1/operator/buyers/${buyer.buyerId}/passes`, { deviceKey, currency: 'EUR' })).body.credentialId;
    for (const by of [id, stranger.id, newId(), undefined]) expect((await become(id, 'REPLACED', by)).body.code).toBe('BAD_REQUEST');
    expect((await become(next, 'FROZEN', id)).body.code).toBe('BAD_REQUEST');
    expect((await become(id, 'REPLACED', next)).body).toMatchObject({ state: 'REPLACED', replacedBy: next });
    expect((await pay(buyer)).reason).toBe('CREDENTIAL_REVOKED');
    expect((await credentialsOf(buyer)).map(({ state }) => state).toSorted()).toEqual(['ACTIVE', 'REPLACED']);
  });

  test('the deny list is a log without gaps: a hub reads on from where it stopped', async () => {
    const { buyer, id } = await phone();
    const pass = decodePass(buyer.pass)!.passId;
    const before = (await wholeList()).length;
    await become(id, 'FROZEN');
    await become(id, 'LOST');
    await become(id, 'ACTIVE');
    await become(id, 'REVOKED');
    expect((await deny(before)).entries).toEqual([
      { seq: before + 1, passId: pass, denied: true },
      { seq: before + 2, passId: pass, denied: false },
      { seq: before + 3, passId: pass, denied: true },
    ]);
    expect((await wholeList()).map(({ seq }) => seq)).toEqual(Array.from({ length: before + 3 }, (_, place) => place + 1));
    expect(await deny(before + 3)).toEqual({ entries: [], more: false });
  });

  describe('passes for the next taps', () => {
    const keys = (count: number) => Array.from({ length: count }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
    const textOf = (pair: ReturnType<typeof keys>[number]): string => toBase64Url(p256Compressed(pair.publicKey));
    const passIn = (text: string) => decodePass(fromBase64Url(text)!)!;

    test('each pays once over its own key, and nothing in two of them is the same but what all phones share', async () => {
      const { buyer, id } = await phone();
      const pairs = keys(3);
      const { passes } = (await askPasses(buyer, id, pairs.map(textOf))).body;
      for (const [place, pair] of pairs.entries()) {
        const tapper = Object.assign(new BuyerTwin(), { device: pair, pass: fromBase64Url(passes[place]!)! });
        expect(await pay(tapper)).toMatchObject({ state: 'COMMITTED' });
      }
      const [first, second] = passes.map(passIn);
      expect(first!.passId.slice(14)).not.toBe(second!.passId.slice(14));
      expect(toBase64Url(first!.deviceKey)).not.toBe(toBase64Url(second!.deviceKey));
      for (const { passId, notBeforeMs, expiresMs } of [first!, second!]) {
        expect(Number.parseInt(passId.replaceAll('-', '').slice(0, 12), 16) % 86_400_000).toBe(0);
        expect(notBeforeMs % 3_600_000).toBe(0);
        expect(expiresMs % 86_400_000).toBe(0);
      }
    });

    test('all that have not tapped stand for no more than the limit; the same keys get the same passes', async () => {
      const { buyer, id } = await phone();
      const pairs = keys(LIMITS.issued_passes_max);
      const asked = pairs.map(textOf);
      const { passes } = (await askPasses(buyer, id, asked)).body;
      expect(passes.map(passIn).reduce((sum, { limit }) => sum + limit, 0n)).toBe(15_000n);
      expect((await askPasses(buyer, id, asked)).body.passes).toEqual(passes);
      expect((await askPasses(buyer, id, keys(1).map(textOf))).body.code).toBe('PASSES_ENOUGH');
      // The fourth pass taps, and its share alone is free again.
      await pay(Object.assign(new BuyerTwin(), { device: pairs[3]!, pass: fromBase64Url(passes[3]!)! }));
      const refill = await askPasses(buyer, id, keys(1).map(textOf));
      expect(passIn(refill.body.passes[0]!).limit).toBe(passIn(passes[3]!).limit);
      expect((await askPasses(buyer, id, keys(1).map(textOf))).body.code).toBe('PASSES_ENOUGH');
    });

    test('only the home key of an active phone gets any', async () => {
      const { buyer, id } = await phone();
      const [pair] = keys(1);
      const asked = [textOf(pair!)];
      expect((await askPasses(buyer, id, asked, pair!.privateKey)).body.code).toBe('BAD_SIGNATURE');
      expect((await askPasses(buyer, newId(), asked)).body.code).toBe('CREDENTIAL_UNKNOWN');
      expect((await askPasses(buyer, id, [...asked, ...asked])).body.code).toBe('BAD_REQUEST');
      expect((await askPasses(buyer, id, [toBase64Url(new Uint8Array(33).fill(255))])).body.code).toBe('BAD_REQUEST');
      await become(id, 'FROZEN');
      expect((await askPasses(buyer, id, asked)).body.code).toBe('CREDENTIAL_FROZEN');
    });

    test('revoking the phone puts all of them on the deny list', async () => {
      const { buyer, id } = await phone();
      const { passes } = (await askPasses(buyer, id, keys(4).map(textOf))).body;
      const before = (await wholeList()).length;
      await become(id, 'REVOKED');
      const denied = (await deny(before)).entries.filter((entry) => entry.denied).map(({ passId }) => passId);
      expect(denied.toSorted()).toEqual([...passes.map((text) => passIn(text).passId), decodePass(buyer.pass)!.passId].toSorted());
    });
  });
});
