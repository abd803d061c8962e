/**
 * Version 7 of the account database: the counters of neighbouring accounts share a row. A snapshot of a million balances then writes
 * some thousands of rows instead of a million, each with a page of its own.
 */
import type BetterSqlite3 from 'better-sqlite3';

/** 120 times 32 bytes: the row of a block fills one page of 4 KiB. */
export const ACCOUNTS_PER_BLOCK = 120;
const BYTES = 32;

const BALANCE = `
CREATE TABLE balance (
  block INTEGER PRIMARY KEY,
  as_of INTEGER NOT NULL,
  counters BLOB NOT NULL CHECK (length(counters) = ${BYTES * ACCOUNTS_PER_BLOCK})
) STRICT;
`;

const AFTER = `
INSERT INTO snapshot SELECT 1, coalesce(max(number), 0) FROM ledger_batch WHERE true
  ON CONFLICT (only) DO UPDATE SET batch = excluded.batch;
ALTER TABLE account DROP COLUMN debits_posted;
ALTER TABLE account DROP COLUMN credits_posted;
ALTER TABLE account DROP COLUMN debits_pending;
ALTER TABLE account DROP COLUMN credits_pending;
ALTER TABLE account DROP COLUMN as_of;
`;

interface Row {
  readonly number: bigint;
  debits_posted: bigint;
  credits_posted: bigint;
  debits_pending: bigint;
  credits_pending: bigint;
  readonly as_of: bigint;
}

interface TailRow {
  readonly debit: bigint;
  readonly credit: bigint;
  readonly amount: bigint;
  readonly mode: bigint;
  readonly promised: bigint | null;
}

/** A block has one date and its accounts had several: all are brought up to the last batch first, as a start of version 6 would. */
export function toVersion7(db: BetterSqlite3.Database): void {
  db.exec(BALANCE);
  const rows = db.prepare('SELECT * FROM account ORDER BY number').safeIntegers(true).all() as Row[];
  playTail(db, new Map(rows.map((row) => [row.number, row])));
  const last = db.prepare('SELECT coalesce(max(number), 0) FROM ledger_batch').pluck().get();
  const add = db.prepare('INSERT INTO balance (block, as_of, counters) VALUES (?, ?, ?)');
  for (const [block, accounts] of Map.groupBy(rows, ({ number }) => Number(number / BigInt(ACCOUNTS_PER_BLOCK)))) {
    add.run(block, last, countersOf(accounts));
  }
  db.exec(AFTER);
}

function countersOf(accounts: readonly Row[]): Uint8Array {
  const bytes = new Uint8Array(BYTES * ACCOUNTS_PER_BLOCK);
  const view = new DataView(bytes.buffer);
  for (const account of accounts) {
    const at = BYTES * (Number(account.number) % ACCOUNTS_PER_BLOCK);
    view.setBigInt64(at, account.debits_posted);
    view.setBigInt64(at + 8, account.credits_posted);
    view.setBigInt64(at + 16, account.debits_pending);
    view.setBigInt64(at + 24, account.credits_pending);
  }
  return bytes;
}

function playTail(db: BetterSqlite3.Database, accounts: ReadonlyMap<bigint, Row>): void {
  const batches = db
    .prepare('SELECT number, transfer_ids FROM ledger_batch WHERE number > coalesce((SELECT batch FROM snapshot), 0) ORDER BY number')
    .safeIntegers(true);
  const transfer = db
    .prepare(
      `SELECT t.debit, t.credit, t.amount, t.mode, p.amount AS promised FROM transfer t LEFT JOIN pending p ON p.id = t.pending WHERE t.id = ?`,
    )
    .safeIntegers(true);
  for (const { number, transfer_ids: ids } of batches.all() as { number: bigint; transfer_ids: Uint8Array }[]) {
    for (let at = 0; at < ids.length; at += 16) {
      const row = transfer.get(ids.subarray(at, at + 16)) as TailRow | undefined;
      const [debit, credit] = [row && accounts.get(row.debit), row && accounts.get(row.credit)];
      if (!row || !debit || !credit) throw new Error(`a transfer of batch ${number}, or its account, is missing`);
      const { posted, pending } = movedBy(row);
      if (number > debit.as_of) {
        debit.debits_posted += posted;
        debit.debits_pending += pending;
      }
      if (number > credit.as_of) {
        credit.credits_posted += posted;
        credit.credits_pending += pending;
      }
    }
  }
}

/** Modes by their code: single, pending, post, void, expire. */
function movedBy({ mode, amount, promised }: TailRow): { readonly posted: bigint; readonly pending: bigint } {
  if (mode === 0n) return { posted: amount, pending: 0n };
  if (mode === 1n) return { posted: 0n, pending: amount };
  return { posted: mode === 2n ? amount : 0n, pending: -(promised ?? 0n) };
}
