/**
 * Card master keys in a PKCS#11 token: the real pkcs11js addon, the real PKCS#11 calls, a token of SoftHSM2. Not covered, because nothing
 * here has it: a hardware token, its rights and its failures.
 */
import { createRequire } from 'node:module';
import type * as Pkcs11 from 'pkcs11js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Result } from '#protocol/errors.ts';
import { cardKeys } from '../../server/authentication/cards/card-keys.ts';
import type { KeyStore } from '../../server/authentication/cards/keystore.ts';
import { openPkcs11KeyStore } from '../../server/authentication/cards/pkcs11-keystore.ts';
import { personalise } from '../../server/authentication/cards/personalise/personalise.ts';
import { hex, rig, text } from '../server/authentication/cards/rig.ts';
import { makeSoftToken, softHsmMissing, type SoftToken } from './softhsm.ts';

const MISSING = softHsmMissing();
if (MISSING) console.warn(`SKIPPED: card keys in a PKCS#11 token. ${MISSING}`);

function held<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.code} ${result.detail}`);
  return result.value;
}

describe.skipIf(MISSING !== undefined)('a token', () => {
  let soft: SoftToken;
  let store: KeyStore;
  beforeAll(() => {
    soft = makeSoftToken();
  });
  afterAll(async () => {
    await store?.close();
    soft?.remove();
  });

  it('is empty at first, and makes keys of its own', async () => {
    store = held(await openPkcs11KeyStore(soft));
    expect(store.keyIds).toEqual([]);
    expect(await store.addKey()).toEqual({ ok: true, value: 1 });
    expect(await store.addKey()).toEqual({ ok: true, value: 2 });
    expect(store.keyIds).toEqual([2, 1]);
  });

  it('keeps them: the same cards have the same keys when it is opened again', async () => {
    const before = held(await store.cmac(1, hex('00112233')));
    await store.close();
    store = held(await openPkcs11KeyStore(soft));
    expect(store.keyIds).toEqual([2, 1]);
    expect(held(await store.cmac(1, hex('00112233')))).toEqual(before);
    expect(held(await store.cmac(2, hex('00112233')))).not.toEqual(before);
    expect(await store.cmac(3, hex('00'))).toMatchObject({ code: 'NOT_FOUND' });
  });

  it('makes many CMACs at once, one after another', async () => {
    const messages = Array.from({ length: 40 }, (_, at) => new Uint8Array(at + 1));
    const macs = await Promise.all(messages.map((message) => store.cmac(1, message)));
    const again = await Promise.all(messages.map((message) => store.cmac(1, message)));
    expect(new Set(macs.map((mac) => text(held(mac)))).size).toBe(40);
    expect(again).toEqual(macs);
  });

  it('personalises a SIMULATED card whose taps it then knows', async () => {
    const desk = rig({ keys: cardKeys(store) });
    const done = await personalise(desk, { url: 'https://pay.example/c', keyId: 2, randomUid: false }, () => undefined);
    expect(done).toMatchObject({ ok: true, value: { keyId: 2 } });
  });

  it('gives no key away: the value cannot be read, and the key can do nothing but sign', () => {
    const attribute = readAttributes(soft, 'handover-card-1');
    expect(attribute('CKA_VALUE')).toMatch(/CKR_ATTRIBUTE_SENSITIVE/);
    expect(attribute('CKA_EXTRACTABLE')).toBe('00');
    expect(attribute('CKA_SENSITIVE')).toBe('01');
    expect(attribute('CKA_DECRYPT')).toBe('00');
    expect(attribute('CKA_SIGN')).toBe('01');
  });

  it('makes the CMAC of RFC 4493, itself and block by block', async () => {
    await store.close();
    importKey(soft, 'handover-card-200', hex('2b7e151628aed2a6abf7158809cf4f3c'));
    for (const byBlocks of [false, true]) {
      store = held(await openPkcs11KeyStore({ ...soft, byBlocks }));
      const mac = held(await store.cmac(200, hex('6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411')));
      expect(text(mac), `by blocks: ${byBlocks}`).toBe('DFA66747DE9AE63030CA32611497C827');
      expect(text(held(await store.cmac(200, hex('6bc1bee22e409f96e93d7e117393172a'))))).toBe('070A16B46B4D4144F79BDD9DD04A287C');
      await store.close();
    }
    store = held(await openPkcs11KeyStore(soft));
  });

  it('refuses a wrong PIN, another token and a library that is none', async () => {
    await store.close();
    expect(await openPkcs11KeyStore({ ...soft, pin: '9999' })).toMatchObject({
      code: 'CONFIG_BAD',
      detail: expect.stringContaining('PIN'),
    });
    expect(await openPkcs11KeyStore({ ...soft, token: 'other' })).toMatchObject({
      code: 'CONFIG_BAD',
      detail: expect.stringContaining('other'),
    });
    expect(await openPkcs11KeyStore({ ...soft, library: import.meta.filename })).toMatchObject({ code: 'CONFIG_BAD' });
    const { token: _, ...only } = soft;
    store = held(await openPkcs11KeyStore(only));
    expect(store.keyIds).toEqual([200, 2, 1]);
  });

  it('says when the token fails, which is no fault of a card, and goes on when the token does', async () => {
    const mac = held(await store.cmac(1, hex('00')));
    // The library is gone from under the store: the call into it fails, and the next one signs in anew.
    withLibrary(soft, (lib) => lib.C_Finalize());
    expect(await store.cmac(1, hex('00'))).toMatchObject({ code: 'INTERNAL' });
    expect(held(await store.cmac(1, hex('00')))).toEqual(mac);
    // A call that leaves an operation open behind it.
    expect(await store.cmac(1, new Uint8Array())).toMatchObject({ code: 'INTERNAL' });
    expect(held(await store.cmac(1, hex('00')))).toEqual(mac);
  });
});

/** pkcs11js itself, as another program would use it. */
function withLibrary<T>(soft: SoftToken, work: (lib: Pkcs11.PKCS11, p: typeof Pkcs11) => T): T {
  const p = createRequire(import.meta.url)('pkcs11js') as typeof Pkcs11;
  const lib = new p.PKCS11();
  lib.load(soft.library);
  return work(lib, p);
}

function signedIn<T>(soft: SoftToken, work: (lib: Pkcs11.PKCS11, p: typeof Pkcs11, session: Pkcs11.Handle) => T): T {
  return withLibrary(soft, (lib, p) => {
    // The store of the test may have initialised the library in this process; then it stays so.
    let isOurs = true;
    try {
      lib.C_Initialize();
    } catch {
      isOurs = false;
    }
    const slot = lib.C_GetSlotList(true).find((one) => lib.C_GetTokenInfo(one).label.trimEnd() === soft.token)!;
    const session = lib.C_OpenSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
    if (isOurs) lib.C_Login(session, p.CKU_USER, soft.pin);
    try {
      return work(lib, p, session);
    } finally {
      lib.C_CloseSession(session);
      if (isOurs) lib.C_Finalize();
    }
  });
}

function importKey(soft: SoftToken, label: string, value: Uint8Array): void {
  signedIn(soft, (lib, p, session) =>
    lib.C_CreateObject(session, [
      { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
      { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_PRIVATE, value: true },
      { type: p.CKA_SIGN, value: true },
      { type: p.CKA_ENCRYPT, value: true },
      { type: p.CKA_LABEL, value: label },
      { type: p.CKA_VALUE, value: Buffer.from(value) },
    ]),
  );
}

function readAttributes(soft: SoftToken, label: string) {
  return (name: 'CKA_VALUE' | 'CKA_EXTRACTABLE' | 'CKA_SENSITIVE' | 'CKA_DECRYPT' | 'CKA_SIGN'): string =>
    signedIn(soft, (lib, p, session) => {
      lib.C_FindObjectsInit(session, [{ type: p.CKA_LABEL, value: label }]);
      const [object] = lib.C_FindObjects(session, 1);
      lib.C_FindObjectsFinal(session);
      try {
        return lib.C_GetAttributeValue(session, object!, [{ type: p[name] }])[0]!.value.toString('hex');
      } catch (error) {
        return (error as Error).message;
      }
    });
}
