import type BetterSqlite3 from 'better-sqlite3';
import { idBytes } from '#protocol/ids.ts';
import { type Transfer, TRANSFER_MODES } from '../../records.ts';
import { copyPackedId, type Packed, packedAmount, packedKind, packedMode, packedView } from '../batch-hash.ts';
import type { Book, TouchedAccount } from '../book.ts';

/** Rows of one statement: stepping one statement for a hundred rows costs less than a hundred statements. */
const ROWS = 100;

/** A plain transfer needs five columns of ten; the others keep their defaults. */
const PLAIN = ['id', 'debit', 'credit', 'amount', 'kind'];
const FULL = [...PLAIN, 'mode', 'payment', 'pending', 'reference', 'expires_at'];
const SINGLE = TRANSFER_MODES.indexOf('single');

export type InsertTransfers = (book: Book, packed: Packed, numberOf: (account: TouchedAccount) => number) => void;

/** Writes the transfers of a batch, ids and numbers straight out of the packed bytes that were hashed. */
export function insertTransfers(db: BetterSqlite3.Database): InsertTransfers {
  const plain = new RowInserter(db, PLAIN);
  const full = new RowInserter(db, FULL);
  return ({ transfers, debits, credits }, packed, numberOf) => {
    const view = packedView(packed);
    plain.begin();
    full.begin();
    for (const index of inOrderOfIds(view, packed.at)) {
      const transfer = transfers[index]!;
      const start = packed.at[index]!;
      const mode = packedMode(view, start);
      const rows = isPlain(transfer, mode) ? plain : full;
      rows.add(view, start, numberOf(debits[index]!), numberOf(credits[index]!));
      if (rows === full) full.addRest(mode, transfer);
      rows.endRow();
    }
    plain.flush();
    full.flush();
  };
}

function isPlain({ payment, reference }: Transfer, mode: number): boolean {
  return mode === SINGLE && payment === null && reference === null;
}

/** Enough for the transfers of any group. */
const PLACES = 2 ** 16;

/**
 * The places of a batch's transfers, nearly in the order of their ids: rows that come in the order of their keys are appended, others
 * are searched for from the root. The key is what of an id's 48 bits of time changes within nine hours, its 12 random ones, and the place.
 */
function inOrderOfIds(view: DataView, at: readonly number[]): Float64Array {
  const keys = new Float64Array(at.length);
  for (let place = 0; place < at.length; place++) {
    const time = view.getUint32(at[place]! + 2) % 2 ** 25;
    const random = view.getUint16(at[place]! + 6) % 2 ** 12;
    keys[place] = (time * 2 ** 12 + random) * PLACES + place;
  }
  keys.sort();
  for (let place = 0; place < keys.length; place++) keys[place]! %= PLACES;
  return keys;
}

/** Gathers the values of many rows for one statement. They are bound from the same array and the same bytes every time. */
class RowInserter {
  readonly #many: BetterSqlite3.Statement;
  readonly #one: BetterSqlite3.Statement;
  readonly #width: number;
  readonly #values: unknown[];
  readonly #ids: DataView;
  #rows = 0;

  constructor(db: BetterSqlite3.Database, columns: readonly string[]) {
    const insert = `INSERT INTO transfer (${columns.join(', ')}) VALUES `;
    const tuple = `(${columns.map(() => '?').join(',')})`;
    this.#width = columns.length;
    this.#many = db.prepare(insert + Array.from({ length: ROWS }, () => tuple).join(','));
    this.#one = db.prepare(insert + tuple);
    const ids = new Uint8Array(16 * ROWS);
    this.#ids = new DataView(ids.buffer);
    this.#values = Array.from({ length: ROWS }, (_, row) => [
      ids.subarray(16 * row, 16 * row + 16),
      ...columns.slice(1).map(() => null),
    ]).flat();
  }

  /** Forgets what a batch that was given up half-way left behind. */
  begin(): void {
    this.#rows = 0;
  }

  /** The columns that every transfer has. */
  add(view: DataView, start: number, debit: number, credit: number): void {
    const at = this.#rows * this.#width;
    copyPackedId(view, start, this.#ids, this.#rows * 16);
    this.#values[at + 1] = debit;
    this.#values[at + 2] = credit;
    // A number binds faster than a bigint, and amounts fit one exactly (MONEY_MAX < 2^53).
    this.#values[at + 3] = packedAmount(view, start);
    this.#values[at + 4] = packedKind(view, start);
  }

  addRest(mode: number, { payment, pending, reference, expiresAt }: Transfer): void {
    const at = this.#rows * this.#width;
    this.#values[at + 5] = mode;
    this.#values[at + 6] = payment === null ? null : idBytes(payment);
    this.#values[at + 7] = pending === null ? null : idBytes(pending);
    this.#values[at + 8] = reference;
    this.#values[at + 9] = expiresAt;
  }

  endRow(): void {
    if (++this.#rows < ROWS) return;
    this.#many.run(this.#values);
    this.#rows = 0;
  }

  flush(): void {
    const end = this.#rows * this.#width;
    for (let at = 0; at < end; at += this.#width) this.#one.run(this.#values.slice(at, at + this.#width));
  }
}
