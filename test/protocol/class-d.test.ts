import fc from 'fast-check';
import { Compile } from 'typebox/compile';
import { describe, expect, it, test } from 'vitest';
import { concatBytes, fromHex, toHex } from '#protocol/bytes.ts';
import {
  decodeTypedPin,
  encodeTypedPin,
  isLastingUid,
  isPin,
  MEDIUM_KINDS,
  pinBindingBytes,
  readSealed,
  SEALED_CHARACTERS,
  sealedText,
} from '#protocol/class-d.ts';
import { makeId } from '#protocol/ids.ts';
import { ProofD } from '#protocol/payment-request.ts';

const numbers = fc.uint8Array({ minLength: 1, maxLength: 128 });
const pins = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 4, maxLength: 12 }).map((digits) => digits.join(''));
const times = fc.integer({ min: 0, max: 8_640_000_000_000_000 }).map((ms) => ms % 2 ** 48);

describe('what is sealed', () => {
  test('is read as it was written, and is of one length whatever it says', () => {
    fc.assert(
      fc.property(numbers, pins, times, (number, pin, atMs) => {
        const bytes = encodeTypedPin({ number, pin, atMs });
        expect(bytes).toHaveLength(150);
        expect(decodeTypedPin(bytes)).toEqual({ number, pin, atMs });
      }),
      { seed: 20_261_123 },
    );
  });

  test('has one spelling: whatever can be read is written again as the same bytes', () => {
    const edits = fc.array(fc.record({ at: fc.nat(149), byte: fc.nat(255) }), { maxLength: 3 });
    let read = 0;
    fc.assert(
      fc.property(numbers, pins, times, edits, (number, pin, atMs, list) => {
        const bytes = encodeTypedPin({ number, pin, atMs });
        for (const { at, byte } of list) bytes[at] = byte;
        const typed = decodeTypedPin(bytes);
        if (!typed) return;
        read++;
        expect(encodeTypedPin(typed)).toEqual(bytes);
      }),
      { seed: 20_261_123, numRuns: 2_000 },
    );
    expect(read).toBeGreaterThan(500);
  });

  test('of any other bytes nothing is read, and nothing is thrown', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(decodeTypedPin(bytes)).toBeUndefined();
      }),
      { seed: 20_261_123, numRuns: 2_000 },
    );
    expect(decodeTypedPin(new Uint8Array(150))).toBeUndefined();
  });

  it.each([
    ['no number', { number: new Uint8Array() }],
    ['a number too long', { number: new Uint8Array(129) }],
    ['a PIN too short', { pin: '123' }],
    ['a PIN too long', { pin: '1234567890123' }],
    ['a PIN of letters', { pin: 'abcd' }],
    ['digits of another script', { pin: '１２３４' }],
    ['digits and a line end', { pin: '1234\n' }],
  ])('is never made of %s', (_, change) => {
    expect(() => encodeTypedPin({ number: new Uint8Array(7).fill(4), pin: '4711', atMs: 1, ...change })).toThrow(RangeError);
  });

  test('digits alone are a PIN', () => {
    expect(['0000', '471100', '123456789012'].every(isPin)).toBe(true);
    expect(['', '123', '12 34', '-1234', '12345678901234'].some(isPin)).toBe(false);
  });
});

test('a binding is another for another kind, hub, counter or word of the terms', () => {
  const [hubId, counterId] = [makeId(1, new Uint8Array(10).fill(1)), makeId(1, new Uint8Array(10).fill(2))];
  const asked = { kind: 'uid' as const, hubId, counterId, termsText: '{"amount":"12.50"}' };
  const all = [
    asked,
    ...MEDIUM_KINDS.slice(1).map((kind) => ({ ...asked, kind })),
    { ...asked, hubId: counterId },
    { ...asked, counterId: hubId },
    { ...asked, hubId: counterId, counterId: hubId },
    { ...asked, termsText: '{"amount":"12.51"}' },
    { ...asked, termsText: `${asked.termsText} ` },
  ];
  expect(new Set(all.map((binding) => toHex(pinBindingBytes(binding)))).size).toBe(all.length);
  expect(pinBindingBytes({ ...asked })).toEqual(pinBindingBytes(asked));
});

describe('a proof of class D', () => {
  const shape = Compile(ProofD);
  const sealed = sealedText(new Uint8Array(32).fill(1), new Uint8Array(166).fill(2));
  const proof = { class: 'D', kind: 'uid', keyId: '0123456789abcdef', sealed };

  test('holds a sealed PIN of one length, spelled in one way', () => {
    expect(shape.Check(proof)).toBe(true);
    expect(sealed).toHaveLength(SEALED_CHARACTERS);
    expect(readSealed(sealed)).toEqual({ encapsulated: new Uint8Array(32).fill(1), ciphertext: new Uint8Array(166).fill(2) });
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    const last = Array.from(characters, (letter) => toHex(concatBytes(...Object.values(readSealed(sealed.slice(0, -1) + letter)!))));
    expect(new Set(last).size).toBe(64);
  });

  it.each([
    ['a kind that there is not', { kind: 'iris' }],
    ['a PIN in clear beside it', { pin: '4711' }],
    ['a number in clear beside it', { number: '04a1b2c3' }],
    ['a character less', { sealed: sealed.slice(1) }],
    ['a character more', { sealed: `${sealed}A` }],
    ['padding', { sealed: `${sealed.slice(1)}=` }],
    ['no key', { keyId: undefined }],
  ])('is refused with %s', (_, change) => {
    expect(shape.Check({ ...proof, ...change })).toBe(false);
  });

  test('any text is read without an exception', () => {
    const texts = fc.oneof(fc.string({ maxLength: 300 }), fc.string({ minLength: SEALED_CHARACTERS, maxLength: SEALED_CHARACTERS }));
    fc.assert(
      fc.property(texts, (text) => {
        const read = readSealed(text);
        if (read) expect(sealedText(read.encapsulated, read.ciphertext)).toBe(text);
      }),
      { seed: 20_261_123, numRuns: 2_000 },
    );
  });
});

describe('a UID', () => {
  it.each([
    ['04a1b2c3d4e5f6', true, 'seven bytes, the maker first'],
    ['04a1b2c3d4e5f6a7b8c9', true, 'ten bytes'],
    ['3fa1b2c3', true, 'four bytes, fixed though not unique'],
    ['d2a1b2c3', true, 'four bytes of old'],
    ['08a1b2c3', false, 'random: a phone'],
    ['80a1b2c3', false, 'random: a DESFire told to be anonymous'],
    ['88a1b2c3', false, 'the mark of a longer one'],
    ['18a1b2c3', false, 'reserved'],
    ['01020304', false, 'what many phones without a secure element say'],
    ['00000000', false, 'nothing'],
    ['00000000000000', false, 'nothing, at length'],
    ['08a1b2c3d4', false, 'a length that there is not'],
    ['', false, 'none'],
  ])('%s lasts: %s (%s)', (uid, lasts) => {
    expect(isLastingUid(fromHex(uid))).toBe(lasts);
  });

  test('that is random never lasts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 3, maxLength: 3 }), (rest) => {
        expect(isLastingUid(new Uint8Array([0x08, ...rest]))).toBe(false);
      }),
      { seed: 20_261_123 },
    );
  });
});
