import { readFileSync } from 'node:fs';
import { ok, refuse, type Result } from '#protocol/errors.ts';

/** The environment variable with the passphrase of a key store file or the PIN of a token. */
export const SECRET_VARIABLE = 'HANDOVER_CARD_KEYS_SECRET';

/** From the file, or else the environment; never an argument, which other users of the machine see. Refusals: CONFIG_BAD, NOT_FOUND. */
export function keyStoreSecret(file: string | undefined): Result<string> {
  const given = process.env[SECRET_VARIABLE];
  if (file === undefined) {
    return given === undefined
      ? refuse('CONFIG_BAD', `put the passphrase or PIN into ${SECRET_VARIABLE}, or name a secret file`)
      : ok(given);
  }
  try {
    return ok(readFileSync(file, 'utf8').trimEnd());
  } catch {
    return refuse('NOT_FOUND', file);
  }
}
