import type { KeyObject } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { ed25519FromText } from '#protocol/signing.ts';
import type { Directory } from '../store/directory.ts';

export interface CounterKeys {
  /** The public key of an active counter. Refusals: HUB_UNKNOWN, HUB_REVOKED. */
  find(hubId: string, counterId: string): Promise<Result<KeyObject>>;
}

/** Whether a hub is active is asked every time; only the reading of its key is remembered. */
export function counterKeys(directory: Pick<Directory, 'counter'>): CounterKeys {
  const keys = new LRUCache<string, KeyObject>({ max: LIMITS.remembered_keys_max });
  const read = (text: string): KeyObject | undefined => {
    const key = keys.get(text) ?? ed25519FromText(text);
    if (key) keys.set(text, key);
    return key;
  };
  return {
    find: async (hubId, counterId) => {
      const entry = await directory.counter(hubId as Id, counterId as Id);
      if (!entry) return refuse('HUB_UNKNOWN');
      if (entry.hubState === 'REVOKED') return refuse('HUB_REVOKED');
      const key = read(entry.publicKey);
      return key ? ok(key) : refuse('HUB_UNKNOWN', 'stored key');
    },
  };
}
