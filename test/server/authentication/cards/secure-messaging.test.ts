/** The exchanges that AN12196 prints (rev. 1.8, tables 14 to 27), byte for byte, and what a card may answer instead. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS } from '#protocol/errors.ts';
import { authenticate, sessionKeys } from '../../../../server/authentication/cards/personalise/authenticate.ts';
import { changeKey, changeNdefSettings, changeOwnKey, getVersion } from '../../../../server/authentication/cards/personalise/commands.ts';
import { Ev2Session } from '../../../../server/authentication/cards/personalise/ev2-session.ts';
import { areLinkSettings, linkSettings } from '../../../../server/authentication/cards/personalise/file-settings.ts';
import { ChipSession } from '../../../../simulator/cards/ntag424/session.ts';
import { hex, scripted, text, ZERO_KEY } from './rig.ts';

const KEYS = { enc: hex('1309C877509E5A215007FF0ED19CA564'), mac: hex('4C6626F5E72EA694202139295C7A7FC7') };
const TI = hex('9D00C4DF');

function session(script: readonly (readonly [string, string])[], keys = KEYS, ti = TI, count = 0) {
  const card = scripted(script);
  return { session: new Ev2Session(card.transceive, keys, ti, count), rest: card.rest };
}

describe('AuthenticateEV2First', () => {
  const PART_1 = ['9071000002000000', 'A04C124213C186F22399D33AC2A3021591AF'] as const;
  const PART_2 = '90AF00002035C3E05A752E0144BAC0DE51C1F22C56B34408A23D8AEA266CAB947EA8E0118D00';
  const PROVEN = '3FA64DB5446D1F34CD6EA311167F5E4985B89690C04A05F17FA7AB2F081206639100';
  const random = { bytes: () => hex('13C5DB8A5930439FC3DEF9A4C675360F') };

  it('goes as table 14 prints it', async () => {
    const card = scripted([PART_1, [PART_2, PROVEN]]);
    const made = await authenticate({ transceive: card.transceive, random }, 0, ZERO_KEY);
    expect(made.ok && made.value).toBeInstanceOf(Ev2Session);
    expect(card.rest()).toBe(0);
  });

  it('makes the session keys of table 14, in the chip too', () => {
    const [rndA, rndB] = [hex('13C5DB8A5930439FC3DEF9A4C675360F'), hex('B9E2FC789B64BF237CCCAA20EC7E6E48')];
    const keys = sessionKeys(ZERO_KEY, rndA, rndB);
    expect([text(keys.enc), text(keys.mac)]).toEqual([text(KEYS.enc), text(KEYS.mac)]);
    const chip = new ChipSession(0, ZERO_KEY, TI, Buffer.from(rndA), Buffer.from(rndB));
    // Table 19's command, taken by the chip: command 1, because a WriteData went before.
    chip.countPlain();
    const body = chip.checkMac(0x5f, hex('0261B6D97903566E84C3AE5274467E89EAD799B7C1A0EF7A04'));
    expect(text(chip.open(body, 1))).toBe('4000E0C1F121200000430000430000');
    expect(text(chip.sealFull(new Uint8Array()))).toBe('57BFF87B1241E93D');
  });

  it('goes as table 20 prints it for key 3', async () => {
    const card = scripted([
      ['9071000002030000', 'B875CEB0E66A6C5CD00898DC371F92D191AF'],
      [
        '90AF000020FF0306E47DFBC50087C4D8A78E88E62DE1E8BE457AA477C707E2F0874916A8B100',
        '0CC9A8094A8EEA683ECAAC5C7BF20584206D0608D477110FC6B3D5D3F65C3A6A9100',
      ],
      // Table 22: the first command of that session, in full mode.
      ['908D00001F030000000A00006B5E6804909962FC4E3FF5522CF0F8436C0C53315B9C73AA00', 'C26D236E4A7C046D9100'],
    ]);
    const asked = { transceive: card.transceive, random: { bytes: () => hex('B98F4C50CF1C2E084FD150E33992B048') } };
    const made = await authenticate(asked, 3, ZERO_KEY);
    const written = made.ok && (await made.value?.full(0x8d, hex('030000000A0000'), hex('0102030405060708090A'), 'writing'));
    expect(written).toMatchObject({ ok: true });
    expect(card.rest()).toBe(0);
  });

  it('says undefined when the card has another key', async () => {
    const card = scripted([PART_1, [PART_2, '91AE']]);
    expect(await authenticate({ transceive: card.transceive, random }, 0, ZERO_KEY)).toEqual({ ok: true, value: undefined });
  });

  it('waits off the delay that failures cost', async () => {
    const card = scripted([[PART_1[0], '91AD'], [PART_1[0], '91AD'], PART_1, [PART_2, PROVEN]]);
    expect(await authenticate({ transceive: card.transceive, random }, 0, ZERO_KEY)).toMatchObject({ ok: true });
  });

  it.each([
    ['a card that proves nothing', PROVEN.replace('3F', '3E'), 'PROOF_INVALID'],
    ['a short proof', '3FA64DB59100', 'CARD_UNSUPPORTED'],
    ['another status', '91EE', 'CARD_UNSUPPORTED'],
    ['no status at all', '91', 'READER_GARBLED'],
  ])('refuses %s', async (_what, answer, code) => {
    const card = scripted([PART_1, [PART_2, answer]]);
    expect(await authenticate({ transceive: card.transceive, random }, 0, ZERO_KEY)).toMatchObject({ ok: false, code });
  });

  it('refuses a card without the key, or in LRP mode', async () => {
    for (const answer of ['9140', `01${PART_1[1]}`]) {
      const card = scripted([[PART_1[0], answer]]);
      expect(await authenticate({ transceive: card.transceive, random }, 0, ZERO_KEY)).toMatchObject({ code: 'CARD_UNSUPPORTED' });
    }
  });
});

describe('secure messaging', () => {
  const SETTINGS = hex('4000E0C1F121200000430000430000');
  const CHANGE_SETTINGS = '905F0000190261B6D97903566E84C3AE5274467E89EAD799B7C1A0EF7A0400';

  it('writes the link as table 17 prints it', async () => {
    const link =
      '0051D1014D550463686F6F73652E75726C2E636F6D2F6E7461673432343F653D303030303030303030303030303030303030303030303030303030303030303026633D30303030303030303030303030303030';
    const command =
      '908D00009F02000000800000421C73A27D827658AF481FDFF20A5025B559D0E3AA21E58D347F343CFFC768BFE596C706BC00F2176781D4B0242642A0FF5A42C461AAF894D9A1284B8C76BCFA658ACD40555D362E08DB15CF421B51283F9064BCBE20E96CAE545B407C9D651A3315B27373772E5DA2367D2064AE054AF996C6F1F669170FA88CE8C4E3A4A7BBBEF0FD971FF532C3A802AF745660F2B4D1D9A8499661EBF300';
    const { session: made } = session([[command, 'FC222E5F7A5424529100']]);
    expect(await made.full(0x8d, hex('02000000800000'), hex(link.padEnd(256, '0')), 'writing')).toMatchObject({ ok: true });
  });

  it('changes the file settings as table 19 prints it', async () => {
    const { session: made } = session([[CHANGE_SETTINGS, '57BFF87B1241E93D9100']], KEYS, TI, 1);
    expect(await changeNdefSettings(made, SETTINGS)).toMatchObject({ ok: true });
  });

  it('asks for settings with a MAC as table 11 prints it, whose session key it gives', async () => {
    const keys = { enc: ZERO_KEY, mac: hex('8248134A386E86EB7FAF54A52E536CB6') };
    const { session: made, rest } = session([['90F5000009026597A457C8CD442C00', '9140']], keys, hex('7A21085E'));
    expect(await made.full(0xf5, hex('02'), new Uint8Array(), 'asking')).toMatchObject({ code: 'CARD_UNSUPPORTED' });
    expect(rest()).toBe(0);
  });

  const CHANGING = { enc: hex('4CF3CB41A22583A61E89B158D252FC53'), mac: hex('5529860B2FC5FB6154B7F28361D30BF9') };

  it('changes key 2 as table 26 prints it', async () => {
    const script = [
      ['90C4000029022CF362B7BF4311FF3BE1DAA295E8C68DE09050560D19B9E16C2393AE9CD1FAC75D0CE20BCD1D06E600', '203BB55D1089D5879100'],
    ] as const;
    const { session: made } = session(script, CHANGING, hex('7614281A'), 2);
    const change = { from: ZERO_KEY, to: hex('F3847D627727ED3BC9C4CC050489B966'), version: 1 };
    expect(await changeKey(made, 2, change)).toMatchObject({ ok: true });
  });

  it('changes key 0, the session’s own, as table 27 prints it', async () => {
    const script = [['90C400002900C0EB4DEEFEDDF0B513A03A95A75491818580503190D4D05053FF75668A01D6FDA6610234BDED643200', '9100']] as const;
    const { session: made } = session(script, CHANGING, hex('7614281A'), 3);
    expect(await changeOwnKey(made, hex('5004BF991F408672B1EF00F08F9E8647'), 1)).toMatchObject({ ok: true });
  });

  it('refuses every single bit flip in an answer', async () => {
    const answer = hex('57BFF87B1241E93D');
    for (let bit = 0; bit < 64; bit++) {
      const flipped = Uint8Array.from(answer);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      const { session: made } = session([[CHANGE_SETTINGS, `${text(flipped)}9100`]], KEYS, TI, 1);
      expect(await changeNdefSettings(made, SETTINGS), `bit ${bit}`).toMatchObject({ code: 'PROOF_INVALID' });
    }
  });

  it('refuses the answer to another command, and one without a MAC', async () => {
    for (const [answer, count] of [
      ['57BFF87B1241E93D9100', 2],
      ['9100', 1],
    ] as const) {
      const card = new Ev2Session(async () => ({ ok: true, value: hex(answer) }), KEYS, TI, count);
      expect(await changeNdefSettings(card, SETTINGS)).toMatchObject({ code: 'PROOF_INVALID' });
    }
  });

  it('names what the card says instead', async () => {
    const { session: made } = session([[CHANGE_SETTINGS, '919D']], KEYS, TI, 1);
    expect(await changeNdefSettings(made, SETTINGS)).toMatchObject({
      code: 'CARD_UNSUPPORTED',
      detail: expect.stringContaining('919D (permission denied)'),
    });
  });

  it('takes anything for an answer without falling over', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), fc.boolean(), async (bytes, isOk) => {
        const value = isOk ? new Uint8Array([...bytes, 0x91, 0x00]) : bytes;
        const transceive = async () => ({ ok: true as const, value });
        const random = { bytes: (count: number) => new Uint8Array(count) };
        for (const answered of [
          await new Ev2Session(transceive, KEYS, TI).full(0x51, new Uint8Array(), new Uint8Array(), 'asking'),
          await authenticate({ transceive, random }, 0, ZERO_KEY),
          await getVersion(transceive),
        ]) {
          if (!answered.ok) expect(Object.keys(ERRORS)).toContain(answered.code);
          else expect(answered.value).toBeUndefined();
        }
      }),
    );
  });
});

describe('file settings', () => {
  it('are those of AN12196 §5.9, but for the counter, which nobody may ask for', () => {
    const settings = linkSettings({ file: new Uint8Array(), piccAt: 0x20, macAt: 0x43 });
    expect(text(settings)).toBe('4000E0C1FF21200000430000430000');
    expect(areLinkSettings(hex('004000E0000100C1FF21200000430000430000'), settings)).toBe(true);
    expect(areLinkSettings(hex('004000E0000100C1F121200000430000430000'), settings)).toBe(false);
    expect(areLinkSettings(hex('0000E0EE000100'), settings)).toBe(false);
  });
});
