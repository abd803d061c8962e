import { cmac } from '@noble/ciphers/aes.js';
import { createCipheriv, createDecipheriv } from 'node:crypto';

/** Bytes of an AES block and of an AES-128 key. */
export const BLOCK_BYTES = 16;
export const ZERO_BLOCK: Uint8Array = new Uint8Array(BLOCK_BYTES);

/** AES-CMAC (RFC 4493, NIST SP 800-38B) under a 128-bit key; 16 bytes. */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return cmac(message, key);
}

/** The 8 bytes that the card keeps of a CMAC (NT4H2421Gx §9.1.3): every second one, from the second on. */
export function shortMac(key: Uint8Array, message: Uint8Array): Uint8Array {
  return aesCmac(key, message).filter((_byte, index) => index % 2 === 1);
}

/** AES-128-CBC without padding. Throws unless `data` is whole blocks: callers have counted. */
export function cbcEncrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  return plainBytes(Buffer.concat([cipher.update(data), cipher.final()]));
}

/** AES-128-CBC without padding. Throws unless `data` is whole blocks: callers have counted. */
export function cbcDecrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = createDecipheriv('aes-128-cbc', key, iv).setAutoPadding(false);
  return plainBytes(Buffer.concat([cipher.update(data), cipher.final()]));
}

/** One block of AES-128: CBC over one block with a zero IV. */
export function encryptBlock(key: Uint8Array, block: Uint8Array): Uint8Array {
  return cbcEncrypt(key, ZERO_BLOCK, block);
}

/** Buffers share their memory with others; what leaves here does not. */
function plainBytes(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer);
}
