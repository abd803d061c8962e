import { entryDigest } from '#protocol/envelope.ts';
import { ok, type Refusal, refuse, type Result } from '#protocol/errors.ts';
import type { PaymentEntry } from '#protocol/payment-request.ts';
import { answers, type Outcome, type Receipt } from '#protocol/receipt.ts';
import type { OutboxRow } from '../store/outbox.ts';

export interface Matched {
  readonly row: OutboxRow;
  readonly receipt: Receipt;
  readonly outcome: Outcome;
  /** What it means for the entry. */
  readonly state: AnsweredState;
}

export type AnsweredState = 'COMMITTED' | 'DECLINED' | 'NOTED';

/**
 * Pairs receipts with the entries they must answer, in order. `taken` ends at the first that is missing, not genuine, or about
 * other bytes: what was proven before it is kept, and that entry stays. `check` verifies the carrier's signature.
 * Refusals: CARRIER_KEY_UNKNOWN, ANSWER_INVALID.
 */
export function matchAnswers(
  rows: readonly OutboxRow[],
  receipts: readonly Receipt[],
  check: (receipt: Receipt) => Result<Outcome>,
): { readonly taken: readonly Matched[]; readonly refusal?: Refusal } {
  const taken: Matched[] = [];
  for (const [index, row] of rows.entries()) {
    const receipt = receipts[index];
    if (!receipt) return { taken, refusal: refuse('ANSWER_INVALID', `no receipt for entry ${row.seq}`) };
    const outcome = check(receipt);
    if (!outcome.ok) return { taken, refusal: outcome };
    const state = readState(row, outcome.value);
    if (!state.ok) return { taken, refusal: refuse('ANSWER_INVALID', `entry ${row.seq}: ${state.detail}`) };
    taken.push({ row, receipt, outcome: outcome.value, state: state.value });
  }
  if (receipts.length > rows.length) return { taken, refusal: refuse('ANSWER_INVALID', 'more receipts than entries') };
  return { taken };
}

function readState(row: OutboxRow, outcome: Outcome): Result<AnsweredState> {
  if (outcome.requestId !== row.requestId) return refuse('ANSWER_INVALID', 'another request');
  const { kind, done, state } = expected(row);
  if (outcome.kind !== kind) return refuse('ANSWER_INVALID', 'another kind');
  if (!answers(outcome, entryDigest(row.entry))) return refuse('ANSWER_INVALID', 'other bytes');
  if (outcome.state === 'DECLINED') return ok('DECLINED');
  return outcome.state === done ? ok(state) : refuse('ANSWER_INVALID', `state ${outcome.state} for a ${kind}`);
}

interface Expected {
  readonly kind: Outcome['kind'];
  readonly done: Outcome['state'];
  readonly state: AnsweredState;
}

/** What the buyer approved first is held already: the carrier answers the payment by taking it. */
function expected({ kind, entry }: OutboxRow): Expected {
  if (kind === 'acceptance') return { kind, done: 'NOTED', state: 'NOTED' };
  const isHeld = kind === 'payment' && ['W', 'O'].includes((JSON.parse(entry) as PaymentEntry).proof.class);
  return isHeld ? { kind: 'capture', done: 'CAPTURED', state: 'COMMITTED' } : { kind, done: 'COMMITTED', state: 'COMMITTED' };
}
