import { randomBytes } from 'node:crypto';
import { type Id, makeId } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { numberedId, pastTaps, SELLERS, type TapKind } from './past-payments.ts';

export interface Tap {
  readonly pass: Id;
  readonly counter: number;
}

const DAY_MS = 86_400_000;

/** The next tap of the n-th buyer; cards go on from where the past payments left them. */
export function nextTap(kind: TapKind, accounts: number, past: number): (buyer: number) => Tap {
  if (kind === 'phones') return () => ({ pass: freshPass(), counter: 1 });
  const counters = new Uint32Array(accounts).fill(pastTaps(accounts, past));
  return (buyer) => ({ pass: numberedId('pass', SELLERS + 1 + buyer), counter: ++counters[buyer]! });
}

function freshPass(): Id {
  const issuedAt = Date.now() - Math.random() * LIMITS.fetched_pass_ms;
  return makeId(issuedAt - (issuedAt % DAY_MS), randomBytes(10));
}
