/** A desk with a SIMULATED card on it, and master keys that are the same every time. */
import { randomBytes } from 'node:crypto';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { aesCmac } from '../../../../server/authentication/cards/aes.ts';
import { type CardKeys, cardKeys } from '../../../../server/authentication/cards/card-keys.ts';
import type { KeyStore } from '../../../../server/authentication/cards/keystore.ts';
import type { Transceive } from '../../../../server/authentication/cards/personalise/apdu.ts';
import type { Desk } from '../../../../server/authentication/cards/personalise/find-keys.ts';
import { NtagCard } from '../../../../simulator/cards/ntag424/card.ts';
import { type CardMemory, type CardState, factoryState } from '../../../../simulator/cards/ntag424/memory.ts';

export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').toUpperCase();
export const random = { bytes: (count: number): Uint8Array => new Uint8Array(randomBytes(count)) };

export const UID = hex('04A1B2C3D4E5F6');
export const ZERO_KEY = new Uint8Array(16);

/** A key store in memory: id → master key. */
export function storeOf(keys: Readonly<Record<number, Uint8Array>>): KeyStore {
  return {
    keyIds: Object.keys(keys)
      .map(Number)
      .toSorted((a, b) => b - a),
    cmac: async (id, message) => (keys[id] ? ok(aesCmac(keys[id], message)) : refuse('NOT_FOUND')),
    addKey: async () => refuse('CONFIG_BAD'),
    close: async () => undefined,
  };
}

/** Every card has these keys, as the cards of AN12196. */
export function fixedKeys(meta: Uint8Array, file: Uint8Array): CardKeys {
  return {
    keyIds: [1],
    meta: async () => ok(meta),
    file: async () => ok(file),
    slot: async (_id, slot) => ok(slot === 2 ? meta : file),
    tag: async (_id, uid) => ok(text(uid)),
  };
}

export function master(seed: number): Uint8Array {
  return new Uint8Array(16).fill(seed);
}

export class MemoryCard implements CardMemory {
  state: CardState;
  constructor(state: CardState = factoryState(UID)) {
    this.state = state;
  }
  read(): CardState {
    return structuredClone(this.state);
  }
  write(state: CardState): void {
    this.state = structuredClone(state);
  }
}

export interface Rig extends Desk {
  readonly card: NtagCard;
  readonly memory: MemoryCard;
  /** APDUs that were sent. */
  readonly sent: Uint8Array[];
}

export function rig(options: { readonly keys?: CardKeys; readonly memory?: MemoryCard; readonly transceive?: Transceive } = {}): Rig {
  const memory = options.memory ?? new MemoryCard();
  const card = new NtagCard(memory);
  const sent: Uint8Array[] = [];
  const transceive = async (apdu: Uint8Array): Promise<Result<Uint8Array>> => {
    sent.push(apdu);
    return ok(card.answer(apdu));
  };
  return {
    card,
    memory,
    sent,
    random,
    keys: options.keys ?? cardKeys(storeOf({ 1: master(1) })),
    transceive: options.transceive ?? transceive,
  };
}

/** Answers from a list, and says when it is asked something else than what was expected. */
export function scripted(script: readonly (readonly [string, string])[]): { transceive: Transceive; rest: () => number } {
  let at = 0;
  return {
    rest: () => script.length - at,
    transceive: async (apdu) => {
      const [wanted, answer] = script[at++] ?? ['nothing', ''];
      if (text(apdu) !== wanted.replaceAll(' ', '')) throw new Error(`sent ${text(apdu)}, expected ${wanted}`);
      return ok(hex(answer));
    },
  };
}
