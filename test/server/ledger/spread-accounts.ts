import { randomBytes } from 'node:crypto';
import type Database from 'better-sqlite3';
import { ACCOUNTS_PER_BLOCK } from '../../../server/store/ledger-v7.ts';

/**
 * Opens accounts far apart by their numbers, so that the few of a test have several blocks of balances, as many accounts would: the next
 * one follows a row that stands in for those between and goes again.
 */
export function spreading<T>(db: Database.Database, open: () => T): T {
  const insert = db.prepare(
    `INSERT INTO account (number, id, kind, currency) SELECT coalesce(max(number), 0) + ?, ?, 'suspense', 'EUR' FROM account RETURNING number`,
  );
  const number = insert.pluck().get(BigInt(Math.floor(ACCOUNTS_PER_BLOCK / 2)), randomBytes(16));
  try {
    return open();
  } finally {
    db.prepare('DELETE FROM account WHERE number = ?').run(number);
  }
}
