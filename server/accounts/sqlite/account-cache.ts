import type BetterSqlite3 from 'better-sqlite3';
import { type Id, idBytes } from '#protocol/ids.ts';
import type { Account } from '../../records.ts';
import { type Counters } from '../fold.ts';
import { AccountTable, type HeldAccount } from './account-table.ts';
import { ACCOUNT_SELECT, BalanceBlock, blockOf, numbersOf } from './balance-block.ts';
import { type AccountRow, readAccount } from './rows.ts';

/**
 * Balances in memory. A commit writes transfers, not the accounts they touch: those are written as of some batch later, block by block,
 * and what the rows lack is replayed from the journal at the next start. Bounded: the oldest of those that are written are let go.
 */
export class AccountCache {
  readonly #sql: ReturnType<typeof statements>;
  readonly #most: number;
  readonly #table = new AccountTable();
  readonly #stale = new StaleBlocks();

  constructor(db: BetterSqlite3.Database, most: number) {
    this.#sql = statements(db);
    this.#most = most;
  }

  account(id: Id): HeldAccount | undefined {
    return this.#table.find(id) ?? this.#load(id);
  }

  /** By its number in this database, and the batch that its row is as of. */
  numbered(number: number): { readonly account: HeldAccount; readonly asOf: number } {
    const row = this.#sql.byNumber.get(number) as AccountRow | undefined;
    if (!row) throw new Error(`account number ${number} is missing`);
    const read = readAccount(row);
    return { account: this.#table.find(read.id) ?? this.#table.add(read, read.number), asOf: read.asOf };
  }

  /** Whether the rows lack something. */
  get isStale(): boolean {
    return this.#stale.count > 0;
  }

  /** Inside the transaction that posts: a new account gets its row and number at once. Returns its number. */
  open({ id, kind, owner, currency, state, limit }: Account): number {
    return Number(this.#sql.insert.run(idBytes(id), kind, owner, currency, state, limit).lastInsertRowid);
  }

  /** Inside the transaction that posts: a changed state or limit goes to its row at once. */
  change({ state, limit }: Account, held: HeldAccount): void {
    this.#sql.change.run(state, limit, held.number);
  }

  /** After the commit: memory follows. */
  keep(account: Account, before: HeldAccount | undefined): void {
    const held = before ?? this.account(account.id);
    if (!held) throw new Error(`account ${account.id} was not stored`);
    this.#table.setTerms(held.slot, account);
    this.move(held, account);
  }

  /** Counters that the rows do not have yet, even if they came back to what they were: the rows are as of an earlier batch. */
  move(held: HeldAccount, to: Counters): void {
    this.#table.move(held.slot, to);
    this.#stale.add(blockOf(held.number));
  }

  /** The blocks that a snapshot has to write, in the order of their rows. */
  staleBlocks(): number[] {
    return this.#stale.all();
  }

  /** Writes these as of a batch; the caller holds a transaction, and calls {@link written} after it. */
  write(blocks: readonly number[], batch: number): void {
    for (const block of blocks) {
      const row = new BalanceBlock(this.#sql.block.get(block) as Uint8Array | undefined);
      for (const number of numbersOf(block)) {
        const held = this.#table.numbered(number);
        if (held) row.put(number, held);
      }
      this.#sql.putBlock.run(block, batch, row.bytes);
    }
  }

  written(blocks: readonly number[]): void {
    for (const block of blocks) this.#stale.delete(block);
  }

  /** Lets the oldest written accounts go when there are too many. Not inside a group: a view may hold on to what it has read. */
  trim(): void {
    if (this.isOverfull) this.#table.trim(Math.floor(this.#most * 0.9), (number) => !this.#stale.has(blockOf(number)));
  }

  get isOverfull(): boolean {
    return this.#table.size > this.#most;
  }

  /** All accounts of a currency's sellers, as they are now. */
  sellers(currency: string): readonly Account[] {
    return this.#current(this.#sql.sellers.all(currency) as AccountRow[]);
  }

  page(after: Uint8Array, limit: number): readonly Account[] {
    return this.#current(this.#sql.page.all(after, limit) as AccountRow[]);
  }

  #current(rows: readonly AccountRow[]): readonly Account[] {
    return rows.map((row) => {
      const read = readAccount(row);
      const held = this.#table.find(read.id);
      return held ? held.copy() : read;
    });
  }

  #load(id: Id): HeldAccount | undefined {
    const row = this.#sql.byId.get(idBytes(id)) as AccountRow | undefined;
    if (!row) return undefined;
    const read = readAccount(row);
    return this.#table.add(read, read.number);
  }
}

/** Blocks of balances of which memory knows more than the rows: a byte each, as there may be one per transfer to note. */
class StaleBlocks {
  #marks = new Uint8Array(64);
  count = 0;

  add(block: number): void {
    if (block >= this.#marks.length) {
      const longer = new Uint8Array(2 * block);
      longer.set(this.#marks);
      this.#marks = longer;
    }
    if (this.#marks[block] === 1) return;
    this.#marks[block] = 1;
    this.count++;
  }

  has(block: number): boolean {
    return this.#marks[block] === 1;
  }

  delete(block: number): void {
    if (!this.has(block)) return;
    this.#marks[block] = 0;
    this.count--;
  }

  all(): number[] {
    const blocks: number[] = [];
    for (let block = this.#marks.indexOf(1); block >= 0; block = this.#marks.indexOf(1, block + 1)) blocks.push(block);
    return blocks;
  }
}

function statements(db: BetterSqlite3.Database) {
  const prepare = (sql: string): BetterSqlite3.Statement => db.prepare(sql).safeIntegers(true);
  return {
    byId: prepare(`${ACCOUNT_SELECT} WHERE a.id = ?`),
    byNumber: prepare(`${ACCOUNT_SELECT} WHERE a.number = ?`),
    insert: prepare('INSERT INTO account (id, kind, owner, currency, state, credit_limit) VALUES (?, ?, ?, ?, ?, ?)'),
    change: prepare('UPDATE account SET state = ?, credit_limit = ? WHERE number = ?'),
    block: prepare('SELECT counters FROM balance WHERE block = ?').pluck(),
    putBlock: prepare(
      `INSERT INTO balance (block, as_of, counters) VALUES (?, ?, ?)
       ON CONFLICT (block) DO UPDATE SET as_of = excluded.as_of, counters = excluded.counters`,
    ),
    sellers: prepare(`${ACCOUNT_SELECT} WHERE a.kind = 'wallet-seller' AND a.currency = ? ORDER BY a.number`),
    page: prepare(`${ACCOUNT_SELECT} WHERE a.id > ? ORDER BY a.id LIMIT ?`),
  };
}
