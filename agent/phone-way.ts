import type { KeyObject } from 'node:crypto';
import { approvalId } from '#protocol/approval.ts';
import { ok } from '#protocol/errors.ts';
import type { ProofO, ProofW } from '#protocol/payment-request.ts';
import { awaitApproval } from './approvals/await-approval.ts';
import { checkCode } from './approvals/check-code.ts';
import { paymentLink } from './approvals/payment-link.ts';
import type { Clock, Logger, Random } from './ports.ts';
import type { PhoneWay } from './proof-wait.ts';
import type { RequestRow } from './store/requests.ts';
import { carrierKeysOf, type Line } from './sync/line.ts';
import type { Tapped } from './tap.ts';

export interface PhoneWayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** X25519 of this counter. */
  readonly agreeKey: KeyObject;
}

/** How the buyer of this request can pay with their own phone; undefined before the carrier has said where its page is. */
export function phoneWay(parts: PhoneWayParts, line: Line, row: RequestRow): PhoneWay | undefined {
  const { requestId, terms: termsText } = row;
  const page = line.word?.walletUrl;
  const link = page === undefined ? undefined : paymentLink(page, termsText, line.key);
  if (link === undefined) return undefined;
  const { hubId, counterId } = line.hub;
  const carrierKey = carrierKeysOf(line.hub);
  const asked = { ...parts, hubId, counterId, key: line.key, carrierKey, requestId, termsText };
  // An approval has no card whose name this hub could learn: each is a stranger, and stands for itself.
  const named = (proof: ProofW | ProofO): Tapped => ({ proof, name: approvalId(requestId) });
  return {
    link,
    takesDigits: line.word?.agreeKey !== undefined,
    approval: async (signal) => {
      const post = (path: string, body: string, until: AbortSignal) => line.post(path, body, until);
      const proof = await awaitApproval({ ...asked, post, isOnline: () => line.link() !== 'offline' }, signal);
      return proof && named(proof);
    },
    check: (text) => {
      const checked = checkCode(text, { ...asked, carrierAgreeKey: line.word?.agreeKey, nowMs: parts.clock.now() });
      return checked.ok ? ok(named(checked.value)) : checked;
    },
  };
}
