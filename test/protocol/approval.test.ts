import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { approvalChallenge, approvalCode, approvalId, codeKey } from '#protocol/approval.ts';
import { toHex } from '#protocol/bytes.ts';
import { type Id, makeId } from '#protocol/ids.ts';

const [request, counter, other] = [1, 2, 3].map((fill) => makeId(1_800_000_000_000, new Uint8Array(10).fill(fill))) as [Id, Id, Id];

it('gives both sides the same code, and another one for anything else', () => {
  const [hub, carrier, stranger] = Array.from({ length: 3 }, () => generateKeyPairSync('x25519'));
  const atHub = codeKey(hub!.privateKey, carrier!.publicKey, counter);
  const atCarrier = codeKey(carrier!.privateKey, hub!.publicKey, counter);
  expect(approvalCode(atHub, request, 'terms')).toBe(approvalCode(atCarrier, request, 'terms'));
  const codes = [
    approvalCode(atHub, request, 'terms'),
    approvalCode(atHub, other, 'terms'),
    approvalCode(atHub, request, 'other terms'),
    approvalCode(codeKey(hub!.privateKey, carrier!.publicKey, other), request, 'terms'),
    approvalCode(codeKey(stranger!.privateKey, carrier!.publicKey, counter), request, 'terms'),
  ];
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toMatch(/^\d{8}$/);
});

it('spreads its codes over all eight digits', () => {
  const key = new Uint8Array(32).fill(9);
  const seen = Array.from({ length: 2_000 }, (_, place) => Number(approvalCode(key, request, `terms ${place}`)));
  const tenths = Array.from({ length: 10 }, (_, tenth) => seen.filter((code) => Math.floor(code / 1e7) === tenth).length);
  for (const count of tenths) expect(count).toBeGreaterThan(120);
});

it('computes the same code for ever', () => {
  const key = new Uint8Array(32).map((_, place) => place);
  expect(approvalCode(key, request, '{"v":1}')).toMatchInlineSnapshot(`"40210236"`);
});

it('binds the challenge to the terms, and the hold to the request', () => {
  expect(toHex(approvalChallenge('a'))).not.toBe(toHex(approvalChallenge('b')));
  expect(approvalId(request)).toBe(approvalId(request));
  expect(approvalId(request)).not.toBe(approvalId(other));
});
