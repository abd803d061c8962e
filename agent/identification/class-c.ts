import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import type { CardSession } from '../ports.ts';
import { readCapabilities, readUri } from './ndef.ts';

/**
 * Reads what an NTAG 424 DNA wrote into its link for this tap (docs/CARDS.md) and returns the query of that link: the message of a class C
 * proof, 1 … 512 characters. Opaque here: who it is and whether it is genuine is for the carrier to say, which has the keys. Refusals:
 * CARD_UNSUPPORTED (no such card, or no link with parameters on it), PROOF_INVALID (an answer that is none), and those of the session.
 */
export async function readSunMessage(session: CardSession): Promise<Result<string>> {
  if (session.technology !== 'iso-dep') return refuse('CARD_UNSUPPORTED', session.technology);
  const selected = await send(session, SELECT_APPLICATION);
  if (!selected.ok) return selected;
  const capabilities = await readFile(session, CAPABILITIES_ID, CAPABILITIES_BYTES);
  if (!capabilities.ok) return capabilities;
  const file = readCapabilities(capabilities.value);
  if (!file.ok) return file;
  const message = await readNdef(session, file.value);
  if (!message.ok) return message;
  const uri = readUri(message.value);
  if (!uri.ok) return uri;
  const query = /^[^?#]*\?([^#]*)/.exec(uri.value)?.[1] ?? '';
  return MESSAGE.test(query) ? ok(query) : refuse('CARD_UNSUPPORTED', 'the link on the card carries no message');
}

const SELECT_APPLICATION = new Uint8Array([0x00, 0xa4, 0x04, 0x00, 0x07, 0xd2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01, 0x00]);
const CAPABILITIES_ID = 0xe103;
/** As far as its first entry. */
const CAPABILITIES_BYTES = 15;
/** The message of a class C proof, as protocol/payment-request.ts has it. */
const MESSAGE = /^[A-Za-z0-9_.~&=-]{1,512}$/;
/** A link of 512 characters of message behind a long address fits; more would only keep the buyer waiting. */
const NDEF_BYTES_MAX = 1_024;
/** Most that is asked for at once: with its status word it fits every reader's frame. */
const READ_BYTES_MAX = 250;

/** The NDEF message: its length, and then as many bytes, in one read if possible. What a tap mirrors stays the same meanwhile. */
async function readNdef(session: CardSession, file: { id: number; bytesMax: number; readMax: number }): Promise<Result<Uint8Array>> {
  const head = await readFile(session, file.id, 2);
  if (!head.ok) return head;
  const length = head.value[0]! * 256 + head.value[1]!;
  if (length === 0 || length > file.bytesMax - 2 || length > NDEF_BYTES_MAX) {
    return refuse('CARD_UNSUPPORTED', `an NDEF message of ${length} bytes`);
  }
  let message = new Uint8Array();
  while (message.length < length) {
    const piece = await readBinary(session, 2 + message.length, Math.min(length - message.length, file.readMax, READ_BYTES_MAX));
    if (!piece.ok) return piece;
    message = new Uint8Array(concatBytes(message, piece.value));
  }
  return ok(message);
}

/** Selects a file and reads its beginning. */
async function readFile(session: CardSession, id: number, count: number): Promise<Result<Uint8Array>> {
  const selected = await send(session, new Uint8Array([0x00, 0xa4, 0x00, 0x0c, 0x02, id >> 8, id & 0xff]));
  return selected.ok ? readBinary(session, 0, count) : selected;
}

/** Exactly so many bytes: a card that gives fewer could keep us asking. */
async function readBinary(session: CardSession, at: number, count: number): Promise<Result<Uint8Array>> {
  const read = await send(session, new Uint8Array([0x00, 0xb0, at >> 8, at & 0xff, count]));
  if (read.ok && read.value.length !== count) return refuse('PROOF_INVALID', `${read.value.length} bytes for ${count}`);
  return read;
}

async function send(session: CardSession, apdu: Uint8Array): Promise<Result<Uint8Array>> {
  const answer = await session.transceive(apdu);
  if (!answer.ok) return answer;
  const bytes = answer.value;
  const status = bytes.length < 2 ? 0 : bytes.at(-2)! * 256 + bytes.at(-1)!;
  return status === 0x9000 ? ok(bytes.slice(0, -2)) : refusalOf(status);
}

/** A card without the application, a file or the right to read it is another card; anything else is no answer. */
function refusalOf(status: number): Refusal {
  const isOther = [0x6a82, 0x6a86, 0x6d00, 0x6e00, 0x6982, 0x6985].includes(status);
  return refuse(isOther ? 'CARD_UNSUPPORTED' : 'PROOF_INVALID', `status ${status.toString(16).padStart(4, '0')}`);
}
