import { Aes128Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { fromBase64Url, fromHex, toBase64Url, toHex } from '#protocol/bytes.ts';
import { pinBindingBytes, readSealed } from '#protocol/class-d.ts';
import { ok, refuse } from '#protocol/errors.ts';
import { type Id, makeId } from '#protocol/ids.ts';
import type { ProofD } from '#protocol/payment-request.ts';
import { agreeKeyText } from '#protocol/signing.ts';
import { type PinTerms, recognise, recogniseMedium, sealProof } from '../../../agent/identification/class-d.ts';
import { pseudonymOf } from '../../../agent/identification/pseudonym.ts';
import type { CardSession } from '../../../agent/ports.ts';
import type { Medium } from '../../../agent/tap.ts';
import { openerOf } from '../../../server/authentication/proofs/class-d.ts';

const seal = generateKeyPairSync('x25519');
const sealKey = agreeKeyText(seal.publicKey);
const [hubId, counterId] = [makeId(1, new Uint8Array(10).fill(1)), makeId(1, new Uint8Array(10).fill(2))];
const terms: PinTerms = { termsText: '{"v":1,"amount":"12.50"}', hubId, counterId, nowMs: 1_790_000_000_000, sealKey };
const asked = { text: terms.termsText, hubId, counterId };
const card: Medium = { kind: 'uid', number: fromHex('04a1b2c3d4e5f6') };

async function sealed(medium = card, pin = '471100', change: Partial<PinTerms> = {}): Promise<ProofD> {
  const made = await sealProof(medium, pin, { ...terms, ...change });
  if (!made.ok) throw new Error(made.code);
  return made.value;
}

describe('RFC 9180, A.1.1 (base mode, X25519, HKDF-SHA256, AES-128-GCM)', () => {
  const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });
  const info = fromHex('4f6465206f6e2061204772656369616e2055726e');
  const plain = fromHex('4265617574792069732074727574682c20747275746820626561757479');
  const enc = fromHex('37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431');
  const pkR = fromHex('3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d');
  const skR = fromHex('4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8');
  const skE = fromHex('52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736');
  const messages = [
    ['436f756e742d30', 'f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a'],
    ['436f756e742d31', 'af2d7e9ac9ae7e270f46ba1f975be53c09f8d875bdc8535458c2494e8a6eab251c03d0c22a56b8ca42c2063b84'],
    ['436f756e742d32', '498dfcabd92e8acedc281e85af1cb4e3e31c7dc394a1ca20e173cb72516491588d96a19ad4a683518973dcc180'],
  ] as const;
  const publicKey = (raw: Uint8Array) => suite.kem.deserializePublicKey(raw);
  const privateKey = (raw: Uint8Array) => suite.kem.deserializePrivateKey(raw);

  test('is sealed as the RFC seals it', async () => {
    const ekm = { privateKey: await privateKey(skE), publicKey: await publicKey(enc) };
    const sender = await suite.createSenderContext({ recipientPublicKey: await publicKey(pkR), info, ekm });
    expect(toHex(new Uint8Array(sender.enc))).toBe(toHex(enc));
    for (const [aad, ciphertext] of messages) expect(toHex(new Uint8Array(await sender.seal(plain, fromHex(aad))))).toBe(ciphertext);
  });

  test('is opened as the RFC opens it', async () => {
    const recipientKey = { privateKey: await privateKey(skR), publicKey: await publicKey(pkR) };
    const recipient = await suite.createRecipientContext({ recipientKey, enc, info });
    for (const [aad, ciphertext] of messages) {
      expect(toHex(new Uint8Array(await recipient.open(fromHex(ciphertext), fromHex(aad))))).toBe(toHex(plain));
    }
  });
});

describe('a sealed PIN', () => {
  it.each([
    ['a card', card, '4711'],
    ['a badge', { kind: 'badge', number: fromHex('0a') }, '123456789012'],
    ['a stripe', { kind: 'stripe', number: new Uint8Array(128).fill(0x37) }, '000042'],
  ] as [string, Medium, string][])('of %s is opened by the carrier', async (_, medium, pin) => {
    const proof = await sealed(medium, pin);
    const open = openerOf(seal.privateKey);
    expect(await open(proof, asked)).toEqual({ number: medium.number, pin, atMs: terms.nowMs });
  });

  test('tells nothing of what is in it, and is another each time', async () => {
    const [one, other] = [await sealed(), await sealed()];
    expect(one.sealed).not.toBe(other.sealed);
    expect((await sealed(card, '4711')).sealed).toHaveLength(one.sealed.length);
    const bytes = toHex(fromBase64Url(one.sealed)!);
    expect(bytes).not.toContain(toHex(card.number));
    expect(bytes).not.toContain(Buffer.from('471100').toString('hex'));
  });

  it.each([
    ['other terms', { text: '{"v":1,"amount":"12.51"}' }],
    ['the same terms, spelled otherwise', { text: '{"v":1, "amount":"12.50"}' }],
    ['another hub', { hubId: counterId }],
    ['another counter', { counterId: hubId }],
  ])('opens for no %s', async (_, change) => {
    const open = openerOf(seal.privateKey);
    expect(await open(await sealed(), { ...asked, ...change })).toBeUndefined();
  });

  test('opens for no other kind of medium, and with no other key', async () => {
    const proof = await sealed();
    const open = openerOf(seal.privateKey);
    for (const kind of ['badge', 'stripe'] as const) expect(await open({ ...proof, kind }, asked)).toBeUndefined();
    const stranger = openerOf(generateKeyPairSync('x25519').privateKey);
    expect(await stranger(proof, asked)).toBeUndefined();
  });

  test('with any one bit of it changed opens for nobody', async () => {
    const { sealed: text, ...rest } = await sealed();
    const bytes = fromBase64Url(text)!;
    const open = openerOf(seal.privateKey);
    expect(await open({ ...rest, sealed: text }, asked)).toBeDefined();
    const opened: number[] = [];
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice();
      changed[bit >> 3]! ^= 1 << (bit & 7);
      if (await open({ ...rest, sealed: toBase64Url(changed) }, asked)) opened.push(bit);
    }
    // RFC 7748: the highest bit of an X25519 key is not read; but HPKE hashes the key as it was sent.
    expect(opened).toEqual([]);
  });

  test('that says something else inside, though sealed well, is none', async () => {
    const suite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });
    const recipientPublicKey = await suite.kem.deserializePublicKey(fromBase64Url(sealKey)!);
    const open = openerOf(seal.privateKey);
    const binding = pinBindingBytes({ kind: 'uid', hubId, counterId, termsText: terms.termsText });
    for (const info of ['handover-pin-v1', 'handover-code-v1']) {
      const { enc, ct } = await suite.seal({ recipientPublicKey, info: Buffer.from(info) }, new Uint8Array(150).fill(7), binding);
      const text = toBase64Url(Buffer.concat([Buffer.from(enc), Buffer.from(ct)]));
      expect(readSealed(text)).toBeDefined();
      expect(await open({ class: 'D', kind: 'uid', keyId: '0'.repeat(16), sealed: text }, asked)).toBeUndefined();
    }
  });

  it.each([
    ['a PIN of three digits', '471', {}, 'PIN_WRONG'],
    ['a PIN of letters', 'abcdef', {}, 'PIN_WRONG'],
    ['a carrier that has said no key', '4711', { sealKey: undefined }, 'CARD_UNSUPPORTED'],
    ['a key that is too short', '4711', { sealKey: 'AAAA' }, 'CARD_UNSUPPORTED'],
    ['a key that agrees with everybody', '4711', { sealKey: toBase64Url(new Uint8Array(32)) }, 'CARD_UNSUPPORTED'],
  ])('is not made of %s', async (_, pin, change, code) => {
    expect(await sealProof(card, pin, { ...terms, ...change })).toMatchObject({ ok: false, code });
  });

  test('names the key that it was sealed to', async () => {
    const again = createPublicKey(createPrivateKey(seal.privateKey.export({ type: 'pkcs8', format: 'pem' })));
    expect((await sealed()).keyId).toBe((await sealed(card, '4711', { sealKey: agreeKeyText(again) })).keyId);
    const other = agreeKeyText(generateKeyPairSync('x25519').publicKey);
    expect((await sealed(card, '4711', { sealKey: other })).keyId).not.toBe((await sealed()).keyId);
  });
});

describe('whom a card names', () => {
  const key = new Uint8Array(32).fill(9);
  const session = (uid: string, technology: CardSession['technology'], answer?: string): CardSession => ({
    readerId: 'r',
    technology,
    uid: fromHex(uid),
    transceive: async (apdu) => {
      if (answer === undefined) throw new Error('the card was spoken to');
      expect(toHex(apdu)).toBe('00a404000e325041592e5359532e444446303100');
      return answer === '' ? refuse('CARD_REMOVED') : ok(fromHex(answer));
    },
  });
  const mifare = (uid: string): CardSession => session(uid, 'iso-14443-3');
  const known = { ok: true, value: { medium: { kind: 'uid', number: fromHex('04a1b2c3d4e5f6') } } };

  test('is told by a UID that lasts, without a word to a card that understands none', async () => {
    const told = await recognise(mifare('04a1b2c3d4e5f6'), key);
    expect(told).toMatchObject(known);
    expect(await recognise(session('04a1b2c3d4e5f6', 'iso-dep', '6a82'), key)).toEqual(told);
  });

  test('is not asked of a bank’s card: somebody would type the bank’s PIN', async () => {
    for (const answer of ['9000', '6f23840e325041592e5359532e4444463031a5119000']) {
      const told = await recognise(session('04a1b2c3d4e5f6', 'iso-dep', answer), key);
      expect(told).toMatchObject({ ok: false, code: 'CARD_UNSUPPORTED', detail: 'a card of a bank' });
    }
    expect(await recognise(session('04a1b2c3d4e5f6', 'iso-dep', ''), key)).toEqual({ ok: false, code: 'CARD_REMOVED' });
  });

  it.each(['08a1b2c3', '80a1b2c3', '01020304', ''])('is not told by %s, and such a card is asked nothing', async (uid) => {
    for (const technology of ['iso-dep', 'iso-14443-3'] as const) {
      expect(await recognise(session(uid, technology), key)).toMatchObject({ ok: false, code: 'CARD_UNSUPPORTED' });
    }
  });

  test('is a name of this hub, of this kind, and of no card that proves itself', () => {
    const number = fromHex('04a1b2c3d4e5f6');
    const names: Id[] = [
      recogniseMedium({ kind: 'uid', number }, key).name,
      recogniseMedium({ kind: 'badge', number }, key).name,
      recogniseMedium({ kind: 'uid', number }, new Uint8Array(32).fill(8)).name,
      pseudonymOf(key, number),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name.replaceAll('-', '')).not.toContain(toHex(number));
  });
});
