import type BetterSqlite3 from 'better-sqlite3';
import { TRANSFER_MODES } from '../../records.ts';
import type { Counters } from '../fold.ts';
import type { AccountCache } from './account-cache.ts';
import type { HeldAccount } from './account-table.ts';

interface TailRow {
  debit: bigint;
  credit: bigint;
  amount: bigint;
  mode: bigint;
  promised: bigint | null;
}

/**
 * Brings the balances in memory up to the last batch: every batch after the snapshot is played again over the accounts whose rows are
 * older than it. Returns the number of transfers played.
 */
export function replayTail(db: BetterSqlite3.Database, accounts: AccountCache): number {
  const from = (db.prepare('SELECT batch FROM snapshot').pluck().get() as number | undefined) ?? 0;
  const batches = db.prepare('SELECT number, transfer_ids FROM ledger_batch WHERE number > ? ORDER BY number');
  const transfer = db
    .prepare(
      `SELECT t.debit, t.credit, t.amount, t.mode, p.amount AS promised FROM transfer t LEFT JOIN pending p ON p.id = t.pending WHERE t.id = ?`,
    )
    .safeIntegers(true);
  const byNumber = new Map<bigint, PlayedAccount>();
  const played = (number: bigint): PlayedAccount => {
    const known = byNumber.get(number) ?? begin(accounts.numbered(Number(number)));
    byNumber.set(number, known);
    return known;
  };
  let count = 0;
  for (const { number, transfer_ids: ids } of batches.iterate(from) as Iterable<{ number: number; transfer_ids: Uint8Array }>) {
    for (let at = 0; at < ids.length; at += 16) {
      const row = transfer.get(ids.subarray(at, at + 16)) as TailRow | undefined;
      if (!row) throw new Error(`a transfer of batch ${number} is missing: run handover ledger verify`);
      const [debit, credit] = [played(row.debit), played(row.credit)];
      if (number > debit.asOf) move(row, (posted, pending) => moveDebit(debit, posted, pending));
      if (number > credit.asOf) move(row, (posted, pending) => moveCredit(credit, posted, pending));
      count++;
    }
  }
  for (const { account, ...counters } of byNumber.values()) accounts.move(account, counters);
  return count;
}

interface PlayedAccount extends Counters {
  readonly account: HeldAccount;
  /** The batch that its row is as of. */
  readonly asOf: number;
}

function begin({ account, asOf }: ReturnType<AccountCache['numbered']>): PlayedAccount {
  const { debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
  return { account, asOf, debitsPosted, creditsPosted, debitsPending, creditsPending };
}

/** What a transfer adds to the posted and to the pending counter of either side. */
function move(row: TailRow, add: (posted: bigint, pending: bigint) => void): void {
  const promised = row.promised ?? 0n;
  switch (TRANSFER_MODES[Number(row.mode)]) {
    case 'single':
      return add(row.amount, 0n);
    case 'pending':
      return add(0n, row.amount);
    case 'post':
      return add(row.amount, -promised);
    default:
      return add(0n, -promised);
  }
}

function moveDebit(account: PlayedAccount, posted: bigint, pending: bigint): void {
  account.debitsPosted += posted;
  account.debitsPending += pending;
}

function moveCredit(account: PlayedAccount, posted: bigint, pending: bigint): void {
  account.creditsPosted += posted;
  account.creditsPending += pending;
}
