import { timingSafeEqual } from 'node:crypto';
import { approvalCode, approvalId } from '#protocol/approval.ts';
import { utf8 } from '#protocol/bytes.ts';
import { ok, refuse } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { ProofO } from '#protocol/payment-request.ts';
import type { ProofCheck } from './proof.ts';

/** The key that a counter shares with this carrier; undefined when it has told none. */
export type CodeKeys = (counterId: Id) => Promise<Uint8Array | undefined>;

/** Class O: the eight digits that the buyer's phone showed. The hub has checked them; the carrier trusts no hub with that. */
export function classO(codeKeys: CodeKeys): ProofCheck<ProofO> {
  return async (proof, { text, terms, counterId }) => {
    const key = await codeKeys(counterId);
    if (!key) return refuse('PROOF_INVALID', 'this counter has no code key');
    const requestId = terms.requestId as Id;
    const expected = utf8(approvalCode(key, requestId, text));
    return timingSafeEqual(expected, utf8(proof.code)) ? ok({ hold: approvalId(requestId) }) : refuse('PROOF_INVALID', 'code');
  };
}
