import { randomBytes } from 'node:crypto';
import { fromHex } from '#protocol/bytes.ts';
import { NtagCard } from '../../cards/ntag424/card.ts';
import { fileMemory } from '../../cards/ntag424/memory.ts';
import { Phone, type PhoneOptions } from '../../phone/phone.ts';
import type { FieldCard } from './chip.ts';

/** A SIMULATED phone held against the reader. Throws when the file is not a phone. */
export function phoneCard(file: string, options: PhoneOptions): FieldCard {
  const phone = new Phone(file, options);
  return {
    get uid() {
      return phone.uid;
    },
    sak: 0x20,
    answer: (apdu) => phone.answer(apdu),
    leaveField: () => phone.leaveField(),
  };
}

/** A SIMULATED NTAG 424 DNA held against the reader. Throws when the file is no such card. */
export function ntagCard(file: string): FieldCard {
  const card = new NtagCard(fileMemory(file));
  return {
    get uid() {
      return card.uid;
    },
    sak: 0x20,
    answer: (apdu) => card.answer(apdu),
    leaveField: () => card.leaveField(),
  };
}

/** A SIMULATED chip card of some other trade: it talks ISO-DEP and knows no applet of ours. */
export function foreignCard(): FieldCard {
  return { uid: fixedUid(), sak: 0x20, answer: () => new Uint8Array([0x6a, 0x82]), leaveField: () => {} };
}

/** A SIMULATED memory card (MIFARE Classic, SAK 08), such as an old door key. `uid`: hex; some lasting one when it is left out. */
export function memoryCard(uid?: unknown): FieldCard {
  return { uid: typeof uid === 'string' ? fromHex(uid) : fixedUid(), sak: 0x08, answer: () => undefined, leaveField: () => {} };
}

/** Seven bytes with NXP's maker byte, as cards with a lasting id have. */
function fixedUid(): Uint8Array {
  return new Uint8Array([0x04, ...randomBytes(6)]);
}
