/** A counter's request, read out of the link that a buyer's phone carries, shown, and approved: then the money is held. */
import type { AuthenticationResponseJSON } from '@simplewebauthn/server';
import { approvalChallenge, approvalCode, approvalId, approvedSignedBytes } from '#protocol/approval.ts';
import { toBase64Url } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { Minor } from '#protocol/money.ts';
import { type CarriedRequest, decodeLink, linkSignedBytes } from '#protocol/payment-link.ts';
import type { Outcome, Receipt } from '#protocol/receipt.ts';
import { scannedText } from '#protocol/scanned-approval.ts';
import { signEd25519, type SigningPair, verifyEd25519Pooled } from '#protocol/signing.ts';
import type { ApprovalAnswer, ApprovalBody, RequestAnswer } from '#protocol/wallet-routes.ts';
import type { FeeTerms, FundingOption, Payment } from '../../records.ts';
import type { Directory } from '../../store/directory.ts';
import type { CounterKeys } from '../counter-keys.ts';
import type { CodeKeys } from '../proofs/class-o.ts';
import { readAmount } from '../read-terms.ts';
import { type PasskeyParts, signedBy } from './passkeys.ts';

/** What an approval asks of the ledger. */
export interface HoldWish {
  readonly id: Id;
  readonly amount: Minor;
  readonly currency: Payment['currency'];
  readonly buyerAccount: Id;
  readonly sellerAccount: Id;
  readonly sellerId: Id;
  readonly hubId: Id;
  readonly funding: readonly FundingOption[];
  readonly fee: FeeTerms | null;
  readonly expiresAt: number;
}

export interface ApprovalParts extends PasskeyParts {
  readonly directory: Directory;
  readonly counters: CounterKeys;
  readonly codeKeys: CodeKeys;
  readonly signer: SigningPair & { readonly keyId: string };
  readonly hold: (wish: HoldWish) => Promise<Result<Receipt>>;
  readonly payment: (id: Id) => Promise<Payment | undefined>;
}

/** What the buyer is shown before approving. Refusals: BAD_REQUEST, BAD_SIGNATURE, HUB_UNKNOWN, HUB_REVOKED, SELLER_UNKNOWN. */
export async function readRequest(parts: ApprovalParts, link: string): Promise<Result<RequestAnswer>> {
  const carried = await genuine(parts, link);
  if (!carried.ok) return carried;
  const { terms, termsText } = carried.value;
  const names = await namesOf(parts, terms.sellerId as Id, terms.hubId as Id);
  if (!names) return refuse('SELLER_UNKNOWN');
  const paid = (await parts.payment(approvalId(terms.requestId as Id))) ?? (await parts.payment(terms.requestId as Id));
  const { amount, currency, askedAt, parcel } = terms;
  const expiresAt = askedAt + LIMITS.approve_within_ms;
  const isLate = paid ? isOver(paid) : parts.clock.now() >= expiresAt;
  const state = isLate ? 'EXPIRED' : paid ? 'APPROVED' : 'OPEN';
  return ok({
    requestId: terms.requestId,
    ...names,
    ...(parcel === undefined ? {} : { parcel }),
    ...{ amount, currency, askedAt, expiresAt, state },
    challenge: toBase64Url(approvalChallenge(termsText)),
    rpId: parts.party().rpId,
  });
}

/**
 * Holds the money for exactly what was shown and signed. Approving again, or the same bytes sent again, finds the same hold. Refusals: those of
 * {@link readRequest}, of the passkey, REQUEST_CONFLICT (paid in another way, or by somebody else), HOLD_EXPIRED (too late), and of the
 * ledger before it decides.
 */
export async function approve(parts: ApprovalParts, body: ApprovalBody): Promise<Result<ApprovalAnswer>> {
  const carried = await genuine(parts, body.link);
  if (!carried.ok) return carried;
  const { terms } = carried.value;
  const requestId = terms.requestId as Id;
  const signed = await whoSigned(parts, carried.value, body.response);
  if (!signed.ok) return signed;
  const { buyer } = signed.value;
  const known = await parts.payment(approvalId(requestId));
  if (known) return standingHold(parts, carried.value, known, buyer);
  // They tapped a card meanwhile: the money went that way.
  if (await parts.payment(requestId)) return refuse('REQUEST_CONFLICT', 'paid in another way');
  if (parts.clock.now() >= terms.askedAt + LIMITS.approve_within_ms) return refuse('HOLD_EXPIRED', 'too late to approve');
  const wish = await holdWish(parts, carried.value, buyer);
  if (!wish.ok) return wish;
  const evidence = await keepEvidence(parts, carried.value, buyer, body.response);
  if (evidence.buyer !== buyer) return refuse('REQUEST_CONFLICT');
  // From when it was approved first: asked again, it is the same wish, and has the same answer.
  const expiresAt = evidence.approved_at + LIMITS.approved_hold_ms;
  const held = await parts.hold({ ...wish.value, expiresAt });
  if (!held.ok) return held;
  const outcome = JSON.parse(held.value.outcome) as Outcome;
  if (outcome.state === 'DECLINED') return ok({ state: 'DECLINED', ...(outcome.reason && { reason: outcome.reason }) });
  return ok(await approved(parts, carried.value, expiresAt));
}

/**
 * Whose passkey signed these terms. An answer that is kept as evidence already was checked when it came: sent again, because the network lost
 * ours, it is good although the passkey's count has gone on.
 */
async function whoSigned(parts: ApprovalParts, { terms, termsText }: CarriedRequest, response: ApprovalBody['response']) {
  const kept = await evidenceOf(parts, terms.requestId as Id);
  if (kept && kept.terms === termsText && kept.assertion === JSON.stringify(response)) return ok({ buyer: kept.buyer });
  return signedBy(parts, approvalChallenge(termsText), response as unknown as AuthenticationResponseJSON);
}

async function standingHold(parts: ApprovalParts, carried: CarriedRequest, hold: Payment, buyer: Id): Promise<Result<ApprovalAnswer>> {
  const evidence = await evidenceOf(parts, carried.terms.requestId as Id);
  if (evidence?.buyer !== buyer) return refuse('REQUEST_CONFLICT');
  if (isOver(hold)) return refuse('HOLD_EXPIRED', hold.state);
  return ok(await approved(parts, carried, hold.expiresAt!));
}

/** Whether what was held is free again, so that no counter must be told that it is there. */
function isOver({ state }: Payment): boolean {
  return state === 'VOIDED' || state === 'EXPIRED';
}

/** Before the money is held, so that no hold is ever without it. Whoever approves first is the one that may: returns what stands. */
async function keepEvidence(
  parts: ApprovalParts,
  { terms, termsText }: CarriedRequest,
  buyer: Id,
  response: ApprovalBody['response'],
): Promise<Evidence> {
  const now = parts.clock.now();
  const evidence = { terms: termsText, buyer, passkey: response.id, assertion: JSON.stringify(response), approved_at: now };
  await parts.registry
    .insertInto('approval')
    .values({ request: terms.requestId as Id, ...evidence })
    .onConflict((conflict) => conflict.column('request').doNothing())
    .execute();
  return (await evidenceOf(parts, terms.requestId as Id)) ?? evidence;
}

interface Evidence {
  readonly buyer: Id;
  readonly terms: string;
  readonly assertion: string;
  readonly approved_at: number;
}

async function evidenceOf({ registry }: ApprovalParts, request: Id): Promise<Evidence | undefined> {
  return registry
    .selectFrom('approval')
    .select(['buyer', 'terms', 'assertion', 'approved_at'])
    .where('request', '=', request)
    .executeTakeFirst();
}

/** What the carrier tells a hub that asks whether its request was approved: a signature that the hub can keep. */
export function signApproval(parts: Pick<ApprovalParts, 'signer'>, requestId: Id, termsText: string, expiresAt: number): string {
  return toBase64Url(signEd25519(parts.signer.privateKey, approvedSignedBytes(requestId, termsText, expiresAt)));
}

async function approved(parts: ApprovalParts, { terms, termsText }: CarriedRequest, expiresAt: number): Promise<ApprovalAnswer> {
  const requestId = terms.requestId as Id;
  const key = await parts.codeKeys(terms.counterId as Id);
  const signature = signApproval(parts, requestId, termsText, expiresAt);
  return {
    state: 'APPROVED',
    ...(key && { code: approvalCode(key, requestId, termsText) }),
    scan: scannedText({ requestId, expiresAt, keyId: parts.signer.keyId, signature }),
    expiresAt,
  };
}

async function genuine(parts: ApprovalParts, link: string): Promise<Result<CarriedRequest>> {
  const carried = decodeLink(link);
  if (!carried) return refuse('BAD_REQUEST', 'link');
  const { terms, termsText, signature } = carried;
  const counter = await parts.counters.find(terms.hubId, terms.counterId);
  if (!counter.ok) return counter;
  return (await verifyEd25519Pooled(counter.value, linkSignedBytes(termsText), signature)) ? ok(carried) : refuse('BAD_SIGNATURE');
}

async function namesOf(parts: ApprovalParts, seller: Id, hub: Id): Promise<{ readonly seller: string; readonly hub: string } | undefined> {
  const payee = await parts.registry.selectFrom('seller').select('name').where('id', '=', seller).executeTakeFirst();
  const place = await parts.registry.selectFrom('hub').select('name').where('id', '=', hub).executeTakeFirst();
  return payee && place && { seller: payee.name, hub: place.name };
}

async function holdWish(parts: ApprovalParts, { terms }: CarriedRequest, buyer: Id): Promise<Result<Omit<HoldWish, 'expiresAt'>>> {
  const amount = readAmount(terms.amount, terms.currency);
  if (!amount.ok) return amount;
  const sellerId = terms.sellerId as Id;
  const seller = (await parts.directory.sellers([sellerId])).get(sellerId);
  if (!seller) return refuse('SELLER_UNKNOWN');
  const payer = await parts.registry.selectFrom('buyer').select(['account', 'currency']).where('id', '=', buyer).executeTakeFirst();
  if (!payer) return refuse('CREDENTIAL_UNKNOWN');
  const { currency } = terms;
  if (seller.currency !== currency || payer.currency !== currency) return refuse('BAD_CURRENCY');
  return ok({
    id: approvalId(terms.requestId as Id),
    ...{ amount: amount.value, currency, sellerId, hubId: terms.hubId as Id, fee: seller.fee },
    buyerAccount: payer.account,
    sellerAccount: seller.account,
    funding: await parts.directory.funding(buyer),
  });
}
