import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { concatBytes, fromBase64Url, toBase64Url } from './bytes.ts';
import { sha256 } from './hash.ts';

/** Raw public key (32 bytes Ed25519, or a 33-byte compressed P-256 point) as base64url: how keys travel. */
export type PublicKeyText = string & { readonly __publicKey: unique symbol };

const ED25519_SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const P256_SPKI_COMPRESSED = Buffer.from('3039301306072a8648ce3d020106082a8648ce3d030107032200', 'hex');

export interface SigningPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function makeSigningPair(): SigningPair {
  return generateKeyPairSync('ed25519');
}

/** Reads a PKCS#8 PEM; throws when it is not an Ed25519 private key. */
export function signingPairFromPem(pem: string): SigningPair {
  const privateKey = createPrivateKey(pem);
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('not an Ed25519 key');
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

export function publicKeyText(key: KeyObject): PublicKeyText {
  return toBase64Url(key.export({ type: 'spki', format: 'der' }).subarray(ED25519_SPKI.length)) as PublicKeyText;
}

/** Undefined when the text is not a 32-byte Ed25519 public key. */
export function ed25519FromText(text: string): KeyObject | undefined {
  const raw = fromBase64Url(text);
  if (raw?.length !== 32) return undefined;
  return keyFromDer(Buffer.concat([ED25519_SPKI, raw]));
}

/** An X25519 key as it travels. */
export function agreeKeyText(key: KeyObject): PublicKeyText {
  return toBase64Url(key.export({ type: 'spki', format: 'der' }).subarray(X25519_SPKI.length)) as PublicKeyText;
}

/** Undefined when the text is not 32 bytes. */
export function x25519FromText(text: string): KeyObject | undefined {
  const raw = fromBase64Url(text);
  return raw?.length === 32 ? keyFromDer(Buffer.concat([X25519_SPKI, raw])) : undefined;
}

/** Undefined when the bytes are not a point on P-256 in compressed form. */
export function p256FromCompressed(raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== 33 || (raw[0] !== 2 && raw[0] !== 3)) return undefined;
  return keyFromDer(Buffer.concat([P256_SPKI_COMPRESSED, raw]));
}

/** The 33-byte compressed form of a P-256 public key. */
export function p256Compressed(key: KeyObject): Uint8Array {
  const { x, y } = key.export({ format: 'jwk' });
  const last = Buffer.from(y!, 'base64url').at(-1)!;
  return new Uint8Array([2 + (last & 1), ...Buffer.from(x!, 'base64url')]);
}

function keyFromDer(der: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' });
  } catch {
    return undefined; // a point that is not on the curve: untrusted input, not a bug
  }
}

/** First 8 bytes of SHA-256 over the raw key, hex: enough to choose among a handful of keys, no secret. */
export function keyId(key: KeyObject): string {
  const raw = key.asymmetricKeyType === 'ed25519' ? fromBase64Url(publicKeyText(key))! : p256Compressed(key);
  return Buffer.from(sha256(raw).subarray(0, 8)).toString('hex');
}

export function signEd25519(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign(null, message, key));
}

export function verifyEd25519(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && verify(null, message, key, signature);
}

/** Runs in the libuv pool, so that checking many signatures overlaps the disk. */
export function verifyEd25519Pooled(key: KeyObject, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== 64) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify(null, message, key, signature, (error, genuine) => (error ? reject(error) : resolve(genuine)));
  });
}

/** ECDSA P-256 with SHA-256; the signature is r‖s, 64 bytes. */
export function signP256(key: KeyObject, message: Uint8Array): Uint8Array {
  return new Uint8Array(sign('sha256', message, { key, dsaEncoding: 'ieee-p1363' }));
}

/**
 * As DER, which is what OpenSSL wants: left to Node, turning r‖s into it costs as much as the verification, on the thread that asks
 * (it exports the key each time). SEQUENCE { INTEGER r, INTEGER s }, shortest form, always positive.
 */
function derSignature(rs: Uint8Array): Uint8Array {
  const [r, s] = [derInteger(rs.subarray(0, 32)), derInteger(rs.subarray(32))];
  return concatBytes(new Uint8Array([0x30, r.length + s.length]), r, s);
}

function derInteger(bytes: Uint8Array): Uint8Array {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const pad = bytes[from]! >= 0x80 ? [0] : [];
  return new Uint8Array([0x02, bytes.length - from + pad.length, ...pad, ...bytes.subarray(from)]);
}

export function verifyP256(key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean {
  return signature.length === 64 && verify('sha256', message, key, derSignature(signature));
}

/** As {@link verifyP256}, in the libuv pool. */
export function verifyP256Pooled(key: KeyObject, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  if (signature.length !== 64) return Promise.resolve(false);
  return new Promise((resolve, reject) => {
    verify('sha256', message, key, derSignature(signature), (error, genuine) => (error ? reject(error) : resolve(genuine)));
  });
}
