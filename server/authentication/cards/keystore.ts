import type { Result } from '#protocol/errors.ts';

/**
 * Where the carrier's master keys for cards live. They never leave it: it makes CMACs with them, which is all that deriving a card's keys
 * takes. It decrypts nothing: a key that both makes CMACs and decrypts what strangers send could be made to give its CMACs away.
 */
export interface KeyStore {
  /** Ids of the master keys, 1 … 255, newest first. The first is for new cards; the others stay for the cards that have them. */
  readonly keyIds: readonly number[];
  /**
   * AES-CMAC (RFC 4493) under a master key; 16 bytes. `message`: 1 … 32 bytes. Refusals: NOT_FOUND (no such key), INTERNAL (the token
   * failed; again later).
   */
  cmac(keyId: number, message: Uint8Array): Promise<Result<Uint8Array>>;
  /**
   * Makes another master key, for new cards from now on; resolves with its id when it is kept for good. Refusals: CONFIG_BAD (no id is
   * left, or another process changed the store), INTERNAL.
   */
  addKey(): Promise<Result<number>>;
  close(): Promise<void>;
}

/** A card stores the id of its master key as key version, which is one byte; 0 is the factory's. */
export const KEY_ID_MAX = 255;

/** Id of the next master key; undefined when there is none left. */
export function nextKeyId(keyIds: readonly number[]): number | undefined {
  const next = Math.max(0, ...keyIds) + 1;
  return next <= KEY_ID_MAX ? next : undefined;
}
