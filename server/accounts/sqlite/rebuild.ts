import type BetterSqlite3 from 'better-sqlite3';
import { type Id, idBytes, idFromBytes } from '#protocol/ids.ts';
import type { Minor } from '#protocol/money.ts';
import type { Payment, Pending } from '../../records.ts';
import { type Difference, type OnTrust, Rebuild } from '../rebuild.ts';
import type {
  CarrierKeys,
  Finding,
  JournalReader,
  StoredAccount,
  StoredBatch,
  StoredChain,
  StoredCheckpoint,
  Strays,
  VerifyReport,
} from '../verify.ts';
import { verifyJournal } from '../verify.ts';
import { BalanceBlock, blockOf } from './balance-block.ts';
import { type LedgerFile, ownLedger, readingLedger } from './ledger-file.ts';
import { type PaymentRow, paymentValues, readPayment } from './rows.ts';
import { SqliteJournal } from './verify.ts';

export interface Examination {
  readonly report: VerifyReport;
  readonly rebuild: Rebuild;
}

/** Hears how far the work is. */
export type Watch = (what: 'batches' | 'payments' | 'checks', done: number, total: number) => void;

export interface ExamineOptions {
  readonly keys: CarrierKeys;
  /** Checkpoints kept elsewhere. */
  readonly outside?: readonly StoredCheckpoint[];
  readonly watch?: Watch;
}

/** Verifies a database file and compares every row that follows from the journal, in one pass. A server may be writing to it. */
export function examineLedgerFile(ledger: LedgerFile, options: ExamineOptions): Promise<Examination> {
  return readingLedger(ledger, (db) => examine(db, options));
}

export interface RebuildReport {
  readonly batches: number;
  readonly transfers: number;
  readonly differences: readonly Difference[];
  readonly onTrust: OnTrust;
  /** What no rebuilding mends; nothing was written if there is any. */
  readonly findings: readonly Finding[];
  readonly written: boolean;
}

/**
 * Writes what follows from the journal wherever the rows say otherwise, in one transaction, and verifies before it commits: if anything
 * is still wrong then, the journal itself is, and nothing is written. Throws HandoverError: DATABASE_BUSY while a server runs.
 */
export function rebuildLedgerFile(ledger: LedgerFile, options: ExamineOptions): Promise<RebuildReport> {
  return ownLedger(ledger, async (db) => {
    db.exec('BEGIN IMMEDIATE');
    try {
      const before = await examine(db, options);
      const { differences, impossible } = before.rebuild;
      if (differences.length === 0 || impossible.length > 0) return reportOf(before, before.report.findings, false);
      write(db, before.rebuild);
      const after = await examine(db, options);
      const left = [...after.report.findings, ...after.rebuild.differences];
      if (left.length === 0) db.exec('COMMIT');
      return reportOf(before, left, left.length === 0);
    } finally {
      if (db.inTransaction) db.exec('ROLLBACK');
    }
  });
}

/** Only says what a rebuild would write; a server may be writing to the file. */
export async function checkLedgerFile(ledger: LedgerFile, options: ExamineOptions): Promise<RebuildReport> {
  const examined = await examineLedgerFile(ledger, options);
  return reportOf(examined, examined.report.findings, false);
}

function reportOf({ report, rebuild }: Examination, findings: readonly Finding[], written: boolean): RebuildReport {
  const { differences, impossible, onTrust } = rebuild;
  const all = [...impossible.map((what) => ({ what })), ...findings.map(({ what }) => ({ what }))];
  return { batches: report.batches, transfers: report.transfers, differences, onTrust, findings: all, written };
}

async function examine(db: BetterSqlite3.Database, { keys, outside, watch }: ExamineOptions): Promise<Examination> {
  const journal = new WatchedJournal(db, watch ?? (() => undefined));
  const report = await verifyJournal(journal, keys, outside);
  return { report: { ...report, findings: [...report.findings, ...journal.unreadable] }, rebuild: journal.rebuild! };
}

/** The journal as verification reads it, with the rebuild looking over its shoulder: a long ledger is read once. */
class WatchedJournal implements JournalReader {
  rebuild: Rebuild | undefined;
  readonly unreadable: Finding[] = [];
  readonly #db: BetterSqlite3.Database;
  readonly #journal: SqliteJournal;
  readonly #watch: Watch;

  constructor(db: BetterSqlite3.Database, watch: Watch) {
    this.#db = db;
    this.#journal = new SqliteJournal(db);
    this.#watch = watch;
  }

  accounts(): readonly StoredAccount[] {
    const accounts = [...this.#journal.accounts()];
    this.rebuild = new Rebuild(accounts, this.snapshot());
    return accounts;
  }

  *batches(): Iterable<StoredBatch> {
    const total = this.#number('SELECT count(*) FROM ledger_batch')!;
    let done = 0;
    for (const batch of this.#journal.batches()) {
      this.rebuild!.add(batch);
      this.#watch('batches', ++done, total);
      yield batch;
    }
    this.rebuild!.endOfJournal();
  }

  *pendings(): Iterable<Pending> {
    for (const pending of this.#journal.pendings()) {
      this.rebuild!.comparePending(pending);
      yield pending;
    }
  }

  /** Tolerates a row that cannot be read: it is one more thing to mend. */
  *payments(): Iterable<Payment> {
    const total = this.#number('SELECT count(*) FROM payment')!;
    let done = 0;
    const rows = this.#db.prepare('SELECT * FROM payment ORDER BY id').safeIntegers(true).iterate() as Iterable<PaymentRow>;
    for (const row of rows) {
      const payment = readable(row);
      const id = idFromBytes(row.id);
      this.rebuild!.comparePayment(id, payment, feeOf(row));
      this.#watch('payments', ++done, total);
      if (payment) yield payment;
      else this.unreadable.push({ what: `payment ${id} cannot be read` });
    }
    this.rebuild!.endOfRows();
  }

  checkpoints(): Iterable<StoredCheckpoint> {
    return this.#journal.checkpoints();
  }

  snapshot(): number {
    return this.#journal.snapshot();
  }

  strays(): Strays {
    const strays = this.#journal.strays();
    this.rebuild!.compareStrays(strays);
    return strays;
  }

  *chains(): Iterable<StoredChain> {
    const total = this.#number('SELECT count(*) FROM chain')!;
    let done = 0;
    for (const chain of this.#journal.chains()) {
      yield chain;
      this.#watch('checks', ++done, total);
    }
  }

  #number(sql: string): number | undefined {
    return this.#db.prepare(sql).pluck().get() as number | undefined;
  }
}

function readable(row: PaymentRow): Payment | undefined {
  try {
    return readPayment(row);
  } catch {
    return undefined;
  }
}

function feeOf({ fee_basis_points: basisPoints, fee_fixed: fixed }: PaymentRow): Payment['fee'] {
  return basisPoints === null || fixed === null ? null : { basisPoints: Number(basisPoints), fixed: fixed as Minor };
}

function write(db: BetterSqlite3.Database, rebuild: Rebuild): void {
  if (rebuild.accountsDiffer) writeAccounts(db, rebuild);
  const number = db.prepare('SELECT number FROM account WHERE id = ?').pluck();
  const numberOf = (id: Id): unknown => number.get(idBytes(id));
  const putPending = db.prepare('INSERT OR REPLACE INTO pending (id, debit, credit, amount, expires_at, state) VALUES (?, ?, ?, ?, ?, ?)');
  for (const { id, debit, credit, amount, expiresAt, state } of rebuild.pendingsToPut) {
    putPending.run(idBytes(id), numberOf(debit), numberOf(credit), amount, expiresAt, state);
  }
  const putPayment = db.prepare(
    `INSERT OR REPLACE INTO payment (id, state, version, amount, captured, refunded, disputed, fee_basis_points, fee_fixed, currency, buyer,
       seller, seller_id, hub, legs, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const payment of rebuild.paymentsToPut) putPayment.run(...paymentValues(payment));
  const dropPending = db.prepare('DELETE FROM pending WHERE id = ?');
  for (const id of rebuild.pendingsToDelete) dropPending.run(idBytes(id));
  const dropPayment = db.prepare('DELETE FROM payment WHERE id = ?');
  for (const id of rebuild.paymentsToDelete) dropPayment.run(idBytes(id));
}

/** All of them, as of the last batch: then nothing is left to be played at a start, whatever the rows and the snapshot said before. */
function writeAccounts(db: BetterSqlite3.Database, rebuild: Rebuild): void {
  const put = db
    .prepare(
      `INSERT INTO account (id, kind, owner, currency, state, credit_limit) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, owner = excluded.owner, currency = excluded.currency, state = excluded.state,
         credit_limit = excluded.credit_limit RETURNING number`,
    )
    .pluck();
  const blocks = new Map<number, BalanceBlock>();
  for (const account of rebuild.accounts()) {
    const { id, kind, owner, currency, state, limit } = account;
    const number = put.get(idBytes(id), kind, owner, currency, state, limit) as number;
    const block = blocks.get(blockOf(number)) ?? new BalanceBlock(undefined);
    blocks.set(blockOf(number), block);
    block.put(number, account);
  }
  db.exec('DELETE FROM balance');
  const add = db.prepare('INSERT INTO balance (block, as_of, counters) VALUES (?, ?, ?)');
  for (const [block, { bytes }] of blocks) add.run(block, rebuild.last, bytes);
  db.prepare('INSERT INTO snapshot (only, batch) VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET batch = excluded.batch').run(rebuild.last);
}
