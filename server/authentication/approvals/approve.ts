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
  const hold = (await parts.payment(approvalId(terms.requestId as Id))) ?? (await parts.payment(terms.requestId as Id));
  const { amount, currency, askedAt, parcel } = terms;
  const expiresAt = askedAt + LIMITS.approve_within_ms;
  const state = hold ? 'APPROVED' : parts.clock.now() >= expiresAt ? 'EXPIRED' : 'OPEN';
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
 * Holds the money for exactly what was shown and signed. Approving again, or at another time, finds the same hold. Refusals: those of
 * {@link readRequest}, of the passkey, HOLD_EXPIRED (too late to approve), and of the ledger before it decides.
 */
export async function approve(parts: ApprovalParts, body: ApprovalBody): Promise<Result<ApprovalAnswer>> {
  const carried = await genuine(parts, body.link);
  if (!carried.ok) return carried;
  const { terms, termsText } = carried.value;
  const signed = await signedBy(parts, approvalChallenge(termsText), body.response as unknown as AuthenticationResponseJSON);
  if (!signed.ok) return signed;
  const { buyer } = signed.value;
  const known = await parts.payment(approvalId(terms.requestId as Id));
  if (known)
    return (await isApprovedBy(parts, terms.requestId as Id, buyer))
      ? ok(await approved(parts, carried.value, known.expiresAt!))
      : refuse('REQUEST_CONFLICT');
  // They tapped a card meanwhile: the money went that way.
  if (await parts.payment(terms.requestId as Id)) return refuse('REQUEST_CONFLICT', 'paid in another way');
  if (parts.clock.now() >= terms.askedAt + LIMITS.approve_within_ms) return refuse('HOLD_EXPIRED', 'too late to approve');
  const wish = await holdWish(parts, carried.value, buyer);
  if (!wish.ok) return wish;
  await keepEvidence(parts, carried.value, buyer, body.response);
  if (!(await isApprovedBy(parts, terms.requestId as Id, buyer))) return refuse('REQUEST_CONFLICT');
  const held = await parts.hold(wish.value);
  if (!held.ok) return held;
  const outcome = JSON.parse(held.value.outcome) as Outcome;
  if (outcome.state === 'DECLINED') return ok({ state: 'DECLINED', ...(outcome.reason && { reason: outcome.reason }) });
  return ok(await approved(parts, carried.value, wish.value.expiresAt));
}

/** Before the money is held, so that no hold is ever without it. Whoever approves first is the one that may. */
async function keepEvidence(
  { registry, clock }: ApprovalParts,
  { terms, termsText }: CarriedRequest,
  buyer: Id,
  response: ApprovalBody['response'],
): Promise<void> {
  const evidence = { terms: termsText, buyer, passkey: response.id, assertion: JSON.stringify(response), approved_at: clock.now() };
  await registry
    .insertInto('approval')
    .values({ request: terms.requestId as Id, ...evidence })
    .onConflict((conflict) => conflict.column('request').doNothing())
    .execute();
}

async function isApprovedBy({ registry }: ApprovalParts, request: Id, buyer: Id): Promise<boolean> {
  const row = await registry.selectFrom('approval').select('buyer').where('request', '=', request).executeTakeFirst();
  return row?.buyer === buyer;
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

async function holdWish(parts: ApprovalParts, { terms }: CarriedRequest, buyer: Id): Promise<Result<HoldWish>> {
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
    expiresAt: parts.clock.now() + LIMITS.approved_hold_ms,
  });
}
