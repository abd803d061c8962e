import { concatBytes } from '#protocol/bytes.ts';
import { BLOCK_BYTES, ZERO_BLOCK } from './aes.ts';

/**
 * AES-CMAC (RFC 4493) for a token that encrypts blocks and knows no CMAC: the key stays in it, the chaining is done here. One call per
 * block of the message and one for the subkeys. Rejects when `encrypt` does.
 */
export async function cmacByBlocks(encrypt: (block: Uint8Array) => Promise<Uint8Array>, message: Uint8Array): Promise<Uint8Array> {
  const whole = doubled(await encrypt(ZERO_BLOCK));
  const lastAt = Math.max(0, Math.ceil(message.length / BLOCK_BYTES) - 1) * BLOCK_BYTES;
  const tail = message.subarray(lastAt);
  const isWhole = tail.length === BLOCK_BYTES;
  const last = isWhole ? tail : concatBytes(tail, new Uint8Array([0x80]), ZERO_BLOCK).subarray(0, BLOCK_BYTES);
  let chain = ZERO_BLOCK;
  for (let at = 0; at < lastAt; at += BLOCK_BYTES) chain = await encrypt(xor(chain, message.subarray(at, at + BLOCK_BYTES)));
  return encrypt(xor(xor(chain, last), isWhole ? whole : doubled(whole)));
}

export function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((byte, index) => byte ^ b[index]!);
}

/** Twice the block in GF(2^128), big-endian. */
function doubled(block: Uint8Array): Uint8Array {
  const out = block.map((byte, index) => (byte << 1) | ((block[index + 1] ?? 0) >> 7));
  if (block[0]! & 0x80) out[BLOCK_BYTES - 1]! ^= 0x87;
  return out;
}
