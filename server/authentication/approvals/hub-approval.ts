import { Compile } from 'typebox/compile';
import { approvalId } from '#protocol/approval.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { type CarrierSigned, carrierMessageBytes, hubMessageBytes, type SignedText } from '#protocol/envelope.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { signEd25519, verifyEd25519Pooled } from '#protocol/signing.ts';
import { type HubApprovalAnswerText, HubApprovalText } from '#protocol/wallet-routes.ts';
import { type ApprovalParts, signApproval } from './approve.ts';

const askShape = Compile(HubApprovalText);

/**
 * A hub asks whether its buyer has approved. The answer is signed, bound to the hub's nonce, and holds a proof that the hub keeps with its
 * entry. Refusals: BAD_REQUEST, HUB_UNKNOWN, HUB_REVOKED, BAD_SIGNATURE.
 */
export async function answerHub(parts: ApprovalParts, body: SignedText): Promise<Result<CarrierSigned>> {
  const ask = readAsk(body.text);
  if (!ask) return refuse('BAD_REQUEST', 'approval text');
  const counter = await parts.counters.find(body.hubId, ask.counterId);
  if (!counter.ok) return counter;
  const signature = fromBase64Url(body.signature);
  const genuine = signature && (await verifyEd25519Pooled(counter.value, hubMessageBytes(body.hubId as Id, body.text), signature));
  if (!genuine) return refuse('BAD_SIGNATURE');
  const requestId = ask.requestId as Id;
  const approved = await standingApproval(parts, requestId, body.hubId as Id);
  const answer: HubApprovalAnswerText = { v: 1, hubId: body.hubId, requestId, nonce: ask.nonce, approved };
  const text = JSON.stringify(answer);
  const { keyId, privateKey } = parts.signer;
  return ok({ text, keyId, signature: toBase64Url(signEd25519(privateKey, carrierMessageBytes(text))) });
}

/** Null as long as nothing is held for this request, or no longer. */
async function standingApproval(parts: ApprovalParts, request: Id, hub: Id): Promise<HubApprovalAnswerText['approved']> {
  const hold = await parts.payment(approvalId(request));
  if (!hold || hold.hubId !== hub || hold.state !== 'AUTHORISED' || hold.expiresAt === null) return null;
  const row = await parts.registry.selectFrom('approval').select('terms').where('request', '=', request).executeTakeFirst();
  if (!row) return null;
  const { expiresAt } = hold;
  return { expiresAt, keyId: parts.signer.keyId, signature: signApproval(parts, request, row.terms, expiresAt) };
}

function readAsk(text: string): HubApprovalText | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return askShape.Check(value) ? value : undefined;
  } catch {
    return undefined; // untrusted text: refused by name
  }
}
