/** Codes that a person reads out or types, once: 80 random bits, kept only as a hash. */
import { toHex, utf8 } from '#protocol/bytes.ts';
import { sha256 } from '#protocol/hash.ts';

/** As typed: case and dashes do not matter. */
export function codeHash(code: string): string {
  return toHex(sha256(utf8('handover-code\0'), utf8(code.toUpperCase().replaceAll('-', ''))));
}

/** 10 random bytes as 16 Crockford base 32 characters in groups of four. */
export function codeText(random: Uint8Array): string {
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
  let value = BigInt(`0x${toHex(random)}`);
  let text = '';
  for (let i = 0; i < 16; i++) {
    text = alphabet[Number(value & 31n)]! + text;
    value >>= 5n;
  }
  return text.match(/.{4}/g)!.join('-');
}
