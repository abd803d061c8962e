/**
 * Verification of a ledger, whatever database it stands in: everything that can be rebuilt from the journal is rebuilt and compared.
 * The engine's reader streams the journal; nothing is changed.
 */
import { fromBase64Url, sameBytes, toHex } from '#protocol/bytes.ts';
import { entryDigest, entryLink } from '#protocol/envelope.ts';
import type { Id } from '#protocol/ids.ts';
import type { Currency } from '#protocol/money.ts';
import { merkleTree, type Outcome, rootSignedBytes } from '#protocol/receipt.ts';
import { verifyEd25519 } from '#protocol/signing.ts';
import type { KeyObject } from 'node:crypto';
import type { Account, LedgerEvent, Payment, Pending, Transfer } from '../records.ts';
import { batchHash, batchHashV1, FIRST_PREVIOUS, packTransfers } from './batch-hash.ts';
import { type Checkpoint, checkpointSignedBytes } from './checkpoint.ts';
import { WRITER_STRETCH, writerOf } from './engine.ts';
import { Fold, noCounters, sameCounters } from './fold.ts';
import { Tail } from './tail.ts';

export interface Finding {
  /** What is wrong and where: the first bad row of its kind. */
  readonly what: string;
}

export interface VerifyReport {
  readonly batches: number;
  readonly transfers: number;
  readonly answers: number;
  readonly entries: number;
  readonly checkpoints: number;
  /** Per currency, minor units: debits and credits of the whole journal. */
  readonly totals: Readonly<Record<string, { readonly debits: bigint; readonly credits: bigint }>>;
  readonly findings: readonly Finding[];
}

/** One batch as stored, with everything that hangs on it. A transfer that is listed and not there is undefined. */
export interface StoredBatch {
  readonly version: number;
  readonly number: number;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly recordedAt: number;
  readonly root: Uint8Array | null;
  readonly keyId: string | null;
  readonly signature: Uint8Array | null;
  readonly counts: { readonly transfers: number; readonly answers: number; readonly events: number };
  readonly windows: ReadonlyMap<Currency, Id>;
  readonly transfers: readonly { readonly id: Id; readonly transfer: Transfer | undefined }[];
  readonly answers: readonly { readonly request: Id; readonly digest: Uint8Array; readonly outcome: string | undefined }[];
  readonly events: readonly LedgerEvent[];
}

export interface StoredCheckpoint {
  readonly text: string;
  readonly keyId: string;
  readonly signature: string;
}

/** How a database shows its journal. Everything in one snapshot. */
export interface JournalReader {
  /** By number. */
  batches(): AsyncIterable<StoredBatch> | Iterable<StoredBatch>;
  /** As the rows say, and the batch each is as of. */
  accounts(): AsyncIterable<StoredAccount> | Iterable<StoredAccount>;
  /** The batch after which a start plays again; left out where every batch writes its balances. */
  snapshot?(): number;
  pendings(): AsyncIterable<Pending> | Iterable<Pending>;
  payments(): AsyncIterable<Payment> | Iterable<Payment>;
  checkpoints(): AsyncIterable<StoredCheckpoint> | Iterable<StoredCheckpoint>;
  /** Rows that no batch lists. */
  strays(): Promise<Strays> | Strays;
  chains(): AsyncIterable<StoredChain> | Iterable<StoredChain>;
}

export interface StoredAccount extends Account {
  /** The batch that its counters are as of; `end` where every batch writes them. */
  readonly asOf: number | 'end';
}

export interface Strays {
  readonly transfers: number;
  readonly answers: number;
  /** Balances that no account has; 0 where a balance is a part of its account. */
  readonly balances: number;
}

export interface StoredChain {
  readonly counter: Id;
  readonly seq: number;
  readonly link: Uint8Array;
  readonly entries: AsyncIterable<StoredEntry> | Iterable<StoredEntry>;
}

export interface StoredEntry {
  readonly seq: number;
  readonly link: Uint8Array;
  readonly body: string;
}

export type CarrierKeys = (keyId: string) => KeyObject | undefined;

/** `outside`: checkpoints kept elsewhere, which a cut tail cannot take with it. */
export async function verifyJournal(
  journal: JournalReader,
  keys: CarrierKeys,
  outside: readonly StoredCheckpoint[] = [],
): Promise<VerifyReport> {
  const accounts = await toArray(journal.accounts());
  const run = new Verification(accounts, keys, journal.snapshot?.());
  for await (const batch of journal.batches()) run.batch(batch);
  run.balances();
  await run.projections(journal);
  const entries = await run.chains(journal.chains());
  const checkpoints = [...(await toArray(journal.checkpoints())), ...outside];
  for (const checkpoint of checkpoints) run.checkpoint(checkpoint);
  const { counts, totals, findings } = run;
  return { ...counts, entries, checkpoints: checkpoints.length, totals, findings };
}

async function toArray<T>(items: AsyncIterable<T> | Iterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

type Opened = Pick<Account, 'kind' | 'owner' | 'currency'>;

interface Terms {
  readonly limit: string | null;
  readonly state: string;
}

/** What events say of an account. Writers' clocks differ, so which writer's last word is the last cannot be told from here. */
interface ToldTerms {
  opened: Opened | undefined;
  readonly last: Map<number, Terms>;
}

class Verification {
  readonly findings: Finding[] = [];
  readonly totals: Record<string, { debits: bigint; credits: bigint }> = {};
  readonly counts = { batches: 0, transfers: 0, answers: 0 };
  readonly #fold = new Fold();
  readonly #keys: CarrierKeys;
  readonly #accounts: readonly StoredAccount[];
  /** Rows as of a batch are compared when the fold has reached it. */
  readonly #asOf: Map<number | 'end', StoredAccount[]>;
  readonly #tail: Tail | undefined;
  readonly #last = new Map<number, { number: number; hash: Uint8Array }>();
  readonly #hashes = new Map<number, Uint8Array>();
  readonly #compared = new Set<Id>();
  #versions = new Set<number>();
  readonly #terms = new Map<Id, ToldTerms>();

  constructor(accounts: readonly StoredAccount[], keys: CarrierKeys, snapshot: number | undefined) {
    this.#accounts = accounts;
    this.#asOf = Map.groupBy(accounts, ({ asOf }) => asOf);
    this.#keys = keys;
    this.#tail = snapshot === undefined ? undefined : new Tail(accounts, snapshot);
    this.#compareAsOf(0);
  }

  batch(batch: StoredBatch): void {
    const writer = writerOf(batch.number);
    const last = this.#last.get(writer) ?? { number: writer * WRITER_STRETCH, hash: FIRST_PREVIOUS };
    if (batch.number !== last.number + 1) this.#say(`batch ${last.number + 1} is missing: next is ${batch.number}`);
    else if (!sameBytes(batch.previous, last.hash)) this.#say(`batch ${batch.number} does not follow the one before it`);
    const missing = batch.transfers.find(({ transfer }) => !transfer);
    if (missing) this.#say(`batch ${batch.number}: transfer ${missing.id} is missing`);
    else this.#checkHash(batch);
    this.#checkAnswers(batch);
    this.counts.batches++;
    for (const { transfer } of batch.transfers) {
      if (!transfer) continue;
      this.#addTransfer(transfer);
      for (const wrong of this.#tail?.missed(transfer, batch.number) ?? []) this.#say(`account ${wrong.id} ${wrong.what}`);
    }
    for (const event of batch.events) this.#addTerms(event, writer);
    this.#versions.add(batch.version);
    this.#last.set(writer, { number: batch.number, hash: batch.hash });
    this.#hashes.set(batch.number, batch.hash);
    this.#compareAsOf(batch.number);
  }

  #addTransfer(transfer: Transfer): void {
    this.counts.transfers++;
    const wrong = this.#fold.add(transfer);
    if (wrong) this.#say(wrong);
    if (transfer.mode !== 'single' && transfer.mode !== 'post') return;
    const total = (this.totals[transfer.currency] ??= { debits: 0n, credits: 0n });
    total.debits += transfer.amount;
    total.credits += transfer.amount;
  }

  #checkHash(batch: StoredBatch): void {
    const { counts, events, windows, number, previous, recordedAt } = batch;
    const transfers = batch.transfers.map(({ transfer }) => transfer!);
    if (transfers.length !== counts.transfers || events.length !== counts.events) {
      return this.#say(
        `batch ${number} has ${transfers.length} transfers and ${events.length} events, ${counts.transfers} and ${counts.events} were written`,
      );
    }
    const head = { number, previous, recordedAt, root: batch.root ?? undefined, windows };
    const hash =
      batch.version === 1 ? batchHashV1({ ...head, transfers }) : batchHash({ ...head, events, packed: packTransfers({ transfers }) });
    if (!sameBytes(hash, batch.hash)) this.#say(`batch ${number} was altered: its hash does not fit its rows`);
  }

  #checkAnswers(batch: StoredBatch): void {
    const { answers, number, root } = batch;
    this.counts.answers += answers.length;
    if (answers.length !== batch.counts.answers) {
      return this.#say(`batch ${number} has ${answers.length} answers, ${batch.counts.answers} were written`);
    }
    if (answers.length === 0) return;
    const missing = answers.find(({ outcome }) => outcome === undefined);
    if (missing) return this.#say(`batch ${number}: the answer to ${missing.request} is missing`);
    const texts = answers.map(({ outcome }) => outcome!);
    const tree = merkleTree(texts);
    if (!root || !sameBytes(tree.root, root)) return this.#say(`batch ${number}: an answer was altered`);
    const key = this.#keys(batch.keyId ?? '');
    const message = rootSignedBytes(number, answers.length, tree.root);
    if (!key || !verifyEd25519(key, message, batch.signature ?? new Uint8Array())) {
      return this.#say(`batch ${number}: its signature is not the carrier's`);
    }
    const misfit = answers.findIndex(({ request, digest }, place) => {
      const outcome = JSON.parse(texts[place]!) as Outcome;
      return outcome.digest !== toHex(digest) || outcome.requestId !== request;
    });
    if (misfit >= 0) this.#say(`batch ${number}: answer ${misfit} stands at another request`);
  }

  #compareAsOf(batch: number | 'end'): void {
    for (const account of this.#asOf.get(batch) ?? []) {
      this.#compared.add(account.id);
      if (!sameCounters(account, this.#fold.counters.get(account.id) ?? noCounters())) {
        this.#say(`account ${account.id} (${account.kind}) does not equal the fold of its transfers`);
      }
    }
  }

  balances(): void {
    const wrong = this.#fold.finish();
    if (wrong) this.#say(wrong);
    this.#compareAsOf('end');
    const ahead = this.#tail?.ahead(this.#last.get(0)?.number ?? 0);
    if (ahead) this.#say(`the snapshot ${ahead}`);
    const never = this.#accounts.find(({ id }) => !this.#compared.has(id));
    if (never) this.#say(`account ${never.id} (${never.kind}) is as of batch ${never.asOf}, which is missing`);
    const known = new Set(this.#accounts.map(({ id }) => id));
    const lost = [...this.#fold.counters.keys()].find((id) => !known.has(id));
    if (lost) this.#say(`account ${lost} has transfers and is missing`);
    for (const account of this.#accounts) {
      const terms = this.#terms.get(account.id);
      // Accounts from before version 4 were opened without an event.
      if (terms?.opened === undefined && this.#versions.has(1)) continue;
      const { kind, owner, currency } = account;
      const asOpened = terms?.opened?.kind === kind && terms.opened.owner === owner && terms.opened.currency === currency;
      if (!asOpened) this.#say(`account ${account.id} (${kind}) is not as it was opened`);
      const limit = account.limit === null ? null : String(account.limit);
      const asChanged = [...(terms?.last.values() ?? [])].some((told) => told.limit === limit && told.state === account.state);
      if (asOpened && !asChanged) this.#say(`account ${account.id} (${kind}) has another limit or state than it was given`);
      if (!asOpened || !asChanged) return;
    }
  }

  #addTerms({ kind, subject, body }: LedgerEvent, writer: number): void {
    if (kind !== 'account-opened' && kind !== 'account-changed') return;
    const known: ToldTerms = this.#terms.get(subject) ?? { opened: undefined, last: new Map() };
    const told = JSON.parse(body) as Terms & Opened;
    if (kind === 'account-opened') known.opened = told;
    known.last.set(writer, { limit: told.limit, state: kind === 'account-opened' ? 'OPEN' : told.state });
    this.#terms.set(subject, known);
  }

  /** Holds and payments are folds too, and nothing may stand outside the batches. */
  async projections(journal: JournalReader): Promise<void> {
    let pendings = 0;
    for await (const pending of journal.pendings()) {
      pendings++;
      const folded = this.#fold.pendings.get(pending.id);
      if (folded?.state !== pending.state || folded.amount !== pending.amount) this.#say(`hold ${pending.id} does not equal its transfers`);
    }
    if (pendings !== this.#fold.pendings.size) this.#say(`${this.#fold.pendings.size} holds were made, ${pendings} are there`);
    let payments = 0;
    for await (const payment of journal.payments()) {
      payments++;
      const wrong = this.#comparePayment(payment);
      if (wrong) this.#say(wrong);
    }
    if (payments !== this.#fold.payments.size) this.#say(`${this.#fold.payments.size} payments have transfers, ${payments} are there`);
    const strays = await journal.strays();
    if (strays.transfers > 0) this.#say(`${strays.transfers} transfers belong to no batch`);
    if (strays.answers > 0) this.#say(`${strays.answers} answers belong to no batch`);
    if (strays.balances > 0) this.#say(`${strays.balances} balances belong to no account`);
  }

  #comparePayment(payment: Payment): string | undefined {
    const folded = this.#fold.payments.get(payment.id);
    const carried = payment.legs.reduce((sum, leg) => sum + leg.amount - leg.back, 0n);
    const isHold = payment.captured === 0n;
    const back = payment.state === 'DISPUTED' ? 0n : payment.disputed;
    const legsFit = isHold ? true : carried === payment.captured - payment.refunded - back;
    const amountsFit =
      folded?.captured === payment.captured &&
      folded.refunded === payment.refunded &&
      folded.disputed === payment.disputed &&
      payment.amount === (folded.promised === 0n ? folded.captured : folded.promised);
    return amountsFit && legsFit ? undefined : `payment ${payment.id} does not equal its transfers`;
  }

  async chains(chains: AsyncIterable<StoredChain> | Iterable<StoredChain>): Promise<number> {
    let entries = 0;
    for await (const chain of chains) {
      let link: Uint8Array = new Uint8Array(32);
      let seq = 0;
      let broken: string | undefined;
      for await (const entry of chain.entries) {
        entries++;
        seq++;
        link = entryLink(chain.counter, link, seq, entryDigest(entry.body));
        if (entry.seq === seq && sameBytes(link, entry.link)) continue;
        broken = `counter ${chain.counter}: entry ${entry.seq} was altered or one before it is missing`;
        break;
      }
      const whole = seq === chain.seq && sameBytes(link, chain.link);
      broken ??= whole ? undefined : `counter ${chain.counter}: entries after ${seq} are missing`;
      if (broken) this.#say(broken);
    }
    return entries;
  }

  checkpoint({ text, keyId, signature }: StoredCheckpoint): void {
    const key = this.#keys(keyId);
    const bytes = fromBase64Url(signature);
    if (!key || !bytes || !verifyEd25519(key, checkpointSignedBytes(text), bytes)) {
      return this.#say(`a checkpoint is not signed by the carrier: ${text.slice(0, 80)}`);
    }
    const { batch, hash, at } = JSON.parse(text) as Checkpoint;
    const known = this.#hashes.get(batch);
    const when = new Date(at).toISOString();
    if (batch === 0) return;
    if (!known) this.#say(`the ledger was cut off: batch ${batch} was there at ${when}`);
    else if (toHex(known) !== hash) this.#say(`batch ${batch} is not the one that was signed at ${when}`);
  }

  #say(what: string): void {
    this.findings.push({ what });
  }
}
