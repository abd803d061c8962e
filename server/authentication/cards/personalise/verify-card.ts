import { sameBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { CardKeys } from '../card-keys.ts';
import { checkSun, type SunTap } from '../sun.ts';
import { readSun } from '../sun-fields.ts';
import type { Transceive } from './apdu.ts';
import { readTap, selectApplication } from './commands.ts';
import { queryOf, readLink } from './read-link.ts';

/** One tap of the card on the desk, checked as the carrier checks one from a hub. */
export interface CheckedTap extends SunTap {
  readonly link: string;
}

/** Taps once. Refusals: PROOF_INVALID, CARD_UNSUPPORTED, those of the key store and of the reader. */
export async function tapOnce(transceive: Transceive, keys: CardKeys): Promise<Result<CheckedTap>> {
  const selected = await selectApplication(transceive);
  if (!selected.ok) return selected;
  const message = await readTap(transceive);
  if (!message.ok) return message;
  const link = readLink(message.value);
  if (!link.ok) return link;
  const fields = readSun(queryOf(link.value));
  if (!fields.ok) return fields;
  const tap = await checkSun(fields.value, keys);
  return tap.ok ? ok({ ...tap.value, link: link.value }) : tap;
}

/**
 * Taps twice: both messages have to be genuine, of this card and master key, and the counter has to go up by one. Resolves with the second.
 * Refusals: PROOF_INVALID, CARD_UNSUPPORTED, those of the key store and of the reader.
 */
export async function verifyCard(
  transceive: Transceive,
  keys: CardKeys,
  card: { uid: Uint8Array; keyId: number },
): Promise<Result<CheckedTap>> {
  const first = await tapOnce(transceive, keys);
  if (!first.ok) return first;
  const second = await tapOnce(transceive, keys);
  if (!second.ok) return second;
  for (const tap of [first.value, second.value]) {
    if (!sameBytes(tap.uid, card.uid)) return refuse('PROOF_INVALID', 'the link names another card');
    if (tap.keyId !== card.keyId) return refuse('PROOF_INVALID', `the link is made with master key ${tap.keyId}, not ${card.keyId}`);
  }
  if (second.value.counter !== first.value.counter + 1) return refuse('PROOF_INVALID', 'the counter does not count');
  return second;
}
