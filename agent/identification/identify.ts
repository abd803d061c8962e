import type { KeyObject } from 'node:crypto';
import type { TapTerms } from '#protocol/applet.ts';
import { ok, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { Proof } from '#protocol/payment-request.ts';
import type { CardSession } from '../ports.ts';
import { checkProof } from './check-proof.ts';
import { authorise } from './class-a.ts';

export interface Ask {
  readonly terms: TapTerms;
  readonly nowMs: number;
  readonly carrierKey: (keyId: string) => KeyObject | undefined;
}

/**
 * Asks the card or phone in the field for the best proof it can give. Refusals: CARD_UNSUPPORTED, PROOF_INVALID, PROOF_MISMATCH,
 * PASS_EXPIRED, and those of the session.
 */
export async function identify(session: CardSession, ask: Ask): Promise<Result<{ readonly proof: Proof; readonly name: Id }>> {
  const proof = await authorise(session, ask.terms);
  if (!proof.ok) return proof;
  const pass = checkProof(proof.value, ask.terms, ask.carrierKey, ask.nowMs);
  return pass.ok ? ok({ proof: proof.value, name: pass.value.passId }) : pass;
}
