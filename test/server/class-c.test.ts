/** NTAG 424 DNA cards at the carrier: from the message that a hub read to the ledger, over each database. The chips are SIMULATED. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AlertLine, type AlertsAnswer, CARD_ROUTES, type CardAnswer } from '#protocol/card-routes.ts';
import { toBase64Url } from '#protocol/bytes.ts';
import { type CarrierSigned, hubMessageBytes } from '#protocol/envelope.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { BuyerAnswer, ContactAnswerText, CredentialsAnswer, Seller } from '#protocol/routes.ts';
import { signEd25519 } from '#protocol/signing.ts';
import { type CardKeys, cardKeys } from '../../server/authentication/cards/card-keys.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { cardPayment, CardTwin, held, keyStoreIn, PASSPHRASE } from './card-twin.ts';
import { type DatabaseUnderTest, ENGINES } from './engines.ts';
import { type Answer, call, HubTwin, newId } from './hub-twin.ts';

interface Holder {
  readonly card: CardTwin;
  readonly buyerId: string;
  readonly credentialId: Id;
  readonly passId: Id;
}

describe.each(ENGINES)('cards on $name', (engine) => {
  let folder: string;
  let database: DatabaseUnderTest;
  let keys: CardKeys;
  let server: RunningServer;
  let seller: Seller;
  let [hub, other]: [HubTwin, HubTwin] = [undefined!, undefined!];

  const start = async (): Promise<RunningServer> =>
    startServer({
      ...{ data: folder, port: 0, logLevel: 'silent', ...database.options },
      ...{ cardKeystore: `file:${path.join(folder, 'cards.json')}`, cardSecretFile: path.join(folder, 'secret') },
    });

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'handover-cards-'));
    database = await engine.open(folder);
    const { store } = await keyStoreIn(folder);
    held(await store.addKey());
    keys = cardKeys(store);
    writeFileSync(path.join(folder, 'secret'), `${PASSPHRASE}\n`, { mode: 0o600 });
    server = await start();
    const body = { name: 'Veldhuis Ceramics', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    seller = (await order<Seller>('/v1/operator/sellers', body)).body;
    hub = await HubTwin.enrol(server.url, server.operatorToken);
    other = await HubTwin.enrol(server.url, server.operatorToken);
  });
  afterAll(async () => {
    await server.close();
    await database.close();
    rmSync(folder, { recursive: true });
  });

  const order = <T>(url: string, body?: unknown): Promise<Answer<T>> => call<T>(server.url, url, body, server.operatorToken);
  const register = (buyerId: string, body: object): Promise<Answer<CardAnswer>> =>
    order(CARD_ROUTES.operatorCards.replace(':buyerId', buyerId), body);
  const become = (credentialId: string, state: string): Promise<unknown> =>
    order(`/v1/operator/credentials/${credentialId}/state`, { state });
  const alerts = async (credentialId: string): Promise<AlertLine[]> =>
    (await order<AlertsAnswer>(CARD_ROUTES.operatorAlerts)).body.alerts.filter((one) => one.credentialId === credentialId);

  const buyerWith = async (balance: string): Promise<string> => {
    const { buyerId } = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' })).body;
    await order(`/v1/operator/buyers/${buyerId}/top-ups`, { requestId: newId(), amount: balance, currency: 'EUR' });
    return buyerId;
  };
  const holder = async (balance = '500.00', keyId = 1): Promise<Holder> => {
    const [card, buyerId] = [await CardTwin.make(keys, keyId), await buyerWith(balance)];
    const { credentialId, passId } = (await register(buyerId, card.registration)).body;
    return { card, buyerId, credentialId: credentialId as Id, passId: passId as Id };
  };
  /** What became of one payment with this message. */
  const pay = async (message: string, amount = '1.00', at = hub, name?: Id): Promise<string> => {
    const [outcome] = (await at.send(cardPayment(at, seller, amount, message, name))).outcomes;
    return outcome!.reason ?? outcome!.state;
  };

  describe('a tap', () => {
    test('pays, for any master key, and the account database says nothing of which card it was', async () => {
      for (const keyId of [1, 2]) {
        const { card } = await holder('500.00', keyId);
        expect(await pay(await card.tap(), '12.50')).toBe('COMMITTED');
        if (engine.name !== 'SQLite') continue;
        const files = readdirSync(folder).filter((name) => name.startsWith('carrier.db'));
        const bytes = Buffer.concat(files.map((name) => readFileSync(path.join(folder, name))));
        for (const spelled of [Buffer.from(card.uid, 'hex'), Buffer.from(card.uid), Buffer.from(card.uid.toLowerCase())]) {
          expect(bytes.includes(spelled)).toBe(false);
        }
      }
    });

    test('is good for one request: sent again it has the same answer, and no other request gets it, here or at another hub', async () => {
      const { card } = await holder();
      const message = await card.tap();
      const entry = cardPayment(hub, seller, '1.00', message);
      const batch = hub.batch([entry]);
      const first = await hub.post(batch);
      expect((await hub.post(batch)).body).toEqual(first.body);
      expect(await pay(message)).toBe('COUNTER_REUSED');
      expect(await pay(message, '1.00', other)).toBe('COUNTER_REUSED');
    });

    test('that two hubs bring at the same moment pays at one of them', async () => {
      const { card } = await holder();
      for (let round = 0; round < 5; round++) {
        const message = await card.tap();
        const ends = await Promise.all([pay(message), pay(message, '1.00', other)]);
        expect(ends.toSorted()).toEqual(['COMMITTED', 'COUNTER_REUSED']);
      }
    });

    test('is spent though the answer was no: for want of money, or because the card was frozen then', async () => {
      const { card, credentialId } = await holder('5.00');
      const [dear, frozen] = [await card.tap(), await card.tap()];
      expect(await pay(dear, '5.01')).toBe('INSUFFICIENT_FUNDS');
      expect(await pay(dear, '5.00')).toBe('COUNTER_REUSED');
      await become(credentialId, 'FROZEN');
      expect(await pay(frozen)).toBe('CREDENTIAL_FROZEN');
      await become(credentialId, 'ACTIVE');
      expect(await pay(frozen)).toBe('COUNTER_REUSED');
      expect(await pay(await card.tap(), '5.00')).toBe('COMMITTED');
    });

    test('is taken in any order, each once', async () => {
      const { card } = await holder();
      const taps = [await card.tap(), await card.tap(), await card.tap(), await card.tap(), await card.tap()];
      for (const place of [2, 0, 4, 1, 3]) expect(await pay(taps[place]!, '1.00', place % 2 === 0 ? hub : other)).toBe('COMMITTED');
      for (const place of [4, 1, 3, 0, 2]) expect(await pay(taps[place]!)).toBe('COUNTER_REUSED');
    });

    test('of the desk pays nothing', async () => {
      const [card, buyerId] = [await CardTwin.make(keys), await buyerWith('50.00')];
      const early = await card.tap();
      const { credentialId } = (await register(buyerId, { ...card.registration, counter: card.spentTo + 1 })).body;
      expect(await pay(early)).toBe('COUNTER_REUSED');
      expect(await alerts(credentialId)).toMatchObject([{ kind: 'TAP_REPLAYED', tap: card.spentTo + 1 }]);
      expect(await pay(await card.tap())).toBe('COMMITTED');
    });

    test('comes by the hundred in one batch, some of them twice', async () => {
      const people = await Promise.all(Array.from({ length: 20 }, () => holder('100.00')));
      const messages: string[] = [];
      for (const { card } of people) for (let count = 0; count < 6; count++) messages.push(await card.tap());
      const entries = [...messages, ...messages.slice(0, 30)].map((message) => cardPayment(hub, seller, '1.00', message));
      const { outcomes } = await hub.send(...entries);
      expect(outcomes.slice(0, 120).map(({ state }) => state)).toEqual(Array.from({ length: 120 }, () => 'COMMITTED'));
      expect(outcomes.slice(120).map(({ reason }) => reason)).toEqual(Array.from({ length: 30 }, () => 'COUNTER_REUSED'));
    });
  });

  describe('nobody', () => {
    test('pays with a card of other keys, a changed message, no message, or a card that nobody registered', async () => {
      const strange = await keyStoreIn(folder, `strange-${engine.name}.json`);
      const theirs = await CardTwin.make(strange.keys);
      const { card, buyerId } = await holder();
      expect((await register(buyerId, theirs.registration)).status).toBe(200);
      expect(await pay(await theirs.tap())).toBe('PROOF_INVALID');
      const message = await card.tap();
      for (const at of [2, 33, 37, 52]) {
        const changed = message.slice(0, at) + (message[at] === '0' ? '1' : '0') + message.slice(at + 1);
        expect(await pay(changed), `at ${at}`).toBe('PROOF_INVALID');
      }
      expect(await pay('x')).toBe('PROOF_INVALID');
      expect(await pay(message)).toBe('COMMITTED');
      expect(await pay(await (await CardTwin.make(keys)).tap())).toBe('CREDENTIAL_UNKNOWN');
    });

    test('pays with a frozen, lost, replaced or revoked card; a found one pays again', async () => {
      const { card, credentialId } = await holder();
      for (const [state, end] of [
        ['FROZEN', 'CREDENTIAL_FROZEN'],
        ['LOST', 'CREDENTIAL_LOST'],
        ['ACTIVE', 'COMMITTED'],
        ['REVOKED', 'CREDENTIAL_REVOKED'],
      ] as const) {
        await become(credentialId, state);
        expect(await pay(await card.tap())).toBe(end);
      }
    });
  });

  describe('the deny list', () => {
    const word = async (at: HubTwin, denySeq: number) => {
      const { hubId, counterId } = at.identity;
      const nonce = toBase64Url(new Uint8Array(16).fill(7));
      const text = JSON.stringify({ v: 1, counterId, nonce, at: Date.now(), waiting: 0, lastSeq: at.seq, denySeq });
      const signature = toBase64Url(signEd25519(at.pair.privateKey, hubMessageBytes(hubId as Id, text)));
      const answer = await call<CarrierSigned>(server.url, '/v1/contact', { hubId, text, signature });
      return (JSON.parse(answer.body.text) as ContactAnswerText).deny!.entries;
    };
    const wholeList = async (at: HubTwin) => {
      const all = await word(at, 0);
      for (let page = all; page.length === LIMITS.deny_entries_max;) all.push(...(page = await word(at, all.at(-1)!.seq)));
      return all;
    };

    test('reaches each counter that the card paid at by the name it has there, and says nothing that any other could use', async () => {
      const { card, credentialId, passId } = await holder();
      const third = await HubTwin.enrol(server.url, server.operatorToken);
      const [mine, theirs] = [newId(), newId()];
      expect(await pay(await card.tap(), '1.00', hub, newId())).toBe('COMMITTED');
      expect(await pay(await card.tap(), '1.00', hub, mine)).toBe('COMMITTED'); // the latest counts
      expect(await pay(await card.tap(), '1.00', other, theirs)).toBe('COMMITTED');
      const seq = (await wholeList(hub)).length;
      await become(credentialId, 'FROZEN');
      await become(credentialId, 'ACTIVE');
      await become(credentialId, 'LOST');
      for (const [at, name] of [
        [hub, mine],
        [other, theirs],
        [third, passId],
      ] as const) {
        expect(await word(at, seq)).toEqual([
          { seq: seq + 1, passId: name, denied: true },
          { seq: seq + 2, passId: name, denied: false },
          { seq: seq + 3, passId: name, denied: true },
        ]);
      }
    });

    test('learns no name from a message that is not genuine', async () => {
      const { card, credentialId, passId } = await holder();
      const message = await card.tap();
      expect(await pay(`${message.slice(0, -1)}${message.endsWith('0') ? '1' : '0'}`, '1.00', hub, newId())).toBe('PROOF_INVALID');
      const seq = (await wholeList(hub)).length;
      await become(credentialId, 'REVOKED');
      expect((await word(hub, seq)).map((entry) => entry.passId)).toEqual([passId]);
    });
  });

  describe('operators are told', () => {
    test('of a message that comes back for another request, once, and without saying which card', async () => {
      const { card, credentialId } = await holder();
      const message = await card.tap();
      const first = cardPayment(hub, seller, '1.00', message);
      await hub.send(first);
      const again = cardPayment(other, seller, '1.00', message);
      const batch = other.batch([again]);
      const refused = await other.post(batch);
      expect((await other.post(batch)).body).toEqual(refused.body);
      const told = await alerts(credentialId);
      expect(told).toEqual([
        {
          kind: 'TAP_REPLAYED',
          credentialId,
          requestId: (JSON.parse(again) as { requestId: string }).requestId,
          firstRequestId: (JSON.parse(first) as { requestId: string }).requestId,
          counterId: other.identity.counterId,
          tap: card.spentTo + 1,
          raisedAt: expect.any(Number),
        },
      ]);
    });

    test('of a copy, when both have counted to the same value', async () => {
      const { card, credentialId } = await holder();
      const copy = card.copy();
      expect(await pay(await card.tap())).toBe('COMMITTED');
      expect(await pay(await copy.tap())).toBe('COUNTER_REUSED');
      expect(await alerts(credentialId)).toMatchObject([{ kind: 'TAP_COPIED', tap: card.spentTo + 1 }]);
    });

    test('of a counter far ahead or far behind, whose payment is taken', async () => {
      const { card, credentialId } = await holder();
      const early = await card.tap();
      const near = hub.batch([cardPayment(hub, seller, '1.00', await card.tap())]);
      await hub.post(near);
      card.memory.state.readCounter = card.spentTo + LIMITS.counter_gap_taps_max;
      expect(await pay(await card.tap())).toBe('COMMITTED');
      expect(await alerts(credentialId)).toEqual([]);
      card.memory.state.readCounter += LIMITS.counter_gap_taps_max;
      expect(await pay(await card.tap())).toBe('COMMITTED');
      expect(await pay(early)).toBe('COMMITTED');
      await hub.post(near); // sent again: far from what was seen since, and nothing new
      const told = await alerts(credentialId);
      expect(told.map(({ kind, tap }) => [kind, tap]).toSorted()).toEqual(
        [
          ['TAP_FAR', card.spentTo + 1],
          ['TAP_FAR', card.spentTo + 2 * LIMITS.counter_gap_taps_max + 2],
        ].toSorted(),
      );
    });
  });

  describe('registering', () => {
    test('makes a credential of class C; again it is the same one, and a higher counter uses up more taps', async () => {
      const { card, buyerId, credentialId, passId } = await holder();
      const { credentials } = (await order<CredentialsAnswer>(`/v1/operator/buyers/${buyerId}/credentials`)).body;
      expect(credentials).toMatchObject([{ credentialId, class: 'C', name: 'Card', state: 'ACTIVE', passes: 1 }]);
      const tap = await card.tap();
      const again = await register(buyerId, { ...card.registration, counter: card.spentTo + 1 });
      expect(again.body).toEqual({ credentialId, passId });
      await register(buyerId, { ...card.registration, counter: 0 });
      expect(await pay(tap)).toBe('COUNTER_REUSED');
    });

    test('under another master key goes on with the same credential, and its taps count from the beginning', async () => {
      const { card, buyerId, credentialId, passId } = await holder();
      const [late, used] = [await card.tap(), await card.tap()];
      expect(await pay(used)).toBe('COMMITTED');
      await card.rekey(keys, 2);
      card.memory.state.readCounter = card.spentTo = 2;
      const moved = (await register(buyerId, card.registration)).body;
      expect(moved.credentialId).toBe(credentialId);
      expect(moved.passId).not.toBe(passId);
      for (let count = 0; count < 3; count++) expect(await pay(await card.tap())).toBe('COMMITTED');
      expect(await pay(late)).toBe('COMMITTED'); // a hub that was offline meanwhile
      await become(credentialId, 'REVOKED');
      expect(await pay(await card.tap())).toBe('CREDENTIAL_REVOKED');
    });

    test('refuses another buyer, a card that was revoked, an unknown key, another currency, nobody, and what is no UID', async () => {
      const { card, buyerId, credentialId } = await holder();
      const stranger = await buyerWith('1.00');
      const refused = async (who: string, change: object = {}) => (await register(who, { ...card.registration, ...change })).body.code;
      expect(await refused(stranger)).toBe('CREDENTIAL_STATE');
      expect(await refused(stranger, { keyId: 2 })).toBe('CREDENTIAL_STATE');
      expect(await refused(buyerId, { keyId: 9 })).toBe('NOT_FOUND');
      expect(await refused(buyerId, { currency: 'USD' })).toBe('BAD_CURRENCY');
      expect(await refused(newId())).toBe('NOT_FOUND');
      for (const uid of ['04', card.uid.toLowerCase(), `${card.uid}00`]) expect(await refused(buyerId, { uid })).toBe('BAD_REQUEST');
      expect(await refused(buyerId, { counter: 2 ** 24 })).toBe('BAD_REQUEST');
      await become(credentialId, 'REVOKED');
      expect(await refused(buyerId)).toBe('CREDENTIAL_STATE');
    });

    test('is for operators alone', async () => {
      for (const [route, body] of [
        [CARD_ROUTES.operatorCards.replace(':buyerId', newId()), { uid: '04A1B2C3D4E5F6', keyId: 1, counter: 2, currency: 'EUR' }],
        [CARD_ROUTES.operatorAlerts, undefined],
      ] as const) {
        expect((await call(server.url, route, body)).body.code).toBe('OPERATOR_TOKEN_REFUSED');
      }
    });
  });

  test('a restart forgets nothing of it', async () => {
    const { card } = await holder();
    const [first, second] = [await card.tap(), await card.tap()];
    expect(await pay(second)).toBe('COMMITTED');
    await server.close();
    server = await start();
    for (const at of [hub, other]) at.movedTo(server.url);
    expect(await pay(second, '1.00', other)).toBe('COUNTER_REUSED');
    expect(await pay(first, '1.00', other)).toBe('COMMITTED');
  });
});

describe('a carrier without a key store', () => {
  let folder: string;
  beforeAll(() => void (folder = mkdtempSync(path.join(tmpdir(), 'handover-no-cards-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('takes no card, and registers none', async () => {
    const server = await startServer({ data: folder, port: 0, logLevel: 'silent' });
    try {
      const order = <T>(url: string, body: unknown): Promise<Answer<T>> => call<T>(server.url, url, body, server.operatorToken);
      const iban = { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' };
      const seller = (await order<Seller>('/v1/operator/sellers', iban)).body;
      const hub = await HubTwin.enrol(server.url, server.operatorToken);
      const card = await CardTwin.make((await keyStoreIn(folder)).keys);
      const { outcomes } = await hub.send(cardPayment(hub, seller, '1.00', await card.tap()));
      expect(outcomes[0]).toMatchObject({ state: 'DECLINED', reason: 'CARD_UNSUPPORTED' });
      const { buyerId } = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'B', currency: 'EUR' })).body;
      const registered = await order(CARD_ROUTES.operatorCards.replace(':buyerId', buyerId), card.registration);
      expect(registered.body.code).toBe('CARD_UNSUPPORTED');
    } finally {
      await server.close();
    }
  });

  test.each([
    [{ cardKeystore: 'abacus' }, 'CONFIG_BAD'],
    [{ cardToken: 'label' }, 'CONFIG_BAD'],
    [{ cardKeystore: 'file:/nowhere/cards.json', cardSecretFile: '/nowhere/secret' }, 'NOT_FOUND'],
    [{ cardKeystore: 'file:/nowhere/cards.json' }, 'CONFIG_BAD'],
  ])('does not start with half of one: %o', async (options, code) => {
    await expect(startServer({ data: folder, port: 0, logLevel: 'silent', ...options })).rejects.toMatchObject({ code });
  });
});
