import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fromBase64Url, fromHex, sameBytes, toBase64Url, toHex } from '#protocol/bytes.ts';

const bytes = fc.uint8Array({ maxLength: 300 });

it('writes base64url as Node does, and reads it back', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      const text = Buffer.from(data).toString('base64url');
      expect(toBase64Url(data)).toBe(text);
      expect(fromBase64Url(text)).toEqual(data);
    }),
  );
});

it('refuses text that is not base64url, wherever the wrong character is', () => {
  fc.assert(
    fc.property(bytes, fc.nat(), fc.constantFrom('+', '/', '=', ' ', '\n', '\0', 'é', '語', '\u{1F4E6}'), (data, at, wrong) => {
      const text = toBase64Url(data);
      const place = at % (text.length + 1);
      expect(fromBase64Url(text.slice(0, place) + wrong + text.slice(place))).toBeUndefined();
    }),
  );
  expect(fromBase64Url('A')).toBeUndefined();
});

it('writes hex as Node does, and reads it back', () => {
  fc.assert(
    fc.property(bytes, (data) => {
      expect(toHex(data)).toBe(Buffer.from(data).toString('hex'));
      expect(fromHex(toHex(data))).toEqual(data);
    }),
  );
});

it('tells equal bytes from all others', () => {
  fc.assert(fc.property(bytes, bytes, (a, b) => sameBytes(a, b) === (Buffer.compare(a, b) === 0)));
  fc.assert(fc.property(bytes, (a) => sameBytes(a, a.slice())));
});
