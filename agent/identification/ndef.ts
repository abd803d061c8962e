import { ok, refuse, type Result } from '#protocol/errors.ts';

/** What a Type 4 Tag's capability container says of its NDEF file. */
export interface NdefFile {
  readonly id: number;
  /** Of the file, its two bytes of length included. */
  readonly bytesMax: number;
  /** Most that one ISOReadBinary may ask for. */
  readonly readMax: number;
}

/**
 * Reads the capability container (NFC Forum T4T §5.1), whose first entry has to be an NDEF file that anybody may read. Every byte comes from
 * a stranger. Refusal: CARD_UNSUPPORTED.
 */
export function readCapabilities(bytes: Uint8Array): Result<NdefFile> {
  const isContainer = bytes.length >= 15 && u16(bytes, 0) >= 15 && (bytes[2]! >> 4 === 2 || bytes[2]! >> 4 === 3);
  const isNdefFile = bytes[7] === 0x04 && bytes[8] === 0x06;
  const file = { id: u16(bytes, 9), bytesMax: u16(bytes, 11), readMax: u16(bytes, 3) };
  // These ids are reserved, and a file shorter than its own length holds nothing.
  const isSound = !RESERVED_IDS.has(file.id) && file.bytesMax >= 5 && file.readMax >= 15;
  if (!isContainer || !isNdefFile || bytes[13] !== 0x00 || !isSound) return refuse('CARD_UNSUPPORTED', 'no link on the card');
  return ok(file);
}

/**
 * The URI of an NDEF message whose first record is one (NFC Forum NDEF, URI RTD): well-known type "U", whole, short or long. Printable ASCII
 * only. What follows that record is not looked at. Refusal: CARD_UNSUPPORTED.
 */
export function readUri(message: Uint8Array): Result<string> {
  const [flags, typeLength] = message;
  const no = refuse('CARD_UNSUPPORTED', 'no link on the card');
  // MB set, CF clear, TNF well-known.
  if (flags === undefined || (flags & 0xa7) !== 0x81 || typeLength !== 1) return no;
  const isShort = (flags & 0x10) !== 0;
  const hasId = (flags & 0x08) !== 0;
  const lengthBytes = isShort ? 1 : 4;
  const idLengthAt = 2 + lengthBytes;
  const typeAt = idLengthAt + (hasId ? 1 : 0);
  const payloadAt = typeAt + 1 + (hasId ? (message[idLengthAt] ?? 0) : 0);
  const length = message.subarray(2, idLengthAt).reduce((total, byte) => total * 256 + byte, 0);
  if (length < 2 || payloadAt + length > message.length || message[typeAt] !== 0x55) return no;
  const prefix = PREFIXES[message[payloadAt]!];
  const rest = message.subarray(payloadAt + 1, payloadAt + length);
  if (prefix === undefined || rest.some((byte) => byte < 0x21 || byte > 0x7e)) return no;
  return ok(prefix + String.fromCharCode(...rest));
}

/** The URI identifier codes that may lead to a web address; the others are of telephones and mail. */
const PREFIXES: Readonly<Record<number, string>> = { 0: '', 1: 'http://www.', 2: 'https://www.', 3: 'http://', 4: 'https://' };
const RESERVED_IDS: ReadonlySet<number> = new Set([0x0000, 0x3f00, 0x3fff, 0xe102, 0xe103, 0xffff]);

function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}
