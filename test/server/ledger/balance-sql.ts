/** Words for people with a database editor: one counter of one account inside its block of balances. */
import type Database from 'better-sqlite3';
import { ACCOUNTS_PER_BLOCK } from '../../../server/store/ledger-v7.ts';

/** Where a counter is in its account's 32 bytes: debits and credits posted, debits and credits pending. */
const COUNTERS = ['debits_posted', 'credits_posted', 'debits_pending', 'credits_pending'];

/**
 * Adds two functions: `counter(counters, number, name)` reads the counter of an account number out of its block's bytes, and
 * `with_counter(counters, number, name, value)` gives the bytes with another one. To be asked of the row of that block.
 */
export function teachBalances(db: Database.Database): void {
  db.function('counter', { deterministic: true }, ((bytes: Uint8Array, number: number, name: string) =>
    viewOf(bytes).getBigInt64(placeOf(number, name))) as never);
  db.function('with_counter', { deterministic: true }, ((
    bytes: Uint8Array,
    number: number | bigint,
    name: string,
    value: number | bigint,
  ) => {
    const copy = Uint8Array.from(bytes);
    viewOf(copy).setBigInt64(placeOf(Number(number), name), BigInt(value));
    return copy;
  }) as never);
}

/** SQL that changes one counter of the account that this condition names; `value` may speak of the counter as it is, `now`. */
export function setCounter(name: string, value: string, where: string): string {
  const number = `(SELECT number FROM account WHERE ${where} ORDER BY number LIMIT 1)`;
  const now = `counter(counters, ${number}, '${name}')`;
  return `UPDATE balance SET counters = with_counter(counters, ${number}, '${name}', ${value.replaceAll('now', now)})
    WHERE block = ${number} / ${ACCOUNTS_PER_BLOCK};`;
}

function placeOf(number: number, name: string): number {
  return 32 * (number % ACCOUNTS_PER_BLOCK) + 8 * COUNTERS.indexOf(name);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
