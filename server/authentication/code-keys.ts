import { createPublicKey, type KeyObject } from 'node:crypto';
import { codeKey } from '#protocol/approval.ts';
import { agreeKeyText, x25519FromText } from '#protocol/signing.ts';
import type { Registry } from '../store/registry.ts';
import type { CodeKeys } from './proofs/class-o.ts';

/** The code key of each counter, from the key that it told in a signed contact. */
export function codeKeysOf(registry: Registry, agreeKey: KeyObject): CodeKeys {
  return async (counterId) => {
    const row = await registry.selectFrom('counter').select('agree_key').where('id', '=', counterId).executeTakeFirst();
    const theirs = row?.agree_key ? x25519FromText(row.agree_key) : undefined;
    return theirs && codeKey(agreeKey, theirs, counterId);
  };
}

export function agreeKeyAsText(agreeKey: KeyObject): string {
  return agreeKeyText(createPublicKey(agreeKey));
}
