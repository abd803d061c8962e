import { block, cmac, encrypt, hex, macT, ZERO } from './crypto.ts';
import type { Sdm } from './settings.ts';

/** What one tap mirrors; the padding is drawn once per tap, so that reading in pieces fits together. */
export interface Tap {
  readonly uid: Uint8Array;
  readonly counter: number;
  readonly padding: Uint8Array;
}

/** The file as it goes over the air outside a session (NT4H2421Gx §9.3): placeholders replaced by what this tap says. */
export function mirrored(file: Uint8Array, sdm: Sdm, tap: Tap, keyOf: (keyNo: number) => Uint8Array): Buffer {
  const out = Buffer.from(file);
  const put = (at: number | undefined, text: string): void => {
    if (at !== undefined) out.write(text, at, 'latin1');
  };
  const counter = Buffer.from([tap.counter, tap.counter >> 8, tap.counter >> 16]);
  if (sdm.uid) put(sdm.uidAt, hex(tap.uid));
  // In a link the most significant byte stands first.
  if (sdm.counter) put(sdm.counterAt, hex(Buffer.from(counter).reverse()));
  const context = Buffer.concat([sdm.uid ? tap.uid : [], sdm.counter ? counter : []].map((part) => Buffer.from(part)));
  if (sdm.piccAt !== undefined) {
    const tag = (sdm.uid ? 0x87 : 0) | (sdm.counter ? 0x40 : 0);
    const plain = Buffer.concat([Buffer.from([tag]), context, tap.padding]).subarray(0, 16);
    put(sdm.piccAt, hex(encrypt(keyOf(sdm.metaRead), ZERO, plain)));
  }
  if (sdm.macAt === undefined) return out;
  const derive = (label: string): Buffer => {
    const vector = Buffer.concat([Buffer.from(`${label}00010080`, 'hex'), context]);
    return cmac(keyOf(sdm.fileRead), Buffer.concat([vector, Buffer.alloc((16 - (vector.length % 16)) % 16)]));
  };
  if (sdm.encAt !== undefined) {
    const key = derive('c33c');
    const iv = block(key, Buffer.concat([counter, Buffer.alloc(13)]));
    // Only the first half of the placeholder holds data: hex takes twice the room.
    put(sdm.encAt, hex(encrypt(key, iv, file.subarray(sdm.encAt, sdm.encAt + sdm.encLength! / 2))));
  }
  put(sdm.macAt, hex(macT(derive('3cc3'), out.subarray(sdm.macInputAt, sdm.macAt))));
  return out;
}
