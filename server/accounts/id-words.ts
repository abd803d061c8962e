/** Ids as four 32-bit words of their 16 bytes, big-endian: read out of the text without an array for each. */
import type { Id } from '#protocol/ids.ts';

const ID_CHARS = 36;
/** More than sixteen bits: whatever it is joined to stands out. */
const NO_DIGIT = 1 << 24;

/** Of every character code there is: to look is cheaper than to ask first whether the code is small. */
const DIGIT: Int32Array = Int32Array.from({ length: 65_536 }, () => NO_DIGIT);
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value;

/** Writes an id's words. Throws on what is no canonical id: two texts must never name the same account. */
export function readIdWords(id: Id, words: Uint32Array): void {
  const a = (digit(id, 0) << 12) | (digit(id, 1) << 8) | (digit(id, 2) << 4) | digit(id, 3);
  const b = (digit(id, 4) << 12) | (digit(id, 5) << 8) | (digit(id, 6) << 4) | digit(id, 7);
  const c = (digit(id, 9) << 12) | (digit(id, 10) << 8) | (digit(id, 11) << 4) | digit(id, 12);
  const d = (digit(id, 14) << 12) | (digit(id, 15) << 8) | (digit(id, 16) << 4) | digit(id, 17);
  const e = (digit(id, 19) << 12) | (digit(id, 20) << 8) | (digit(id, 21) << 4) | digit(id, 22);
  const f = (digit(id, 24) << 12) | (digit(id, 25) << 8) | (digit(id, 26) << 4) | digit(id, 27);
  const g = (digit(id, 28) << 12) | (digit(id, 29) << 8) | (digit(id, 30) << 4) | digit(id, 31);
  const h = (digit(id, 32) << 12) | (digit(id, 33) << 8) | (digit(id, 34) << 4) | digit(id, 35);
  if ((a | b | c | d | e | f | g | h) >>> 16 !== 0 || id.length !== ID_CHARS) throw new RangeError(`not an id: ${id}`);
  words[0] = (a << 16) | b;
  words[1] = (c << 16) | d;
  words[2] = (e << 16) | f;
  words[3] = (g << 16) | h;
}

function digit(id: Id, at: number): number {
  return DIGIT[id.charCodeAt(at)]!;
}

/** All words count: ids that were not made at random (the carrier's own, those of tests) differ in few of them. */
export function mixWords(a: number, b: number, c: number, d: number): number {
  const sum = Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca6b) ^ Math.imul(c, 0xc2b2_ae35) ^ Math.imul(d, 0x27d4_eb2f);
  return sum ^ (sum >>> 15);
}
