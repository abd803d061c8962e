import { timingSafeEqual } from 'node:crypto';
import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Random } from '../../../ports.ts';
import { aesCmac, cbcDecrypt, cbcEncrypt, ZERO_BLOCK } from '../aes.ts';
import { xor } from '../cmac-by-blocks.ts';
import { type Answer, exchange, MORE, native, NATIVE_OK, refusalOf, type Transceive } from './apdu.ts';
import { Ev2Session, type SessionKeys } from './ev2-session.ts';

/** What an authentication needs. */
export interface Opponent {
  readonly transceive: Transceive;
  readonly random: Random;
}

/**
 * AuthenticateEV2First (NT4H2421Gx §9.1.5): card and desk show each other that they have the key in this slot. Undefined when the card has
 * another one, which costs it one of its 1,000 failures. Refusals: CARD_UNSUPPORTED, PROOF_INVALID (the card took our proof and
 * gave a wrong one: it is none of ours), those of the reader.
 */
export async function authenticate(
  { transceive, random }: Opponent,
  slot: number,
  key: Uint8Array,
): Promise<Result<Ev2Session | undefined>> {
  const asked = await askPatiently(transceive, native(0x71, new Uint8Array([slot, 0x00])));
  if (!asked.ok) return asked;
  if (asked.value.status !== MORE || asked.value.data.length !== 16)
    return refusalOf(asked.value.status, `authenticating with key ${slot}`);
  const rndB = cbcDecrypt(key, ZERO_BLOCK, asked.value.data);
  const rndA = random.bytes(16);
  const proof = cbcEncrypt(key, ZERO_BLOCK, concatBytes(rndA, rotated(rndB)));
  const proven = await exchange(transceive, native(0xaf, proof));
  if (!proven.ok) return proven;
  if (proven.value.status === AUTHENTICATION_ERROR) return ok(undefined);
  if (proven.value.status !== NATIVE_OK || proven.value.data.length !== 32) {
    return refusalOf(proven.value.status, `authenticating with key ${slot}`);
  }
  const said = cbcDecrypt(key, ZERO_BLOCK, proven.value.data);
  if (!timingSafeEqual(said.subarray(4, 20), rotated(rndA))) return refuse('PROOF_INVALID', `the card does not have key ${slot}`);
  return ok(new Ev2Session(transceive, sessionKeys(key, rndA, rndB), said.slice(0, 4)));
}

/** §9.1.7. The spec counts bytes from the right, and the bytes of the two challenges are folded into one another. */
export function sessionKeys(key: Uint8Array, rndA: Uint8Array, rndB: Uint8Array): SessionKeys {
  const context = concatBytes(rndA.subarray(0, 2), xor(rndA.subarray(2, 8), rndB.subarray(0, 6)), rndB.subarray(6), rndA.subarray(8));
  const derived = (...label: readonly number[]): Uint8Array =>
    aesCmac(key, concatBytes(new Uint8Array([...label, 0, 1, 0, 0x80]), context));
  return { enc: derived(0xa5, 0x5a), mac: derived(0x5a, 0xa5) };
}

const AUTHENTICATION_ERROR = 0x91ae;
const AUTHENTICATION_DELAY = 0x91ad;
/** After 50 failures in a row the card makes callers wait: it has to be asked until the delay is spent. */
const DELAYS_MAX = 250;

async function askPatiently(transceive: Transceive, apdu: Uint8Array): Promise<Result<Answer>> {
  for (let delay = 0; ; delay++) {
    const answer = await exchange(transceive, apdu);
    if (!answer.ok || answer.value.status !== AUTHENTICATION_DELAY || delay === DELAYS_MAX) return answer;
  }
}

function rotated(block: Uint8Array): Uint8Array {
  return concatBytes(block.subarray(1), block.subarray(0, 1));
}
