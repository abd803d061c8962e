import { existsSync } from 'node:fs';
import { refuse, type Result } from '#protocol/errors.ts';
import type { Random } from '../../ports.ts';
import { makeFileKeyStore, openFileKeyStore } from './file-keystore.ts';
import type { KeyStore } from './keystore.ts';
import { openPkcs11KeyStore } from './pkcs11-keystore.ts';

export interface KeyStorePlace {
  /** `file:PATH` or `pkcs11:LIBRARY`. */
  readonly place: string;
  /** Label of the PKCS#11 token. */
  readonly token?: string;
  /** Passphrase of the file, or PIN of the token. */
  readonly secret: string;
  /** Makes the file, with its first key, when there is none. */
  readonly make?: boolean;
}

/** Opens the key store that the configuration names. Refusals: CONFIG_BAD, NOT_FOUND, DISK_FULL. */
export async function openKeyStore(asked: KeyStorePlace, ports: { readonly random: Random }): Promise<Result<KeyStore>> {
  const [, kind, path] = /^(file|pkcs11):(.+)$/.exec(asked.place) ?? [];
  if (!kind || !path) return refuse('CONFIG_BAD', `keystore: ${asked.place} is neither file:PATH nor pkcs11:LIBRARY`);
  if (kind === 'pkcs11')
    return openPkcs11KeyStore({ library: path, pin: asked.secret, ...(asked.token !== undefined && { token: asked.token }) });
  if (asked.make && !existsSync(path)) return makeFileKeyStore(path, asked.secret, ports);
  return openFileKeyStore(path, asked.secret, ports);
}
