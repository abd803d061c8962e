import { toBase64Url } from '#protocol/bytes.ts';
import { ERRORS, HandoverError, ok, type Refusal } from '#protocol/errors.ts';
import { sha256 } from '#protocol/hash.ts';
import type { Id } from '#protocol/ids.ts';
import type { ProofC } from '#protocol/payment-request.ts';
import type { CardKeys } from '../cards/card-keys.ts';
import type { CardTaps } from '../cards/card-taps.ts';
import { checkSun } from '../cards/sun.ts';
import { readSun, type SunFields } from '../cards/sun-fields.ts';
import type { ProofCheck } from './proof.ts';

/**
 * Class C: a card of ours was at a reader, once. It says nothing about the amount, so its tap belongs to the request that shows it first.
 * Refusals: PROOF_INVALID, CREDENTIAL_UNKNOWN (genuine, and not registered), COUNTER_REUSED. Throws BUSY while the key store fails: an
 * answer would be for ever.
 */
export function classC(parts: { readonly keys: CardKeys; readonly taps: CardTaps }): ProofCheck<ProofC> {
  const { keys, taps } = parts;
  return async (proof, { terms, counterId }) => {
    const fields = readSun(proof.message);
    if (!fields.ok) return fields;
    const tap = await checkSun(fields.value, keys);
    if (!tap.ok) return lasting(tap);
    const { keyId, uid, counter } = tap.value;
    const tag = await keys.tag(keyId, uid);
    if (!tag.ok) return lasting(tag);
    const name = proof.name as Id | undefined;
    const message = digestOf(fields.value);
    const pass = await taps.claim({ tag: tag.value, tap: counter, message, requestId: terms.requestId as Id, counterId, name });
    return pass.ok ? ok({ pass: pass.value, counter }) : pass;
  };
}

/** Of what the card wrote, whatever stands around it in the link. */
function digestOf({ identity, mac }: SunFields): string {
  return toBase64Url(sha256('picc' in identity ? identity.picc : identity.uid, mac));
}

function lasting(refusal: Refusal): Refusal {
  if (ERRORS[refusal.code].retry === 'same') throw new HandoverError('BUSY', 'card keys');
  return refusal;
}
