import { hash } from 'node:crypto';
import { concatBytes } from './bytes.ts';

/** SHA-256 of the parts, one after another; 32 bytes. In one call: a hash object per entry costs as much as the hash. */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const digest = hash('sha256', parts.length === 1 ? parts[0]! : concatBytes(...parts), 'buffer');
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
}
