import { timingSafeEqual } from 'node:crypto';
import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { aesCmac, cbcDecrypt, encryptBlock, shortMac, ZERO_BLOCK } from './aes.ts';
import type { CardKeys } from './card-keys.ts';
import type { SunFields, SunIdentity } from './sun-fields.ts';

/** A message that a card of ours made. That it was not used before is for whoever keeps the counters. */
export interface SunTap {
  /** The master key that the card was personalised under. */
  readonly keyId: number;
  /** 7 bytes. Names the card for ever: never to a hub, never in a log. */
  readonly uid: Uint8Array;
  /** Of the card's reads, 1 … 2^24 − 2; each value is given once. */
  readonly counter: number;
  readonly fileData?: Uint8Array;
}

/**
 * Checks one message (NT4H2421Gx §9.3, AN12196 §3.4): decrypts who it is, derives that card's file key, and compares the MAC in constant
 * time. Every master key is tried, because the message must not tell which batch a card is of. Says nothing about money or whether the
 * card is blocked. Refusals: PROOF_INVALID, and those of the key store.
 */
export async function checkSun(fields: SunFields, keys: CardKeys): Promise<Result<SunTap>> {
  for (const keyId of keys.keyIds) {
    const known = await identityUnder(keyId, fields.identity, keys);
    if (!known.ok) return known;
    if (!known.value) continue;
    const { uid, counter } = known.value;
    const fileKey = await keys.file(keyId, uid);
    if (!fileKey.ok) return fileKey;
    const context = concatBytes(uid, counterBytes(counter));
    const macKey = aesCmac(fileKey.value, concatBytes(MAC_LABEL, context));
    if (!timingSafeEqual(shortMac(macKey, fields.macInput), fields.mac)) continue;
    return ok({ keyId, uid, counter, ...(fields.file && { fileData: decryptFile(fileKey.value, context, counter, fields.file) }) });
  }
  // Not said: whether the card is unknown or the message is wrong. From outside they are the same.
  return refuse('PROOF_INVALID', 'no card of ours made this message');
}

/** Labels, counter and length of the session key derivation (§9.3.9.1). */
const MAC_LABEL = new Uint8Array([0x3c, 0xc3, 0x00, 0x01, 0x00, 0x80]);
const FILE_LABEL = new Uint8Array([0xc3, 0x3c, 0x00, 0x01, 0x00, 0x80]);
/** PICCDataTag: UID and counter are mirrored, and the UID has 7 bytes (§9.3.4). */
const PICC_TAG = 0xc7;

interface Identity {
  readonly uid: Uint8Array;
  readonly counter: number;
}

/** Who this message would be from under one master key; undefined when it cannot be of that key. */
async function identityUnder(keyId: number, said: SunIdentity, keys: CardKeys): Promise<Result<Identity | undefined>> {
  if (!('picc' in said)) return ok(said);
  const metaKey = await keys.meta(keyId);
  if (!metaKey.ok) return metaKey;
  const plain = cbcDecrypt(metaKey.value, ZERO_BLOCK, said.picc);
  if (plain[0] !== PICC_TAG) return ok(undefined);
  return ok({ uid: plain.slice(1, 8), counter: plain[8]! | (plain[9]! << 8) | (plain[10]! << 16) });
}

function decryptFile(fileKey: Uint8Array, context: Uint8Array, counter: number, file: Uint8Array): Uint8Array {
  const key = aesCmac(fileKey, concatBytes(FILE_LABEL, context));
  const iv = encryptBlock(key, concatBytes(counterBytes(counter), ZERO_BLOCK).subarray(0, 16));
  return cbcDecrypt(key, iv, file);
}

/** Least significant byte first, as in every calculation of the card; in a link it is the other way round. */
function counterBytes(counter: number): Uint8Array {
  return new Uint8Array([counter, counter >> 8, counter >> 16]);
}
