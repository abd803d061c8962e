import { type ErrorCode, ERRORS, HandoverError, type Result } from '#protocol/errors.ts';
import { configuredReaders } from '../agent/configured-readers.ts';
import type { CardSession } from '../agent/ports.ts';
import { systemClock, systemRandom } from '../agent/system-ports.ts';
import type { KeyStore } from '../server/authentication/cards/keystore.ts';
import { keyStoreSecret } from '../server/authentication/cards/keystore-secret.ts';
import { openKeyStore } from '../server/authentication/cards/open-keystore.ts';

export interface KeyStoreOptions {
  readonly keystore: string;
  readonly token?: string;
  readonly secretFile?: string;
}

export function held<T>(result: Result<T>): T {
  if (!result.ok) throw new HandoverError(result.code, result.detail);
  return result.value;
}

/** Opens the key store for one piece of work. `make`: makes the file when there is none. Throws HandoverError. */
export async function withKeyStore<T>(options: KeyStoreOptions, work: (store: KeyStore) => Promise<T>, make = false): Promise<T> {
  const { keystore: place, token } = options;
  const asked = { place, secret: held(keyStoreSecret(options.secretFile)), make, ...(token !== undefined && { token }) };
  const store = held(await openKeyStore(asked, { random: systemRandom() }));
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

export interface ReaderOptions {
  /** KIND:PATH[:simulated] */
  readonly reader: string;
  /** Seconds, as typed. */
  readonly wait: string;
}

/**
 * Arms one reader and gives its first card to `work`. What the person can mend is told on stderr, and waiting goes on. Throws HandoverError:
 * CONFIG_BAD, READER_UNKNOWN, what is wrong with the reader when the time is up, TAP_TIMEOUT.
 */
export async function withCard<T>(options: ReaderOptions, work: (session: CardSession) => Promise<T>): Promise<T> {
  const seconds = Number(options.wait);
  if (!(seconds > 0 && seconds <= 3_600)) throw new HandoverError('CONFIG_BAD', 'wait: 1 to 3600 seconds');
  const [reader] = held(configuredReaders([options.reader], { clock: systemClock() }));
  if (!reader) throw new HandoverError('CONFIG_BAD', 'reader');
  const stop = new AbortController();
  const interrupt = (): void => stop.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  let hint: ErrorCode | undefined;
  reader.start(() => undefined);
  try {
    process.stderr.write(`Hold the card against the reader${reader.view().simulated ? ' (SIMULATED)' : ''}.\n`);
    const session = await reader.waitForCard(AbortSignal.any([stop.signal, AbortSignal.timeout(seconds * 1_000)]), (code) => {
      hint = code;
      if (code) process.stderr.write(`${ERRORS[code].staff} ${ERRORS[code].next}\n`);
    });
    if (!session) throw new HandoverError(hint ?? 'TAP_TIMEOUT');
    return await work(session);
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    await reader.release();
    await reader.close();
  }
}
