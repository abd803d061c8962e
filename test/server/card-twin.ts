/** SIMULATED NTAG 424 DNA cards in the hands of a test, personalised by the product's own code, and what a hub makes of their taps. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { ok, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { PaymentTerms } from '#protocol/payment-request.ts';
import type { Seller } from '#protocol/routes.ts';
import { readSunMessage } from '../../agent/identification/class-c.ts';
import { type CardKeys, cardKeys } from '../../server/authentication/cards/card-keys.ts';
import { makeFileKeyStore } from '../../server/authentication/cards/file-keystore.ts';
import type { KeyStore } from '../../server/authentication/cards/keystore.ts';
import { personalise } from '../../server/authentication/cards/personalise/personalise.ts';
import { NtagCard } from '../../simulator/cards/ntag424/card.ts';
import { factoryState } from '../../simulator/cards/ntag424/memory.ts';
import { MemoryCard, random } from './authentication/cards/rig.ts';
import { type HubTwin, newId } from './hub-twin.ts';

export const PASSPHRASE = 'a passphrase for tests only';

/** A key store file as cheap as one may be, for startServer. */
export async function keyStoreIn(folder: string, name = 'cards.json'): Promise<{ store: KeyStore; keys: CardKeys; file: string }> {
  const file = path.join(folder, name);
  const store = held(await makeFileKeyStore(file, PASSPHRASE, { random, workFactor: 14 }));
  return { store, keys: cardKeys(store), file };
}

export function held<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.code} ${result.detail ?? ''}`);
  return result.value;
}

export class CardTwin {
  readonly memory: MemoryCard;
  private readonly chip: NtagCard;
  keyId = 0;
  /** Taps of the desk. */
  spentTo = 0;

  private constructor(memory: MemoryCard) {
    this.memory = memory;
    this.chip = new NtagCard(memory);
  }

  /** A card from the factory, made one of the carrier that has these keys. */
  static async make(keys: CardKeys, keyId = keys.keyIds[0]!): Promise<CardTwin> {
    const twin = new CardTwin(new MemoryCard(factoryState(Buffer.concat([Buffer.from([0x04]), randomBytes(6)]))));
    await twin.rekey(keys, keyId);
    return twin;
  }

  async rekey(keys: CardKeys, keyId: number): Promise<void> {
    const transceive = async (apdu: Uint8Array): Promise<Result<Uint8Array>> => ok(this.chip.answer(apdu));
    const done = held(
      await personalise({ transceive, keys, random }, { url: 'https://pay.example/c', keyId, randomUid: false }, () => undefined),
    );
    [this.keyId, this.spentTo] = [keyId, done.counter];
  }

  /** Another chip with everything that is in this one: somebody got its keys out. */
  copy(): CardTwin {
    const twin = new CardTwin(new MemoryCard(this.memory.read()));
    [twin.keyId, twin.spentTo] = [this.keyId, this.spentTo];
    return twin;
  }

  get uid(): string {
    return this.memory.state.uid.toUpperCase();
  }

  get registration() {
    return { uid: this.uid, keyId: this.keyId, counter: this.spentTo, currency: 'EUR' };
  }

  /** What a hub reads off it, by the code of the hub. */
  async tap(): Promise<string> {
    this.chip.leaveField();
    const session = { readerId: 'r', technology: 'iso-dep', uid: this.chip.uid } as const;
    return held(await readSunMessage({ ...session, transceive: async (apdu) => ok(this.chip.answer(apdu)) }));
  }
}

/** A payment entry of this hub with that message; `name`: what the hub calls the card. */
export function cardPayment(hub: HubTwin, seller: Seller, amount: string, message: string, name?: Id): string {
  const at = Date.now();
  const { hubId, counterId } = hub.identity;
  const { sellerId } = seller;
  const terms: PaymentTerms = { v: 1, requestId: newId(), hubId, counterId, sellerId, amount, currency: 'EUR', askedAt: at };
  const proof = { class: 'C', message, atMs: at, ...(name && { name }) };
  return JSON.stringify({ v: 1, kind: 'payment', requestId: terms.requestId, terms: JSON.stringify(terms), proof, tappedAt: at });
}
