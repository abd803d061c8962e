import { existsSync, readFileSync, renameSync } from 'node:fs';
import path from 'node:path';
import { makeSigningPair, type SigningPair, signingPairFromPem } from '#protocol/signing.ts';
import { syncFolder, writeWhole } from './private-file.ts';

/** The hub's own key, as a file that only its user may read. It never leaves this computer. */
export const KEY_FILE = 'hub-key.pem';
const DRAFT_FILE = 'hub-key.new.pem';

/** Undefined when there is none yet. Throws when the file is no Ed25519 key. */
export function readHubKey(folder: string): SigningPair | undefined {
  const file = path.join(folder, KEY_FILE);
  return existsSync(file) ? signingPairFromPem(readFileSync(file, 'utf8')) : undefined;
}

/**
 * The key to enrol with: one from an enrolment whose answer was lost is used again, so that the carrier can recognise it. It is on
 * the disk before the carrier hears of it.
 */
export function keyToEnrol(folder: string): SigningPair {
  const kept = readHubKey(folder);
  if (kept) return kept;
  const draft = path.join(folder, DRAFT_FILE);
  if (!existsSync(draft)) writeWhole(draft, makeSigningPair().privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  return signingPairFromPem(readFileSync(draft, 'utf8'));
}

/** The carrier knows the key: from now on it has its final name. */
export function keepHubKey(folder: string): void {
  if (existsSync(path.join(folder, KEY_FILE))) return;
  renameSync(path.join(folder, DRAFT_FILE), path.join(folder, KEY_FILE));
  syncFolder(folder);
}
