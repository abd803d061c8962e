import type { KeyObject } from 'node:crypto';
import { encodeLink, linkSignedBytes } from '#protocol/payment-link.ts';
import { signEd25519 } from '#protocol/signing.ts';

/**
 * The address that a buyer's phone opens to approve these terms: the request, signed by this hub, in its fragment. Undefined when the terms
 * cannot be spelled in it. `page`: the carrier's page.
 */
export function paymentLink(page: string, termsText: string, key: KeyObject): string | undefined {
  const link = encodeLink(termsText, signEd25519(key, linkSignedBytes(termsText)));
  return link && `${page}#${link}`;
}
