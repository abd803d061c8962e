import type pg from 'pg';
import { HandoverError } from '#protocol/errors.ts';
import { type Id, idFromBytes } from '#protocol/ids.ts';
import type { Currency } from '#protocol/money.ts';
import type { LedgerEvent, Payment, Pending } from '../../records.ts';
import type { LedgerState } from '../state-hash.ts';
import type { JournalReader, StoredAccount, StoredBatch, StoredChain, StoredCheckpoint, StoredEntry, Strays } from '../verify.ts';
import { connectToWriter, postgresError } from './connect.ts';
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

const PAGE_ROWS = 2_000;
const PAGE_BATCHES = 50;

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

/** The journal through a connection that holds one REPEATABLE READ transaction; read in pages, so that memory stays flat. */
export class PostgresJournal implements JournalReader, LedgerState {
  readonly #client: pg.Client;

  constructor(client: pg.Client) {
    this.#client = client;
  }

  async *batches(): AsyncIterable<StoredBatch> {
    let after = -1n;
    for (;;) {
      const rows = await this.#rows<BatchRow>('SELECT * FROM ledger_batch WHERE number > $1 ORDER BY number LIMIT $2', [
        after,
        PAGE_BATCHES,
      ]);
      for (const row of rows) yield await this.#batch(row);
      if (rows.length < PAGE_BATCHES) return;
      after = rows.at(-1)!.number;
    }
  }

  async #batch(row: BatchRow): Promise<StoredBatch> {
    const ids = slices(row.transfer_ids, 16).map(idFromBytes);
    const keys = slices(row.answer_keys, 48).map((key) => ({ request: idFromBytes(key.subarray(0, 16)), digest: key.subarray(16) }));
    const transfers = await this.#rows<TransferRow>('SELECT * FROM transfer WHERE id = ANY($1::uuid[])', [ids]);
    const byId = new Map(transfers.map((found) => [found.id, readTransfer(found)]));
    const answers = await this.#rows<{ request: Id; digest: Buffer; outcome: string }>(
      'SELECT request, digest, outcome FROM answer WHERE request = ANY($1::uuid[])',
      [keys.map(({ request }) => request)],
    );
    const outcomes = new Map(answers.map(({ request, digest, outcome }) => [`${request} ${digest.toString('hex')}`, outcome]));
    const windows = await this.#rows<{ currency: Currency; settlement_window: Id }>(
      'SELECT currency, settlement_window FROM batch_window WHERE batch = $1',
      [row.number],
    );
    const events = await this.#rows<LedgerEvent>('SELECT kind, subject, body FROM ledger_event WHERE batch = $1 ORDER BY place', [
      row.number,
    ]);
    return {
      version: Number(row.version),
      number: Number(row.number),
      previous: row.previous,
      hash: row.hash,
      recordedAt: Number(row.recorded_at),
      root: row.root,
      keyId: row.key_id,
      signature: row.signature,
      counts: { transfers: Number(row.transfers), answers: Number(row.answers), events: Number(row.events) },
      windows: new Map(windows.map(({ currency, settlement_window: window }) => [currency, window])),
      transfers: ids.map((id) => ({ id, transfer: byId.get(id) })),
      answers: keys.map(({ request, digest }) => ({
        request,
        digest,
        outcome: outcomes.get(`${request} ${Buffer.from(digest).toString('hex')}`),
      })),
      events,
    };
  }

  /** Rows are written with every batch: they are as of the end. */
  async *accounts(): AsyncIterable<StoredAccount> {
    for await (const row of this.#pages<AccountRow>('account')) yield { ...readAccount(row), asOf: 'end' };
  }

  async *pendings(): AsyncIterable<Pending> {
    for await (const row of this.#pages<PendingRow>('pending')) yield readPending(row);
  }

  async *payments(): AsyncIterable<Payment> {
    for await (const row of this.#pages<PaymentRow>('payment')) yield readPayment(row);
  }

  async *transferIds(): AsyncIterable<Id> {
    for await (const { id } of this.#pages<{ id: Id }>('transfer', 'id')) yield id;
  }

  async *checkpoints(): AsyncIterable<StoredCheckpoint> {
    const rows = await this.#rows<{ text: string; key_id: string; signature: string }>('SELECT * FROM checkpoint ORDER BY batch', []);
    for (const { text, key_id: keyId, signature } of rows) yield { text, keyId, signature };
  }

  async strays(): Promise<Strays> {
    const [row] = await this.#rows<{ transfers: bigint; answers: bigint }>(
      `SELECT (SELECT count(*) FROM transfer) - (SELECT coalesce(sum(transfers), 0) FROM ledger_batch)::bigint AS transfers,
        (SELECT count(*) FROM answer) - (SELECT coalesce(sum(answers), 0) FROM ledger_batch)::bigint AS answers`,
      [],
    );
    return { transfers: Math.max(0, Number(row!.transfers)), answers: Math.max(0, Number(row!.answers)), balances: 0 };
  }

  async *chains(): AsyncIterable<StoredChain> {
    const rows = await this.#rows<{ counter: Id; seq: bigint; link: Uint8Array }>('SELECT * FROM chain ORDER BY counter', []);
    for (const { counter, seq, link } of rows) yield { counter, seq: Number(seq), link, entries: this.#entries(counter) };
  }

  async *#entries(counter: Id): AsyncIterable<StoredEntry> {
    let after = 0n;
    for (;;) {
      const rows = await this.#rows<{ seq: bigint; link: Uint8Array; body: string }>(
        'SELECT seq, link, body FROM entry WHERE counter = $1 AND seq > $2 ORDER BY seq LIMIT $3',
        [counter, after, PAGE_ROWS],
      );
      for (const { seq, link, body } of rows) yield { seq: Number(seq), link, body };
      if (rows.length < PAGE_ROWS) return;
      after = rows.at(-1)!.seq;
    }
  }

  async *#pages<Row extends { readonly id: Id }>(table: string, columns = '*'): AsyncIterable<Row> {
    let after: Id | null = null;
    for (;;) {
      const rows: Row[] = await this.#rows<Row>(`SELECT ${columns} FROM ${table} WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2`, [
        after,
        PAGE_ROWS,
      ]);
      yield* rows;
      if (rows.length < PAGE_ROWS) return;
      after = rows.at(-1)!.id;
    }
  }

  async #rows<Row>(sql: string, values: readonly unknown[]): Promise<Row[]> {
    const { rows } = await this.#client.query(sql, [...values]);
    return rows as Row[];
  }
}

/** Opens a snapshot for reading, hands the journal over, and lets it go. */
export async function withJournal<T>(client: pg.Client, look: (journal: PostgresJournal) => Promise<T>): Promise<T> {
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    return await look(new PostgresJournal(client));
  } finally {
    await client.query('COMMIT').catch(() => undefined);
  }
}

/** The same with a connection of its own. Throws HandoverError (DATABASE_…). */
export async function readPostgres<T>(addresses: readonly string[], look: (journal: PostgresJournal) => Promise<T>): Promise<T> {
  const client = await connectToWriter(addresses);
  try {
    return await withJournal(client, look);
  } catch (error) {
    const known = postgresError(error, addresses[0]!);
    throw known instanceof HandoverError ? known : error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function slices(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.floor(bytes.length / size) }, (_, place) => bytes.subarray(place * size, (place + 1) * size));
}
