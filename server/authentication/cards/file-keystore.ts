import { createCipheriv, createDecipheriv, scrypt } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { fromBase64Url, toBase64Url, utf8 } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Random } from '../../ports.ts';
import { aesCmac } from './aes.ts';
import { KEY_ID_MAX, type KeyStore, nextKeyId } from './keystore.ts';
import { writeSecretFile } from './secret-file.ts';

export interface FileKeyStoreOptions {
  readonly random: Random;
  /** log2 of scrypt's N, 14 … 20, for a new file. Each step doubles time and memory; 17 takes 128 MB and about half a second. */
  readonly workFactor?: number;
}

/** Makes a key store with one master key in a new file (mode 0600). Refusals: CONFIG_BAD (the file exists, the passphrase is short), DISK_FULL. */
export async function makeFileKeyStore(file: string, passphrase: string, options: FileKeyStoreOptions): Promise<Result<KeyStore>> {
  if (existsSync(file)) return refuse('CONFIG_BAD', `${file} is there: a key store is never overwritten`);
  if (passphrase.length < PASSPHRASE_CHARACTERS_MIN) {
    return refuse(
      'CONFIG_BAD',
      `a passphrase has ${PASSPHRASE_CHARACTERS_MIN} characters or more: whoever has the file may guess for years`,
    );
  }
  const salt = options.random.bytes(SALT_BYTES);
  const workFactor = options.workFactor ?? WORK_FACTOR;
  const store = new FileKeyStore({
    file,
    options,
    header: { format: FORMAT, workFactor, salt: toBase64Url(salt) },
    sealing: await sealingKey(passphrase, salt, workFactor),
    keys: new Map(),
    seen: undefined,
  });
  const added = await store.addKey();
  return added.ok ? ok(store) : added;
}

/**
 * Opens a key store; the master keys are then in this process's memory. Refusals: NOT_FOUND, CONFIG_BAD (others may read the file, it is no
 * key store, the passphrase is wrong or the file is damaged: the last two cannot be told apart).
 */
export async function openFileKeyStore(file: string, passphrase: string, options: FileKeyStoreOptions): Promise<Result<KeyStore>> {
  if (!existsSync(file)) return refuse('NOT_FOUND', file);
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    return refuse('CONFIG_BAD', `${file} can be read by others: run chmod 600 ${file}`);
  }
  const seen = readFileSync(file, 'utf8');
  const sealed = readSealed(seen);
  if (!sealed) return refuse('CONFIG_BAD', `${file} is not a key store, or is damaged`);
  const { nonce, secret, ...header } = sealed;
  const sealing = await sealingKey(passphrase, fromBase64Url(header.salt)!, header.workFactor);
  const keys = unseal(sealing, header, fromBase64Url(nonce)!, fromBase64Url(secret)!);
  if (!keys) return refuse('CONFIG_BAD', `${file}: the passphrase is wrong, or the file is damaged`);
  return ok(new FileKeyStore({ file, options, header, sealing, keys, seen }));
}

const FORMAT = 'handover-card-keys-1';
const WORK_FACTOR = 17;
const PASSPHRASE_CHARACTERS_MIN = 12;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 16;

/** Everything but the secret; it is sealed with it, so that nobody weakens it unnoticed. */
interface Header {
  readonly format: typeof FORMAT;
  readonly workFactor: number;
  readonly salt: string;
}

const base64Url = (bytesMin: number, bytesMax: number) =>
  Type.String({ pattern: '^[A-Za-z0-9_-]+$', minLength: Math.ceil((bytesMin * 4) / 3), maxLength: Math.ceil((bytesMax * 4) / 3) });
const sealedShape = Compile(
  Type.Object(
    {
      format: Type.Literal(FORMAT),
      workFactor: Type.Integer({ minimum: 14, maximum: 20 }),
      salt: base64Url(SALT_BYTES, SALT_BYTES),
      nonce: base64Url(NONCE_BYTES, NONCE_BYTES),
      secret: base64Url(TAG_BYTES, 65_536),
    },
    { additionalProperties: false },
  ),
);
const keysShape = Compile(
  Type.Array(
    Type.Object(
      { id: Type.Integer({ minimum: 1, maximum: KEY_ID_MAX }), key: base64Url(KEY_BYTES, KEY_BYTES) },
      { additionalProperties: false },
    ),
    { minItems: 1, maxItems: KEY_ID_MAX },
  ),
);

class FileKeyStore implements KeyStore {
  private readonly file: string;
  private readonly random: Random;
  private readonly header: Header;
  private readonly sealing: Uint8Array;
  private readonly keys: Map<number, Uint8Array>;
  /** The file as it was last read or written here. */
  private seen: string | undefined;

  constructor(state: {
    readonly file: string;
    readonly options: FileKeyStoreOptions;
    readonly header: Header;
    readonly sealing: Uint8Array;
    readonly keys: Map<number, Uint8Array>;
    readonly seen: string | undefined;
  }) {
    this.file = state.file;
    this.random = state.options.random;
    this.header = state.header;
    this.sealing = state.sealing;
    this.keys = state.keys;
    this.seen = state.seen;
  }

  get keyIds(): readonly number[] {
    return [...this.keys.keys()].toSorted((a, b) => b - a);
  }

  async cmac(keyId: number, message: Uint8Array): Promise<Result<Uint8Array>> {
    const key = this.keys.get(keyId);
    return key ? ok(aesCmac(key, message)) : refuse('NOT_FOUND', `card master key ${keyId}`);
  }

  async addKey(): Promise<Result<number>> {
    const id = nextKeyId(this.keyIds);
    if (id === undefined) return refuse('CONFIG_BAD', `${this.file} has ${KEY_ID_MAX} keys: there is no room for another`);
    const current = existsSync(this.file) ? readFileSync(this.file, 'utf8') : undefined;
    if (current !== this.seen) return refuse('CONFIG_BAD', `${this.file} was changed meanwhile: open it again`);
    const keys = new Map(this.keys).set(id, this.random.bytes(KEY_BYTES));
    const text = this.seal(keys);
    const written = writeSecretFile(this.file, text);
    if (!written.ok) return written;
    this.seen = text;
    this.keys.set(id, keys.get(id)!);
    return ok(id);
  }

  async close(): Promise<void> {
    for (const key of this.keys.values()) key.fill(0);
    this.keys.clear();
    this.sealing.fill(0);
  }

  private seal(keys: ReadonlyMap<number, Uint8Array>): string {
    const nonce = this.random.bytes(NONCE_BYTES);
    const plain = JSON.stringify([...keys].map(([id, key]) => ({ id, key: toBase64Url(key) })));
    const cipher = createCipheriv('aes-256-gcm', this.sealing, nonce).setAAD(headerBytes(this.header));
    const secret = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${JSON.stringify({ ...this.header, nonce: toBase64Url(nonce), secret: toBase64Url(secret) }, undefined, 2)}\n`;
  }
}

function readSealed(text: string): (Header & { readonly nonce: string; readonly secret: string }) | undefined {
  const value = parsed(text);
  return sealedShape.Check(value) && [value.salt, value.nonce, value.secret].every((field) => fromBase64Url(field)) ? value : undefined;
}

function unseal(sealing: Uint8Array, header: Header, nonce: Uint8Array, secret: Uint8Array): Map<number, Uint8Array> | undefined {
  const cipher = createDecipheriv('aes-256-gcm', sealing, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(headerBytes(header)).setAuthTag(secret.subarray(-TAG_BYTES));
  let plain: string;
  try {
    plain = Buffer.concat([cipher.update(secret.subarray(0, -TAG_BYTES)), cipher.final()]).toString('utf8');
  } catch {
    return undefined;
  }
  const value = parsed(plain);
  if (!keysShape.Check(value)) return undefined;
  const keys = new Map(value.map(({ id, key }) => [id, fromBase64Url(key)!]));
  return keys.size === value.length ? keys : undefined;
}

function headerBytes({ format, workFactor, salt }: Header): Uint8Array {
  return utf8(JSON.stringify([format, workFactor, salt]));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The passphrase in its one Unicode spelling (NFKC), so that the same keys on another keyboard open the file. */
function sealingKey(passphrase: string, salt: Uint8Array, workFactor: number): Promise<Uint8Array> {
  const N = 2 ** workFactor;
  return new Promise((resolve, reject) => {
    scrypt(passphrase.normalize('NFKC'), salt, 32, { N, r: 8, p: 1, maxmem: 256 * N * 8 }, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    );
  });
}
