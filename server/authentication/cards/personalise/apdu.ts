import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';

/** Sends one command APDU to the card on the desk's reader and resolves with data ‖ SW1 ‖ SW2. Refusals: those of the reader. */
export type Transceive = (apdu: Uint8Array) => Promise<Result<Uint8Array>>;

export interface Answer {
  readonly data: Uint8Array;
  /** SW1 ‖ SW2. */
  readonly status: number;
}

export const ISO_OK = 0x9000;
export const NATIVE_OK = 0x9100;
export const MORE = 0x91af;

/** An answer without a status word is garbled, never a status. */
export async function exchange(transceive: Transceive, apdu: Uint8Array): Promise<Result<Answer>> {
  const answered = await transceive(apdu);
  if (!answered.ok) return answered;
  const bytes = answered.value;
  if (bytes.length < 2) return refuse('READER_GARBLED', 'no status word');
  return ok({ data: bytes.slice(0, -2), status: bytes.at(-2)! * 256 + bytes.at(-1)! });
}

/** Sends, and takes only the one status for an answer. `doing` is named when the card gives another. */
export async function demand(transceive: Transceive, apdu: Uint8Array, status: number, doing: string): Promise<Result<Uint8Array>> {
  const answer = await exchange(transceive, apdu);
  if (!answer.ok) return answer;
  return answer.value.status === status ? ok(answer.value.data) : refusalOf(answer.value.status, doing);
}

/** A native command of the chip, wrapped: 90 INS 00 00 Lc body 00. `body`: at most 255 bytes. */
export function native(ins: number, ...body: readonly Uint8Array[]): Uint8Array {
  const bytes = concatBytes(...body);
  return concatBytes(new Uint8Array(bytes.length === 0 ? [0x90, ins, 0, 0] : [0x90, ins, 0, 0, bytes.length]), bytes, new Uint8Array([0]));
}

export function refusalOf(status: number, doing: string): Refusal {
  const name = STATUS_NAMES[status];
  return refuse('CARD_UNSUPPORTED', `${doing}: status ${status.toString(16).toUpperCase().padStart(4, '0')}${name ? ` (${name})` : ''}`);
}

/** NT4H2421Gx tables 23 and 24. */
const STATUS_NAMES: Readonly<Record<number, string>> = {
  0x911c: 'illegal command code',
  0x911e: 'integrity error',
  0x9140: 'no such key',
  0x917e: 'length error',
  0x919d: 'permission denied',
  0x919e: 'parameter error',
  0x91ad: 'authentication delay',
  0x91ae: 'authentication error',
  0x91be: 'boundary error',
  0x91ca: 'command aborted',
  0x91ee: 'memory error',
  0x91f0: 'file not found',
  0x6700: 'wrong length',
  0x6982: 'security status not satisfied',
  0x6985: 'conditions of use not satisfied',
  0x6a82: 'file or application not found',
  0x6d00: 'instruction not supported',
  0x6e00: 'class not supported',
};
