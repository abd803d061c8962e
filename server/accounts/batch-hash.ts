import { concatBytes, u64, utf8 } from '#protocol/bytes.ts';
import { sha256 } from '#protocol/hash.ts';
import { type Id, idBytes } from '#protocol/ids.ts';
import type { Currency } from '#protocol/money.ts';
import { type LedgerEvent, type Transfer, TRANSFER_KINDS, TRANSFER_MODES } from '../records.ts';
import type { ReadAccount, TouchedAccount } from './book.ts';
import { readIdWords } from './id-words.ts';

export const FIRST_PREVIOUS: Uint8Array = new Uint8Array(32);

/** Batches of before 2026-11-22 are hashed as version 1 and stay so: see {@link batchHashV1}. */
export const BATCH_VERSION = 2;

/** What a ledger commit is chained by. `root` is the Merkle root of its answers, or undefined when it has none. */
export interface BatchContent {
  readonly number: number;
  readonly previous: Uint8Array;
  readonly recordedAt: number;
  readonly root: Uint8Array | undefined;
  /** The open window of each currency that moved. */
  readonly windows: ReadonlyMap<Currency, Id>;
  readonly packed: Packed;
  readonly events: readonly LedgerEvent[];
}

/** Transfers as the bytes that are hashed; `at[i]` is where the i-th begins, with its 16 bytes of id. */
export interface Packed {
  readonly bytes: Uint8Array;
  readonly at: readonly number[];
}

/** SHA-256 over every field of every transfer and event of a commit, in order, its windows, and the hash of the commit before it. */
export function batchHash(content: BatchContent): Uint8Array {
  const windows = [...content.windows].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const events = content.events.map(({ kind, subject, body }) => `${kind}\0${subject}\0${body}\0`).join('');
  const head = concatBytes(
    utf8('handover-ledger-v2\0'),
    content.previous,
    u64(BigInt(content.number)),
    u64(BigInt(content.recordedAt)),
    content.root ?? new Uint8Array(32),
    u64(BigInt(windows.length)),
    ...windows.flatMap(([currency, window]) => [utf8(currency), idBytes(window)]),
    u64(BigInt(content.events.length)),
    utf8(events),
    u64(BigInt(content.packed.at.length)),
  );
  return sha256(head, content.packed.bytes);
}

/** id 16, debit 16, credit 16, payment 16, pending 16 (zeros where there is none), amount 8, expiry 8, kind 1, mode 1, currency 3, text length 2. */
const FIXED_BYTES = 103;

/** Transfers, and where they have just been posted, their accounts: a reader that has an id's bytes at hand spares their being read again. */
export interface Packable {
  readonly transfers: readonly Transfer[];
  readonly debits?: readonly TouchedAccount[];
  readonly credits?: readonly TouchedAccount[];
}

/** One buffer for the whole batch: thousands of small ones cost more than the hash. */
export function packTransfers({ transfers, debits, credits }: Packable): Packed {
  const count = transfers.length;
  let size = FIXED_BYTES * count;
  for (let index = 0; index < count; index++) size += Buffer.byteLength(transfers[index]!.reference ?? '');
  const bytes = Buffer.alloc(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  const at: number[] = [];
  let offset = 0;
  for (let index = 0; index < count; index++) {
    const transfer = transfers[index]!;
    at.push(offset);
    packOne(view, offset, transfer);
    packParty(view, offset + 16, transfer.debit, debits?.[index]?.before);
    packParty(view, offset + 32, transfer.credit, credits?.[index]?.before);
    offset += FIXED_BYTES;
    if (transfer.reference === null) continue;
    const length = bytes.write(transfer.reference, offset);
    // One more than the length, so that no text and an empty one differ.
    view.setUint16(offset - 2, length + 1);
    offset += length;
  }
  return { bytes, at };
}

/** Everything but the parties and the reference. Numbers are below 2^53, and are not made bigints for it; the buffer begins as zeros. */
function packOne(view: DataView, start: number, transfer: Transfer): void {
  packId(view, start, transfer.id);
  if (transfer.payment !== null) packId(view, start + 48, transfer.payment);
  if (transfer.pending !== null) packId(view, start + 64, transfer.pending);
  packWhole(view, start + 80, Number(transfer.amount));
  if (transfer.expiresAt !== null) packWhole(view, start + 88, transfer.expiresAt);
  view.setUint8(start + 96, TRANSFER_KINDS.indexOf(transfer.kind));
  view.setUint8(start + 97, TRANSFER_MODES.indexOf(transfer.mode));
  for (let place = 0; place < 3; place++) view.setUint8(start + 98 + place, transfer.currency.charCodeAt(place));
}

export function packedView({ bytes }: Packed): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** The ids of all transfers, one after another. */
export function packedIds(packed: Packed): Uint8Array {
  const view = packedView(packed);
  const ids = new DataView(new ArrayBuffer(16 * packed.at.length));
  for (let place = 0; place < packed.at.length; place++) copyPackedId(view, packed.at[place]!, ids, 16 * place);
  return new Uint8Array(ids.buffer);
}

/** By words: a view of sixteen bytes costs more to make than they to copy. */
export function copyPackedId(from: DataView, start: number, to: DataView, at: number): void {
  for (let byte = 0; byte < 16; byte += 4) to.setUint32(at + byte, from.getUint32(start + byte));
}

/** Of the packed transfer that begins there. */
export function packedAmount(view: DataView, start: number): number {
  return view.getUint32(start + 80) * 4_294_967_296 + view.getUint32(start + 84);
}

/** Its place in TRANSFER_KINDS. */
export function packedKind(view: DataView, start: number): number {
  return view.getUint8(start + 96);
}

/** Its place in TRANSFER_MODES. */
export function packedMode(view: DataView, start: number): number {
  return view.getUint8(start + 97);
}

/** A safe non-negative integer as 8 bytes, big-endian. */
function packWhole(view: DataView, start: number, value: number): void {
  const low = value % 4_294_967_296;
  view.setUint32(start, (value - low) / 4_294_967_296);
  view.setUint32(start + 4, low);
}

function packParty(view: DataView, start: number, id: Id, before: ReadAccount | undefined): void {
  if (before?.packId) before.packId(view, start);
  else packId(view, start, id);
}

const words = new Uint32Array(4);

function packId(view: DataView, start: number, id: Id): void {
  readIdWords(id, words);
  view.setUint32(start, words[0]!);
  view.setUint32(start + 4, words[1]!);
  view.setUint32(start + 8, words[2]!);
  view.setUint32(start + 12, words[3]!);
}

/** The hash of version 1, before holds, events and per-batch windows. Kept so that old batches can be verified for ever. */
export function batchHashV1(content: Omit<BatchContent, 'packed' | 'events'> & { readonly transfers: readonly Transfer[] }): Uint8Array {
  const head = concatBytes(
    utf8('handover-ledger-v1\0'),
    content.previous,
    u64(BigInt(content.number)),
    u64(BigInt(content.recordedAt)),
    content.root ?? new Uint8Array(32),
    u64(BigInt(content.transfers.length)),
  );
  return sha256(head, ...content.transfers.map((transfer) => transferBytesV1(transfer, content.windows.get(transfer.currency)!)));
}

function transferBytesV1(transfer: Transfer, window: Id): Uint8Array {
  const text = utf8(`${transfer.currency}\0${transfer.kind}\0${transfer.reference ?? ''}\0`);
  return concatBytes(
    idBytes(transfer.id),
    idBytes(transfer.debit),
    idBytes(transfer.credit),
    u64(transfer.amount),
    transfer.payment ? idBytes(transfer.payment) : new Uint8Array(16),
    idBytes(window),
    u64(BigInt(text.length)),
    text,
  );
}
