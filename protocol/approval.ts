/**
 * What a buyer approves on their own phone, what the carrier says of it, and how a hub checks that without a network: by the
 * carrier's signature (scanned), or by eight digits that both sides can compute (typed). See docs/decisions/0012.
 */
import { createHmac, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto';
import { concatBytes, u64, utf8 } from './bytes.ts';
import { challengeBytes } from './carried-request.ts';
import { derivedId } from './derived-id.ts';
import { sha256 } from './hash.ts';
import { type Id, idBytes } from './ids.ts';

/** The hold behind an approved request: its id follows from the request's, so that approving twice holds the money once. */
export function approvalId(requestId: Id): Id {
  return derivedId(requestId, 'approval');
}

/**
 * What the passkey signs (as WebAuthn's challenge, 32 bytes): exactly these terms. It needs no freshness: signed twice, it approves the
 * same request twice, which is once.
 */
export function approvalChallenge(termsText: string): Uint8Array {
  return sha256(challengeBytes(sha256(utf8(termsText))));
}

/** Bytes that the carrier signs (Ed25519): the money for these terms is held until `expiresAt`, Unix milliseconds. */
export function approvedSignedBytes(requestId: Id, termsText: string, expiresAt: number): Uint8Array {
  return concatBytes(utf8('handover-approved-v1\0'), idBytes(requestId), sha256(utf8(termsText)), u64(BigInt(expiresAt)));
}

export const CODE_DIGITS = 8;

/** The key that carrier and counter share for codes: 32 bytes from an X25519 agreement, bound to the counter. */
export function codeKey(ownPrivate: KeyObject, theirPublic: KeyObject, counterId: Id): Uint8Array {
  const shared = diffieHellman({ privateKey: ownPrivate, publicKey: theirPublic });
  return new Uint8Array(hkdfSync('sha256', shared, idBytes(counterId), 'handover-code-v1', 32));
}

/** Eight digits as in HOTP (RFC 4226, dynamic truncation) over HMAC-SHA-256 of the request and its terms. */
export function approvalCode(key: Uint8Array, requestId: Id, termsText: string): string {
  const mac = createHmac('sha256', key)
    .update('handover-code-v1\0')
    .update(idBytes(requestId))
    .update(sha256(utf8(termsText)))
    .digest();
  const offset = mac[31]! & 0x0f;
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 10 ** CODE_DIGITS).padStart(CODE_DIGITS, '0');
}
