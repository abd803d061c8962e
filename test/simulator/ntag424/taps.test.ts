/** The SIMULATED NTAG 424 DNA keeps the rules of its data sheet: what a tap reads, the random UID, any bytes, its file. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decrypt, ZERO } from '../../../simulator/cards/ntag424/crypto.ts';
import { fileMemory, makeCard } from '../../../simulator/cards/ntag424/memory.ts';
import { ntagCard } from '../../../simulator/readers/pn532/field-cards.ts';
import { authenticated, SELECT, SELECT_LINK, selected, type Talk, UID } from './talk.ts';

describe('data in a session', () => {
  it('goes by the mode and the rights of its file', () => {
    const talk = authenticated(3);
    expect(talk.full('8D', '03000000030000', 'AABBCC')).toBe('9100');
    expect(talk.full('AD', '03000000030000')).toBe('AABBCC9100');
    const reader = selected();
    reader.kept.state.files['3'].data = talk.kept.state.files['3'].data;
    reader.authenticate(2);
    expect(reader.full('AD', '03000000030000')).toBe('AABBCC9100');
    expect(reader.full('8D', '03000000030000', 'AABBCC')).toBe('91AE');
  });
});

describe('a tap', () => {
  /** Settings of AN12196 §5.9, all keys zero. */
  function tapping(settings = '4000E0C1FF21200000430000430000'): Talk {
    const talk = authenticated();
    expect(talk.full('5F', '02', settings)).toBe('9100');
    talk.card.leaveField();
    talk.say(SELECT);
    talk.say(SELECT_LINK);
    return talk;
  }
  const piccOf = (answer: string): string => Buffer.from(answer.slice(0, 64), 'hex').toString('latin1');

  it('mirrors UID and counter, whatever pieces it is read in', () => {
    const talk = tapping();
    const whole = piccOf(talk.say('00B0002020'));
    const again = piccOf(talk.say('00B0002010').slice(0, 32) + talk.say('00B0003010'));
    expect(again).toBe(whole);
    expect(decrypt(ZERO, ZERO, Buffer.from(whole, 'hex')).toString('hex').toUpperCase()).toMatch(new RegExp(`^C7${UID}010000`));
  });

  it('is one more after another command, another kind of reading, or a new field', () => {
    const talk = tapping();
    talk.say('00B0000002');
    talk.say('00B0000202');
    expect(talk.kept.state.readCounter).toBe(1);
    talk.say(SELECT_LINK);
    talk.say('00B0000002');
    expect(talk.kept.state.readCounter).toBe(2);
    talk.say('90AD0000070200000002000000');
    expect(talk.kept.state.readCounter).toBe(3);
    talk.say('00B0000002');
    expect(talk.kept.state.readCounter).toBe(4);
    talk.card.leaveField();
    talk.say(SELECT);
    talk.say(SELECT_LINK);
    talk.say('00B0000002');
    expect(talk.kept.state.readCounter).toBe(5);
  });

  it('is not one in a session, nor when it fails: the file is as it is stored', () => {
    const talk = tapping();
    expect(talk.say('00B0010001')).toBe('6A86');
    talk.authenticate(0);
    expect(talk.say('90AD0000070220000020000000')).toBe(`${'00'.repeat(32)}9100`);
    expect(talk.kept.state.readCounter).toBe(0);
  });

  it('hides the counter in random padding: two taps at the same count differ', () => {
    const one = tapping();
    const other = tapping();
    expect(one.say('00B0002020')).not.toBe(other.say('00B0002020'));
  });

  it('ends at the limit, and at the largest count', () => {
    const limited = tapping('4000E0E1FF21200000430000430000020000');
    limited.say('00B0000002');
    limited.say(SELECT_LINK);
    expect(limited.say('00B0000002')).toMatch(/9000$/);
    limited.say(SELECT_LINK);
    expect(limited.say('00B0000002')).toBe('6982');
    expect(limited.say('90AD0000070200000002000000')).toBe('919D');
    const full = tapping();
    full.kept.state.readCounter = 0xff_ffff;
    expect(full.say('00B0000002')).toBe('6982');
    expect(full.say('90AD0000070200000002000000')).toBe('911E');
  });

  it('mirrors in clear where it is told to, and encrypts file data', () => {
    // UID at 0, counter at 16, encrypted file data from 32 to 64, MAC at 64.
    const talk = tapping('4000E0D1FFE1000000100000200000200000200000400000');
    const link = Buffer.from(talk.say('00B0000050'), 'hex').toString('latin1');
    expect(link.slice(0, 14)).toBe(UID);
    expect(link.slice(16, 22)).toBe('000001');
    expect(link.slice(32, 80)).toMatch(/^[0-9A-F]{48}$/);
  });
});

describe('the random UID', () => {
  it('is another one at each activation, for ever', () => {
    const talk = authenticated();
    expect(talk.full('5C', '00', '02')).toBe('9100');
    const seen = new Set<string>();
    for (let times = 0; times < 4; times++) {
      talk.card.leaveField();
      expect(talk.card.uid[0]).toBe(0x08);
      seen.add(Buffer.from(talk.card.uid).toString('hex'));
    }
    expect(seen.size).toBeGreaterThan(1);
    talk.say(SELECT);
    talk.say('9060000000');
    talk.say('90AF000000');
    expect(talk.say('90AF000000')).toMatch(/^0{14}/);
    talk.authenticate(3);
    expect(talk.full('51', '')).toBe(`${UID}9100`);
    expect(authenticated(1).full('5C', '00', '02')).toBe('91AE');
    expect(authenticated().full('5C', '00', '01')).toBe('919E');
    expect(authenticated().full('5C', '05', '00000000020000000000')).toBe('919E');
  });
});

describe('whatever is sent', () => {
  it('is answered with a status word, and changes no key', () => {
    const commands = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(
          fc.constantFrom('9071', '90AF', '90C4', '905F', '90F5', '90AD', '908D', '905C', '00A4', '00B0', '00D6'),
          fc.uint8Array({ maxLength: 24 }),
        )
        .map(([head, data]) => new Uint8Array([...Buffer.from(head, 'hex'), 0, 0, data.length, ...data, 0])),
    );
    fc.assert(
      fc.property(fc.array(commands, { maxLength: 30 }), (apdus) => {
        const talk = selected();
        for (const apdu of apdus) {
          const answer = talk.card.answer(apdu);
          expect(answer.length).toBeGreaterThanOrEqual(2);
          expect([0x90, 0x91, 0x67, 0x69, 0x6a, 0x6d, 0x6e]).toContain(answer.at(-2));
        }
        expect(talk.kept.state.keys.every(({ key }) => key === '00'.repeat(16))).toBe(true);
      }),
    );
  });
});

describe('the file', () => {
  it('says that the card is simulated, is its owner’s, and outlives the card', () => {
    const folder = mkdtempSync(join(tmpdir(), 'handover-ntag-'));
    try {
      const file = join(folder, 'card.json');
      makeCard(file, Buffer.from(UID, 'hex'));
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(fileMemory(file).read()).toMatchObject({ simulated: true, uid: UID });
      expect(() => makeCard(file)).toThrow('there is a file already');
      const card = ntagCard(file);
      card.answer(Buffer.from(SELECT, 'hex'));
      card.answer(Buffer.from(SELECT_LINK, 'hex'));
      card.answer(Buffer.from('00D6000002AABB', 'hex'));
      expect(fileMemory(file).read().files['2'].data).toMatch(/^AABB/);
      expect(card.sak & 0x20).toBe(0x20);
      expect(() => ntagCard(join(folder, 'none.json'))).toThrow();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
