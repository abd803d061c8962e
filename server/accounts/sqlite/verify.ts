import type BetterSqlite3 from 'better-sqlite3';
import { type Id, idFromBytes } from '#protocol/ids.ts';
import type { Currency } from '#protocol/money.ts';
import type { LedgerEvent, Payment, Pending } from '../../records.ts';
import type { LedgerState } from '../state-hash.ts';
import type {
  CarrierKeys,
  JournalReader,
  StoredAccount,
  StoredBatch,
  StoredChain,
  StoredCheckpoint,
  Strays,
  VerifyReport,
} from '../verify.ts';
import { verifyJournal } from '../verify.ts';
import {
  type AccountRow,
  type PaymentRow,
  type PendingRow,
  readAccount,
  readPayment,
  readPending,
  readTransfer,
  type TransferRow,
} from './rows.ts';
import { ACCOUNT_SELECT, balancesBeside, numbersOf } from './balance-block.ts';
import { TRANSFER_SELECT } from './view.ts';

interface BatchRow {
  number: bigint;
  version: bigint;
  previous: Uint8Array;
  hash: Uint8Array;
  transfers: bigint;
  answers: bigint;
  events: bigint;
  transfer_ids: Uint8Array;
  answer_keys: Uint8Array;
  root: Uint8Array | null;
  key_id: string | null;
  signature: Uint8Array | null;
  recorded_at: bigint;
}

/** The journal in a SQLite connection that holds a read transaction. */
export class SqliteJournal implements JournalReader, LedgerState {
  readonly #db: BetterSqlite3.Database;

  constructor(db: BetterSqlite3.Database) {
    this.#db = db;
  }

  *batches(): Iterable<StoredBatch> {
    const transfer = this.#sql(`${TRANSFER_SELECT} WHERE t.id = ?`);
    const answer = this.#sql('SELECT outcome FROM answer WHERE request = ? AND digest = ?').pluck();
    const windows = this.#sql('SELECT currency, window FROM batch_window WHERE batch = ?');
    const events = this.#sql('SELECT kind, subject, body FROM ledger_event WHERE batch = ? ORDER BY place');
    for (const row of this.#sql('SELECT * FROM ledger_batch ORDER BY number').iterate() as Iterable<BatchRow>) {
      const ids = slices(row.transfer_ids, 16);
      const keys = slices(row.answer_keys, 48);
      yield {
        version: Number(row.version),
        number: Number(row.number),
        previous: row.previous,
        hash: row.hash,
        recordedAt: Number(row.recorded_at),
        root: row.root,
        keyId: row.key_id,
        signature: row.signature,
        counts: { transfers: Number(row.transfers), answers: Number(row.answers), events: Number(row.events) },
        windows: new Map(
          (windows.all(row.number) as { currency: Currency; window: Uint8Array }[]).map(({ currency, window }) => [
            currency,
            idFromBytes(window),
          ]),
        ),
        transfers: ids.map((id) => {
          const found = transfer.get(id) as TransferRow | undefined;
          // A transfer whose account is gone cannot be read: it counts as missing.
          const isWhole = found !== undefined && (found.debit as unknown) !== null && (found.credit as unknown) !== null;
          return { id: idFromBytes(id), transfer: isWhole ? readTransfer(found) : undefined };
        }),
        answers: keys.map((key) => {
          const [request, digest] = [key.subarray(0, 16), key.subarray(16)];
          return { request: idFromBytes(request), digest, outcome: answer.get(request, digest) as string | undefined };
        }),
        events: (events.all(row.number) as { kind: LedgerEvent['kind']; subject: Uint8Array; body: string }[]).map(
          ({ kind, subject, body }) => ({
            kind,
            subject: idFromBytes(subject),
            body,
          }),
        ),
      };
    }
  }

  *accounts(): Iterable<StoredAccount> {
    for (const row of this.#sql(`${ACCOUNT_SELECT} ORDER BY a.id`).iterate() as Iterable<AccountRow>) yield readAccount(row);
  }

  *pendings(): Iterable<Pending> {
    const rows = this.#sql(
      `SELECT p.id, d.id AS debit, c.id AS credit, p.amount, p.expires_at, p.state FROM pending p
       JOIN account d ON d.number = p.debit JOIN account c ON c.number = p.credit ORDER BY p.id`,
    );
    for (const row of rows.iterate() as Iterable<PendingRow>) yield readPending(row);
  }

  *payments(): Iterable<Payment> {
    for (const row of this.#sql('SELECT * FROM payment ORDER BY id').iterate() as Iterable<PaymentRow>) yield readPayment(row);
  }

  *checkpoints(): Iterable<StoredCheckpoint> {
    for (const row of this.#sql('SELECT text, key_id, signature FROM checkpoint ORDER BY batch').iterate()) {
      const { text, key_id: keyId, signature } = row as { text: string; key_id: string; signature: string };
      yield { text, keyId, signature };
    }
  }

  *transferIds(): Iterable<Id> {
    for (const id of this.#sql('SELECT id FROM transfer ORDER BY id').pluck().iterate()) yield idFromBytes(id as Uint8Array);
  }

  strays(): Strays {
    const count = (sql: string): number => this.#db.prepare(sql).pluck().get() as number;
    return {
      transfers: Math.max(0, count('SELECT count(*) FROM transfer') - count('SELECT coalesce(sum(transfers), 0) FROM ledger_batch')),
      answers: Math.max(0, count('SELECT count(*) FROM answer') - count('SELECT coalesce(sum(answers), 0) FROM ledger_batch')),
      balances: this.#strayBalances(),
    };
  }

  snapshot(): number {
    return (this.#db.prepare('SELECT batch FROM snapshot').pluck().get() as number | undefined) ?? 0;
  }

  #strayBalances(): number {
    const blocks = this.#db.prepare('SELECT block, counters FROM balance ORDER BY block');
    const numbers = this.#db.prepare('SELECT number FROM account WHERE number BETWEEN ? AND ?').pluck();
    let count = 0;
    for (const { block, counters } of blocks.iterate() as Iterable<{ block: number; counters: Uint8Array }>) {
      const all = numbersOf(block);
      count += balancesBeside(new Set(numbers.all(all[0], all.at(-1)) as number[]), block, counters);
    }
    return count;
  }

  *chains(): Iterable<StoredChain> {
    const entries = this.#sql('SELECT seq, link, body FROM entry WHERE counter = ? ORDER BY seq');
    const chains = this.#sql('SELECT counter, seq, link FROM chain ORDER BY counter').all();
    for (const { counter, seq, link } of chains as { counter: Id; seq: bigint; link: Uint8Array }[]) {
      const rows = entries.all(counter) as { seq: bigint; link: Uint8Array; body: string }[];
      yield { counter, seq: Number(seq), link, entries: rows.map((row) => ({ ...row, seq: Number(row.seq) })) };
    }
  }

  #sql(text: string): BetterSqlite3.Statement {
    return this.#db.prepare(text).safeIntegers(true);
  }
}

/** Verifies through a connection of the caller's, which should hold a read transaction. */
export function verifyLedger(
  db: BetterSqlite3.Database,
  keys: CarrierKeys,
  outside: readonly StoredCheckpoint[] = [],
): Promise<VerifyReport> {
  return verifyJournal(new SqliteJournal(db), keys, outside);
}

function slices(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, place) => bytes.subarray(place * size, (place + 1) * size));
}
