import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS, refuse } from '#protocol/errors.ts';
import { type CardKeys, cardKeys } from '../../../../server/authentication/cards/card-keys.ts';
import { checkSun } from '../../../../server/authentication/cards/sun.ts';
import { readSun, SUN_LAYOUT, type SunFields, type SunLayout } from '../../../../server/authentication/cards/sun-fields.ts';
import { mirrored } from '../../../../simulator/cards/ntag424/mirror.ts';
import { fixedKeys, hex, master, storeOf, text, UID, ZERO_KEY } from './rig.ts';

/** Parameter names of NXP's own examples. */
const NXP: SunLayout = { picc: 'picc_data', uid: 'uid', counter: 'ctr', file: 'enc', mac: 'cmac' };
const ZEROS = fixedKeys(ZERO_KEY, ZERO_KEY);
const PICC = 'EF963FF7828658A599F3041510671E88';
const MAC = '94EED9EE65337086';

async function check(query: string, keys: CardKeys = ZEROS, layout = NXP) {
  const fields = readSun(query, layout);
  return fields.ok ? checkSun(fields.value, keys) : fields;
}

describe('published messages', () => {
  it('AN12196 §3.4.4.2: encrypted PICC data, nothing more under the MAC', async () => {
    const tap = await check(`picc_data=${PICC}&cmac=${MAC}`);
    expect(tap).toEqual({ ok: true, value: { keyId: 1, uid: hex('04DE5F1EACC040'), counter: 61 } });
  });

  it('AN12196 §3.4.4.2: encrypted file data under the MAC, as it stands in the link', async () => {
    const tap = await check('picc_data=FD91EC264309878BE6345CBE53BADF40&enc=CEE9A53E3E463EF1F459635736738962&cmac=ECC1E7F6C6C73BF6');
    expect(tap).toEqual({
      ok: true,
      value: { keyId: 1, uid: hex('04958CAA5C5E80'), counter: 8, fileData: new TextEncoder().encode('x'.repeat(16)) },
    });
  });

  it('the MAC over the file data alone, with keys of its own (sdm-backend)', async () => {
    const file = 'B8436E11F627BB7F543FCC0C1E0D1A89';
    const fields: SunFields = {
      identity: { picc: hex('8ACADDEF0A9B62CDAE39A16B83FC14DE') },
      file: hex(file),
      mac: hex('238B2543A8DEBAD8'),
      macInput: new TextEncoder().encode(file),
    };
    const tap = await checkSun(fields, fixedKeys(hex('42aff114f2cb3b6141be6dc95dfc5416'), hex('b62a9baf092439bd43c62aee96b970c5')));
    expect(tap.ok && [text(tap.value.uid), tap.value.counter, text(tap.value.fileData!)]).toEqual([
      '041D3C8A2D6B80',
      291,
      '4E545858716E6F5F6F42467077792D56',
    ]);
  });

  it('UID and counter in clear', async () => {
    const tap = await check('uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3');
    expect(tap).toEqual({ ok: true, value: { keyId: 1, uid: hex('041E3C8A2D6B80'), counter: 6 } });
    expect(await check('uid=041E3C8A2D6B80&ctr=000007&cmac=4B00064004B0B3D3')).toMatchObject({ code: 'PROOF_INVALID' });
  });

  it('with the vector keys of a card that was read (ntag424-vectors)', async () => {
    const keys = fixedKeys(hex('55da174c9608993dc27bb3f30a4a7314'), hex('2ab74abc1273fb43cae97553a36d4d08'));
    const tap = await check('picc_data=D798D011FA0BF5BD5ECE6F42265B02D5&cmac=B49D12860DA69E54', keys);
    expect(tap.ok && [text(tap.value.uid), tap.value.counter]).toEqual(['0425607A8F6980', 1]);
  });
});

describe('a message that was touched', () => {
  const flipped = (digits: string, bit: number): string => {
    const bytes = hex(digits);
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    return text(bytes);
  };

  it('is refused for every single bit of the PICC data and the MAC', async () => {
    for (let bit = 0; bit < 192; bit++) {
      const query = bit < 128 ? `picc_data=${flipped(PICC, bit)}&cmac=${MAC}` : `picc_data=${PICC}&cmac=${flipped(MAC, bit - 128)}`;
      expect(await check(query), `bit ${bit}`).toMatchObject({ ok: false, code: 'PROOF_INVALID' });
    }
  });

  it('is refused for every single bit of encrypted file data, and when the text under the MAC is another', async () => {
    const [picc, file, mac] = ['FD91EC264309878BE6345CBE53BADF40', 'CEE9A53E3E463EF1F459635736738962', 'ECC1E7F6C6C73BF6'];
    for (let bit = 0; bit < 128; bit++) {
      expect(await check(`picc_data=${picc}&enc=${flipped(file, bit)}&cmac=${mac}`), `bit ${bit}`).toMatchObject({ code: 'PROOF_INVALID' });
    }
    expect(await check(`picc_data=${picc}&enc=${file}&x=1&cmac=${mac}`)).toMatchObject({ code: 'PROOF_INVALID' });
  });

  it('is refused for every single bit of a plain UID and counter', async () => {
    for (let bit = 0; bit < 56 + 24; bit++) {
      const [uid, counter] = bit < 56 ? [flipped('041E3C8A2D6B80', bit), '000006'] : ['041E3C8A2D6B80', flipped('000006', bit - 56)];
      expect(await check(`uid=${uid}&ctr=${counter}&cmac=4B00064004B0B3D3`), `bit ${bit}`).toMatchObject({ code: 'PROOF_INVALID' });
    }
  });
});

describe('whose it is', () => {
  const keys = cardKeys(storeOf({ 1: master(1), 2: master(2), 3: master(3) }));

  it('is found among all master keys, and says which', async () => {
    for (const id of [1, 2, 3])
      expect(await check(await message(keys, id, 7), keys, SUN_LAYOUT)).toMatchObject({ value: { keyId: id, uid: UID, counter: 7 } });
  });

  it('is nobody when the master key is not here', async () => {
    expect(await check(await message(keys, 3, 7), cardKeys(storeOf({ 1: master(1) })), SUN_LAYOUT)).toMatchObject({
      code: 'PROOF_INVALID',
    });
  });

  it('does not depend on a batch whose keys another card has', async () => {
    // K_meta of one batch, K_file of another: whoever takes one card apart makes no message of a second.
    const mixed = { ...keys, file: (id: number, uid: Uint8Array) => keys.file(id === 1 ? 2 : 1, uid) };
    expect(await check(await message(mixed, 1, 7), keys, SUN_LAYOUT)).toMatchObject({ code: 'PROOF_INVALID' });
  });

  it('counts to the end', async () => {
    expect(await check(await message(keys, 1, 0xfffffe), keys, SUN_LAYOUT)).toMatchObject({ value: { counter: 0xfffffe } });
  });

  it('passes on that the key store failed: that is no fault of the card', async () => {
    const failing = { ...keys, file: async () => refuse('INTERNAL', 'token') };
    expect(await check(await message(keys, 1, 7), failing, SUN_LAYOUT)).toMatchObject({ code: 'INTERNAL' });
    expect(await check(await message(keys, 1, 7), { ...keys, meta: async () => refuse('INTERNAL') }, SUN_LAYOUT)).toMatchObject({
      code: 'INTERNAL',
    });
  });

  /** What a chip with these keys writes into ?p=…&m=…, by the simulator's code. */
  async function message(from: CardKeys, id: number, counter: number): Promise<string> {
    const [meta, file] = [await from.meta(id), await from.file(id, UID)];
    if (!meta.ok || !file.ok) throw new Error('no keys');
    const link = `p=${'0'.repeat(32)}&m=${'0'.repeat(16)}`;
    const sdm = {
      uid: true,
      counter: true,
      encryptsFile: false,
      metaRead: 2,
      fileRead: 1,
      counterRead: 15,
      piccAt: 2,
      macInputAt: 37,
      macAt: 37,
    };
    const tap = { uid: UID, counter, padding: new Uint8Array(5) };
    return mirrored(Buffer.from(link), sdm, tap, (slot) => (slot === 2 ? meta.value : file.value)).toString();
  }
});

describe('parsing', () => {
  it.each([
    ['', 'nothing'],
    [`picc_data=${PICC}`, 'no MAC'],
    [`cmac=${MAC}`, 'no identity'],
    [`picc_data=${PICC}&cmac=${MAC}&cmac=${MAC}`, 'a MAC twice'],
    [`picc_data=${PICC}&picc_data=${PICC}&cmac=${MAC}`, 'PICC data twice'],
    [`picc_data=${PICC.toLowerCase()}&cmac=${MAC}`, 'small letters'],
    [`picc_data=${PICC}&cmac=${MAC.toLowerCase()}`, 'small letters in the MAC'],
    [`picc_data=${PICC}00&cmac=${MAC}`, 'too long'],
    [`picc_data=${PICC}${PICC.slice(16)}&cmac=${MAC}`, 'LRP'],
    [`picc_data=${PICC.slice(2)}&cmac=${MAC}`, 'too short'],
    [`picc_data=${PICC}&cmac=${MAC}00`, 'MAC too long'],
    [`picc_data=${PICC}&uid=041E3C8A2D6B80&cmac=${MAC}`, 'two identities'],
    [`uid=041E3C8A2D6B80&cmac=${MAC}`, 'no counter'],
    [`ctr=000006&cmac=${MAC}`, 'no UID'],
    [`picc_data=${PICC}&cmac=${MAC}&enc=${PICC}`, 'file data behind the MAC'],
    [`picc_data=${PICC}&enc=${PICC.slice(2)}&cmac=${MAC}`, 'half a block'],
    [`picc_data=${PICC}&enc=&cmac=${MAC}`, 'no file data'],
    [`picc_data=${PICC}&cmac=${MAC}&é`, 'not ASCII'],
    [`picc_data=${PICC}&cmac=${MAC}&x=${'0'.repeat(512)}`, 'endless'],
    [`picc_data%3D${PICC}&cmac=${MAC}`, 'escaped'],
  ])('refuses %s (%s)', (query) => {
    expect(readSun(query, NXP)).toMatchObject({ ok: false, code: 'PROOF_INVALID' });
  });

  it('passes over what is not the card’s', async () => {
    expect(await check(`lang=de&=x&picc_data=${PICC}&&flag&cmac=${MAC}&utm=1`)).toMatchObject({ ok: true });
  });

  it('answers anything with fields or a row of the table, and checking never throws', async () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom('p=', 'm=', 'e=', 'u=', 'n=', '&', '=', PICC, MAC, '041E3C8A2D6B80', '000006'),
      fc.stringMatching(/^[pmeun]=[0-9A-F]{0,40}$/),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), fc.constantFrom('', '&'), async (pieces, joint) => {
        const fields = readSun(pieces.join(joint));
        if (!fields.ok) {
          expect(Object.keys(ERRORS)).toContain(fields.code);
          return;
        }
        const tap = await checkSun(fields.value, ZEROS);
        expect(tap.ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });
});
