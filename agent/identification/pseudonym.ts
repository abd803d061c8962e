import { createHmac } from 'node:crypto';
import { type Id, idFromBytes } from '#protocol/ids.ts';

/**
 * This hub's own name for a card: HMAC-SHA-256 of its UID under a key that only this disk holds, as a UUIDv8 (RFC 9562). The same card
 * has another name at every other hub, and from the name nobody finds the card without the key.
 */
export function pseudonymOf(key: Uint8Array, uid: Uint8Array): Id {
  const bytes = createHmac('sha256', key).update('handover-card\0').update(uid).digest().subarray(0, 16);
  bytes[6] = (bytes[6]! & 0x0f) | 0x80;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return idFromBytes(bytes);
}
