import { ok, refuse, type Result } from '#protocol/errors.ts';

const PREFIXES: Readonly<Record<number, string>> = { 0: '', 1: 'http://www.', 2: 'https://www.', 3: 'http://', 4: 'https://' };

/** The link in a card's NDEF message, which is one URI record as linkTemplate() makes it. Refusal: CARD_UNSUPPORTED for any other. */
export function readLink(message: Uint8Array): Result<string> {
  const [header, typeLength, length, type, code] = message;
  const isUri = header === 0xd1 && typeLength === 1 && type === 0x55 && length === message.length - 4;
  const prefix = code === undefined ? undefined : PREFIXES[code];
  if (!isUri || prefix === undefined || message.subarray(5).some((byte) => byte < 0x21 || byte > 0x7e)) {
    return refuse('CARD_UNSUPPORTED', 'the card holds no link');
  }
  return ok(prefix + String.fromCharCode(...message.subarray(5)));
}

/** The query of a link, which is the message of the tap. Empty without one. */
export function queryOf(link: string): string {
  const at = link.indexOf('?');
  return at < 0 ? '' : link.slice(at + 1);
}
