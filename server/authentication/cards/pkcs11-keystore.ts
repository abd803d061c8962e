import type * as Pkcs11 from 'pkcs11js';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { BLOCK_BYTES } from './aes.ts';
import { cmacByBlocks } from './cmac-by-blocks.ts';
import { KEY_ID_MAX, type KeyStore, nextKeyId } from './keystore.ts';

export interface TokenPlace {
  /** The token maker's PKCS#11 library, such as libsofthsm2.so. */
  readonly library: string;
  /** Label of the token; may be left out when the library knows only one. */
  readonly token?: string;
  readonly pin: string;
  /** Makes CMACs block by block even where the token makes them itself. */
  readonly byBlocks?: boolean;
}

/**
 * Opens a PKCS#11 token whose AES-128 keys `handover-card-1` … `handover-card-255` are the master keys. A new token has none: then addKey().
 * Refusals: CONFIG_BAD (pkcs11js is not compiled, library, token or PIN is wrong).
 */
export async function openPkcs11KeyStore(place: TokenPlace): Promise<Result<KeyStore>> {
  const pkcs11 = await loadPkcs11();
  if (!pkcs11) return refuse('CONFIG_BAD', 'pkcs11js is not compiled here: run node tools/build-native.mjs pkcs11js');
  const lib = new pkcs11.PKCS11();
  try {
    lib.load(place.library);
    return ok(new Pkcs11KeyStore(pkcs11, lib, place));
  } catch (error) {
    end(lib);
    return refuse('CONFIG_BAD', `${place.library}: ${reasonOf(error)}`);
  }
}

const LABEL = /^handover-card-(\d{1,3})$/;
/** Objects looked at in one go. */
const FOUND_MAX = 64;

/** A session with the token, and what was found there. */
interface Connection {
  readonly session: Pkcs11.Handle;
  readonly makesCmac: boolean;
  readonly keys: Map<number, Pkcs11.Handle>;
}

class Pkcs11KeyStore implements KeyStore {
  private readonly pkcs11: typeof Pkcs11;
  private readonly lib: Pkcs11.PKCS11;
  private readonly place: TokenPlace;
  private connection: Connection;
  /** A call failed: what state it left the session in is not known, so the next one begins with a new session. */
  private isDoubtful = false;
  /** A session does one thing at a time. */
  private turn: Promise<unknown> = Promise.resolve();

  /** Throws when the token is not there or does not let us in. */
  constructor(pkcs11: typeof Pkcs11, lib: Pkcs11.PKCS11, place: TokenPlace) {
    this.pkcs11 = pkcs11;
    this.lib = lib;
    this.place = place;
    this.connection = this.connect();
  }

  get keyIds(): readonly number[] {
    return [...this.connection.keys.keys()].toSorted((a, b) => b - a);
  }

  async cmac(keyId: number, message: Uint8Array): Promise<Result<Uint8Array>> {
    if (!this.connection.keys.has(keyId)) return refuse('NOT_FOUND', `card master key ${keyId}`);
    return this.inTurn(async ({ keys, makesCmac, session }) => {
      const key = keys.get(keyId);
      if (!key) throw new Error(`handover-card-${keyId} is gone`);
      return makesCmac ? this.sign(session, key, message) : cmacByBlocks((block) => this.encrypt(session, key, block), message);
    });
  }

  async addKey(): Promise<Result<number>> {
    const id = nextKeyId(this.keyIds);
    if (id === undefined) return refuse('CONFIG_BAD', `the token has key ${KEY_ID_MAX}: there is no room for another`);
    return this.inTurn(async ({ session, keys, makesCmac }) => {
      const template = this.template(`handover-card-${id}`, makesCmac);
      keys.set(id, this.lib.C_GenerateKey(session, this.mechanism('CKM_AES_KEY_GEN'), template));
      return id;
    });
  }

  async close(): Promise<void> {
    await this.turn;
    this.connection.keys.clear();
    end(this.lib);
  }

  private connect(): Connection {
    const { pkcs11, lib, place } = this;
    initialise(lib);
    const slot = slotOf(lib, place.token);
    const session = lib.C_OpenSession(slot, pkcs11.CKF_SERIAL_SESSION | pkcs11.CKF_RW_SESSION);
    signIn(lib, session, pkcs11.CKU_USER, place.pin);
    const makesCmac = !place.byBlocks && lib.C_GetMechanismList(slot).includes(pkcs11.CKM_AES_CMAC);
    return { session, makesCmac, keys: new Map(findKeys(pkcs11, lib, session)) };
  }

  /** The new session first: with the last one, the token would sign us out. */
  private reconnect(): void {
    const old = this.connection.session;
    this.connection = this.connect();
    this.isDoubtful = false;
    // A library that began afresh counts its handles afresh: the old number may be the new session's.
    if (old.equals(this.connection.session)) return;
    try {
      this.lib.C_CloseSession(old);
    } catch {
      // It went with the token, or with whatever made the call fail.
    }
  }

  /** The key never leaves the token, not even wrapped, and does what this store needs and no more. */
  private template(label: string, makesCmac: boolean): Pkcs11.Template {
    const p = this.pkcs11;
    return [
      { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
      { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
      { type: p.CKA_VALUE_LEN, value: BLOCK_BYTES },
      { type: p.CKA_LABEL, value: label },
      { type: p.CKA_TOKEN, value: true },
      { type: p.CKA_PRIVATE, value: true },
      { type: p.CKA_SENSITIVE, value: true },
      { type: p.CKA_EXTRACTABLE, value: false },
      { type: p.CKA_MODIFIABLE, value: false },
      { type: p.CKA_SIGN, value: makesCmac },
      { type: p.CKA_ENCRYPT, value: !makesCmac },
      { type: p.CKA_DECRYPT, value: false },
    ];
  }

  private async sign(session: Pkcs11.Handle, key: Pkcs11.Handle, message: Uint8Array): Promise<Uint8Array> {
    this.lib.C_SignInit(session, this.mechanism('CKM_AES_CMAC'), key);
    return new Uint8Array(await this.lib.C_SignAsync(session, Buffer.from(message), Buffer.alloc(BLOCK_BYTES)));
  }

  private async encrypt(session: Pkcs11.Handle, key: Pkcs11.Handle, block: Uint8Array): Promise<Uint8Array> {
    this.lib.C_EncryptInit(session, this.mechanism('CKM_AES_ECB'), key);
    return new Uint8Array(await this.lib.C_EncryptAsync(session, Buffer.from(block), Buffer.alloc(BLOCK_BYTES)));
  }

  private mechanism(name: 'CKM_AES_CMAC' | 'CKM_AES_ECB' | 'CKM_AES_KEY_GEN'): Pkcs11.Mechanism {
    return { mechanism: this.pkcs11[name] };
  }

  private inTurn<T>(work: (connection: Connection) => Promise<T>): Promise<Result<T>> {
    const done = this.turn.then(async (): Promise<Result<T>> => {
      try {
        if (this.isDoubtful) this.reconnect();
        return ok(await work(this.connection));
      } catch (error) {
        this.isDoubtful = true;
        return refuse('INTERNAL', `card key token: ${reasonOf(error)}`);
      }
    });
    this.turn = done;
    return done;
  }
}

/** Loaded only here and only when asked for: an addon that a machine has to compile for itself. */
async function loadPkcs11(): Promise<typeof Pkcs11 | undefined> {
  try {
    const loaded = (await import('pkcs11js')) as unknown as { readonly default: typeof Pkcs11 };
    return loaded.default;
  } catch {
    return undefined;
  }
}

function initialise(lib: Pkcs11.PKCS11): void {
  try {
    lib.C_Initialize();
  } catch (error) {
    if (reasonOf(error) !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') throw error;
  }
}

function signIn(lib: Pkcs11.PKCS11, session: Pkcs11.Handle, user: number, pin: string): void {
  try {
    lib.C_Login(session, user, pin);
  } catch (error) {
    if (reasonOf(error) !== 'CKR_USER_ALREADY_LOGGED_IN') throw error;
  }
}

function slotOf(lib: Pkcs11.PKCS11, token: string | undefined): Pkcs11.Handle {
  const [slot, second] = lib.C_GetSlotList(true).filter((one) => isReady(lib, one, token));
  if (slot && !second) return slot;
  throw new Error(token === undefined ? 'name the token, with --token: there is none, or more than one' : `no token "${token}"`);
}

/** `CKF_TOKEN_INITIALIZED`: some libraries list an empty slot for the next token. */
const TOKEN_INITIALIZED = 0x400;

function isReady(lib: Pkcs11.PKCS11, slot: Pkcs11.Handle, token: string | undefined): boolean {
  const info = lib.C_GetTokenInfo(slot);
  return (info.flags & TOKEN_INITIALIZED) !== 0 && (token === undefined || info.label.trimEnd() === token);
}

function findKeys(p: typeof Pkcs11, lib: Pkcs11.PKCS11, session: Pkcs11.Handle): (readonly [number, Pkcs11.Handle])[] {
  const found: (readonly [number, Pkcs11.Handle])[] = [];
  lib.C_FindObjectsInit(session, [
    { type: p.CKA_CLASS, value: p.CKO_SECRET_KEY },
    { type: p.CKA_KEY_TYPE, value: p.CKK_AES },
  ]);
  for (;;) {
    const objects = lib.C_FindObjects(session, FOUND_MAX);
    for (const object of objects) {
      const [label] = lib.C_GetAttributeValue(session, object, [{ type: p.CKA_LABEL }]);
      const id = Number(LABEL.exec(String(label?.value))?.[1] ?? 0);
      if (id >= 1 && id <= KEY_ID_MAX) found.push([id, object]);
    }
    if (objects.length < FOUND_MAX) break;
  }
  lib.C_FindObjectsFinal(session);
  return found;
}

function end(lib: Pkcs11.PKCS11): void {
  for (const step of [() => lib.C_Finalize(), () => lib.close()]) {
    try {
      step();
    } catch {
      // It was not begun, or the token went first: nothing is left to end.
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
