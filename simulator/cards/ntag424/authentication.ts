import { timingSafeEqual } from 'node:crypto';
import { need, STATUS, Stop } from './answer.ts';
import { decrypt, encrypt, rotateLeft, ZERO } from './crypto.ts';
import type { CardState, KeyState } from './memory.ts';
import { ChipSession } from './session.ts';

/** Between the two parts of an authentication. */
export interface Challenge {
  readonly keyNo: number;
  readonly isFirst: boolean;
  readonly rndB: Buffer;
  /** What the reader said it can do, padded to six bytes. */
  readonly capabilities: Buffer;
}

/** §9 says that it slows down, not when; tags that were measured begin after 50 failures in a row. */
const IN_A_ROW_MAX = 50;

/** AuthenticateEV2First (71) and AuthenticateEV2NonFirst (77), part 1: which key, and whether it may be tried now. */
export function challenge(
  state: CardState,
  data: Uint8Array,
  { isFirst, hasSession, random }: { isFirst: boolean; hasSession: boolean; random: (count: number) => Uint8Array },
): { readonly challenge: Challenge; readonly answer: Buffer } {
  need(isFirst ? data.length >= 2 && data.length === 2 + data[1]! && data[1]! <= 6 : data.length === 1, STATUS.LENGTH_ERROR);
  const keyNo = data[0]!;
  need((keyNo & 0xc0) === 0, STATUS.PARAMETER_ERROR);
  need(keyNo <= 4, STATUS.NO_SUCH_KEY);
  need(isFirst || hasSession, STATUS.PERMISSION_DENIED);
  const key = state.keys[keyNo]!;
  need(!state.failures.counted || key.failed < state.failures.limit, STATUS.PERMISSION_DENIED);
  if (key.inARow >= IN_A_ROW_MAX && key.waited < key.inARow - IN_A_ROW_MAX + 1) {
    key.waited++;
    throw new Stop(STATUS.AUTHENTICATION_DELAY);
  }
  const rndB = Buffer.from(random(16));
  const capabilities = Buffer.concat([data.subarray(2), Buffer.alloc(6)]).subarray(0, 6);
  return { challenge: { keyNo, isFirst, rndB, capabilities }, answer: encrypt(keyBytes(key), ZERO, rndB) };
}

/** Part 2: the reader's proof, the card's own, and the session. `session`: the one that goes on, for a NonFirst. */
export function prove(
  state: CardState,
  { keyNo, isFirst, rndB, capabilities }: Challenge,
  data: Uint8Array,
  { session, random }: { session: ChipSession | undefined; random: (count: number) => Uint8Array },
): { readonly session: ChipSession; readonly answer: Buffer } {
  need(data.length === 32, STATUS.LENGTH_ERROR);
  const key = state.keys[keyNo]!;
  const plain = decrypt(keyBytes(key), ZERO, data);
  const rndA = plain.subarray(0, 16);
  if (!timingSafeEqual(plain.subarray(16), rotateLeft(rndB))) {
    if (state.failures.counted) key.failed++;
    key.inARow = Math.min(key.inARow + 1, 255);
    key.waited = 0;
    throw new Stop(STATUS.AUTHENTICATION_ERROR);
  }
  key.inARow = 0;
  key.waited = 0;
  key.failed = Math.max(0, key.failed - state.failures.decrement);
  if (!isFirst && session) {
    session.renew(keyNo, keyBytes(key), rndA, rndB);
    return { session, answer: encrypt(keyBytes(key), ZERO, rotateLeft(rndA)) };
  }
  const ti = random(4);
  const made = new ChipSession(keyNo, keyBytes(key), ti, rndA, rndB);
  return { session: made, answer: encrypt(keyBytes(key), ZERO, Buffer.concat([ti, rotateLeft(rndA), Buffer.alloc(6), capabilities])) };
}

export function keyBytes(key: KeyState): Buffer {
  return Buffer.from(key.key, 'hex');
}
