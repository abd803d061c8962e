/** A carrier that ran version 3 of the account database goes on with this one: same money, same receipts, and a ledger that verifies. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Receipt } from '#protocol/receipt.ts';
import { type CarrierKey, type KeysAnswer, ROUTES, type Seller } from '#protocol/routes.ts';
import { ed25519FromText } from '#protocol/signing.ts';
import { checkLedgerFile } from '../../../server/accounts/sqlite/rebuild.ts';
import { receiptsIn } from '../../../server/accounts/sqlite/verify-file.ts';
import { SqliteJournal, verifyLedger } from '../../../server/accounts/sqlite/verify.ts';
import type { CarrierKeys } from '../../../server/accounts/verify.ts';
import { startServer } from '../../../server/main.ts';
import { openAccountDatabase } from '../../../server/store/open.ts';
import { handover } from '../../cli/run-handover.ts';
import { BuyerTwin, call, HubTwin } from '../hub-twin.ts';
import { MIGRATIONS, VERSION } from './rebuild-world.ts';

const FIXTURES = path.join(import.meta.dirname, '../../fixtures');
const FIXTURE = path.join(FIXTURES, 'carrier-v3');
const OLD_KEYS = keysIn('carrier-v3');

/** Every command is a process of its own, and the machine may be busy. */
const TIMEOUT = { timeout: 120_000 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-migration-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function keysIn(fixture: string): readonly CarrierKey[] {
  return (JSON.parse(readFileSync(path.join(FIXTURES, fixture, 'keys.json'), 'utf8')) as KeysAnswer).keys;
}

/** The database as it was at version 3. */
const old = (name: string, more = ''): string => restored(name, 3, more);

/** The database as it was at that version. The two pragmas are not in a dump. */
function restored(name: string, version: number, more = ''): string {
  const file = path.join(folder, name, 'carrier/carrier.db');
  mkdirSync(path.dirname(file), { recursive: true });
  const db = new Database(file);
  db.pragma('foreign_keys = OFF');
  db.exec(readFileSync(path.join(FIXTURES, `carrier-v${version}`, 'carrier.sql'), 'utf8'));
  db.pragma('application_id = 1213088854');
  db.pragma(`user_version = ${version}`);
  db.pragma('ignore_check_constraints = ON');
  db.exec(more);
  db.close();
  return file;
}

function keysOf(keys: readonly CarrierKey[]): CarrierKeys {
  return (keyId) => {
    const found = keys.find((key) => key.keyId === keyId);
    return found && ed25519FromText(found.publicKey);
  };
}

function rowsOf<T>(file: string, sql: string): readonly T[] {
  const db = new Database(file, { readonly: true });
  try {
    return db.prepare(sql).all() as T[];
  } finally {
    db.close();
  }
}

/** Counters by account id. */
function balancesIn(file: string): readonly (readonly bigint[])[] {
  const db = new Database(file, { readonly: true });
  try {
    return [...new SqliteJournal(db).accounts()].map(({ debitsPosted, creditsPosted, debitsPending, creditsPending }) => [
      ...[debitsPosted, creditsPosted, debitsPending, creditsPending],
    ]);
  } finally {
    db.close();
  }
}

test('version 3 becomes the newest, and its ledger verifies with the old key', TIMEOUT, async () => {
  const file = old('verify');
  openAccountDatabase(file, MIGRATIONS).close();
  const db = new Database(file, { readonly: true });
  expect(db.pragma('user_version', { simple: true })).toBe(VERSION);
  const report = await verifyLedger(db, keysOf(OLD_KEYS));
  db.close();
  expect(report).toMatchObject({ findings: [], batches: 9, transfers: 8, answers: 6, entries: 6 });
  const checked = await checkLedgerFile({ file, version: VERSION }, { keys: keysOf(OLD_KEYS) });
  expect([checked.findings, checked.differences]).toEqual([[], []]);
  // What version 3 did not write down is taken from the rows, and said.
  expect(checked.onTrust).toEqual({ fees: 0, feesOfHolds: 0, legOrders: 0, hubs: 3, accountTerms: 8 });
});

test('balances, payments and answers are those of the old file', () => {
  const [before, after] = [old('before'), old('after')];
  openAccountDatabase(after, MIGRATIONS).close();
  const terms = 'SELECT id, kind, owner, currency FROM account ORDER BY id';
  expect(rowsOf(after, terms)).toEqual(rowsOf(before, terms));
  expect(balancesIn(after)).toEqual(
    rowsOf<Record<string, number>>(before, 'SELECT * FROM account ORDER BY id').map((row) =>
      [row['debits_posted'], row['credits_posted'], row['debits_pending'], row['credits_pending']].map((counter) => BigInt(counter!)),
    ),
  );
  const payments = 'SELECT id, state, amount, refunded, currency, buyer, seller, seller_id, hub FROM payment ORDER BY id';
  expect(rowsOf(after, payments)).toEqual(rowsOf(before, payments));
  const outcomes = (column: string) => `SELECT request, digest, batch, place, ${column} AS outcome FROM answer ORDER BY batch, place`;
  expect(rowsOf(after, outcomes('outcome'))).toEqual(rowsOf(before, outcomes(`json_extract(receipt, '$.outcome')`)));
  for (const table of ['entry', 'chain', 'head', 'used_counter', 'settlement_window', 'position', 'hub', 'counter', 'instruction']) {
    const more = table === 'counter' ? { agree_key: null } : {};
    const expected = rowsOf<object>(before, `SELECT * FROM ${table}`).map((row) => ({ ...row, ...more }));
    expect(rowsOf(after, `SELECT * FROM ${table}`), table).toEqual(expected);
  }
  const passes =
    'SELECT p.id AS pass, c.buyer, c.home_key AS device_key, c.currency, p.expires_at, c.state FROM pass p JOIN credential c ON c.id = p.credential';
  expect(rowsOf(after, passes)).toEqual(rowsOf(before, 'SELECT * FROM credential'));
  const db = new Database(after, { readonly: true });
  const legs = [...new SqliteJournal(db).payments()].map(({ legs: [leg], captured, buyerAccount }) => [
    leg!.account === buyerAccount,
    leg!.amount === captured,
  ]);
  db.close();
  expect(legs).toEqual([
    [true, true],
    [true, true],
    [true, true],
  ]);
});

test('version 5, killed amid a snapshot: balances of several dates become those of the last batch', async () => {
  const file = restored('killed', 5);
  const dates = rowsOf<{ as_of: number }>(file, 'SELECT DISTINCT as_of FROM account');
  const [last] = rowsOf<{ number: number }>(file, 'SELECT max(number) AS number FROM ledger_batch');
  expect(dates.length).toBeGreaterThan(5);
  expect(rowsOf(file, 'SELECT batch FROM snapshot WHERE batch = (SELECT max(number) FROM ledger_batch)')).toEqual([]);
  openAccountDatabase(file, MIGRATIONS).close();
  expect(rowsOf(file, 'SELECT as_of FROM balance')).toEqual([{ as_of: last!.number }]);
  expect(rowsOf(file, 'SELECT batch FROM snapshot')).toEqual([{ batch: last!.number }]);
  const checked = await checkLedgerFile({ file, version: VERSION }, { keys: keysOf(keysIn('carrier-v5')) });
  expect([checked.findings, checked.differences]).toEqual([[], []]);
});

test('version 5 with a transfer that is lost stays as it is', () => {
  const file = restored('lost', 5, 'DELETE FROM transfer WHERE id = (SELECT max(id) FROM transfer)');
  expect(() => openAccountDatabase(file, MIGRATIONS)).toThrow('is missing');
  expect(rowsOf(file, 'PRAGMA user_version')).toEqual([{ user_version: 6 }]);
  expect(rowsOf(file, `SELECT name FROM sqlite_master WHERE name = 'balance'`)).toEqual([]);
});

test('receipts made again are those that were given, byte for byte', TIMEOUT, async () => {
  const file = old('receipts');
  const given = rowsOf<{ receipt: string }>(file, 'SELECT receipt FROM answer ORDER BY batch, place').map(({ receipt }) => receipt);
  openAccountDatabase(file, MIGRATIONS).close();
  const made = (await receiptsIn(file)).map((receipt) => JSON.stringify(receipt));
  expect(made).toEqual(given);
});

test(
  'a server goes on from it with a new key: old receipts stay as they are, new payments work, both keys verify it',
  TIMEOUT,
  async () => {
    const file = old('server');
    const data = path.dirname(file);
    const given = rowsOf<{ receipt: string }>(file, 'SELECT receipt FROM answer ORDER BY batch, place').map(
      ({ receipt }) => JSON.parse(receipt) as Receipt,
    );
    const server = await startServer({ data, port: 0, logLevel: 'silent' });
    try {
      expect(server.keys[0]!.keyId).not.toBe(OLD_KEYS[0]!.keyId);
      const body = { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' };
      const seller = (await call<Seller>(server.url, ROUTES.operatorSellers, body, server.operatorToken)).body;
      const hub = await HubTwin.enrol(server.url, server.operatorToken);
      const buyer = await BuyerTwin.make(server.url, server.operatorToken, '20.00');
      const { outcomes, receipts } = await hub.send(hub.payment(buyer, seller, '12.50'));
      expect(outcomes[0]).toMatchObject({ state: 'COMMITTED', amount: '12.50' });
      expect(receipts[0]!.batch).toBeGreaterThan(9);
    } finally {
      await server.close();
    }
    expect((await receiptsIn(file)).slice(0, given.length)).toEqual(given);
    const db = new Database(file, { readonly: true });
    const whole = await verifyLedger(db, keysOf([...OLD_KEYS, ...server.keys]));
    const newOnly = await verifyLedger(db, keysOf(server.keys));
    db.close();
    expect(whole.findings).toEqual([]);
    expect(newOnly.findings[0]!.what).toBe("batch 3: its signature is not the carrier's");
    const root = path.dirname(data);
    const verified = await handover('ledger', 'verify', '--data', root, '--keys', path.join(FIXTURE, 'keys.json'));
    expect([verified.status, verified.out]).toEqual([0, expect.stringContaining('The ledger holds')]);
    expect((await handover('ledger', 'verify', '--data', root)).status).toBe(1);
  },
);

test.each([
  ['a transfer of a kind that nobody knows', `UPDATE transfer SET kind = 'gift' WHERE id = (SELECT max(id) FROM transfer)`],
  ['a reference that leads nowhere', `UPDATE buyer SET id = 'gone' WHERE name = 'phone'`],
])('a migration that trips over %s leaves the file as it was', (_name, sql) => {
  const file = old(`trip-${sql.length}`, sql);
  const tables = `SELECT name, sql FROM sqlite_master ORDER BY name`;
  const rows = (): unknown =>
    rowsOf<{ name: string }>(file, `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`).map(({ name }) =>
      rowsOf(file, `SELECT * FROM ${name}`),
    );
  const [schema, content] = [rowsOf(file, tables), rows()];
  expect(() => openAccountDatabase(file, MIGRATIONS)).toThrow();
  expect(rowsOf<{ user_version: number }>(file, 'PRAGMA user_version')[0]!.user_version).toBe(3);
  expect(rowsOf(file, tables)).toEqual(schema);
  expect(rows()).toEqual(content);
});

test(
  'an older file is not read as if it were new: it says what to do; its backup is verified as the newest version sees it',
  TIMEOUT,
  async () => {
    const file = old('older');
    const data = path.join(folder, 'older');
    const verified = await handover('ledger', 'verify', '--data', data, '--keys', path.join(FIXTURE, 'keys.json'));
    expect(verified.err).toMatch(/of version 3: start handover server once[^]*\[DATABASE_REFUSED\]/);
    const copy = path.join(folder, 'older.db');
    const made = await handover('backup', '--data', data, '--to', copy, '--keys', path.join(FIXTURE, 'keys.json'), '--json');
    expect(JSON.parse(made.out)).toMatchObject({ verified: true, batches: 9 });
    for (const one of [file, copy]) expect(rowsOf<{ user_version: number }>(one, 'PRAGMA user_version')[0]!.user_version).toBe(3);
  },
);
