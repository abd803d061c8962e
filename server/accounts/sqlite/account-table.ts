import type { Id } from '#protocol/ids.ts';
import { type Currency, CURRENCY_DIGITS } from '#protocol/money.ts';
import { type Account, ACCOUNT_KINDS, ACCOUNT_STATES, type AccountKind, type AccountState } from '../../records.ts';
import type { ReadAccount } from '../book.ts';
import type { Counters } from '../fold.ts';
import { mixWords, readIdWords } from '../id-words.ts';

const FIRST_CAPACITY = 1_024;
/** One account in one line of the processor's cache: id 16, four counters 32, limit 8, standing 4, number 4. */
const BYTES = 64;
const WORDS = BYTES / 4;
const LONGS = BYTES / 8;
const DEBITS_POSTED = 2;
const CREDITS_POSTED = 3;
const DEBITS_PENDING = 4;
const CREDITS_PENDING = 5;
const LIMIT = 6;
const STANDING = 14;
const NUMBER = 15;

/** What accounts have in common with many others. */
interface Standing {
  readonly kind: AccountKind;
  readonly currency: Currency;
  readonly state: AccountState;
  readonly isGuarded: boolean;
}

const CURRENCIES = Object.keys(CURRENCY_DIGITS) as Currency[];
const STANDINGS: readonly Standing[] = ACCOUNT_KINDS.flatMap((kind) =>
  CURRENCIES.flatMap((currency) =>
    ACCOUNT_STATES.flatMap((state) => [true, false].map((isGuarded) => ({ kind, currency, state, isGuarded }))),
  ),
);

function standingOf({ kind, currency, state, limit }: Account): number {
  const place = (ACCOUNT_KINDS.indexOf(kind) * CURRENCIES.length + CURRENCIES.indexOf(currency)) * ACCOUNT_STATES.length;
  return (place + ACCOUNT_STATES.indexOf(state)) * 2 + (limit === null ? 1 : 0);
}

/**
 * Accounts in one block of memory, found by id or by number. A million of them as objects are eight million things for the garbage
 * collector, and reading one misses the processor's cache ten times.
 */
export class AccountTable {
  #capacity = FIRST_CAPACITY;
  #size = 0;
  #words: Uint32Array;
  #longs: BigInt64Array;
  readonly #owners: (string | null)[] = [];
  /** Open addressing: slot + 1, 0 where nothing is; twice as many places as slots. */
  #places: Int32Array;
  /** Slot + 1 of an account number, 0 for one that is not here. */
  #byNumber = new Int32Array(FIRST_CAPACITY);
  readonly #wanted = new Uint32Array(4);

  constructor() {
    const memory = new ArrayBuffer(BYTES * FIRST_CAPACITY);
    this.#words = new Uint32Array(memory);
    this.#longs = new BigInt64Array(memory);
    this.#places = new Int32Array(2 * FIRST_CAPACITY);
  }

  get size(): number {
    return this.#size;
  }

  find(id: Id): HeldAccount | undefined {
    readIdWords(id, this.#wanted);
    const slot = this.#places[this.#placeOf(this.#wanted, 0)]! - 1;
    return slot < 0 ? undefined : new HeldAccount(this, slot, id);
  }

  /** The counters of an account number. */
  numbered(number: number): Counters | undefined {
    const slot = (this.#byNumber[number] ?? 0) - 1;
    return slot < 0 ? undefined : this.counters(slot);
  }

  counters(slot: number): Counters {
    const [longs, at] = [this.#longs, slot * LONGS];
    return {
      debitsPosted: longs[at + DEBITS_POSTED]!,
      creditsPosted: longs[at + CREDITS_POSTED]!,
      debitsPending: longs[at + DEBITS_PENDING]!,
      creditsPending: longs[at + CREDITS_PENDING]!,
    };
  }

  add(account: Account, number: number): HeldAccount {
    if (this.#size === this.#capacity) this.#grow();
    const slot = this.#size++;
    readIdWords(account.id, this.#wanted);
    this.#words.set(this.#wanted, slot * WORDS);
    this.#words[slot * WORDS + NUMBER] = number;
    this.#owners[slot] = account.owner;
    this.setTerms(slot, account);
    this.move(slot, account);
    this.#note(slot);
    return new HeldAccount(this, slot, account.id);
  }

  packId(slot: number, view: DataView, start: number): void {
    for (let word = 0; word < 4; word++) view.setUint32(start + 4 * word, this.#words[slot * WORDS + word]!);
  }

  number(slot: number): number {
    return this.#words[slot * WORDS + NUMBER]!;
  }

  standing(slot: number): Standing {
    return STANDINGS[this.#words[slot * WORDS + STANDING]!]!;
  }

  owner(slot: number): string | null {
    return this.#owners[slot]!;
  }

  limit(slot: number): bigint | null {
    return this.standing(slot).isGuarded ? this.#longs[slot * LONGS + LIMIT]! : null;
  }

  debitsPosted(slot: number): bigint {
    return this.#longs[slot * LONGS + DEBITS_POSTED]!;
  }

  creditsPosted(slot: number): bigint {
    return this.#longs[slot * LONGS + CREDITS_POSTED]!;
  }

  debitsPending(slot: number): bigint {
    return this.#longs[slot * LONGS + DEBITS_PENDING]!;
  }

  creditsPending(slot: number): bigint {
    return this.#longs[slot * LONGS + CREDITS_PENDING]!;
  }

  setTerms(slot: number, account: Account): void {
    this.#words[slot * WORDS + STANDING] = standingOf(account);
    this.#longs[slot * LONGS + LIMIT] = account.limit ?? 0n;
  }

  move(slot: number, to: Counters): void {
    const longs = this.#longs;
    const at = slot * LONGS;
    longs[at + DEBITS_POSTED] = to.debitsPosted;
    longs[at + CREDITS_POSTED] = to.creditsPosted;
    longs[at + DEBITS_PENDING] = to.debitsPending;
    longs[at + CREDITS_PENDING] = to.creditsPending;
  }

  /** Lets go of the oldest accounts that may go, until so many are left or none may. */
  trim(left: number, mayGo: (number: number) => boolean): void {
    const before = this.#size;
    let surplus = before - left;
    this.#size = 0;
    this.#places.fill(0);
    for (let slot = 0; slot < before; slot++) {
      const number = this.number(slot);
      this.#byNumber[number] = 0;
      if (surplus > 0 && mayGo(number)) surplus--;
      else this.#moveDown(slot, this.#size++);
    }
    this.#owners.length = this.#size;
  }

  #moveDown(from: number, to: number): void {
    this.#words.copyWithin(to * WORDS, from * WORDS, (from + 1) * WORDS);
    this.#owners[to] = this.#owners[from]!;
    this.#note(to);
  }

  #note(slot: number): void {
    const number = this.number(slot);
    if (number >= this.#byNumber.length) this.#byNumber = grown(this.#byNumber, Math.max(number + 1, 2 * this.#byNumber.length));
    this.#byNumber[number] = slot + 1;
    this.#places[this.#placeOf(this.#words, slot * WORDS)] = slot + 1;
  }

  /** Where the id whose words begin there is, or would go. */
  #placeOf(words: Uint32Array, at: number): number {
    const held = this.#words;
    const places = this.#places;
    const a = words[at]!;
    const b = words[at + 1]!;
    const c = words[at + 2]!;
    const d = words[at + 3]!;
    for (let place = mixWords(a, b, c, d); ; place++) {
      place &= places.length - 1;
      const start = (places[place]! - 1) * WORDS;
      if (start < 0) return place;
      if (held[start + 3] === d && held[start + 2] === c && held[start + 1] === b && held[start] === a) return place;
    }
  }

  #grow(): void {
    this.#capacity *= 2;
    const memory = new ArrayBuffer(BYTES * this.#capacity);
    const words = new Uint32Array(memory);
    words.set(this.#words);
    this.#words = words;
    this.#longs = new BigInt64Array(memory);
    this.#places = new Int32Array(2 * this.#capacity);
    for (let slot = 0; slot < this.#size; slot++) this.#note(slot);
  }
}

function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}

/** An account of the table as it stands now: a look, not a copy, and no longer than until the table is trimmed. */
export class HeldAccount implements ReadAccount {
  readonly #table: AccountTable;
  readonly slot: number;
  readonly id: Id;

  constructor(table: AccountTable, slot: number, id: Id) {
    this.#table = table;
    this.slot = slot;
    this.id = id;
  }

  /** For whoever is not inside this group, or this thread. */
  copy(): Account {
    const { id, kind, owner, currency, state, limit, slot } = this;
    return { id, kind, owner, currency, state, limit, ...this.#table.counters(slot) };
  }

  packId(view: DataView, start: number): void {
    this.#table.packId(this.slot, view, start);
  }

  get number(): number {
    return this.#table.number(this.slot);
  }
  get kind(): AccountKind {
    return this.#table.standing(this.slot).kind;
  }
  get owner(): string | null {
    return this.#table.owner(this.slot);
  }
  get currency(): Currency {
    return this.#table.standing(this.slot).currency;
  }
  get state(): AccountState {
    return this.#table.standing(this.slot).state;
  }
  get limit(): bigint | null {
    return this.#table.limit(this.slot);
  }
  get debitsPosted(): bigint {
    return this.#table.debitsPosted(this.slot);
  }
  get creditsPosted(): bigint {
    return this.#table.creditsPosted(this.slot);
  }
  get debitsPending(): bigint {
    return this.#table.debitsPending(this.slot);
  }
  get creditsPending(): bigint {
    return this.#table.creditsPending(this.slot);
  }
}
