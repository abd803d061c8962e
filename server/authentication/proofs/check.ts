import { refuse } from '#protocol/errors.ts';
import type { Proof } from '#protocol/payment-request.ts';
import type { ProofCheck } from './proof.ts';

/** One check per class. */
export type ProofChecks = { readonly [Class in Proof['class']]?: ProofCheck<Extract<Proof, { class: Class }>> };

/** Sends each proof to the check of its class. A class that this carrier does not take: CARD_UNSUPPORTED. */
export function proofCheck(checks: ProofChecks): ProofCheck {
  return async (proof, asked) => {
    const check = checks[proof.class] as ProofCheck | undefined;
    return check ? check(proof, asked) : refuse('CARD_UNSUPPORTED', `class ${proof.class}`);
  };
}
