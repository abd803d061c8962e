import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { approvalCode, codeKey } from '#protocol/approval.ts';
import { utf8 } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { ProofO, ProofW } from '#protocol/payment-request.ts';
import { checkApproved, looksScanned, readScanned } from '#protocol/scanned-approval.ts';
import { x25519FromText } from '#protocol/signing.ts';

export interface CodeAsk {
  readonly requestId: Id;
  readonly termsText: string;
  readonly counterId: Id;
  /** X25519, this counter's own. */
  readonly agreeKey: KeyObject;
  /** X25519 of the carrier, as it told in a contact; undefined when it takes no codes. */
  readonly carrierAgreeKey: string | undefined;
  readonly carrierKey: (keyId: string) => KeyObject | undefined;
  readonly nowMs: number;
}

/**
 * Checks what the buyer's phone shows after approving, without a network: eight digits typed with any spaces and dashes, or the text of its QR
 * code. Refusals: APPROVAL_CODE_WRONG (also an approval of another request), HOLD_EXPIRED, CARRIER_KEY_UNKNOWN.
 */
export function checkCode(typed: string, ask: CodeAsk): Result<ProofW | ProofO> {
  const text = typed.trim();
  return looksScanned(text) ? checkScanned(text, ask) : checkDigits(text.replace(/[\s-]/g, ''), ask);
}

function checkScanned(text: string, { requestId, termsText, carrierKey, nowMs }: CodeAsk): Result<ProofW> {
  const approved = readScanned(text);
  if (approved?.requestId !== requestId) return refuse('APPROVAL_CODE_WRONG', 'of another request');
  const checked = checkApproved(approved, termsText, carrierKey, nowMs);
  return !checked.ok && checked.code === 'PROOF_INVALID' ? refuse('APPROVAL_CODE_WRONG', 'signature') : checked;
}

function checkDigits(digits: string, ask: CodeAsk): Result<ProofO> {
  const theirs = ask.carrierAgreeKey === undefined ? undefined : x25519FromText(ask.carrierAgreeKey);
  if (!theirs) return refuse('APPROVAL_CODE_WRONG', 'this carrier takes no codes');
  if (!/^[0-9]{8}$/.test(digits)) return refuse('APPROVAL_CODE_WRONG', 'not eight digits');
  const expected = approvalCode(codeKey(ask.agreeKey, theirs, ask.counterId), ask.requestId, ask.termsText);
  const fits = timingSafeEqual(utf8(expected), utf8(digits));
  return fits ? ok({ class: 'O', code: digits, atMs: ask.nowMs }) : refuse('APPROVAL_CODE_WRONG');
}
