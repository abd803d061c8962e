import { approvalId, approvedSignedBytes } from '#protocol/approval.ts';
import { fromBase64Url } from '#protocol/bytes.ts';
import type { CarrierKeys } from '#protocol/class-a.ts';
import { ok, refuse } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { ProofW } from '#protocol/payment-request.ts';
import { verifyEd25519 } from '#protocol/signing.ts';
import type { ProofCheck } from './proof.ts';

/** Class W: this carrier signed that the buyer approved these terms. Whether the money is still held, the ledger says. */
export function classW(carrierKey: CarrierKeys): ProofCheck<ProofW> {
  return async (proof, { text, terms }) => {
    const key = carrierKey(proof.keyId);
    const signature = fromBase64Url(proof.signature);
    const requestId = terms.requestId as Id;
    const genuine = key && signature && verifyEd25519(key, approvedSignedBytes(requestId, text, proof.expiresAt), signature);
    return genuine ? ok({ hold: approvalId(requestId) }) : refuse('PROOF_INVALID', 'approval');
  };
}
