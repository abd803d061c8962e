import type { KeyObject } from 'node:crypto';
import { Value } from 'typebox/value';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { CarrierSigned, carrierMessageBytes, hubMessageBytes, type SignedText } from '#protocol/envelope.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { ProofW } from '#protocol/payment-request.ts';
import { checkApproved } from '#protocol/scanned-approval.ts';
import { signEd25519, verifyEd25519 } from '#protocol/signing.ts';
import { HubApprovalAnswerText, type HubApprovalText, WALLET_ROUTES } from '#protocol/wallet-routes.ts';
import type { Clock, Logger, Random } from '../ports.ts';

/** What the carrier's client answers, as far as it matters here. */
type Posted = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly code: string };

export interface ApprovalAsk {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly hubId: Id;
  readonly counterId: Id;
  readonly key: KeyObject;
  readonly carrierKey: (keyId: string) => KeyObject | undefined;
  readonly post: (path: string, body: string, signal: AbortSignal) => Promise<Posted>;
  /** Whether asking makes sense now. */
  readonly isOnline: () => boolean;
  readonly requestId: Id;
  readonly termsText: string;
}

/** Asks the carrier now and then whether the buyer has approved these terms on their phone. Undefined once `signal` aborts. */
export async function awaitApproval(ask: ApprovalAsk, signal: AbortSignal): Promise<ProofW | undefined> {
  await ask.clock.sleep(LIMITS.approval_first_ms, signal);
  while (!signal.aborted) {
    const answer = ask.isOnline() ? await askOnce(ask, signal) : ok(undefined);
    if (signal.aborted) return undefined;
    if (answer.ok && answer.value) return answer.value;
    if (!answer.ok) ask.logger.warn({ code: answer.code, detail: answer.detail }, 'the answer about an approval was not taken');
    await ask.clock.sleep(LIMITS.approval_poll_ms, signal);
  }
  return undefined;
}

/** Undefined: not yet, or no answer. Refusals: ANSWER_INVALID, CARRIER_KEY_UNKNOWN, PROOF_INVALID, HOLD_EXPIRED. */
async function askOnce(ask: ApprovalAsk, signal: AbortSignal): Promise<Result<ProofW | undefined>> {
  const nonce = toBase64Url(ask.random.bytes(16));
  const over = new AbortController();
  void ask.clock.sleep(LIMITS.answer_wait_ms, over.signal).then(() => over.abort());
  const posted = await ask.post(WALLET_ROUTES.hubApproval, question(ask, nonce), AbortSignal.any([signal, over.signal]));
  over.abort();
  // The network is the contact loop's to judge; a carrier that knows nothing of approvals is no fault.
  if (!posted.ok) return ok(undefined);
  const text = readAnswer(posted.value, ask, nonce);
  if (!text.ok || !text.value.approved) return text.ok ? ok(undefined) : text;
  return checkApproved({ requestId: ask.requestId, ...text.value.approved }, ask.termsText, ask.carrierKey, ask.clock.now());
}

function question({ counterId, requestId, hubId, key }: ApprovalAsk, nonce: string): string {
  const text: HubApprovalText = { v: 1, counterId, requestId, nonce };
  const signed = JSON.stringify(text);
  const body: SignedText = { hubId, text: signed, signature: toBase64Url(signEd25519(key, hubMessageBytes(hubId, signed))) };
  return JSON.stringify(body);
}

function readAnswer(value: unknown, ask: ApprovalAsk, nonce: string): Result<HubApprovalAnswerText> {
  if (!Value.Check(CarrierSigned, value)) return refuse('ANSWER_INVALID', 'shape');
  const key = ask.carrierKey(value.keyId);
  if (!key) return refuse('CARRIER_KEY_UNKNOWN', value.keyId);
  const signature = fromBase64Url(value.signature);
  if (!signature || !verifyEd25519(key, carrierMessageBytes(value.text), signature)) return refuse('ANSWER_INVALID', 'signature');
  const text = parse(value.text);
  if (!Value.Check(HubApprovalAnswerText, text)) return refuse('ANSWER_INVALID', 'text');
  const isOurs = text.hubId === ask.hubId && text.requestId === ask.requestId && text.nonce === nonce;
  return isOurs ? ok(text) : refuse('ANSWER_INVALID', 'of another question');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what comes over the network is refused by its shape
  }
}
