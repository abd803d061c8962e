/**
 * What an answer to reset tells of a card in front of a contactless reader (PC/SC part 3 §3.1.3.2.3). Such a reader makes the ATR up:
 * `3B 8n 80 01 ‖ n historical bytes ‖ TCK`. For a memory card these name PC/SC's own registered application; for a card or phone that
 * talks ISO-DEP they come out of its ATS (type A) or ATQB (type B).
 *   iso-dep: talks APDUs. iso-14443-3: a memory card of type A, whose UID says whether it lasts. memory: one of another make (type B, FeliCa,
 *   ISO 15693). contact: any other ATR, such as of a chip card in a slot.
 */
export function kindOfAtr(atr: Uint8Array): 'iso-dep' | 'iso-14443-3' | 'memory' | 'contact' {
  const contactless = atr[0] === 0x3b && (atr[1]! & 0xf0) === 0x80 && atr[2] === 0x80 && atr[3] === 0x01;
  if (!contactless) return 'contact';
  const historical = atr.subarray(4, 4 + (atr[1]! & 0x0f));
  if (!MEMORY_CARD.every((byte, index) => historical[index] === byte)) return 'iso-dep';
  return TYPE_A.has(historical[MEMORY_CARD.length]!) ? 'iso-14443-3' : 'memory';
}

/** The byte SS behind the RID: ISO 14443 A, parts 1 to 3. */
const TYPE_A: ReadonlySet<number> = new Set([0x01, 0x02, 0x03]);

/** Category indicator, tag of an application identifier, its length, and the RID of the PC/SC Workgroup. */
const MEMORY_CARD = [0x80, 0x4f, 0x0c, 0xa0, 0x00, 0x00, 0x03, 0x06];
