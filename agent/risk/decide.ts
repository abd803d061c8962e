import type { OfflinePass } from '#protocol/applet.ts';
import { type ErrorCode, ok, refuse, type Result } from '#protocol/errors.ts';
import { type Currency, type Minor, parseAmount } from '#protocol/money.ts';
import type { RiskPolicy } from '#protocol/policy.ts';

/** What tapped: a pass that says what it stands for, or a card of which this hub knows only whether it has paid here online before. */
export type TappedBy =
  | { readonly class: 'A'; readonly pass: Pick<OfflinePass, 'currency' | 'limit' | 'notBeforeMs' | 'expiresMs'> }
  | { readonly class: 'C'; readonly seenOnline: boolean };

/** Everything the decision without a network may look at. */
export interface OfflineQuestion {
  readonly amount: Minor;
  readonly currency: Currency;
  readonly nowMs: number;
  /** Since the tap: longer than LIMITS.tap_wait_ms and nobody may be at the counter any more. */
  readonly tapAgeMs: number;
  readonly tapAgeMaxMs: number;
  readonly tapped: TappedBy;
  readonly policy: RiskPolicy | undefined;
  readonly clockTrusted: boolean;
  readonly contactAgeMs: number | undefined;
  /** Accepted without the network and not answered yet, this payment not counted; of this pass or card, of this hub. */
  readonly passSum: bigint;
  readonly hubSum: bigint;
  readonly hubCount: number;
  /** On the carrier's deny list, as far as this hub has it. */
  readonly denied: boolean;
  /** Why this counter may only work online: shut out, chain broken, carrier not to be trusted. */
  readonly onlineOnly: ErrorCode | undefined;
}

/** The ground on which a parcel goes without the network; kept with the request. */
export interface OfflineGround {
  readonly standing: 'PROVISIONAL';
  readonly policyVersion: number;
  readonly contactAgeMs: number;
  readonly passSum: string;
  readonly hubSum: string;
  readonly hubCount: number;
}

/**
 * Rules 1, 2 and 6 of the order of decision (first match wins); vouchers and wallet approval (5, 7) are not built yet, and
 * what is refused here is held (8). Accepted only when every limit holds with this payment included.
 * Refusals: the reason for online only, CREDENTIAL_REVOKED, CLOCK_UNTRUSTED, OFFLINE_EXPIRED, OFFLINE_LIMIT.
 */
export function decideOffline(question: OfflineQuestion): Result<OfflineGround> {
  const { policy, amount } = question;
  if (question.onlineOnly) return refuse(question.onlineOnly);
  if (question.denied) return refuse('CREDENTIAL_REVOKED', 'deny list');
  if (!policy || policy.currency !== question.currency) return refuse('OFFLINE_LIMIT', 'no policy for this currency');
  if (!question.clockTrusted) return refuse('CLOCK_UNTRUSTED');
  if (question.contactAgeMs === undefined || question.contactAgeMs > policy.acceptWindowMs) return refuse('OFFLINE_EXPIRED', 'contact');
  if (question.tapAgeMs > question.tapAgeMaxMs) return refuse('OFFLINE_EXPIRED', 'tap');

  const cap = (text: string): bigint => parseAmount(text, policy.currency) ?? 0n; // a cap that cannot be read allows nothing
  const credential = checkTapped(question, cap(policy.floorA), cap(policy.floorC ?? ''));
  if (!credential.ok) return credential;
  if (question.passSum + amount > cap(policy.perCredential)) return refuse('OFFLINE_LIMIT', 'credential');
  if (question.hubSum + amount > cap(policy.perHub)) return refuse('OFFLINE_LIMIT', 'hub sum');
  if (question.hubCount + 1 > policy.perHubCount) return refuse('OFFLINE_LIMIT', 'hub count');
  return ok({
    standing: 'PROVISIONAL',
    policyVersion: policy.version,
    contactAgeMs: Math.round(question.contactAgeMs),
    passSum: question.passSum.toString(),
    hubSum: question.hubSum.toString(),
    hubCount: question.hubCount,
  });
}

function checkTapped(question: OfflineQuestion, floorA: bigint, floorC: bigint): Result<void> {
  const { tapped, amount, nowMs } = question;
  if (tapped.class === 'C') {
    // A card proves no amount, and one with a random id is a new one at each tap: a stranger gets nothing on trust.
    if (!tapped.seenOnline) return refuse('OFFLINE_LIMIT', 'first tap of this card here');
    return amount > floorC ? refuse('OFFLINE_LIMIT', 'floor') : ok(undefined);
  }
  const { pass } = tapped;
  if (nowMs < pass.notBeforeMs || nowMs >= pass.expiresMs) return refuse('OFFLINE_EXPIRED', 'pass');
  if (amount > floorA) return refuse('OFFLINE_LIMIT', 'floor');
  const fits = pass.currency === question.currency && question.passSum + amount <= pass.limit;
  return fits ? ok(undefined) : refuse('OFFLINE_LIMIT', 'pass');
}
