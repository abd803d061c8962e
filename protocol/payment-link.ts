/**
 * The request of a counter as a link that a phone can carry: in the display's QR code, or over the reader as an NDEF record. The hub
 * signed it, so that the carrier can trust it although it came by way of the buyer. It sits in the fragment of the address, which a
 * browser never sends by itself. See docs/decisions/0012.
 */
import { concatBytes, utf8 } from './bytes.ts';
import { sha256 } from './hash.ts';

export { type CarriedRequest, decodeLink, encodeLink } from './carried-request.ts';

/** Bytes that the hub's key signs (Ed25519) to send a request by way of the buyer's phone. */
export function linkSignedBytes(termsText: string): Uint8Array {
  return concatBytes(utf8('handover-link-v1\0'), sha256(utf8(termsText)));
}
