/**
 * Everything that follows from the journal, made again from it and compared with the rows: accounts with their terms and counters,
 * holds, payments. Stricter than verification, which compares amounts: here every field has to be what the journal says.
 */
import type { Id } from '#protocol/ids.ts';
import type { Account, FundingLeg, LedgerEvent, Payment, Pending } from '../records.ts';
import { type Counters, Fold, noCounters, sameCounters } from './fold.ts';
import { legsText } from './legs-text.ts';
import { type FoldedPayment, PaymentsFold } from './rebuild-payments.ts';
import { Tail } from './tail.ts';
import type { StoredAccount, StoredBatch, Strays } from './verify.ts';

/** A row that is not what the journal says. */
export interface Difference {
  /** Such as `payment 0190…`. */
  readonly subject: string;
  readonly what: string;
}

/** What was taken from the rows on trust, because the journal does not say it. */
export interface OnTrust {
  /** Payments whose fee terms stand only in their row, and how many of them are still held, so that the fee is yet to be taken. */
  fees: number;
  feesOfHolds: number;
  /** Re-planned payments with several legs: the order in which refunds shrink them. */
  legOrders: number;
  /** Payments from before version 4, whose transfers do not name the hub. */
  hubs: number;
  /** Accounts from before version 4 that never changed: their limit and state. */
  accountTerms: number;
}

type Terms = Pick<Account, 'kind' | 'owner' | 'currency' | 'state' | 'limit'>;

/**
 * Built up while one pass goes over the journal: accounts first, then batches in the order of time (one writer's), then the rows.
 * `snapshot`: the batch after which counters are played again at a start, if the database has one.
 */
export class Rebuild {
  readonly differences: Difference[] = [];
  /** What cannot be rebuilt, and why: nothing may be written then. */
  readonly impossible: string[] = [];
  readonly onTrust: OnTrust = { fees: 0, feesOfHolds: 0, legOrders: 0, hubs: 0, accountTerms: 0 };
  /** Rows to write and ids of rows to delete. Accounts are written all together, as of the last batch. */
  readonly pendingsToPut: Pending[] = [];
  readonly pendingsToDelete: Id[] = [];
  readonly paymentsToPut: Payment[] = [];
  readonly paymentsToDelete: Id[] = [];
  accountsDiffer = false;
  /** Number of the last batch; 0 in an empty ledger. */
  last = 0;
  readonly #stored: ReadonlyMap<Id, StoredAccount>;
  readonly #terms = new Map<Id, Terms>();
  readonly #asOf: ReadonlyMap<number | 'end', readonly StoredAccount[]>;
  readonly #tail: Tail;
  readonly #compared = new Set<Id>();
  readonly #fold = new Fold();
  readonly #payments: PaymentsFold;
  #wallets: ReadonlyMap<string, readonly Id[]> | undefined;
  readonly #seen = { pendings: new Set<Id>(), payments: new Set<Id>() };

  constructor(accounts: readonly StoredAccount[], snapshot: number | undefined) {
    this.#stored = new Map(accounts.map((account) => [account.id, account]));
    this.#asOf = Map.groupBy(accounts, ({ asOf }) => asOf);
    this.#tail = new Tail(accounts, snapshot ?? 0);
    this.#payments = new PaymentsFold((id) => this.#named(id));
    this.#compareCounters(0);
  }

  add(batch: StoredBatch): void {
    for (const event of batch.events) this.#addTerms(event);
    for (const { transfer } of batch.transfers) {
      if (!transfer) continue;
      const wrong = this.#fold.add(transfer);
      if (wrong) this.impossible.push(wrong);
      for (const { id, what } of this.#tail.missed(transfer, batch.number)) this.#accountDiffers(`account ${id}`, what);
    }
    this.impossible.push(...this.#payments.add(batch));
    this.last = batch.number;
    this.#compareCounters(batch.number);
  }

  /** After the last batch. */
  endOfJournal(): void {
    const wrong = this.#fold.finish();
    if (wrong) this.impossible.push(wrong);
    this.#compareCounters('end');
    const ahead = this.#tail.ahead(this.last);
    if (ahead) this.#accountDiffers('the snapshot', ahead);
    for (const account of this.#stored.values()) {
      const name = `account ${account.id}`;
      if (!this.#compared.has(account.id)) this.#accountDiffers(name, `is as of batch ${account.asOf}, which is missing`);
      const terms = this.#terms.get(account.id);
      if (!terms) this.onTrust.accountTerms++;
      else for (const what of termsThatDiffer(account, terms)) this.#accountDiffers(name, what);
    }
    for (const id of this.#terms.keys()) if (!this.#stored.has(id)) this.#accountDiffers(`account ${id}`, 'is missing');
  }

  /** Balances that no account has: writing the accounts writes nothing else. */
  compareStrays({ balances }: Strays): void {
    if (balances > 0) this.#accountDiffers('the balances', `have ${balances} that belong to no account`);
  }

  comparePending(stored: Pending): void {
    this.#seen.pendings.add(stored.id);
    const right = this.#fold.pendings.get(stored.id);
    const name = `hold ${stored.id}`;
    if (!right) {
      this.#differs(name, 'has no transfer');
      this.pendingsToDelete.push(stored.id);
    } else if (pendingText(right) !== pendingText(stored)) {
      this.#differs(name, `is ${pendingText(stored)}; the journal says ${pendingText(right)}`);
      this.pendingsToPut.push(right);
    }
  }

  /** `stored` is undefined for a row that cannot be read; `fee` is what could be read of its fee terms. */
  comparePayment(id: Id, stored: Payment | undefined, fee: Payment['fee']): void {
    this.#seen.payments.add(id);
    const folded = this.#payments.payments.get(id);
    if (!folded) {
      this.#differs(`payment ${id}`, 'has no transfers');
      this.paymentsToDelete.push(id);
      return;
    }
    const right = this.#rightPayment(folded, stored, stored?.fee ?? fee);
    if (!right) return;
    const wrong = stored ? fieldsThatDiffer(stored, right) : ['cannot be read'];
    for (const what of wrong) this.#differs(`payment ${id}`, what);
    if (wrong.length > 0) this.paymentsToPut.push(right);
  }

  /** After the last row: what the journal has and the rows have not. */
  endOfRows(): void {
    for (const [id, pending] of this.#fold.pendings) {
      if (this.#seen.pendings.has(id)) continue;
      this.#differs(`hold ${id}`, 'is missing');
      this.pendingsToPut.push(pending);
    }
    for (const [id, folded] of this.#payments.payments) {
      if (this.#seen.payments.has(id)) continue;
      const right = this.#rightPayment(folded, undefined, null);
      if (!right) continue;
      this.#differs(`payment ${id}`, 'is missing; what fee was agreed is not in the journal: none is assumed');
      this.paymentsToPut.push(right);
    }
  }

  /** Every account as it should be now. */
  *accounts(): Iterable<Account> {
    for (const id of new Set([...this.#stored.keys(), ...this.#terms.keys()])) {
      const terms = this.#terms.get(id) ?? this.#stored.get(id)!;
      const { kind, owner, currency, state, limit } = terms;
      yield { id, kind, owner, currency, state, limit, ...this.#counters(id) };
    }
  }

  #named(id: Id): Pick<Account, 'id' | 'kind'> | undefined {
    const stored = this.#stored.get(id);
    const kind = this.#terms.get(id)?.kind ?? stored?.kind;
    // The id of the row, not the caller's copy: one text for the many payments that name it.
    return kind === undefined ? undefined : { id: stored?.id ?? id, kind };
  }

  #counters(id: Id): Counters {
    return this.#fold.counters.get(id) ?? noCounters();
  }

  #addTerms({ kind, subject, body }: LedgerEvent): void {
    if (kind !== 'account-opened' && kind !== 'account-changed') return;
    const said = JSON.parse(body) as Omit<Terms, 'limit'> & { limit: string | null };
    const limit = said.limit === null ? null : BigInt(said.limit);
    const before = this.#terms.get(subject) ?? this.#stored.get(subject);
    if (kind === 'account-opened') {
      const { owner, currency } = said;
      this.#terms.set(subject, { kind: said.kind, owner, currency, state: 'OPEN', limit });
    } else if (before) this.#terms.set(subject, { ...before, state: said.state, limit });
  }

  #compareCounters(batch: number | 'end'): void {
    for (const account of this.#asOf.get(batch) ?? []) {
      this.#compared.add(account.id);
      const right = this.#counters(account.id);
      if (sameCounters(account, right)) continue;
      this.#accountDiffers(`account ${account.id}`, `counters are ${countersText(account)}, the journal says ${countersText(right)}`);
    }
  }

  #rightPayment(folded: FoldedPayment, stored: Payment | undefined, fee: Payment['fee']): Payment | undefined {
    const sellerId = this.#owner(folded.sellerAccount) ?? stored?.sellerId;
    const hubId = folded.hubId ?? stored?.hubId;
    const buyerAccount = this.#buyerAccount(folded, stored);
    if (sellerId === undefined || hubId === undefined || buyerAccount === undefined) {
      const lacking = sellerId === undefined ? 'seller' : hubId === undefined ? 'hub' : 'buyer’s wallet';
      this.impossible.push(`payment ${folded.id}: its ${lacking} is not in the journal, and its row is gone`);
      return undefined;
    }
    if (folded.hubId === undefined) this.onTrust.hubs++;
    if (fee) this.onTrust.fees++;
    if (fee && folded.state === 'AUTHORISED') this.onTrust.feesOfHolds++;
    const { id, state, version, amount, captured, refunded, disputed, currency, sellerAccount, expiresAt } = folded;
    const standing = { id, state, version, amount, captured, refunded, disputed, fee, currency };
    const legs = this.#rightLegs(folded, stored);
    return { ...standing, buyerAccount, sellerAccount, sellerId: sellerId as Id, hubId, legs, expiresAt };
  }

  #rightLegs(folded: FoldedPayment, stored: Payment | undefined): readonly FundingLeg[] {
    if (folded.isOrderKnown) return folded.legs;
    this.onTrust.legOrders++;
    const sorted = (legs: readonly FundingLeg[]): string =>
      legs
        .map((leg) => legsText([leg]))
        .toSorted()
        .join();
    return stored && sorted(stored.legs) === sorted(folded.legs) ? stored.legs : folded.legs;
  }

  /** The wallet, in this currency, of whoever owns what funded it first; where there are several, the stored one. */
  #buyerAccount({ fundedFrom, currency }: FoldedPayment, stored: Payment | undefined): Id | undefined {
    this.#wallets ??= this.#walletsByOwner();
    const owned = this.#wallets.get(walletKey(this.#owner(fundedFrom), currency)) ?? [];
    if (stored && owned.includes(stored.buyerAccount)) return stored.buyerAccount;
    return owned.includes(fundedFrom) || owned.length !== 1 ? owned.find((id) => id === fundedFrom) : owned[0];
  }

  #walletsByOwner(): ReadonlyMap<string, readonly Id[]> {
    const wallets = [...this.accounts()].filter(({ kind }) => kind === 'wallet-buyer');
    const byOwner = Map.groupBy(wallets, ({ owner, currency }) => walletKey(owner, currency));
    return new Map([...byOwner].map(([key, owned]) => [key, owned.map(({ id }) => this.#stored.get(id)?.id ?? id)]));
  }

  #owner(id: Id): string | null {
    return (this.#terms.get(id) ?? this.#stored.get(id))?.owner ?? null;
  }

  #accountDiffers(subject: string, what: string): void {
    this.accountsDiffer = true;
    this.#differs(subject, what);
  }

  #differs(subject: string, what: string): void {
    this.differences.push({ subject, what: `${subject} ${what}` });
  }
}

function walletKey(owner: string | null, currency: string): string {
  return `${currency} ${owner ?? ''}`;
}

function termsThatDiffer(stored: Account, right: Terms): readonly string[] {
  const fields = ['kind', 'owner', 'currency', 'state', 'limit'] as const;
  return fields
    .filter((field) => stored[field] !== right[field])
    .map((field) => `${field} is ${String(stored[field])}, the journal says ${String(right[field])}`);
}

function countersText({ debitsPosted, creditsPosted, debitsPending, creditsPending }: Counters): string {
  return `${debitsPosted}/${creditsPosted} posted ${debitsPending}/${creditsPending} pending`;
}

function pendingText({ debit, credit, amount, expiresAt, state }: Pending): string {
  return `${amount} from ${debit} to ${credit}, ${state}, until ${expiresAt ?? 'whenever'}`;
}

function fieldsThatDiffer(stored: Payment, right: Payment): readonly string[] {
  const said = (payment: Payment): [string, string][] => {
    const { id: _id, fee: _fee, legs, ...fields } = payment;
    return [...Object.entries(fields).map(([name, value]): [string, string] => [name, String(value)]), ['legs', legsText(legs)]];
  };
  const journal = new Map(said(right));
  return said(stored)
    .filter(([name, value]) => journal.get(name) !== value)
    .map(([name, value]) => `${name} is ${value}, the journal says ${journal.get(name)}`);
}
