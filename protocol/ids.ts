import { Type } from 'typebox';
import { hexDigit } from './bytes.ts';

/**
 * A UUIDv7 in canonical text form (RFC 9562): 48 bits of Unix milliseconds, then random. Time-ordered ids keep index pages warm.
 * The bytes are what the ledger keys on, the text is what travels.
 */
export type Id = string & { readonly __id: unique symbol };

export const IdText = Type.String({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' });

const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function isId(text: string): text is Id {
  return SHAPE.test(text);
}

/** Throws when the text is not an id: ids from outside were checked before. */
export function idBytes(id: Id): Uint8Array {
  const bytes = new Uint8Array(16);
  let place = 0;
  for (let at = 0; at < 16; at++) {
    if (id.charCodeAt(place) === DASH) place++;
    const [high, low] = [hexDigit(id.charCodeAt(place)), hexDigit(id.charCodeAt(place + 1))];
    if (high < 0 || low < 0) throw new RangeError('not an id');
    bytes[at] = (high << 4) | low;
    place += 2;
  }
  if (place !== id.length) throw new RangeError('not an id');
  return bytes;
}

/** Made of character codes in one go: a text put together of pieces costs more at every comparison afterwards, and ids are compared a lot. */
export function idFromBytes(bytes: Uint8Array): Id {
  if (bytes.length !== 16) throw new RangeError(`an id has 16 bytes, got ${bytes.length}`);
  const codes: number[] = [];
  for (let at = 0; at < 16; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) codes.push(DASH);
    const byte = bytes[at]!;
    codes.push(hexCode(byte >> 4), hexCode(byte & 15));
  }
  return String.fromCharCode(...codes) as Id;
}

const DASH = 45;

/** Character code of a hex digit, 0 … 15. */
function hexCode(digit: number): number {
  return digit < 10 ? 48 + digit : 87 + digit;
}

/**
 * Makes a UUIDv7 from Unix milliseconds (0 … 2^48−1) and 10 random bytes.
 * Pure: clock and random come in through the caller's ports, so a simulated run repeats exactly.
 */
export function makeId(atMs: number, random: Uint8Array): Id {
  if (random.length !== 10) throw new RangeError(`an id takes 10 random bytes, got ${random.length}`);
  if (!Number.isSafeInteger(atMs) || atMs < 0 || atMs >= 2 ** 48) throw new RangeError(`time out of range: ${atMs}`);
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(atMs / 2 ** 32));
  view.setUint32(2, atMs % 2 ** 32);
  bytes.set(random, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return idFromBytes(bytes);
}

/** What people read and type for a request: "R-7QK2-M4HD", Crockford base 32 of the last 40 bits. A label, never a key. */
export function shortCode(id: Id): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let value = BigInt(`0x${id.replaceAll('-', '').slice(-10)}`);
  let out = '';
  for (let i = 0; i < 8; i++) {
    out = alphabet[Number(value & 31n)]! + out;
    value >>= 5n;
  }
  return `R-${out.slice(0, 4)}-${out.slice(4)}`;
}
