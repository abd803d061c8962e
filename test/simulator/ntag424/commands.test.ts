/** The SIMULATED NTAG 424 DNA keeps the rules of its data sheet: commands, sessions, keys, settings. */
import { describe, expect, it } from 'vitest';
import { crc32, ZERO } from '../../../simulator/cards/ntag424/crypto.ts';
import { authenticated, SELECT, SELECT_LINK, selected, Talk, UID } from './talk.ts';

describe('the level of ISO 7816', () => {
  it.each([
    ['00A4040007D276000085010000', '9000'],
    ['00A4040C05D276000085', '6A82'],
    [SELECT_LINK, '6A82'],
    ['00A4050C02E104', '6A86'],
    ['00B0000002', '6985'],
    ['00B00000', '6700'],
    ['00CA000000', '6D00'],
    ['80CA000000', '6E00'],
    ['00', '6700'],
    ['00A404000AD27600', '6700'],
  ])('answers %s with %s before anything is selected', (apdu, status) => {
    expect(new Talk().say(apdu)).toBe(status);
  });

  it('reads the capability container and the link, by file and by short id', () => {
    const talk = selected();
    expect(talk.say('00A4000C02E103')).toBe('9000');
    expect(talk.say('00B000000F')).toBe('001720010000FF0406E104010000009000');
    expect(talk.say(SELECT_LINK)).toBe('9000');
    expect(talk.say('00B0000000').length).toBe(2 * 258);
    expect(talk.say('00B000FE10')).toBe('00009000');
    expect(talk.say('00B0010001')).toBe('6A86');
    expect(talk.say('00B083000F')).toMatch(/^0017.*9000$/);
    expect(talk.say('00B0A3000F')).toBe('6A86');
    expect(talk.say('00B085000F')).toBe('6982');
  });

  it('writes where anybody may, and nowhere else', () => {
    const talk = selected();
    talk.say(SELECT_LINK);
    expect(talk.say('00D6000002AABB')).toBe('9000');
    expect(talk.say('00B0000002')).toBe('AABB9000');
    expect(talk.say('00D600FF02AABB')).toBe('6A87');
    talk.say('00A4000C02E103');
    expect(talk.say('00D6000002AABB')).toBe('6982');
  });

  it('gives no plain access in a session, which selecting again ends', () => {
    const talk = authenticated();
    talk.say(SELECT_LINK);
    expect(talk.say('00B0000002')).toBe('6982');
    expect(talk.full('51', '')).toBe(`${UID}9100`);
    talk.say(SELECT);
    expect(talk.full('51', '')).toBe('91AE');
  });
});

describe('the chip’s own commands', () => {
  it('says its version in three parts, and is interrupted by nothing', () => {
    const talk = selected();
    expect(talk.say('9060000000')).toBe('0404023000110591AF');
    expect(talk.say('90AF000000')).toBe('0404020102110591AF');
    expect(talk.say('90AF000000')).toMatch(new RegExp(`^${UID}.{14}9100$`));
    talk.say('9060000000');
    expect(talk.say('90640000010000')).toBe('91CA');
    expect(talk.say('90AF000000')).toBe('911C');
    talk.say('9060000000');
    expect(talk.say(SELECT_LINK)).toBe('6985');
  });

  it.each([
    ['90FF000000', '911C'],
    ['90640000010500', '9140'],
    ['9064000002000000', '917E'],
    ['90640100010000', '919E'],
    ['906400000100', '917E'],
    ['9071000002050000', '9140'],
    ['9071000002400000', '919E'],
    ['90710000010000', '917E'],
    ['90770000010000', '919D'],
    ['9051000000', '91AE'],
    ['90C40000010000', '91AE'],
    ['90F50000010400', '91F0'],
    ['90AD0000070400000000000000', '91F0'],
    ['90AD0000070200010001000000', '91BE'],
    ['90AD0000070300000001000000', '91AE'],
    ['908D000008010000000100000000', '91AE'],
    ['905F000004020000E000', '91AE'],
    ['90F60000010200', '919D'],
  ])('answers %s with %s outside a session', (apdu, status) => {
    expect(selected().say(apdu)).toBe(status);
  });

  it('has no application keys before the application is selected', () => {
    expect(new Talk().say('9071000002000000')).toBe('9140');
  });

  it('tells versions and settings to anybody, in a session only with a MAC', () => {
    const talk = selected();
    expect(talk.say('90640000010000')).toBe('009100');
    expect(talk.say('90F50000010200')).toBe('0000E0EE0001009100');
    talk.authenticate(0);
    expect(talk.say('90640000010000')).toBe('917E');
    talk.say(SELECT);
    talk.authenticate(0);
    expect(talk.say('90640000090011223344556677880000'.slice(0, 30))).toBe('911E');
  });
});

describe('a session', () => {
  it('counts commands: a MAC holds once, and the next one needs the next count', () => {
    const talk = authenticated();
    expect(talk.full('51', '')).toBe(`${UID}9100`);
    expect(talk.full('51', '')).toBe(`${UID}9100`);
    talk.count--;
    expect(talk.full('51', '')).toBe('911E');
  });

  it('counts plain commands too', () => {
    const talk = authenticated();
    expect(talk.say('90AD0000070200000002000000')).toBe('00009100');
    expect(talk.full('51', '')).toBe('911E');
  });

  it('is over after any error', () => {
    for (const error of ['90640000010900', '90FF000000', '90AD0000070200010001000000']) {
      const talk = authenticated();
      expect(talk.say(error)).toMatch(/^91(?!00)/);
      talk.count++;
      expect(talk.full('51', '')).toBe('91AE');
    }
  });

  it('goes on over a NonFirst authentication: same transaction, same count', () => {
    const talk = authenticated();
    talk.full('51', '');
    expect(talk.authenticate(3, ZERO, '77')).toBe('9100');
    expect(talk.count).toBe(1);
    expect(talk.full('51', '')).toBe(`${UID}9100`);
  });

  it('takes no wrong MAC, padding or length', () => {
    const key = '00'.repeat(16);
    for (const [sealed, mac, status] of [
      [undefined, '0011223344556677', '911E'],
      [(talk: Talk) => talk.encrypted(`${key}01`, '81'), undefined, '911E'],
      [(talk: Talk) => talk.encrypted(`${key}0100`), undefined, '917E'],
      [(talk: Talk) => talk.encrypted(`${key}01`).slice(2), undefined, '917E'],
    ] as const) {
      const talk = authenticated();
      const data = sealed ? sealed(talk) : talk.encrypted(`${key}01`);
      expect(talk.sealed('C4', '00', data, mac)).toBe(status);
    }
  });
});

describe('keys', () => {
  const KEY = '112233445566778899AABBCCDDEEFF00';
  const withCheck = (key: string): string => key + '05' + crc32(Buffer.from(key, 'hex')).toString('hex');

  it('are changed by who has key 0 only', () => {
    expect(authenticated(1).full('C4', '02', withCheck(KEY))).toBe('91AE');
    const talk = authenticated();
    expect(talk.full('C4', '02', withCheck(KEY))).toBe('9100');
    expect(talk.full('C4', '05', withCheck(KEY))).toBe('9140');
    talk.say(SELECT);
    expect(talk.say('90640000010200')).toBe('059100');
    expect(talk.authenticate(2)).toBe('91AE');
    expect(talk.authenticate(2, Buffer.from(KEY, 'hex'))).toBe('9100');
  });

  it('are not stored under a wrong old key: the check finds it', () => {
    const talk = authenticated();
    expect(talk.full('C4', '02', KEY + '0500000000')).toBe('911E');
    expect(talk.kept.state.keys[2]!.key).toBe('00'.repeat(16));
  });

  it('number 0 ends the session when it is changed', () => {
    const talk = authenticated();
    expect(talk.full('C4', '00', `${KEY}01`)).toBe('9100');
    expect(talk.full('51', '')).toBe('91AE');
    expect(talk.authenticate(0)).toBe('91AE');
    expect(talk.authenticate(0, Buffer.from(KEY, 'hex'))).toBe('9100');
  });

  it('are slow after 50 failures in a row, each on its own, and closed after 1,000', () => {
    const talk = selected();
    const wrong = Buffer.alloc(16, 1);
    for (let times = 0; times < 50; times++) expect(talk.authenticate(1, wrong)).toBe('91AE');
    expect(talk.authenticate(1)).toBe('91AD');
    expect(talk.authenticate(2)).toBe('9100');
    expect(talk.authenticate(1)).toBe('9100');
    expect(talk.kept.state.keys[1]).toMatchObject({ failed: 40, inARow: 0 });
    talk.kept.state.keys[1]!.failed = 1000;
    expect(talk.authenticate(1)).toBe('919D');
  });

  it('keep their failures without power', () => {
    const talk = selected();
    talk.authenticate(1, Buffer.alloc(16, 1));
    talk.card.leaveField();
    expect(talk.kept.state.keys[1]).toMatchObject({ failed: 1, inARow: 1 });
  });
});

describe('file settings', () => {
  const change = (settings: string, file = '02'): string => authenticated().full('5F', file, settings);

  it.each([
    ['4000E0C1FF21200000430000430000', '9100', 'AN12196’s own'],
    ['4000E0C1FF2120000043000043', '917E', 'cut off'],
    ['4000E0C1FF212000004300004300000000', '917E', 'too long'],
    ['4100E0C1FF21F00000430000430000', '919E', 'PICC data beyond the file'],
    ['4000E0C1FF21380000430000430000', '919E', 'PICC data over the MAC'],
    ['4000E0C1FF21200000440000430000', '919E', 'MAC input behind the MAC'],
    ['4000E001FF21200000430000430000', '919E', 'nothing to mirror'],
    ['4000E0C0FF21200000430000430000', '919E', 'not ASCII'],
    ['4000E0C10F21200000430000430000', '919E', 'RFU nibble'],
    ['4000E0C1FF25200000430000430000', '919E', 'key 5'],
    ['4000E0C1FF2E200000430000430000', '919E', 'a free MAC'],
    ['0000F5', '919E', 'write by key 5'],
    ['0200E0', '919E', 'no such mode'],
    ['8000E0', '919E', 'RFU bit'],
    ['4000E0D1FF2120000043000043000020000063000063000', '917E', 'odd'],
  ])('%s: %s (%s)', (settings, status) => {
    expect(change(settings.length % 2 ? settings.slice(0, -1) : settings)).toBe(status);
  });

  it('switch SDM on for the link only, and never for a file that may not be changed', () => {
    expect(change('4000E0C1FF21000000200000200000', '03')).toBe('919D');
    const talk = authenticated();
    expect(talk.full('5F', '03', '030F30')).toBe('9100');
    expect(talk.full('5F', '03', '033023')).toBe('919D');
  });

  it('count from 0 again when SDM is switched on', () => {
    const talk = authenticated();
    talk.kept.state.readCounter = 9;
    talk.full('5F', '02', '4000E0C1FF21200000430000430000');
    expect(talk.kept.state.readCounter).toBe(0);
  });
});
