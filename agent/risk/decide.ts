import type { OfflinePass } from '#protocol/applet.ts';
import { type ErrorCode, ok, refuse, type Result } from '#protocol/errors.ts';
import { LIMITS } from '#protocol/limits.ts';
import { type Currency, type Minor, parseAmount } from '#protocol/money.ts';
import type { RiskPolicy } from '#protocol/policy.ts';

/**
 * Who pays: a pass that says what it stands for, a card of which this hub knows only whether it has paid here online before, a medium with a PIN
 * that this hub cannot check, or money that is held.
 */
export type TappedBy =
  | { readonly class: 'A'; readonly pass: Pick<OfflinePass, 'currency' | 'limit' | 'notBeforeMs' | 'expiresMs'> }
  | { readonly class: 'C'; readonly seenOnline: boolean }
  | { readonly class: 'D' }
  | { readonly class: 'W' }
  | { readonly class: 'O' };

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
  readonly standing: 'PROVISIONAL' | 'GUARANTEED';
  readonly policyVersion: number;
  readonly contactAgeMs: number;
  readonly passSum: string;
  readonly hubSum: string;
  readonly hubCount: number;
}

/**
 * Rules 1, 2, 6 and 7 of the order of decision (first match wins); vouchers (5) are not built yet, and what is refused here is held (8).
 * Accepted provisionally only when every limit holds with this payment included. Refusals: the reason for online only,
 * CREDENTIAL_REVOKED, CLOCK_UNTRUSTED, OFFLINE_EXPIRED, OFFLINE_LIMIT.
 */
export function decideOffline(question: OfflineQuestion): Result<OfflineGround> {
  const { tapped, contactAgeMs } = question;
  if (question.onlineOnly) return refuse(question.onlineOnly);
  if (question.denied) return refuse('CREDENTIAL_REVOKED', 'deny list');
  if (tapped.class === 'D') return refuse('OFFLINE_LIMIT', 'a PIN that only the carrier can check');
  if (contactAgeMs === undefined) return refuse(question.clockTrusted ? 'OFFLINE_EXPIRED' : 'CLOCK_UNTRUSTED', 'contact');
  if (question.tapAgeMs > question.tapAgeMaxMs) return refuse('OFFLINE_EXPIRED', 'tap');
  if (tapped.class === 'W' || tapped.class === 'O') {
    // The money is held far longer than any clock errs; what is left to fear is that this hub is not back in time.
    const isStale = contactAgeMs > LIMITS.approved_contact_ms;
    return isStale ? refuse('OFFLINE_EXPIRED', 'contact') : ok(groundOf('GUARANTEED', question, contactAgeMs));
  }
  const fits = checkLimits(question, tapped, contactAgeMs);
  return fits.ok ? ok(groundOf('PROVISIONAL', question, contactAgeMs)) : fits;
}

function groundOf(standing: OfflineGround['standing'], question: OfflineQuestion, contactAgeMs: number): OfflineGround {
  return {
    standing,
    policyVersion: question.policy?.version ?? 0,
    contactAgeMs: Math.round(contactAgeMs),
    passSum: question.passSum.toString(),
    hubSum: question.hubSum.toString(),
    hubCount: question.hubCount,
  };
}

type Carded = Extract<TappedBy, { readonly class: 'A' | 'C' }>;

function checkLimits(question: OfflineQuestion, tapped: Carded, contactAgeMs: number): Result<void> {
  const { policy, amount } = question;
  if (!policy || policy.currency !== question.currency) return refuse('OFFLINE_LIMIT', 'no policy for this currency');
  if (!question.clockTrusted) return refuse('CLOCK_UNTRUSTED');
  if (contactAgeMs > policy.acceptWindowMs) return refuse('OFFLINE_EXPIRED', 'contact');
  const cap = (text: string): bigint => parseAmount(text, policy.currency) ?? 0n; // a cap that cannot be read allows nothing
  const credential = checkTapped(question, tapped, cap(policy.floorA), cap(policy.floorC ?? ''));
  if (!credential.ok) return credential;
  if (question.passSum + amount > cap(policy.perCredential)) return refuse('OFFLINE_LIMIT', 'credential');
  if (question.hubSum + amount > cap(policy.perHub)) return refuse('OFFLINE_LIMIT', 'hub sum');
  if (question.hubCount + 1 > policy.perHubCount) return refuse('OFFLINE_LIMIT', 'hub count');
  return ok(undefined);
}

function checkTapped(question: OfflineQuestion, tapped: Carded, floorA: bigint, floorC: bigint): Result<void> {
  const { amount, nowMs } = question;
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
