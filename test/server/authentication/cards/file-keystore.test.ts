import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS, type Result } from '#protocol/errors.ts';
import { cardKeys } from '../../../../server/authentication/cards/card-keys.ts';
import { makeFileKeyStore, openFileKeyStore } from '../../../../server/authentication/cards/file-keystore.ts';
import type { KeyStore } from '../../../../server/authentication/cards/keystore.ts';
import { openKeyStore } from '../../../../server/authentication/cards/open-keystore.ts';
import { random, text, UID } from './rig.ts';

const folder = mkdtempSync(join(tmpdir(), 'handover-keystore-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PASSPHRASE = 'correct horse battery staple';
/** As cheap as a key store may be: it is opened hundreds of times here. */
const CHEAP = { random, workFactor: 14 };
let file: string;
let number = 0;
beforeEach(() => {
  file = join(folder, `keys-${++number}.json`);
});

function held<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.code} ${result.detail}`);
  return result.value;
}
const make = async (): Promise<KeyStore> => held(await makeFileKeyStore(file, PASSPHRASE, CHEAP));
const open = (passphrase = PASSPHRASE) => openFileKeyStore(file, passphrase, CHEAP);
const fileKey = async (store: KeyStore, id: number): Promise<string> => text(held(await cardKeys(store).file(id, UID)));

describe('a key store in a file', () => {
  it('is its owner’s alone, holds one key, and gives the same keys when it is opened again', async () => {
    const made = await make();
    expect(made.keyIds).toEqual([1]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(existsSync(`${file}.new`)).toBe(false);
    expect(await fileKey(held(await open()), 1)).toBe(await fileKey(made, 1));
  });

  it('makes another key for new cards, and keeps the old ones for the cards that have them', async () => {
    const made = await make();
    const first = await fileKey(made, 1);
    expect(await made.addKey()).toEqual({ ok: true, value: 2 });
    expect(made.keyIds).toEqual([2, 1]);
    const again = held(await open());
    expect(again.keyIds).toEqual([2, 1]);
    expect([await fileKey(again, 1), await fileKey(again, 2)]).toEqual([first, await fileKey(made, 2)]);
    expect(await fileKey(again, 2)).not.toBe(first);
  });

  it('shows no key: neither in the file, nor when the store is printed', async () => {
    const keys: Uint8Array[] = [];
    const watched = { bytes: (count: number) => (keys.push(random.bytes(count)), keys.at(-1)!) };
    const store = held(await makeFileKeyStore(file, PASSPHRASE, { random: watched, workFactor: 14 }));
    const written = readFileSync(file, 'utf8');
    const key = keys.filter((bytes) => bytes.length === 16).at(-1)!;
    expect(written).not.toContain(Buffer.from(key).toString('base64url'));
    expect(written).not.toContain(text(key));
    expect(await store.cmac(1, new Uint8Array())).toMatchObject({ ok: true });
  });

  it('opens with the same passphrase however its letters are composed', async () => {
    held(await makeFileKeyStore(file, 'Schlüssel für Karten', CHEAP));
    expect(await open('Schlüssel für Karten'.normalize('NFD'))).toMatchObject({ ok: true });
  });

  it('gives nothing any more when it is closed', async () => {
    const made = await make();
    await made.close();
    expect(await made.cmac(1, new Uint8Array())).toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('refused', () => {
  it('a wrong passphrase', async () => {
    await make();
    expect(await open(`${PASSPHRASE} `)).toMatchObject({ code: 'CONFIG_BAD', detail: expect.stringContaining('passphrase is wrong') });
    expect(await open('')).toMatchObject({ code: 'CONFIG_BAD' });
  });

  it('a short passphrase, and a file that is there', async () => {
    expect(await makeFileKeyStore(file, 'short', CHEAP)).toMatchObject({ code: 'CONFIG_BAD' });
    expect(existsSync(file)).toBe(false);
    await make();
    expect(await makeFileKeyStore(file, PASSPHRASE, CHEAP)).toMatchObject({
      code: 'CONFIG_BAD',
      detail: expect.stringContaining('never overwritten'),
    });
  });

  it('a file that is not there, or that others may read', async () => {
    expect(await open()).toMatchObject({ code: 'NOT_FOUND' });
    await make();
    chmodSync(file, 0o640);
    expect(await open()).toMatchObject({ code: 'CONFIG_BAD', detail: expect.stringContaining('chmod 600') });
  });

  it('any changed character of the file', async () => {
    await make();
    const good = readFileSync(file, 'utf8');
    for (let at = 0; at < good.length; at += 3) {
      const put = good[at] === 'A' ? 'B' : 'A';
      const changed = good.slice(0, at) + put + good.slice(at + 1);
      writeFileSync(file, changed);
      const opened = await open();
      // White space around the values may be anything; what they say may not.
      if (JSON.stringify(parsed(changed)) !== JSON.stringify(parsed(good)))
        expect(opened, `character ${at}`).toMatchObject({ code: 'CONFIG_BAD' });
    }
  });

  it('a cheaper work factor or another salt put in by somebody: the header is sealed too', async () => {
    await make();
    const good = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    for (const change of [{ workFactor: 15 }, { workFactor: 13 }, { workFactor: 40 }, { salt: 'AAAAAAAAAAAAAAAAAAAAAA' }, { extra: 1 }]) {
      writeFileSync(file, JSON.stringify({ ...good, ...change }));
      expect(await open()).toMatchObject({ code: 'CONFIG_BAD' });
    }
  });

  it('a file cut off anywhere, or any other file, without falling over', async () => {
    await make();
    const good = readFileSync(file, 'utf8');
    for (let length = 0; length < good.length - 2; length += 7) {
      writeFileSync(file, good.slice(0, length));
      expect(await open()).toMatchObject({ code: 'CONFIG_BAD' });
    }
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (content) => {
        writeFileSync(file, content);
        const opened = await open();
        expect(opened.ok ? '' : Object.keys(ERRORS)).toContain(opened.ok ? 'opened' : opened.code);
      }),
      { numRuns: 50 },
    );
  });

  it('a second process that adds a key meanwhile, and a draft that somebody left', async () => {
    const [one, other] = [await make(), held(await open())];
    expect(await one.addKey()).toEqual({ ok: true, value: 2 });
    expect(await other.addKey()).toMatchObject({ code: 'CONFIG_BAD', detail: expect.stringContaining('changed meanwhile') });
    writeFileSync(`${file}.new`, '');
    expect(await one.addKey()).toMatchObject({ code: 'CONFIG_BAD', detail: expect.stringContaining('.new is there') });
    expect(one.keyIds).toEqual([2, 1]);
  });

  it('a key beyond the last: a card stores its id in one byte', async () => {
    const store = await make();
    for (let id = 2; id <= 255; id++) expect(await store.addKey()).toEqual({ ok: true, value: id });
    expect(await store.addKey()).toMatchObject({ code: 'CONFIG_BAD' });
    expect(held(await open()).keyIds.length).toBe(255);
  });

  it('an unknown key, and a place that is none', async () => {
    expect(await (await make()).cmac(9, new Uint8Array())).toMatchObject({ code: 'NOT_FOUND' });
    expect(await openKeyStore({ place: 'cupboard:3', secret: PASSPHRASE }, { random })).toMatchObject({ code: 'CONFIG_BAD' });
    expect(await openKeyStore({ place: 'pkcs11:/no/such/library.so', secret: '1234' }, { random })).toMatchObject({ code: 'CONFIG_BAD' });
  });
});

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}
