/** 16 Crockford base 32 characters in groups of four, as `codeText` of the carrier writes them. */
const LENGTH = 16;

/**
 * A one-time code as people type it, in the carrier's spelling: spaces and dashes do not matter, nor small letters, full-width ones or the
 * letters that Crockford's alphabet leaves out because they look like digits. Undefined for anything else.
 */
export function walletCode(typed: string): string | undefined {
  const plain = typed
    .normalize('NFKC')
    .toUpperCase()
    .replaceAll(/[\s\p{Dash}ー]/gu, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1');
  if (plain.length !== LENGTH || !/^[0-9A-HJKMNP-TV-Z]+$/.test(plain)) return undefined;
  return plain.match(/.{4}/g)!.join('-');
}
