/**
 * Proof class D: what anybody may have copied (a card's fixed UID, a badge's number, a magnetic stripe), and a PIN that only the carrier can
 * read. Here are the bytes; agent and server seal and open them with HPKE (RFC 9180: base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256,
 * AES-128-GCM). See docs/decisions/0013.
 */
import { concatBytes, fromBase64Url, toBase64Url, toHex, u64, utf8 } from './bytes.ts';
import { sha256 } from './hash.ts';
import { type Id, idBytes } from './ids.ts';

export const MEDIUM_KINDS = ['uid', 'badge', 'stripe'] as const;
export type MediumKind = (typeof MEDIUM_KINDS)[number];

/** A medium that was read, and what the buyer typed for it. */
export interface TypedPin {
  /** 1 … 128 bytes. */
  readonly number: Uint8Array;
  /** 4 … 12 digits. */
  readonly pin: string;
  /** When it was typed, by the hub's clock, Unix milliseconds. */
  readonly atMs: number;
}

/** What a typed PIN is for, and for nothing else. */
export interface PinBinding {
  readonly kind: MediumKind;
  readonly hubId: Id;
  readonly counterId: Id;
  /** Byte for byte as the hub stored them. */
  readonly termsText: string;
}

export const MEDIUM_BYTES_MAX = 128;
/** version 1, atMs 6, length of the number 1, number, PIN. */
const PLAIN_BYTES = 150;
const NUMBER_AT = 8;
const PIN_AT = NUMBER_AT + MEDIUM_BYTES_MAX;
const VERSION = 1;
const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** Divisible by three: base64url then has no spare bits, and spells it in one way. */
const SEALED_BYTES = KEY_BYTES + PLAIN_BYTES + TAG_BYTES;
export const SEALED_CHARACTERS: number = (SEALED_BYTES / 3) * 4;

/** HPKE's `info`: keys of this purpose are good for no other. */
export const PIN_INFO: Uint8Array = utf8('handover-pin-v1');

/** HPKE's associated data: a sealed PIN opens for exactly these terms, at this counter, for this kind of medium. */
export function pinBindingBytes({ kind, hubId, counterId, termsText }: PinBinding): Uint8Array {
  return concatBytes(
    utf8('handover-pin-v1\0'),
    new Uint8Array([MEDIUM_KINDS.indexOf(kind)]),
    idBytes(hubId),
    idBytes(counterId),
    sha256(utf8(termsText)),
  );
}

export function isPin(text: string): boolean {
  return /^[0-9]{4,12}$/.test(text);
}

/** Always the same length, so that the sealed one tells neither how long the PIN is nor the number. Throws on what is out of range. */
export function encodeTypedPin({ number, pin, atMs }: TypedPin): Uint8Array {
  if (number.length < 1 || number.length > MEDIUM_BYTES_MAX) throw new RangeError(`a medium has 1 to ${MEDIUM_BYTES_MAX} bytes`);
  if (!isPin(pin)) throw new RangeError('a PIN has 4 to 12 digits');
  const bytes = new Uint8Array(PLAIN_BYTES);
  bytes[0] = VERSION;
  bytes.set(u64(BigInt(atMs)).subarray(2), 1);
  bytes[NUMBER_AT - 1] = number.length;
  bytes.set(number, NUMBER_AT);
  bytes.set(utf8(pin), PIN_AT);
  return bytes;
}

/** Undefined unless it is exactly what {@link encodeTypedPin} writes. */
export function decodeTypedPin(bytes: Uint8Array): TypedPin | undefined {
  if (bytes.length !== PLAIN_BYTES || bytes[0] !== VERSION) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes[NUMBER_AT - 1]!;
  const end = bytes.indexOf(0, PIN_AT);
  if (length < 1 || length > MEDIUM_BYTES_MAX || end < 0) return undefined;
  const pin = String.fromCharCode(...bytes.subarray(PIN_AT, end));
  const isPadded = [bytes.subarray(NUMBER_AT + length, PIN_AT), bytes.subarray(end)].every((rest) => rest.every((byte) => byte === 0));
  if (!isPin(pin) || !isPadded) return undefined;
  return { number: bytes.slice(NUMBER_AT, NUMBER_AT + length), pin, atMs: view.getUint16(1) * 2 ** 32 + view.getUint32(3) };
}

/** The encapsulated key and the ciphertext, as they travel in a proof. */
export function sealedText(encapsulated: Uint8Array, ciphertext: Uint8Array): string {
  return toBase64Url(concatBytes(encapsulated, ciphertext));
}

/** Undefined for any other length or spelling. */
export function readSealed(text: string): { readonly encapsulated: Uint8Array; readonly ciphertext: Uint8Array } | undefined {
  const bytes = text.length === SEALED_CHARACTERS ? fromBase64Url(text) : undefined;
  return bytes && { encapsulated: bytes.slice(0, KEY_BYTES), ciphertext: bytes.slice(KEY_BYTES) };
}

/** Names the carrier's key that a PIN was sealed to: first 8 bytes of SHA-256 over the raw X25519 key, hex. */
export function sealKeyId(rawKey: Uint8Array): string {
  return toHex(sha256(rawKey).subarray(0, 8));
}

/**
 * Whether a UID of ISO/IEC 14443-3 type A stays the same from tap to tap. Random ones have four bytes and begin with 08, as those of phones;
 * some DESFire cards that were told to be anonymous begin with 80. Four bytes that begin with x8 are reserved, 88 is no beginning at all. Seven
 * and ten bytes begin with the maker's number and last. Some phones without a secure element all say 01 02 03 04.
 */
export function isLastingUid(uid: Uint8Array): boolean {
  if (uid.length === 7 || uid.length === 10) return uid.some((byte) => byte !== 0);
  if (uid.length !== 4) return false;
  return (uid[0]! & 0x0f) !== 0x08 && uid[0] !== 0x80 && !SHARED_UIDS.has(toHex(uid));
}

const SHARED_UIDS: ReadonlySet<string> = new Set(['00000000', '01020304', 'ffffffff']);
