import { generateKeyPairSync } from 'node:crypto';
import { existsSync } from 'node:fs';
import { decodePass } from '#protocol/applet.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { p256Compressed } from '#protocol/signing.ts';
import { readPhoneFile, writePhoneFile } from './phone-file.ts';

/**
 * Makes a SIMULATED phone in a new file (mode 0600) and returns its public key: 33 bytes, compressed, base64url.
 * Throws when the file exists: a phone's key is never overwritten.
 */
export function makePhone(file: string): string {
  if (existsSync(file)) throw new Error(`there is a file already: ${file}`);
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writePhoneFile(file, { simulated: true, privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), counter: 0 });
  return toBase64Url(p256Compressed(publicKey));
}

/**
 * Puts the first pass into a phone, over its home key, in place of an older one. The counter goes on. `credentialId`: under which the
 * carrier knows the phone. Throws when the text is no pass.
 */
export function storePass(file: string, passBase64Url: string, credentialId?: string): void {
  const bytes = fromBase64Url(passBase64Url);
  if (!bytes || !decodePass(bytes)) throw new Error('not an offline pass');
  writePhoneFile(file, { ...readPhoneFile(file), pass: passBase64Url, ...(credentialId && { credentialId }) });
}
