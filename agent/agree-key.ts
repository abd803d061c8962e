import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { writeWhole } from './private-file.ts';

/** What this counter agrees its code key with (X25519), as a file that only its user may read. */
export const AGREE_KEY_FILE = 'hub-agree-key.pem';

/**
 * The key of this disk, made when there is none. Losing it costs nothing: the next contact tells the carrier another one. Throws when the
 * file is no X25519 key.
 */
export function agreeKeyOf(folder: string): KeyObject {
  const file = path.join(folder, AGREE_KEY_FILE);
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('x25519');
    writeWhole(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const key = createPrivateKey(readFileSync(file, 'utf8'));
  if (key.asymmetricKeyType !== 'x25519') throw new Error(`${file} is no X25519 key`);
  return key;
}
