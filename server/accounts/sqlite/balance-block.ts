/** Balances as they are written down: the counters of a block of neighbouring account numbers in one row, as of one batch. */
import type { Counters } from '../fold.ts';
import { ACCOUNTS_PER_BLOCK } from '../../store/ledger-v7.ts';

/** Debits and credits posted, debits and credits pending; each 8 bytes, big-endian, two's complement. */
const BYTES = 32;

/** Accounts with their counters, NULL where their block was never written, and the batch that these are as of. */
export const ACCOUNT_SELECT = `SELECT a.number, a.id, a.kind, a.owner, a.currency, a.state, a.credit_limit, b.as_of,
  substr(b.counters, ${BYTES} * (a.number % ${ACCOUNTS_PER_BLOCK}) + 1, ${BYTES}) AS counters
  FROM account a LEFT JOIN balance b ON b.block = a.number / ${ACCOUNTS_PER_BLOCK}`;

export function blockOf(number: number): number {
  return Math.floor(number / ACCOUNTS_PER_BLOCK);
}

export function numbersOf(block: number): readonly number[] {
  return Array.from({ length: ACCOUNTS_PER_BLOCK }, (_, place) => block * ACCOUNTS_PER_BLOCK + place);
}

/** The row of a block, to be changed: as it is stored, or all zeros. Throws when the stored one is cut. */
export class BalanceBlock {
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(stored: Uint8Array | undefined) {
    this.bytes = stored ?? new Uint8Array(BYTES * ACCOUNTS_PER_BLOCK);
    if (this.bytes.length !== BYTES * ACCOUNTS_PER_BLOCK) throw new Error(`a block of balances has ${this.bytes.length} bytes`);
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  put(number: number, counters: Counters): void {
    const at = BYTES * (number % ACCOUNTS_PER_BLOCK);
    this.#view.setBigInt64(at, counters.debitsPosted);
    this.#view.setBigInt64(at + 8, counters.creditsPosted);
    this.#view.setBigInt64(at + 16, counters.debitsPending);
    this.#view.setBigInt64(at + 24, counters.creditsPending);
  }
}

/** How many balances of a block are not those of these accounts, and not nothing. */
export function balancesBeside(accounts: ReadonlySet<number>, block: number, counters: Uint8Array): number {
  const isNothing = (at: number): boolean => counters.subarray(at, at + BYTES).every((byte) => byte === 0);
  return numbersOf(block).filter((number, place) => !accounts.has(number) && !isNothing(BYTES * place)).length;
}

/** One account's part of its block; `null`: the block was never written. Throws when it is cut. */
export function readCounters(bytes: Uint8Array | null): Counters {
  if (bytes === null) return { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
  if (bytes.length !== BYTES) throw new Error('a block of balances is cut');
  const view = new DataView(bytes.buffer, bytes.byteOffset, BYTES);
  return {
    debitsPosted: view.getBigInt64(0),
    creditsPosted: view.getBigInt64(8),
    debitsPending: view.getBigInt64(16),
    creditsPending: view.getBigInt64(24),
  };
}
