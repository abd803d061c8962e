/**
 * The chip's arithmetic, written from NT4H2421Gx §9 and RFC 4493 on node:crypto alone. The carrier's side uses another library and other
 * code on purpose, so that one mistake is not made twice.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';

export const ZERO = Buffer.alloc(16);

export function encrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

export function decrypt(key: Uint8Array, iv: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createDecipheriv('aes-128-cbc', key, iv);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

export function block(key: Uint8Array, data: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-128-ecb', key, null);
  cipher.setAutoPadding(false);
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

/** CMAC, 16 bytes: CBC-MAC over the message, whose last block is masked. */
export function cmac(key: Uint8Array, message: Uint8Array): Buffer {
  const masked = Buffer.alloc(Math.max(1, Math.ceil(message.length / 16)) * 16);
  masked.set(message);
  const isPadded = message.length !== masked.length;
  if (isPadded) masked[message.length] = 0x80;
  let mask = BigInt(`0x${block(key, ZERO).toString('hex')}`);
  for (let times = isPadded ? 2 : 1; times > 0; times--) mask = BigInt.asUintN(128, mask << 1n) ^ (mask >> 127n ? 0x87n : 0n);
  const last = masked.length - 16;
  for (let at = 15; at >= 0; at--, mask >>= 8n) masked[last + at]! ^= Number(mask & 0xffn);
  return encrypt(key, ZERO, masked).subarray(-16);
}

/** MACt: "the 8 even-numbered bytes", counted from 1 at the most significant end. */
export function macT(key: Uint8Array, message: Uint8Array): Buffer {
  const mac = cmac(key, message);
  return Buffer.from([1, 3, 5, 7, 9, 11, 13, 15].map((at) => mac[at]!));
}

export function rotateLeft(data: Uint8Array): Buffer {
  return Buffer.from([...data.subarray(1), data[0]!]);
}

/** CRC32 of IEEE 802.3 as the chip's family writes it: least significant byte first, not complemented at the end. */
export function crc32(data: Uint8Array): Buffer {
  let crc = 0xffff_ffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb8_8320 : crc >>> 1;
  }
  const out = Buffer.alloc(4);
  out.writeUInt32LE(crc >>> 0);
  return out;
}

export function hex(data: Uint8Array): string {
  return Buffer.from(data).toString('hex').toUpperCase();
}
