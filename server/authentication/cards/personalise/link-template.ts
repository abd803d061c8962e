import { concatBytes, utf8 } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { SUN_LAYOUT } from '../sun-fields.ts';

/** The NDEF file of a card, with room for what the card writes into it at every tap. */
export interface LinkTemplate {
  /** NLEN ‖ NDEF message, from the beginning of the file. */
  readonly file: Uint8Array;
  /** Where the encrypted PICC data goes, 32 characters; bytes from the beginning of the file. */
  readonly piccAt: number;
  /** Where the MAC goes, 16 characters. */
  readonly macAt: number;
}

/** Of the NDEF file. */
export const NDEF_FILE_BYTES = 256;

/**
 * Makes the link of a card: `url`, and behind it ?p=(32 characters)&m=(16 characters), in one NDEF URI record (NFC Forum URI RTD).
 * Refusal: CONFIG_BAD for anything but an http or https address without fragment that fits and has no parameter of these names.
 */
export function linkTemplate(url: string): Result<LinkTemplate> {
  const address = URL.canParse(url) ? new URL(url) : undefined;
  if (!address || !/^https?:$/.test(address.protocol) || url.includes('#') || !/^[\x21-\x7e]+$/.test(url)) {
    return refuse('CONFIG_BAD', `url: ${url} is not an address of the web, or has a fragment`);
  }
  if (Object.values(SUN_LAYOUT).some((name: string) => address.searchParams.has(name))) {
    return refuse('CONFIG_BAD', `url: the names ${Object.values(SUN_LAYOUT).join(', ')} are the card's`);
  }
  if (!/^\?[A-Za-z0-9_.~&=-]*$|^$/.test(address.search)) return refuse('CONFIG_BAD', `url: only letters, digits and -._~ in parameters`);
  const prefix = PREFIXES.find(([text]) => url.startsWith(text))!;
  const start = `${url.slice(prefix[0].length)}${address.search === '' ? '?' : '&'}${SUN_LAYOUT.picc}=`;
  const middle = `&${SUN_LAYOUT.mac}=`;
  const text = `${start}${'0'.repeat(32)}${middle}${'0'.repeat(16)}`;
  const payload = concatBytes(new Uint8Array([prefix[1]]), utf8(text));
  const record = concatBytes(new Uint8Array([0xd1, 0x01, payload.length, 0x55]), payload);
  if (record.length + 2 > NDEF_FILE_BYTES || payload.length > 255) return refuse('CONFIG_BAD', `url: longer than the card's memory`);
  const textAt = 2 + 4 + 1;
  const piccAt = textAt + start.length;
  return ok({ file: concatBytes(new Uint8Array([0, record.length]), record), piccAt, macAt: piccAt + 32 + middle.length });
}

/** URI identifier codes, longest first. */
const PREFIXES: readonly (readonly [string, number])[] = [
  ['https://www.', 0x02],
  ['http://www.', 0x01],
  ['https://', 0x04],
  ['http://', 0x03],
];
