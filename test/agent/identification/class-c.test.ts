import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS, ok, refuse, type Result } from '#protocol/errors.ts';
import { ProofC } from '#protocol/payment-request.ts';
import { Compile } from 'typebox/compile';
import { readSunMessage } from '../../../agent/identification/class-c.ts';
import { readCapabilities, readUri } from '../../../agent/identification/ndef.ts';
import type { CardSession } from '../../../agent/ports.ts';
import { checkSun } from '../../../server/authentication/cards/sun.ts';
import { readSun } from '../../../server/authentication/cards/sun-fields.ts';
import { NtagCard } from '../../../simulator/cards/ntag424/card.ts';
import { type CardMemory, type CardState, factoryState } from '../../../simulator/cards/ntag424/memory.ts';

import { fixedKeys, ZERO_KEY } from '../../server/authentication/cards/rig.ts';

const proof = Compile(ProofC);
const SETTINGS = '4000E0C1FF21';

/** A session with anything that answers APDUs. */
function session(answer: (apdu: Uint8Array) => Result<Uint8Array>): CardSession & { readonly sent: Uint8Array[] } {
  const sent: Uint8Array[] = [];
  return {
    sent,
    readerId: 'r',
    technology: 'iso-dep',
    uid: new Uint8Array(7),
    transceive: async (apdu) => {
      sent.push(apdu);
      return answer(apdu);
    },
  };
}

/** A SIMULATED card with this NDEF message; `settings`: as the chip spells them, behind its link. */
function cardWith(message: Buffer, settings = '0000E0'): ReturnType<typeof session> {
  const state = factoryState(Buffer.from('04A1B2C3D4E5F6', 'hex'));
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  state.files['2'] = {
    data: Buffer.concat([length, message, Buffer.alloc(256)])
      .subarray(0, 256)
      .toString('hex'),
    settings,
  };
  let kept: CardState = state;
  const memory: CardMemory = { read: () => structuredClone(kept), write: (next) => void (kept = next) };
  const card = new NtagCard(memory);
  return session((apdu) => ok(card.answer(apdu)));
}

function uri(code: number, text: string): Buffer {
  const payload = Buffer.concat([Buffer.from([code]), Buffer.from(text, 'latin1')]);
  return Buffer.concat([Buffer.from([0xd1, 0x01, payload.length, 0x55]), payload]);
}

describe('an NTAG 424 DNA in the field', () => {
  const link = uri(4, `pay.example/c?p=${'0'.repeat(32)}&m=${'0'.repeat(16)}`);
  const piccAt = 2 + link.indexOf('p=') + 2;
  const macAt = piccAt + 32 + 3;
  const place = (at: number): string => `${at.toString(16).padStart(2, '0')}0000`;
  const settings = SETTINGS + place(piccAt) + place(macAt) + place(macAt);

  it('gives the query of its link, fresh at every tap, which is a proof of class C', async () => {
    const card = cardWith(link, settings);
    const [one, two] = [await readSunMessage(card), await readSunMessage(card)];
    expect(one).toMatchObject({ ok: true, value: expect.stringMatching(/^p=[0-9A-F]{32}&m=[0-9A-F]{16}$/) });
    expect(two).not.toEqual(one);
    expect(one.ok && proof.Check({ class: 'C', message: one.value, atMs: 1 })).toBe(true);
  });

  it('takes six commands', async () => {
    const card = cardWith(link, settings);
    await readSunMessage(card);
    expect(card.sent.length).toBe(6);
  });

  it('is one tap, though its message is longer than one read and the MAC stands across two', async () => {
    const long = uri(4, `pay.example/${'x'.repeat(183)}?p=${'0'.repeat(32)}&m=${'0'.repeat(16)}`);
    const [longPiccAt, longMacAt] = [2 + long.indexOf('p=') + 2, 2 + long.indexOf('m=') + 2];
    const card = cardWith(long, SETTINGS + place(longPiccAt) + place(longMacAt) + place(longMacAt));
    const read = await readSunMessage(card);
    const fields = readSun(read.ok ? read.value : '');
    expect(card.sent.length).toBe(7);
    expect(fields.ok && (await checkSun(fields.value, fixedKeys(ZERO_KEY, ZERO_KEY)))).toMatchObject({ ok: true, value: { counter: 1 } });
  });
});

describe('another card', () => {
  it.each([
    ['no URI at all', Buffer.from([0xd1, 0x01, 0x02, 0x54, 0x02, 0x65])],
    ['a telephone number', uri(5, '123?a=b')],
    ['a link without parameters', uri(4, 'pay.example/c')],
    ['a link with an empty query', uri(4, 'pay.example/c?')],
    ['a query behind a fragment', uri(4, 'pay.example/c#?p=1')],
    ['a query with other characters', uri(4, 'pay.example/c?p=%41')],
    ['a link with a control character', uri(4, 'pay.example/c?p=\u0001')],
    ['a chunked record', Buffer.concat([Buffer.from([0xf1]), uri(4, 'a?b=c').subarray(1)])],
    ['a record that is not the first', Buffer.concat([Buffer.from([0x51]), uri(4, 'a?b=c').subarray(1)])],
    ['an empty message', Buffer.alloc(0)],
  ])('with %s is refused', async (_what, message) => {
    expect(await readSunMessage(cardWith(message))).toMatchObject({ ok: false, code: 'CARD_UNSUPPORTED' });
  });

  it('that is another chip is refused, and one that talks no APDUs is not even asked', async () => {
    expect(await readSunMessage(session(() => ok(new Uint8Array([0x6a, 0x82]))))).toMatchObject({ code: 'CARD_UNSUPPORTED' });
    const memory = { ...session(() => ok(new Uint8Array())), technology: 'iso-14443-3' as const };
    expect(await readSunMessage(memory)).toMatchObject({ code: 'CARD_UNSUPPORTED' });
    expect(memory.sent).toEqual([]);
  });

  it('whose link only a key reads is refused', async () => {
    expect(await readSunMessage(cardWith(uri(4, 'a?b=c'), '000000'))).toMatchObject({ code: 'CARD_UNSUPPORTED' });
  });
});

describe('a card that was taken away', () => {
  it('at any command says so', async () => {
    for (let count = 1; count <= 6; count++) {
      const card = cardWith(uri(4, 'a?b=c'));
      let sent = 0;
      const cut = session(() => refuse('CARD_REMOVED'));
      const answer = await readSunMessage({
        ...cut,
        transceive: async (apdu) => (++sent < count ? card.transceive(apdu) : cut.transceive(apdu)),
      });
      expect(answer).toMatchObject({ code: 'CARD_REMOVED' });
    }
  });
});

describe('untrusted bytes', () => {
  it.each([1, 2, 3, 5, 7, 8, 9, 13])('a changed byte %i of the capability container is noticed or harmless', (at) => {
    const good = Buffer.from('001720010000FF0406E10401000000', 'hex');
    expect(readCapabilities(good)).toEqual({ ok: true, value: { id: 0xe104, bytesMax: 256, readMax: 256 } });
    const changed = Buffer.from(good);
    changed[at]! ^= 0xff;
    const read = readCapabilities(changed);
    if (!read.ok) expect(read.code).toBe('CARD_UNSUPPORTED');
  });

  it.each([
    ['0017100100 00FF 0406 E104 0100 00 00', 'mapping version 1'],
    ['0017200100 00FF 0506 E104 0100 00 00', 'no NDEF file'],
    ['0017200100 00FF 0406 E103 0100 00 00', 'a reserved id'],
    ['0017200100 00FF 0406 E104 0100 80 00', 'not free to read'],
    ['0017200100 00FF 0406 E104 0002 00 00', 'a file without room'],
    ['0017200001 00FF 0406 E104 0100 00 00', 'reads of one byte'],
    ['000E200100 00FF 0406 E104 0100 00', 'cut off'],
  ])('%s is no capability container (%s)', (text) => {
    expect(readCapabilities(Buffer.from(text.replaceAll(' ', ''), 'hex'))).toMatchObject({ code: 'CARD_UNSUPPORTED' });
  });

  it('long records and records with an id are read too', () => {
    const payload = Buffer.from('\x04a?b=c', 'latin1');
    const long = Buffer.concat([Buffer.from([0xc1, 0x01, 0, 0, 0, payload.length, 0x55]), payload]);
    expect(readUri(long)).toEqual({ ok: true, value: 'https://a?b=c' });
    const named = Buffer.concat([Buffer.from([0xd9, 0x01, payload.length, 2, 0x55, 0x78, 0x79]), payload]);
    expect(readUri(named)).toEqual({ ok: true, value: 'https://a?b=c' });
    expect(readUri(Buffer.concat([Buffer.from([0xc1, 0x01, 0xff, 0xff, 0xff, 0xff, 0x55]), payload]))).toMatchObject({ ok: false });
  });

  it('never crash or hang a parser', () => {
    const looksLike = fc.uint8Array({ maxLength: 30 }).map((tail) => new Uint8Array([0xd1, 0x01, tail.length, 0x55, ...tail]));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), looksLike), (bytes) => {
        for (const read of [readUri(bytes), readCapabilities(bytes)]) if (!read.ok) expect(read.code).toBe('CARD_UNSUPPORTED');
      }),
    );
  });

  it('never crash or hang the reading of a card, whatever it answers', async () => {
    const answers = fc.array(
      fc.oneof(
        fc.uint8Array({ maxLength: 260 }),
        fc.uint8Array({ maxLength: 40 }).map((data) => new Uint8Array([...data, 0x90, 0x00])),
        fc
          .constantFrom('9000', '001720010000FF0406E104010000009000', '00059000', '02009000')
          .map((text) => new Uint8Array(Buffer.from(text, 'hex'))),
      ),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(answers, async (script) => {
        let at = 0;
        const card = session(() => ok(script[at++] ?? new Uint8Array([0x90, 0x00])));
        const read = await readSunMessage(card);
        expect(card.sent.length).toBeLessThan(100);
        if (!read.ok) expect(Object.keys(ERRORS)).toContain(read.code);
        else expect(proof.Check({ class: 'C', message: read.value, atMs: 1 })).toBe(true);
      }),
    );
  });
});
