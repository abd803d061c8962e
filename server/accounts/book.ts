import { ok, type Refusal, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { type Currency, MONEY_MAX } from '#protocol/money.ts';
import type { Account, AccountKind, AccountState, LedgerEvent, Pending, Transfer } from '../records.ts';
import { available, firstLimit } from './model.ts';

/** What the book reads. An engine answers from memory, inside the transaction that will hold the result. */
export interface AccountReader {
  account(id: Id): ReadAccount | undefined;
  transfer(id: Id): Transfer | undefined;
  pending(id: Id): Pending | undefined;
}

export interface ReadAccount extends Account {
  /** Writes the 16 bytes of its id, where the reader has them at hand. */
  readonly packId?: (view: DataView, start: number) => void;
}

/** An account as the group leaves it, and as the reader gave it; `before` is undefined for one that the group opened. */
export interface TouchedAccount {
  readonly now: Account;
  readonly before: ReadAccount | undefined;
}

export interface AccountTerms {
  readonly kind: AccountKind;
  readonly owner: string | null;
  readonly currency: Currency;
  /** Left out: the limit that accounts of this kind start with. */
  readonly limit?: bigint | null;
}

export interface AccountChange {
  readonly state?: AccountState;
  readonly limit?: bigint | null;
}

/**
 * The pure core of the ledger: double-entry postings on a working copy of what they touch. No clock, no I/O, no randomness: the same
 * calls on the same accounts give the same result in every engine. The engine stores `accounts`, `pendings`, `transfers` and
 * `events` at the end of its transaction, or throws the book away.
 */
export class Book {
  /** Read or changed. */
  readonly accounts: Map<Id, TouchedAccount> = new Map<Id, TouchedAccount>();
  readonly pendings: Map<Id, Pending> = new Map<Id, Pending>();
  readonly transfers: Transfer[] = [];
  /** The accounts of each transfer, in the order of the transfers, so that an engine need not look them up again. */
  readonly debits: TouchedAccount[] = [];
  readonly credits: TouchedAccount[] = [];
  readonly events: LedgerEvent[] = [];
  readonly #reader: AccountReader;
  readonly #posted = new Map<Id, Transfer>();

  constructor(reader: AccountReader) {
    this.#reader = reader;
  }

  account(id: Id): Account | undefined {
    return this.#touch(id)?.now;
  }

  transfer(id: Id): Transfer | undefined {
    return this.#posted.get(id) ?? this.#reader.transfer(id);
  }

  pending(id: Id): Pending | undefined {
    const known = this.pendings.get(id);
    if (known) return known;
    const read = this.#reader.pending(id);
    if (!read) return undefined;
    const copy = { ...read };
    this.pendings.set(id, copy);
    return copy;
  }

  /** Opens an account; again with the same terms changes nothing. Refusal: REQUEST_CONFLICT with other terms. */
  openAccount(id: Id, terms: AccountTerms): Result<void> {
    const earlier = this.account(id);
    if (earlier) {
      const same = earlier.kind === terms.kind && earlier.owner === terms.owner && earlier.currency === terms.currency;
      return same ? ok(undefined) : refuse('REQUEST_CONFLICT', id);
    }
    const { kind, owner, currency } = terms;
    const limit = terms.limit === undefined ? firstLimit(kind) : terms.limit;
    const counters = { debitsPosted: 0n, creditsPosted: 0n, debitsPending: 0n, creditsPending: 0n };
    this.accounts.set(id, { now: { id, kind, owner, currency, state: 'OPEN', limit, ...counters }, before: undefined });
    this.events.push({
      kind: 'account-opened',
      subject: id,
      body: JSON.stringify({ currency, kind, limit: limit === null ? null : String(limit), owner }),
    });
    return ok(undefined);
  }

  /**
   * Freezes, thaws, closes, or changes the limit; the same again changes nothing. A limit below what is owed already only stops new
   * debits. Refusals: ACCOUNT_UNKNOWN, ACCOUNT_CLOSED, ACCOUNT_NOT_EMPTY (closing with money or promises on it).
   */
  changeAccount(id: Id, change: AccountChange): Result<void> {
    const account = this.account(id);
    if (!account) return refuse('ACCOUNT_UNKNOWN', id);
    const state = change.state ?? account.state;
    const limit = change.limit === undefined ? account.limit : change.limit;
    if (state === account.state && limit === account.limit) return ok(undefined);
    if (account.state === 'CLOSED') return refuse('ACCOUNT_CLOSED', id);
    const promised = account.debitsPending + account.creditsPending;
    if (state === 'CLOSED' && (promised > 0n || account.debitsPosted !== account.creditsPosted)) return refuse('ACCOUNT_NOT_EMPTY', id);
    account.state = state;
    account.limit = limit;
    this.events.push({
      kind: 'account-changed',
      subject: id,
      body: JSON.stringify({ limit: limit === null ? null : String(limit), state }),
    });
    return ok(undefined);
  }

  /**
   * Posts linked transfers: all or none. A transfer whose id stands already with the same content is left as it is; with other content
   * the whole call is refused. `at`: Unix milliseconds of the batch. Refusals: REQUEST_CONFLICT, BAD_AMOUNT, AMOUNT_TOO_LARGE,
   * SAME_ACCOUNT, ACCOUNT_UNKNOWN, ACCOUNT_CLOSED, ACCOUNT_FROZEN, BAD_CURRENCY, INSUFFICIENT_FUNDS, HOLD_UNKNOWN, HOLD_ENDED,
   * HOLD_EXPIRED, HOLD_NOT_DUE, CAPTURE_TOO_LARGE.
   */
  post(transfers: readonly Transfer[], at: number): Result<void> {
    const first = transfers[0];
    if (transfers.length === 1 && first) return this.#postAlone(first, at);
    const fresh = new Map<Id, Transfer>();
    for (const transfer of transfers) {
      const earlier = fresh.get(transfer.id) ?? this.transfer(transfer.id);
      if (earlier === undefined) fresh.set(transfer.id, transfer);
      else if (!sameContent(earlier, transfer)) return refuse('REQUEST_CONFLICT', transfer.id);
    }
    const undo: (() => void)[] = [];
    const before = this.transfers.length;
    for (const transfer of fresh.values()) {
      const refusal = this.#postOne(transfer, at, undo);
      if (refusal) {
        for (const step of undo.toReversed()) step();
        this.#forgetAfter(before);
        return refusal;
      }
    }
    return DONE;
  }

  /** The common case, without anything to undo: a lone transfer changes nothing before its last check. */
  #postAlone(transfer: Transfer, at: number): Result<void> {
    const earlier = this.transfer(transfer.id);
    if (earlier) return sameContent(earlier, transfer) ? DONE : refuse('REQUEST_CONFLICT', transfer.id);
    return this.#postOne(transfer, at, undefined) ?? DONE;
  }

  #forgetAfter(count: number): void {
    for (const { id } of this.transfers.slice(count)) this.#posted.delete(id);
    this.transfers.length = count;
    this.debits.length = count;
    this.credits.length = count;
  }

  #touch(id: Id): TouchedAccount | undefined {
    const known = this.accounts.get(id);
    if (known) return known;
    const before = this.#reader.account(id);
    if (!before) return undefined;
    const touched = { now: copyOf(before), before };
    this.accounts.set(id, touched);
    return touched;
  }

  #postOne(transfer: Transfer, at: number, undo: Undo): Refusal | undefined {
    if (transfer.amount <= 0n) return refuse('BAD_AMOUNT', transfer.id);
    if (transfer.amount > MONEY_MAX) return refuse('AMOUNT_TOO_LARGE', transfer.id);
    if (transfer.debit === transfer.credit) return refuse('SAME_ACCOUNT', transfer.id);
    const from = this.#touch(transfer.debit);
    if (!from) return refuse('ACCOUNT_UNKNOWN', transfer.debit);
    const to = this.#touch(transfer.credit);
    if (!to) return refuse('ACCOUNT_UNKNOWN', transfer.credit);
    const debit = from.now;
    const credit = to.now;
    if (debit.currency !== transfer.currency || credit.currency !== transfer.currency) return refuse('BAD_CURRENCY', transfer.id);
    undo?.push(restore(debit, credit));
    const begins = transfer.mode === 'single' || transfer.mode === 'pending';
    const refusal = begins ? this.#begin(transfer, debit, credit, undo) : this.#endPending(transfer, debit, credit, at, undo);
    if (refusal) return refusal;
    this.transfers.push(transfer);
    this.debits.push(from);
    this.credits.push(to);
    this.#posted.set(transfer.id, transfer);
    return undefined;
  }

  #begin(transfer: Transfer, debit: Account, credit: Account, undo: Undo): Refusal | undefined {
    const { amount } = transfer;
    if (debit.state === 'CLOSED') return refuse('ACCOUNT_CLOSED', debit.id);
    // A fee is a share of what came in with it.
    if (debit.state === 'FROZEN' && transfer.kind !== 'fee') return refuse('ACCOUNT_FROZEN', debit.id);
    if (credit.state === 'CLOSED') return refuse('ACCOUNT_CLOSED', credit.id);
    const there = available(debit);
    if (there !== null && there < amount) return refuse('INSUFFICIENT_FUNDS', debit.id);
    if (!hasRoom(debit.debitsPosted, debit.debitsPending, amount) || !hasRoom(credit.creditsPosted, credit.creditsPending, amount)) {
      return refuse('AMOUNT_TOO_LARGE', transfer.id);
    }
    if (transfer.mode === 'single') {
      debit.debitsPosted += amount;
      credit.creditsPosted += amount;
      return undefined;
    }
    debit.debitsPending += amount;
    credit.creditsPending += amount;
    const { id, expiresAt } = transfer;
    this.pendings.set(id, { id, debit: debit.id, credit: credit.id, amount, expiresAt, state: 'OPEN' });
    undo?.push(() => void this.pendings.delete(id));
    return undefined;
  }

  #endPending(transfer: Transfer, debit: Account, credit: Account, at: number, undo: Undo): Refusal | undefined {
    const pending = transfer.pending === null ? undefined : this.pending(transfer.pending);
    if (!pending || pending.debit !== transfer.debit || pending.credit !== transfer.credit) return refuse('HOLD_UNKNOWN', transfer.id);
    if (pending.state === 'EXPIRED') return refuse('HOLD_EXPIRED', pending.id);
    if (pending.state !== 'OPEN') return refuse('HOLD_ENDED', pending.id);
    const due = pending.expiresAt !== null && at >= pending.expiresAt;
    if (transfer.mode === 'post' && due) return refuse('HOLD_EXPIRED', pending.id);
    if (transfer.mode === 'expire' && !due) return refuse('HOLD_NOT_DUE', pending.id);
    const fits = transfer.mode === 'post' ? transfer.amount <= pending.amount : transfer.amount === pending.amount;
    if (!fits) return refuse('CAPTURE_TOO_LARGE', transfer.id);
    debit.debitsPending -= pending.amount;
    credit.creditsPending -= pending.amount;
    if (transfer.mode === 'post') {
      debit.debitsPosted += transfer.amount;
      credit.creditsPosted += transfer.amount;
    }
    pending.state = transfer.mode === 'post' ? 'POSTED' : transfer.mode === 'void' ? 'VOIDED' : 'EXPIRED';
    undo?.push(() => (pending.state = 'OPEN'));
    return undefined;
  }
}

/** How to take back what linked transfers did before one of them was refused; absent for a lone one. */
type Undo = (() => void)[] | undefined;

const DONE: Result<void> = ok(undefined);

/** Field by field: engines hang things of their own on what they hold, and none of it belongs to the group. */
function copyOf(account: Account): Account {
  const { id, kind, owner, currency, state, limit, debitsPosted, creditsPosted, debitsPending, creditsPending } = account;
  return { id, kind, owner, currency, state, limit, debitsPosted, creditsPosted, debitsPending, creditsPending };
}

/** Counters are signed 64-bit in both databases; posted and pending together, so that a promise can always be kept. */
const COUNTER_MAX = 2n ** 63n - 1n;
/** Two counters below this leave room for every amount: to compare makes no bigint, to add makes two. */
const ROOMY = 2n ** 61n;

function hasRoom(posted: bigint, pending: bigint, amount: bigint): boolean {
  if (posted < ROOMY && pending < ROOMY) return true;
  return posted + pending + amount <= COUNTER_MAX;
}

/** Puts both accounts' counters back: only these two of each side change. */
function restore(debit: Account, credit: Account): () => void {
  const { debitsPosted, debitsPending } = debit;
  const { creditsPosted, creditsPending } = credit;
  return () => {
    debit.debitsPosted = debitsPosted;
    debit.debitsPending = debitsPending;
    credit.creditsPosted = creditsPosted;
    credit.creditsPending = creditsPending;
  };
}

function sameContent(a: Transfer, b: Transfer): boolean {
  return (
    a.debit === b.debit &&
    a.credit === b.credit &&
    a.amount === b.amount &&
    a.currency === b.currency &&
    a.kind === b.kind &&
    a.mode === b.mode &&
    a.payment === b.payment &&
    a.pending === b.pending &&
    a.reference === b.reference &&
    a.expiresAt === b.expiresAt
  );
}
