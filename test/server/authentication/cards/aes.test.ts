import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromBase64Url } from '#protocol/bytes.ts';
import { aesCmac, cbcDecrypt, cbcEncrypt, encryptBlock, shortMac, ZERO_BLOCK } from '../../../../server/authentication/cards/aes.ts';
import { ALL_SLOTS, cardKeys, diversify } from '../../../../server/authentication/cards/card-keys.ts';
import { cmacByBlocks } from '../../../../server/authentication/cards/cmac-by-blocks.ts';
import { cmac as chipCmac, crc32 as chipCrc, macT } from '../../../../simulator/cards/ntag424/crypto.ts';
import { hex, master, storeOf, text, UID } from './rig.ts';

const KEY = hex('2b7e151628aed2a6abf7158809cf4f3c');
const MESSAGE =
  '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710';

describe('AES-CMAC', () => {
  const VECTORS = [
    [0, 'BB1D6929E95937287FA37D129B756746'],
    [16, '070A16B46B4D4144F79BDD9DD04A287C'],
    [40, 'DFA66747DE9AE63030CA32611497C827'],
    [64, '51F0BEBF7E3B9D92FC49741779363CFE'],
  ] as const;

  it.each(VECTORS)('makes the vector of RFC 4493 with %i bytes, in all three implementations', async (length, mac) => {
    const message = hex(MESSAGE).subarray(0, length);
    expect(text(aesCmac(KEY, message))).toBe(mac);
    expect(text(chipCmac(KEY, message))).toBe(mac);
    expect(text(await cmacByBlocks(async (block) => encryptBlock(KEY, block), message))).toBe(mac);
  });

  it('is the same in all three for any key and message', async () => {
    const bytes = (min: number, max: number) => fc.uint8Array({ minLength: min, maxLength: max });
    await fc.assert(
      fc.asyncProperty(bytes(16, 16), bytes(0, 70), async (key, message) => {
        const mac = text(aesCmac(key, message));
        expect(text(chipCmac(key, message))).toBe(mac);
        expect(text(await cmacByBlocks(async (block) => encryptBlock(key, block), message))).toBe(mac);
        expect(text(shortMac(key, message))).toBe(text(macT(key, message)));
      }),
    );
  });
});

describe('AES', () => {
  it('encrypts as FIPS 197 and SP 800-38A say', () => {
    expect(text(encryptBlock(hex('000102030405060708090a0b0c0d0e0f'), hex('00112233445566778899aabbccddeeff')))).toBe(
      '69C4E0D86A7B0430D8CDB78070B4C55A',
    );
    const iv = hex('000102030405060708090a0b0c0d0e0f');
    const sealed = cbcEncrypt(KEY, iv, hex(MESSAGE));
    expect(text(sealed.subarray(0, 16))).toBe('7649ABAC8119B246CEE98E9B12E9197D');
    expect(text(cbcDecrypt(KEY, iv, sealed))).toBe(MESSAGE.toUpperCase());
  });

  it('takes whole blocks only', () => {
    expect(() => cbcEncrypt(KEY, ZERO_BLOCK, new Uint8Array(15))).toThrow();
    expect(() => createCipheriv('aes-128-cbc', KEY, ZERO_BLOCK)).not.toThrow();
  });

  it('checks a CRC32 as the chip does', () => {
    // AN12196, table 26: the check value over the new key.
    expect(text(chipCrc(hex('F3847D627727ED3BC9C4CC050489B966')))).toBe('789DFADC');
  });
});

describe('AN10922', () => {
  const AN_MASTER = hex('00112233445566778899AABBCCDDEEFF');

  it('derives the key of its example: UID, application id, system name', async () => {
    const key = await diversify(storeOf({ 1: AN_MASTER }), 1, hex('04782E21801D803042F54E585020416275'));
    expect(key.ok && text(key.value)).toBe('A8DD63A3B89D54B37CA802473FDA9175');
  });

  it.each([0, 15, 32])('refuses %i bytes of input, which the note pads in another way or not at all', async (length) => {
    await expect(diversify(storeOf({ 1: AN_MASTER }), 1, new Uint8Array(length))).rejects.toThrow(RangeError);
  });

  it('gives every card, slot and master key a key of its own, and every batch one K_meta', async () => {
    const keys = cardKeys(storeOf({ 1: master(1), 2: master(2) }));
    const other = hex('04A1B2C3D4E5F7');
    const all = new Set<string>();
    for (const id of [1, 2]) {
      for (const uid of [UID, other]) {
        for (const slot of [0, 1, 2, 3, 4] as const) {
          const key = await keys.slot(id, slot, uid);
          all.add(key.ok ? text(key.value) : 'refused');
        }
      }
    }
    // 2 masters × (2 cards × 4 slots + 1 shared K_meta).
    expect(all.size).toBe(18);
    const [file, slot] = [await keys.file(1, UID), await keys.slot(1, 1, UID)];
    expect(file).toEqual(slot);
  });

  it('never changes: cards in the field have these keys', async () => {
    const keys = cardKeys(storeOf({ 1: AN_MASTER }));
    const [meta, file, app] = [await keys.meta(1), await keys.file(1, UID), await keys.slot(1, 0, UID)];
    expect([meta, file, app].map((key) => (key.ok ? text(key.value) : ''))).toEqual(PINNED);
  });

  it('nor does the tag by which the carrier finds a card, which is another for every card and master key, and no key of any', async () => {
    const keys = cardKeys(storeOf({ 1: AN_MASTER, 2: master(2) }));
    const tagOf = async (id: number, uid: Uint8Array): Promise<string> => {
      const tag = await keys.tag(id, uid);
      return tag.ok ? text(fromBase64Url(tag.value)!) : tag.code;
    };
    const other = hex('04A1B2C3D4E5F7');
    const tags = [await tagOf(1, UID), await tagOf(2, UID), await tagOf(1, other), await tagOf(2, other)];
    expect(tags[0]).toBe(PINNED_TAG);
    const slots = await Promise.all(ALL_SLOTS.map((slot) => keys.slot(1, slot, UID)));
    expect(new Set([...tags, ...slots.map((key) => (key.ok ? text(key.value) : key.code))]).size).toBe(tags.length + slots.length);
    await expect(keys.tag(1, hex('0801'))).rejects.toThrow(RangeError);
  });
});

/** K_meta, K_file, AppMasterKey for the note's master key and UID 04A1B2C3D4E5F6, made with `openssl mac`. */
const PINNED = ['F60414275502C90BF12C517CB850DF69', '8218A9D0FA536840CDD4B7130F484B23', '9FD4612D88BE106C30150C8D99DC9415'];
/** CMAC of 54 ‖ UID ‖ HANDOVER, made likewise. */
const PINNED_TAG = '370EAF9CD048B80E4B78936A1159BBF3';
