import { createHmac, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { fromBase64Url, toBase64Url, utf8 } from '#protocol/bytes.ts';
import { type MediumKind, sealKeyId } from '#protocol/class-d.ts';
import { agreeKeyText, type PublicKeyText } from '#protocol/signing.ts';

/** What this carrier keeps media and PINs with. Nothing of it is ever in the database. */
export interface MediumKeys {
  readonly seal: KeyObject;
  readonly sealText: PublicKeyText;
  /** Names `seal` in a proof. */
  readonly sealId: string;
  /** Stands for a medium in the database: 43 characters. The kind is in it, so that a badge of the same number is another. */
  tag(kind: MediumKind, number: Uint8Array): string;
  /** Goes into the hash of every PIN: without it, the hashes of all short PINs could be tried in an afternoon. */
  readonly pepper: Uint8Array;
}

/** `secret`: 32 bytes. */
export function mediumKeys(seal: KeyObject, secret: Uint8Array): MediumKeys {
  const sealText = agreeKeyText(createPublicKey(seal));
  const derived = (purpose: string): Uint8Array => new Uint8Array(hkdfSync('sha256', secret, '', purpose, 32));
  const tagKey = derived('handover-medium-tag-v1');
  return {
    seal,
    sealText,
    sealId: sealKeyId(fromBase64Url(sealText)!),
    tag: (kind, number) =>
      toBase64Url(
        createHmac('sha256', tagKey)
          .update(utf8(`${kind}\0`))
          .update(number)
          .digest(),
      ),
    pepper: derived('handover-pin-pepper-v1'),
  };
}
