/** What the composition makes of a key store and a log. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { refuse } from '#protocol/errors.ts';
import { minor } from '#protocol/money.ts';
import type { PaymentTerms } from '#protocol/payment-request.ts';
import { cardKeys } from '../../server/authentication/cards/card-keys.ts';
import type { Asked } from '../../server/authentication/proofs/proof.ts';
import { cardsOf } from '../../server/cards.ts';
import { SETTLEMENT_MIGRATION } from '../../server/secondary-payment/tables.ts';
import { migrations } from '../../server/store/migrations.ts';
import { openAccountDatabase, type Sqlite } from '../../server/store/open.ts';
import { openRegistry, type Registry } from '../../server/store/registry.ts';
import { master, random, storeOf } from './authentication/cards/rig.ts';
import { CardTwin, held } from './card-twin.ts';
import { newId } from './hub-twin.ts';

const store = storeOf({ 1: master(1) });
const clock = { now: (): number => Date.now() };
const [buyer, hub, counter] = [newId(), newId(), newId()];
let folder: string;
let db: Sqlite;
let registry: Registry;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-cards-'));
  db = openAccountDatabase(path.join(folder, 'carrier.db'), migrations(SETTLEMENT_MIGRATION));
  registry = openRegistry(db);
  await registry.insertInto('buyer').values({ id: buyer, name: 'Buyer', currency: 'EUR', account: newId() }).execute();
  await registry.insertInto('hub').values({ id: hub, name: 'Hub', state: 'ACTIVE', created_at: 0 }).execute();
  const row = { id: counter, hub, name: 'Counter', public_key: '', created_at: 0, last_contact_at: null };
  await registry.insertInto('counter').values(row).execute();
});
afterAll(() => {
  db.close();
  rmSync(folder, { recursive: true });
});

function asked(): Asked {
  const terms = { requestId: newId() } as unknown as PaymentTerms;
  return { text: '', terms, amount: minor(1n), hubId: hub, counterId: counter };
}

test('the log says that something is wrong with a credential, and not which card it is', async () => {
  const lines: object[] = [];
  const cards = cardsOf(store, { registry, clock, random, logger: { warn: (...line: unknown[]) => void lines.push(line) } });
  const card = await CardTwin.make(cardKeys(store));
  const { credentialId } = held(await cards.register({ ...card.registration, currency: 'EUR', buyerId: buyer }));
  const proof = { class: 'C', message: await card.tap(), atMs: 1 } as const;
  const [first, second] = [asked(), asked()];
  expect(await cards.proof.C!(proof, first)).toMatchObject({ ok: true, value: { counter: card.spentTo + 1 } });
  expect(await cards.proof.C!(proof, second)).toMatchObject({ ok: false, code: 'COUNTER_REUSED' });
  const { requestId } = second.terms;
  expect(lines).toEqual([[{ alert: 'TAP_REPLAYED', credential: credentialId, requestId, counterId: counter }, expect.any(String)]]);
  for (const secret of [card.uid, proof.message]) expect(JSON.stringify(lines).toLowerCase()).not.toContain(secret.toLowerCase());
});

test('a key store that fails refuses nobody for ever: the batch is asked for again', async () => {
  const card = await CardTwin.make(cardKeys(store));
  const proof = { class: 'C', message: await card.tap(), atMs: 1 } as const;
  const broken = { ...store, cmac: async () => refuse('INTERNAL', 'the token is gone') };
  const cards = cardsOf(broken, { registry, clock, random, logger: { warn: () => undefined } });
  await expect(cards.proof.C!(proof, asked())).rejects.toMatchObject({ code: 'BUSY' });
});
