import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Random } from '../../../ports.ts';
import { type CardKeys, type Slot, SLOTS } from '../card-keys.ts';
import type { Transceive } from './apdu.ts';
import { authenticate } from './authenticate.ts';
import { getCardUid } from './commands.ts';
import type { Ev2Session } from './ev2-session.ts';

/** What personalising needs from outside. */
export interface Desk {
  readonly transceive: Transceive;
  readonly keys: CardKeys;
  readonly random: Random;
}

/** The key that a slot was found to have, shown by an authentication. */
export interface FoundKey {
  /** 0: the factory's. */
  readonly keyId: number;
  readonly key: Uint8Array;
  readonly session: Ev2Session;
}

const FACTORY_KEY = new Uint8Array(16);

/**
 * Finds which key a slot has, by authenticating with it: what its version says first, then the factory's and ours, because a card that was
 * pulled away half-way, or came from elsewhere, may say anything. Each wrong guess costs the card one of its 1,000 failures. Refusals:
 * CARD_UNSUPPORTED when none of our keys is in it, those of the key store and of the reader.
 */
export async function findKey(desk: Desk, slot: Slot, version: number, uid: Uint8Array): Promise<Result<FoundKey>> {
  for (const keyId of likelyFirst(desk.keys.keyIds, version)) {
    const key = keyId === 0 ? ok(FACTORY_KEY) : await desk.keys.slot(keyId, slot, uid);
    if (!key.ok) return key;
    const session = await authenticate(desk, slot, key.value);
    if (!session.ok) return session;
    if (session.value) return ok({ keyId, key: key.value, session: session.value });
  }
  return refuse(
    'CARD_UNSUPPORTED',
    `key ${slot} is not ours: the card was personalised by somebody else, or under a key store that is not here`,
  );
}

/**
 * The UID of a card that hides it: whoever has authenticated with any key may ask. Before the UID is known only two keys can be: the
 * factory's in slot 0, and K_meta, which the whole batch shares. Refusals: as findKey.
 */
export async function hiddenUid(desk: Desk, keyVersions: readonly number[]): Promise<Result<Uint8Array>> {
  for (const slot of keyVersions[SLOTS.master] === 0 ? [SLOTS.master, SLOTS.meta] : [SLOTS.meta]) {
    for (const keyId of slot === SLOTS.master ? [0] : likelyFirst(desk.keys.keyIds, keyVersions[slot]!)) {
      const key = keyId === 0 ? ok(FACTORY_KEY) : await desk.keys.meta(keyId);
      if (!key.ok) return key;
      const session = await authenticate(desk, slot, key.value);
      if (!session.ok) return session;
      if (session.value) return getCardUid(session.value);
    }
  }
  return refuse('CARD_UNSUPPORTED', 'the card hides its UID, and none of our keys is in it');
}

function likelyFirst(keyIds: readonly number[], version: number): number[] {
  return [0, ...keyIds].toSorted((a, b) => Number(b === version) - Number(a === version));
}
