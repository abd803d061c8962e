import { closeSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type Database from 'better-sqlite3';
import { type Id, idBytes } from '#protocol/ids.ts';
import { keyId, makeSigningPair } from '#protocol/signing.ts';
import type { SqliteEngine } from '../../server/accounts/sqlite/engine.ts';
import { SETTLEMENT_MIGRATION } from '../../server/secondary-payment/tables.ts';
import { sqliteWriter } from '../../server/sqlite-writer.ts';
import { migrations } from '../../server/store/migrations.ts';
import { openAccountDatabase, openAgain } from '../../server/store/open.ts';
import { assertSetting, BenchError } from '../benchmark.ts';
import { idMaker } from './ids.ts';
import { seedPast, type TapKind } from './past-payments.ts';
import { LIMIT } from './transfers.ts';

/** SQLite's number for synchronous=FULL, as PRAGMA reads it back. */
const SYNCHRONOUS_FULL = 2;

export interface SqliteLedger {
  readonly engine: SqliteEngine;
  /** In the order of their numbers, from 1. */
  readonly accounts: readonly Id[];
  close(): void;
}

export interface SqliteLedgerPlan {
  readonly folder: string;
  readonly accounts: number;
  /** Payments of before; none unless told. */
  readonly past?: number;
  /** Who made them; phones unless told. */
  readonly taps?: TapKind;
}

/**
 * The product's writer over a file of its own, with a real signer: what the writer thread of a server runs, without the thread. All
 * balances are in memory, as they are in a server that has been up for a while.
 */
export function openSqliteLedger({ folder, accounts, past = 0, taps = 'phones' }: SqliteLedgerPlan): SqliteLedger {
  const file = join(folder, 'carrier.db');
  const ids = seed(file, accounts, past, taps);
  const db = openAgain(file);
  assertSetting('journal_mode', db.pragma('journal_mode', { simple: true }), 'wal');
  assertSetting('synchronous', db.pragma('synchronous', { simple: true }), SYNCHRONOUS_FULL);
  const pair = makeSigningPair();
  const engine = sqliteWriter({ db, clock: { now: () => Date.now() }, signer: { ...pair, keyId: keyId(pair.publicKey) } });
  for (const id of ids) if (!engine.account(id)) throw new BenchError(`account ${id} was not seeded`);
  const close = (): void => {
    engine.close();
    db.close();
  };
  return { engine, accounts: ids, close };
}

/**
 * Writes the rows that the ledger itself would write for accounts, their currency's window and past payments, without durability: only
 * the rounds are measured. What is left to the disk is flushed at the end, so that it does not fall into them.
 */
function seed(file: string, accounts: number, past: number, taps: TapKind): readonly Id[] {
  const db = openAccountDatabase(file, migrations(SETTLEMENT_MIGRATION));
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000;');
  const ids = seedAccounts(db, accounts);
  if (past > 0) seedPast(db, accounts, past, taps);
  db.close();
  const handle = openSync(file, 'r+');
  fsyncSync(handle);
  closeSync(handle);
  return ids;
}

function seedAccounts(db: Database.Database, count: number): readonly Id[] {
  const nextId = idMaker();
  const ids = Array.from({ length: count }, () => nextId(Date.now()));
  const insert = db.prepare(
    "INSERT INTO account (id, kind, owner, currency, state, credit_limit) VALUES (?, 'wallet-buyer', NULL, 'EUR', 'OPEN', ?)",
  );
  db.transaction(() => {
    for (const id of ids) insert.run(idBytes(id), LIMIT);
    const window = db.prepare("INSERT INTO settlement_window (id, currency, state, opened_at) VALUES (?, 'EUR', 'OPEN', ?)");
    window.run(idBytes(nextId(Date.now())), Date.now());
  })();
  return ids;
}
