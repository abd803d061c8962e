import { concatBytes, toBase64Url, utf8 } from '#protocol/bytes.ts';
import { ok, type Result } from '#protocol/errors.ts';
import type { KeyStore } from './keystore.ts';

/** The five application keys of a card, by slot. */
export const SLOTS = {
  /** AppMasterKey: changes keys and settings. */
  master: 0,
  /** K_file, SDMFileRead: makes the MAC of every tap. */
  file: 1,
  /** K_meta, SDMMetaRead: hides UID and counter of every tap. */
  meta: 2,
  /** Not used, and not left at the factory's value either. */
  spareA: 3,
  spareB: 4,
} as const;
export type Slot = (typeof SLOTS)[keyof typeof SLOTS];
export const ALL_SLOTS: readonly Slot[] = [0, 1, 2, 3, 4];

/** The keys that cards have, derived when they are needed and kept nowhere but where said. */
export interface CardKeys {
  /** Master keys that cards in the field may have been personalised under, 1 … 255, the one for new cards first. */
  readonly keyIds: readonly number[];
  /**
   * K_meta. All cards of one master key share it: the UID of a tap is encrypted, so it has to be found without knowing the card.
   * Whoever takes it out of one card can follow all cards of the batch, and still makes no message of any.
   */
  meta(keyId: number): Promise<Result<Uint8Array>>;
  /** K_file of one card. */
  file(keyId: number, uid: Uint8Array): Promise<Result<Uint8Array>>;
  /** Any key of one card. */
  slot(keyId: number, slot: Slot, uid: Uint8Array): Promise<Result<Uint8Array>>;
  /** The name under which the carrier keeps one card: who has the database and not the master key cannot tell which card it is. */
  tag(keyId: number, uid: Uint8Array): Promise<Result<string>>;
}

/** Derives the keys of cards from the master keys in a key store (AN10922). Remembers K_meta, one per master key, and no other. */
export function cardKeys(store: KeyStore): CardKeys {
  const metas = new Map<number, Uint8Array>();
  const meta = async (keyId: number): Promise<Result<Uint8Array>> => {
    const known = metas.get(keyId);
    if (known) return ok(known);
    const derived = await diversify(store, keyId, META_INPUT);
    if (derived.ok) metas.set(keyId, derived.value);
    return derived;
  };
  const slot = (keyId: number, wanted: Slot, uid: Uint8Array): Promise<Result<Uint8Array>> => {
    if (wanted === SLOTS.meta) return meta(keyId);
    if (uid.length !== UID_BYTES) throw new RangeError(`a UID has ${UID_BYTES} bytes, got ${uid.length}`);
    return diversify(store, keyId, concatBytes(uid, SYSTEM, new Uint8Array([wanted])));
  };
  const tag = async (keyId: number, uid: Uint8Array): Promise<Result<string>> => {
    if (uid.length !== UID_BYTES) throw new RangeError(`a UID has ${UID_BYTES} bytes, got ${uid.length}`);
    const made = await store.cmac(keyId, concatBytes(TAG_LABEL, uid, SYSTEM));
    return made.ok ? ok(toBase64Url(made.value)) : made;
  };
  return { keyIds: store.keyIds, meta, slot, file: (keyId, uid) => slot(keyId, SLOTS.file, uid), tag };
}

/**
 * AN10922 §2.2: the AES-128 key for `input` under a master key is CMAC(master, 01 ‖ input). Between 16 and 31 bytes of input the note's
 * own padding and that of a standard CMAC are the same, so a token that makes CMACs can do it and the master key never leaves it;
 * shorter input would be padded otherwise. Throws on another length.
 */
export async function diversify(store: KeyStore, keyId: number, input: Uint8Array): Promise<Result<Uint8Array>> {
  if (input.length < 16 || input.length > 31) throw new RangeError(`diversification input has 16 to 31 bytes, got ${input.length}`);
  return store.cmac(keyId, concatBytes(AES_128_CONSTANT, input));
}

const AES_128_CONSTANT = new Uint8Array([0x01]);
/** No key of a card begins so: a tag is never one. */
const TAG_LABEL = new Uint8Array([0x54]);
const UID_BYTES = 7;
/** Keeps these keys apart from those that another system derives from the same UID. Never changes: cards depend on it. */
const SYSTEM = utf8('HANDOVER');
/** One byte longer than the input of any card's key, so that it can be none. */
const META_INPUT = utf8('HANDOVER-SUN-META');
