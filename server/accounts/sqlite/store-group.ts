import type BetterSqlite3 from 'better-sqlite3';
import { type Id, idBytes } from '#protocol/ids.ts';
import type { Draft } from '../../draft.ts';
import { BATCH_VERSION, FIRST_PREVIOUS, packedIds } from '../batch-hash.ts';
import type { Book, TouchedAccount } from '../book.ts';
import type { DecidedGroup, LastBatch, SealedBatch } from '../engine.ts';
import type { AccountCache } from './account-cache.ts';
import type { HeldAccount } from './account-table.ts';
import { insertTransfers } from './insert-transfers.ts';
import { paymentValues } from './rows.ts';

export interface SignedCheckpoint {
  readonly text: string;
  readonly keyId: string;
  readonly signature: string;
}

export type StoreGroup = (group: DecidedGroup, checkpoint: SignedCheckpoint | undefined) => void;

/** Writes one decided group with its batch, inside the caller's transaction. */
export function storeGroup(db: BetterSqlite3.Database, accounts: AccountCache): StoreGroup {
  const sql = statements(db);
  const addTransfers = insertTransfers(db);
  return ({ draft, batch }, checkpoint) => {
    if (!batch) return;
    const fresh = storeAccounts(draft.book, accounts);
    const numberOf = ({ now, before }: TouchedAccount): number => (before as HeldAccount | undefined)?.number ?? fresh.get(now.id)!;
    storeWindows(sql, draft, accounts);
    addTransfers(draft.book, batch.packed, numberOf);
    for (const { id, debit, credit, amount, expiresAt, state } of draft.book.pendings.values()) {
      // Whoever touched the hold touched its accounts.
      const [from, to] = [draft.book.accounts.get(debit)!, draft.book.accounts.get(credit)!];
      sql.putPending.run(idBytes(id), numberOf(from), numberOf(to), amount, expiresAt, state);
    }
    for (const payment of draft.payments.values()) sql.putPayment.run(...paymentValues(payment));
    storeReceived(sql, draft);
    storeBatch(sql, draft, batch);
    if (checkpoint) sql.addCheckpoint.run(batch.number, checkpoint.text, checkpoint.keyId, checkpoint.signature);
  };
}

export function lastBatch(db: BetterSqlite3.Database): LastBatch {
  const row = db.prepare('SELECT number, hash FROM ledger_batch ORDER BY number DESC LIMIT 1').get() as LastBatch | undefined;
  return row ?? { number: 0, hash: FIRST_PREVIOUS };
}

/** Only an event changes more of an account than its counters. Returns the numbers of new ones: memory must not know a row that is not committed. */
function storeAccounts({ accounts, events }: Book, cache: AccountCache): ReadonlyMap<Id, number> {
  const fresh = new Map<Id, number>();
  for (const { kind, subject } of events) {
    if (kind !== 'account-opened' && kind !== 'account-changed') continue;
    const { now, before } = accounts.get(subject)!;
    if (before) cache.change(now, before as HeldAccount);
    else if (!fresh.has(subject)) fresh.set(subject, cache.open(now));
  }
  return fresh;
}

/** A closing notes what each seller is owed at that instant; it stands alone in its group. */
function storeWindows(sql: Sql, draft: Draft, accounts: AccountCache): void {
  for (const { id, currency, next } of draft.closed) {
    sql.endWindow.run(draft.at, idBytes(next), idBytes(id));
    for (const { id: account, owner, creditsPosted, debitsPosted, debitsPending } of accounts.sellers(currency)) {
      const owed = creditsPosted - debitsPosted - debitsPending;
      if (owed > 0n) sql.notePosition.run(idBytes(id), idBytes(account), owner, owed);
    }
  }
  for (const { id, currency } of draft.opened) sql.beginWindow.run(idBytes(id), currency, draft.at);
}

function storeReceived(sql: Sql, draft: Draft): void {
  for (const { counter, seq, link, request, body } of draft.entries) sql.addEntry.run(counter, seq, link, idBytes(request), body);
  for (const { counter, seq, link, signature } of draft.heads) {
    sql.setChain.run(counter, seq, link);
    sql.addHead.run(counter, seq, signature, draft.at);
  }
  for (const { pass, counter, request } of draft.taps) sql.useCounter.run(pass, counter, idBytes(request));
}

function storeBatch(sql: Sql, draft: Draft, batch: SealedBatch): void {
  const { transfers, events } = draft.book;
  const { number, previous, hash, packed, signed, recordedAt } = batch;
  const ids = packedIds(packed);
  const keys = new Uint8Array(48 * draft.answers.length);
  for (const [place, { request, digest, text }] of draft.answers.entries()) {
    const id = idBytes(request);
    keys.set(id, 48 * place);
    keys.set(digest, 48 * place + 16);
    sql.addAnswer.run(id, digest, number, place, text);
  }
  const counts = [transfers.length, draft.answers.length, events.length];
  const root = [signed?.root ?? null, signed?.keyId ?? null, signed?.signature ?? null];
  sql.addBatch.run(number, BATCH_VERSION, previous, hash, ...counts, ids, keys, ...root, recordedAt);
  for (const [currency, window] of batch.windows) sql.addWindow.run(number, currency, idBytes(window));
  for (const [place, { kind, subject, body }] of events.entries()) sql.addEvent.run(number, place, kind, idBytes(subject), body);
}

type Sql = ReturnType<typeof statements>;

function statements(db: BetterSqlite3.Database) {
  return {
    addAnswer: db.prepare('INSERT INTO answer (request, digest, batch, place, outcome) VALUES (?, ?, ?, ?, ?)'),
    putPayment: db.prepare(
      `INSERT INTO payment (id, state, version, amount, captured, refunded, disputed, fee_basis_points, fee_fixed, currency, buyer, seller,
         seller_id, hub, legs, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state, version = excluded.version, captured = excluded.captured,
         refunded = excluded.refunded, disputed = excluded.disputed, legs = excluded.legs`,
    ),
    putPending: db.prepare(
      `INSERT INTO pending (id, debit, credit, amount, expires_at, state) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET state = excluded.state`,
    ),
    setChain: db.prepare(
      'INSERT INTO chain (counter, seq, link) VALUES (?, ?, ?) ON CONFLICT (counter) DO UPDATE SET seq = excluded.seq, link = excluded.link',
    ),
    addEntry: db.prepare('INSERT INTO entry (counter, seq, link, request, body) VALUES (?, ?, ?, ?, ?)'),
    addHead: db.prepare('INSERT INTO head (counter, seq, signature, received_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING'),
    useCounter: db.prepare('INSERT INTO used_counter (pass, counter, request) VALUES (?, ?, ?)'),
    beginWindow: db.prepare("INSERT INTO settlement_window (id, currency, state, opened_at) VALUES (?, ?, 'OPEN', ?)"),
    endWindow: db.prepare("UPDATE settlement_window SET state = 'CLOSED', closed_at = ?, next = ? WHERE id = ? AND state = 'OPEN'"),
    notePosition: db.prepare('INSERT INTO position (window, account, seller, amount) VALUES (?, ?, ?, ?)'),
    addBatch: db.prepare(
      `INSERT INTO ledger_batch (number, version, previous, hash, transfers, answers, events, transfer_ids, answer_keys, root, key_id,
         signature, recorded_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addWindow: db.prepare('INSERT INTO batch_window (batch, currency, window) VALUES (?, ?, ?)'),
    addEvent: db.prepare('INSERT INTO ledger_event (batch, place, kind, subject, body) VALUES (?, ?, ?, ?, ?)'),
    addCheckpoint: db.prepare('INSERT INTO checkpoint (batch, text, key_id, signature) VALUES (?, ?, ?, ?)'),
  };
}
