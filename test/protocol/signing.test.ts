import { generateKeyPairSync, verify } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { signP256, verifyP256, verifyP256Pooled } from '#protocol/signing.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const message = new TextEncoder().encode('one parcel');

it('takes every genuine P-256 signature, also those whose halves begin with zeros or a high bit', async () => {
  for (let round = 0; round < 600; round++) {
    const text = new TextEncoder().encode(`parcel ${round}`);
    const signature = signP256(privateKey, text);
    expect(verifyP256(publicKey, text, signature)).toBe(true);
    expect(await verifyP256Pooled(publicKey, text, signature)).toBe(true);
  }
});

it('says of any 64 bytes what Node says of them', async () => {
  const halves = fc.oneof(
    fc.uint8Array({ minLength: 32, maxLength: 32 }),
    fc.constant(new Uint8Array(32)),
    fc.constant(new Uint8Array(32).fill(255)),
  );
  const genuine = signP256(privateKey, message);
  await fc.assert(
    fc.asyncProperty(halves, halves, fc.nat({ max: 511 }), async (r, s, bit) => {
      const flipped = genuine.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      for (const signature of [Uint8Array.from([...r, ...s]), flipped]) {
        const expected = verify('sha256', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
        expect(expected).toBe(false);
        expect(verifyP256(publicKey, message, signature)).toBe(expected);
        expect(await verifyP256Pooled(publicKey, message, signature)).toBe(expected);
      }
    }),
  );
});

it('refuses a signature of another length', async () => {
  const signature = signP256(privateKey, message);
  for (const wrong of [signature.slice(0, 63), Uint8Array.from([...signature, 0]), new Uint8Array()]) {
    expect(verifyP256(publicKey, message, wrong)).toBe(false);
    expect(await verifyP256Pooled(publicKey, message, wrong)).toBe(false);
  }
});
