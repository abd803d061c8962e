/** Byte helpers without Node's Buffer, so that the agent, the server and a browser read the same bytes. */

const ENCODER = new TextEncoder();

export function utf8(text: string): Uint8Array {
  return ENCODER.encode(text);
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const out = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** Unsigned 64-bit big-endian. Throws outside 0 … 2^64−1. */
export function u64(value: bigint): Uint8Array {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) throw new RangeError(`not a u64: ${value}`);
  const out = new Uint8Array(8);
  writeU32(out, 0, Number(value >> 32n));
  writeU32(out, 4, Number(value & 0xffff_ffffn));
  return out;
}

export function u32(value: number): Uint8Array {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff) throw new RangeError(`not a u32: ${value}`);
  const out = new Uint8Array(4);
  writeU32(out, 0, value);
  return out;
}

/** Without a view: making one costs more than the four bytes. */
function writeU32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** By table: every id and hash of a ledger batch comes through here. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** Throws on anything but an even number of hex digits. */
export function fromHex(text: string): Uint8Array {
  if (text.length % 2 !== 0) throw new RangeError('not hex');
  const out = new Uint8Array(text.length / 2);
  for (let at = 0; at < out.length; at++) {
    const high = hexDigit(text.charCodeAt(2 * at));
    const low = hexDigit(text.charCodeAt(2 * at + 1));
    if (high < 0 || low < 0) throw new RangeError('not hex');
    out[at] = (high << 4) | low;
  }
  return out;
}

/** Value of one ASCII hex digit, −1 for anything else. */
export function hexDigit(code: number): number {
  if (code >= 48 && code <= 57) return code - 48;
  const lower = code | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Value of each ASCII character in base64url; 64 for what is none. */
const SIXES: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => {
  const place = BASE64URL.indexOf(String.fromCharCode(code));
  return place < 0 ? 64 : place;
});

/** By table: a signed payment carries a dozen of these, and going through `btoa` costs more than the rest of reading it. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  let at = 0;
  for (; at + 2 < bytes.length; at += 3) {
    const three = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    text += BASE64URL[three >> 18]! + BASE64URL[(three >> 12) & 63]! + BASE64URL[(three >> 6) & 63]! + BASE64URL[three & 63]!;
  }
  const left = bytes.length - at;
  if (left === 0) return text;
  const last = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8);
  text += BASE64URL[last >> 18]! + BASE64URL[(last >> 12) & 63]!;
  return left === 1 ? text : text + BASE64URL[(last >> 6) & 63]!;
}

/** Returns undefined for text that is not base64url without padding: callers hold untrusted input. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const out = new Uint8Array((text.length * 3) >> 2);
  let bits = 0;
  let held = 0;
  let at = 0;
  for (let place = 0; place < text.length; place++) {
    const six = SIXES[text.charCodeAt(place)] ?? 64;
    if (six === 64) return undefined;
    bits = ((bits << 6) | six) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[at++] = bits >> held;
  }
  return out;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}
