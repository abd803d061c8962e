import { createHmac, scrypt, timingSafeEqual } from 'node:crypto';
import { fromBase64Url, toBase64Url, utf8 } from '#protocol/bytes.ts';
import { type Id, idBytes } from '#protocol/ids.ts';

export interface PinHash {
  /** 16 random bytes, base64url. */
  readonly salt: string;
  /** 32 bytes, base64url. */
  readonly hash: string;
  /** log2 of scrypt's N. */
  readonly work: number;
}

/** 32 MB and about a tenth of a second in the thread pool. What protects a PIN of few digits is the pepper and the number of tries. */
const WORK_FACTOR = 15;

/** scrypt over HMAC(pepper, pass ‖ PIN): the same PIN of another pass has another hash, and nobody without the pepper can try any. */
export async function hashPin(pepper: Uint8Array, pass: Id, pin: string, salt: Uint8Array): Promise<PinHash> {
  const hash = await derive(pepper, pass, pin, salt, WORK_FACTOR);
  return { salt: toBase64Url(salt), hash: toBase64Url(hash), work: WORK_FACTOR };
}

export async function isPinOf(pepper: Uint8Array, pass: Id, pin: string, kept: PinHash): Promise<boolean> {
  const hash = await derive(pepper, pass, pin, fromBase64Url(kept.salt)!, kept.work);
  return timingSafeEqual(hash, fromBase64Url(kept.hash)!);
}

function derive(pepper: Uint8Array, pass: Id, pin: string, salt: Uint8Array, work: number): Promise<Uint8Array> {
  const peppered = createHmac('sha256', pepper).update(idBytes(pass)).update(utf8(pin)).digest();
  const N = 2 ** work;
  return new Promise((resolve, reject) => {
    scrypt(peppered, salt, 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 }, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });
}
