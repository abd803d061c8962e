import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { Carry } from './wire.ts';

/** Header, Lc, data, Le. */
export const APDU_BYTES_MAX = 4 + 1 + LIMITS.apdu_bytes_max + 1;

/**
 * Sends one command and collects its whole answer (ISO 7816-4 §5.3.4): what `61xx` says is still waiting is fetched by GET RESPONSE,
 * and a command whose length `6Cxx` corrects, which the card has not run, is sent again with it.
 * Refusals: READER_GARBLED (no status word, endless answer), and those of `carry`.
 */
export async function exchangeShort(carry: Carry, apdu: Uint8Array): Promise<Result<Uint8Array>> {
  let content = new Uint8Array();
  let command = apdu;
  for (let piece = 0; piece < PIECES_MAX; piece++) {
    const answer = await carry(command);
    if (!answer.ok) return answer;
    if (answer.value.length < 2) return refuse('READER_GARBLED', 'no status word');
    const [sw1, sw2] = [answer.value.at(-2)!, answer.value.at(-1)!];
    if (sw1 === 0x6c && answer.value.length === 2) {
      command = withLe(command, sw2);
      continue;
    }
    content = new Uint8Array(concatBytes(content, sw1 === 0x61 ? answer.value.subarray(0, -2) : answer.value));
    if (sw1 !== 0x61) return ok(content);
    command = new Uint8Array([0x00, 0xc0, 0x00, 0x00, sw2]);
  }
  return refuse('READER_GARBLED', 'endless answer');
}

/** 16 pieces of up to 256 bytes: more than any answer of the applet. */
const PIECES_MAX = 16;

/** The same short command with another Le: in place of its own if it has one. */
function withLe(command: Uint8Array, le: number): Uint8Array {
  const end = command.length <= 5 ? 4 : 5 + command[4]!;
  return concatBytes(command.subarray(0, end), new Uint8Array([le]));
}
