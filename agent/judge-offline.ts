import type { Result } from '#protocol/errors.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { PaymentEntry } from '#protocol/payment-request.ts';
import type { ClockTrust } from './risk/clock-trust.ts';
import { decideOffline, type OfflineGround } from './risk/decide.ts';
import { isDenied } from './store/denials.ts';
import type { Readable } from './store/open.ts';
import { entryOf } from './store/outbox.ts';
import { hasPaidOnline, offlineUse, type RequestRow } from './store/requests.ts';
import type { Line } from './sync/line.ts';
import { tappedBy } from './tap.ts';

/** Puts before the risk stage all that this disk and this line know of a request whose proof is stored. Refusals: see risk/decide.ts. */
export function judgeOffline(db: Readable, line: Line, row: RequestRow, trust: ClockTrust, nowMs: number): Result<OfflineGround> {
  const { proof } = JSON.parse(entryOf(db, row.requestId)!.entry) as PaymentEntry;
  return decideOffline({
    amount: row.amount,
    currency: row.currency,
    nowMs,
    tapAgeMs: Math.abs(nowMs - row.tappedAt!),
    tapAgeMaxMs: LIMITS.tap_wait_ms,
    tapped: tappedBy(proof, () => hasPaidOnline(db, row.passId!)),
    policy: line.word?.policies.find(({ currency }) => currency === row.currency),
    clockTrusted: trust.trusted,
    contactAgeMs: trust.contactAgeMs,
    ...offlineUse(db, row.currency, row.passId),
    denied: row.passId !== undefined && isDenied(db, row.passId),
    onlineOnly: line.onlineOnly(),
  });
}
