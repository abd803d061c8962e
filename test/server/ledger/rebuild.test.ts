/** What follows from the journal is made again from it, exactly, whatever was done to the rows; an altered journal is never made true. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Id } from '#protocol/ids.ts';
import { Fold } from '../../../server/accounts/fold.ts';
import { checkLedgerFile, rebuildLedgerFile } from '../../../server/accounts/sqlite/rebuild.ts';
import { readPayment, type PaymentRow } from '../../../server/accounts/sqlite/rows.ts';
import { SqliteJournal, verifyLedger } from '../../../server/accounts/sqlite/verify.ts';
import { stateHash } from '../../../server/accounts/state-hash.ts';
import { sqliteWriter } from '../../../server/sqlite-writer.ts';
import { openAgain } from '../../../server/store/open.ts';
import { makeSigningPair } from '#protocol/signing.ts';
import { seedOf, VERSION, World } from './rebuild-world.ts';

const SEED = seedOf();
let folder: string;
let whole: World;
let replanned: World;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-rebuild-'));
  whole = new World(mkdtempSync(path.join(folder, 'a-')), { seed: SEED, replans: false });
  replanned = new World(mkdtempSync(path.join(folder, 'b-')), { seed: SEED, replans: true });
  for (const world of [whole, replanned]) {
    world.live(400);
    world.end();
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of a world's database with this done to it. */
function spoilt(world: World, sql: string): string {
  const file = path.join(mkdtempSync(path.join(folder, 'c-')), 'carrier.db');
  copyFileSync(world.file, file);
  const db = new Database(file);
  db.pragma('foreign_keys = OFF');
  db.pragma('ignore_check_constraints = ON');
  db.exec(sql);
  db.close();
  return file;
}

async function hashOf(file: string): Promise<string> {
  const db = new Database(file);
  try {
    return await stateHash(new SqliteJournal(db));
  } finally {
    db.close();
  }
}

const check = (file: string, world: World) => checkLedgerFile({ file, version: VERSION }, { keys: world.keys });
const rebuild = (file: string, world: World) => rebuildLedgerFile({ file, version: VERSION }, { keys: world.keys });

test(`a ledger that everything happened to differs in nothing (seed ${SEED})`, async () => {
  for (const world of [whole, replanned]) {
    const report = await check(world.file, world);
    expect(report.findings).toEqual([]);
    expect(report.differences).toEqual([]);
    expect(report.transfers).toBeGreaterThan(500);
  }
});

const DESTROYED = `
  UPDATE account SET state = 'OPEN', credit_limit = 7;
  UPDATE balance SET counters = randomblob(length(counters));
  DELETE FROM pending WHERE rowid_of % 3 = 0;
  UPDATE pending SET state = 'OPEN', expires_at = 5, amount = amount + 1;
  UPDATE payment SET state = 'DISPUTED', version = 99, captured = 0, refunded = 0, disputed = 0, legs = 'lost', expires_at = 1;
  UPDATE payment SET hub = 'x', seller_id = 'y', amount = amount + 1, buyer = seller, seller = buyer;
  UPDATE snapshot SET batch = 123456;
`.replace('rowid_of % 3 = 0', "substr(hex(id), -1) IN ('0', '5', 'A')");

test(`counters, terms, holds and payments are destroyed, and made again to the same state hash (seed ${SEED})`, async () => {
  const file = spoilt(whole, DESTROYED);
  expect(await hashOf(file).catch(() => 'unreadable')).not.toBe(await hashOf(whole.file));
  const report = await rebuild(file, whole);
  expect(report.written, JSON.stringify(report.findings.slice(0, 3))).toBe(true);
  expect(report.differences.length).toBeGreaterThan(100);
  expect(await hashOf(file)).toBe(await hashOf(whole.file));
  expect((await check(file, whole)).differences).toEqual([]);
});

test(`rows that were deleted or added are put back and taken away; only fee terms are lost with their row (seed ${SEED})`, async () => {
  const file = spoilt(
    whole,
    `DELETE FROM pending; DELETE FROM payment WHERE fee_fixed IS NULL; DELETE FROM snapshot;
     INSERT INTO payment SELECT randomblob(16), state, version, amount, captured, refunded, disputed, fee_basis_points, fee_fixed, currency,
       buyer, seller, seller_id, hub, legs, expires_at FROM payment LIMIT 1;
     INSERT INTO pending SELECT id, debit, credit, amount, 1, 'OPEN' FROM transfer WHERE mode = 0 LIMIT 1;`,
  );
  expect((await rebuild(file, whole)).written).toBe(true);
  expect(await hashOf(file)).toBe(await hashOf(whole.file));
  const bare = spoilt(whole, 'DELETE FROM payment');
  expect((await rebuild(bare, whole)).differences[0]!.what).toContain('what fee was agreed is not in the journal');
  const unfeed = spoilt(whole, 'UPDATE payment SET fee_basis_points = NULL, fee_fixed = NULL');
  expect(await hashOf(bare)).toBe(await hashOf(unfeed));
});

test(`after a re-plan everything is rebuilt but the order of its legs, and that is said (seed ${SEED})`, async () => {
  const file = spoilt(replanned, DESTROYED);
  const report = await rebuild(file, replanned);
  expect(report.written, JSON.stringify(report.findings.slice(0, 3))).toBe(true);
  expect(report.onTrust.legOrders).toBeGreaterThan(0);
  const [before, after] = [paymentsIn(replanned.file), paymentsIn(file)];
  expect(after).toEqual(before);
});

/** With their legs in one order, whatever it was. */
function paymentsIn(file: string) {
  const db = new Database(file, { readonly: true });
  const rows = db.prepare('SELECT * FROM payment ORDER BY id').safeIntegers(true).all() as PaymentRow[];
  db.close();
  return rows.map((row) => {
    const payment = readPayment(row);
    return { ...payment, legs: payment.legs.toSorted((a, b) => (a.source < b.source ? -1 : 1)) };
  });
}

test.each([
  [
    'a payment’s state',
    `UPDATE payment SET state = 'CHARGED_BACK' WHERE state = 'COMMITTED'`,
    'state is CHARGED_BACK, the journal says COMMITTED',
  ],
  ['a credit line', `UPDATE account SET credit_limit = 99999999 WHERE kind = 'credit-due'`, 'limit is 99999999'],
  ['a thawed account', `UPDATE account SET state = 'CLOSED' WHERE kind = 'wallet-seller'`, 'state is CLOSED, the journal says OPEN'],
  ['a leg frozen by hand', `UPDATE payment SET legs = replace(legs, 'OPEN', 'FROZEN')`, 'legs is'],
  ['a hold that ends later', `UPDATE pending SET expires_at = expires_at + 1`, 'until'],
  ['another hub', `UPDATE payment SET hub = 'x'`, 'hubId is x'],
  [
    'another buyer’s wallet',
    `UPDATE payment SET buyer = (SELECT id FROM account WHERE kind = 'wallet-buyer' AND id <> buyer LIMIT 1)`,
    'buyerAccount',
  ],
  ['a version', `UPDATE payment SET version = version + 1`, 'version is'],
  ['legs that are no legs', `UPDATE payment SET legs = '{'`, 'cannot be read'],
  ['lost balances', 'DELETE FROM balance', 'is as of batch 0 and moved in batch'],
  ['balances of nobody', 'INSERT INTO balance SELECT 99, as_of, counters FROM balance LIMIT 1', 'belong to no account'],
  ['a snapshot of the future', `UPDATE snapshot SET batch = batch + 5`, 'snapshot'],
])('the check names %s, and changes nothing', async (_name, sql, expected) => {
  const file = spoilt(whole, sql);
  const before = await hashOf(file).catch(() => 'unreadable');
  const report = await check(file, whole);
  expect(report.differences.map(({ what }) => what).join('; ')).toContain(expected);
  expect(report.written).toBe(false);
  expect(await hashOf(file).catch(() => 'unreadable')).toBe(before);
});

test(`a snapshot that claims too much hides money from the next start; it is named and mended (seed ${SEED})`, async () => {
  const world = new World(mkdtempSync(path.join(folder, 'd-')), { seed: SEED, replans: false });
  world.live(30);
  world.writeSome();
  world.live(30);
  world.end(false);
  const right = await check(world.file, world);
  expect([right.differences, right.findings]).toEqual([[], []]);
  const file = spoilt(world, 'UPDATE snapshot SET batch = (SELECT max(number) FROM ledger_batch)');
  const db = new Database(file, { readonly: true });
  const [finding] = (await verifyLedger(db, world.keys)).findings; // every row is right as of its batch
  expect(finding!.what).toMatch(/is as of batch \d+ and moved in batch \d+/);
  db.close();
  expect((await check(file, world)).differences[0]!.what).toMatch(/is as of batch \d+ and moved in batch \d+/);
  expect((await rebuild(file, world)).written).toBe(true);
  expect(balancesAtStart(file)).toEqual(balancesAtStart(world.file));
});

test(`killed between two blocks of a snapshot, a start has every balance (seed ${SEED})`, async () => {
  const world = new World(mkdtempSync(path.join(folder, 'e-')), { seed: SEED, replans: true });
  for (let step = 0; step < 3; step++) {
    world.live(20);
    world.writeSome();
  }
  world.live(5);
  world.end(false);
  const db = new Database(world.file, { readonly: true });
  expect(db.prepare('SELECT count(DISTINCT as_of) FROM balance').pluck().get()).toBeGreaterThan(1);
  expect(db.prepare('SELECT batch FROM snapshot').pluck().get()).toBe(0);
  const fold = new Fold();
  for (const { transfers } of new SqliteJournal(db).batches()) for (const { transfer } of transfers) fold.add(transfer!);
  db.close();
  expect((await check(world.file, world)).differences).toEqual([]);
  const right = [...fold.counters].map(([id, counters]) => [id, ...Object.values(counters)]);
  expect(balancesAtStart(world.file)).toEqual(expect.arrayContaining(right));
});

function balancesAtStart(file: string): unknown {
  const db = openAgain(file);
  const engine = sqliteWriter({ db, clock: { now: () => 0 }, signer: { ...makeSigningPair(), keyId: '0' } });
  const ids = [...new SqliteJournal(db).accounts()].map(({ id }) => id);
  const balances = ids.map((id: Id) => {
    const { debitsPosted, creditsPosted, debitsPending, creditsPending } = engine.account(id)!;
    return [id, debitsPosted, creditsPosted, debitsPending, creditsPending];
  });
  db.close();
  return balances;
}

test('an altered journal is not made true: nothing is written', async () => {
  const file = spoilt(
    whole,
    `UPDATE transfer SET amount = amount + 1 WHERE id = (SELECT max(id) FROM transfer); UPDATE balance SET counters = zeroblob(length(counters));`,
  );
  const before = await hashOf(file);
  const report = await rebuild(file, whole);
  expect(report.written).toBe(false);
  expect(report.findings.map(({ what }) => what).join('; ')).toContain('was altered');
  expect(await hashOf(file)).toBe(before);
});

test('while anybody has the database open, nothing is rebuilt', async () => {
  const file = spoilt(whole, 'UPDATE payment SET version = 1');
  const held = openAgain(file);
  await expect(rebuild(file, whole)).rejects.toMatchObject({ code: 'DATABASE_BUSY' });
  held.close();
  expect((await rebuild(file, whole)).written).toBe(true);
});
