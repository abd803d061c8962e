import { crc32 } from 'node:zlib';
import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { xor } from '../cmac-by-blocks.ts';
import { demand, ISO_OK, MORE, native, NATIVE_OK, type Transceive } from './apdu.ts';
import type { Ev2Session } from './ev2-session.ts';
import { lsbFirst } from './file-settings.ts';

export const NDEF_FILE = 0x02;
const NDEF_APPLICATION = new Uint8Array([0xd2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]);
const NOTHING = new Uint8Array();

export interface CardVersion {
  /** 7 bytes; undefined while the card hides it behind a random one. */
  readonly uid: Uint8Array | undefined;
  readonly hardware: string;
  readonly software: string;
}

/** Selects the card's application, which also ends any session. Refusals: CARD_UNSUPPORTED, those of the reader. */
export async function selectApplication(transceive: Transceive): Promise<Result<void>> {
  const apdu = concatBytes(new Uint8Array([0x00, 0xa4, 0x04, 0x0c, NDEF_APPLICATION.length]), NDEF_APPLICATION, new Uint8Array([0]));
  const selected = await demand(transceive, apdu, ISO_OK, 'selecting the application');
  return selected.ok ? ok(undefined) : selected;
}

/** GetVersion, which says whether this is an NTAG 424 DNA at all. Outside a session. Refusals: CARD_UNSUPPORTED, those of the reader. */
export async function getVersion(transceive: Transceive): Promise<Result<CardVersion>> {
  const hardware = await demand(transceive, native(0x60), MORE, 'asking for its version');
  if (!hardware.ok) return hardware;
  const software = await demand(transceive, native(0xaf), MORE, 'asking for its version');
  if (!software.ok) return software;
  const production = await demand(transceive, native(0xaf), NATIVE_OK, 'asking for its version');
  if (!production.ok) return production;
  const [hw, sw, made] = [hardware.value, software.value, production.value];
  // Maker NXP, type NTAG, storage of 256 to 512 bytes, in both halves.
  const isNtag424 = [hw, sw].every((part) => part.length === 7 && part[0] === 0x04 && part[1] === 0x04 && part[5] === 0x11);
  if (!isNtag424 || made.length < 14) return refuse('CARD_UNSUPPORTED', 'this is not an NTAG 424 DNA');
  const uid = made.slice(0, 7);
  return ok({ uid: uid.every((byte) => byte === 0) ? undefined : uid, hardware: `${hw[3]}.${hw[4]}`, software: `${sw[3]}.${sw[4]}` });
}

/** Version of one key: 0 from the factory, else the id of the master key behind it. Outside a session. */
export async function getKeyVersion(transceive: Transceive, slot: number): Promise<Result<number>> {
  const data = await demand(transceive, native(0x64, new Uint8Array([slot])), NATIVE_OK, `asking for the version of key ${slot}`);
  if (!data.ok) return data;
  return data.value.length === 1 ? ok(data.value[0]!) : refuse('READER_GARBLED', 'key version');
}

/** Settings of the NDEF file as the chip spells them. Outside a session. */
export function getNdefSettings(transceive: Transceive): Promise<Result<Uint8Array>> {
  return demand(transceive, native(0xf5, new Uint8Array([NDEF_FILE])), NATIVE_OK, 'asking for the file settings');
}

/** The UID that the card has in truth. Refusals: as Ev2Session.full. */
export async function getCardUid(session: Ev2Session): Promise<Result<Uint8Array>> {
  const uid = await session.full(0x51, NOTHING, NOTHING, 'asking for the UID');
  return uid.ok && uid.value.length !== 7 ? refuse('READER_GARBLED', 'uid') : uid;
}

/**
 * ChangeKey for a slot other than the session's own: old XOR new, version, and a CRC32 of the new key (IEEE 802.3 without its final
 * complement), so that a wrong old key cannot store an unknown one. Refusals: as Ev2Session.full.
 */
export function changeKey(session: Ev2Session, slot: number, change: { from: Uint8Array; to: Uint8Array; version: number }) {
  const check = ~crc32(change.to) >>> 0;
  const data = concatBytes(xor(change.from, change.to), new Uint8Array([change.version]), lsbFirst(check), new Uint8Array([check >>> 24]));
  return session.full(0xc4, new Uint8Array([slot]), data, `changing key ${slot}`);
}

/** ChangeKey for slot 0, the session's own: ends the session. Refusals: as Ev2Session.last. */
export function changeOwnKey(session: Ev2Session, to: Uint8Array, version: number): Promise<Result<void>> {
  return session.last(0xc4, new Uint8Array([0x00]), concatBytes(to, new Uint8Array([version])), 'changing key 0');
}

export function changeNdefSettings(session: Ev2Session, settings: Uint8Array): Promise<Result<Uint8Array>> {
  return session.full(0x5f, new Uint8Array([NDEF_FILE]), settings, 'changing the file settings');
}

/** The card shows another, random UID at every activation from the next one on. There is no way back. */
export function enableRandomUid(session: Ev2Session): Promise<Result<Uint8Array>> {
  return session.full(0x5c, new Uint8Array([0x00]), new Uint8Array([0x02]), 'enabling the random UID');
}

/** The NDEF file as it is stored, without what a tap writes into it: inside a session nothing is mirrored. */
export function readStored(session: Ev2Session, length: number): Promise<Result<Uint8Array>> {
  return session.plain(0xad, concatBytes(new Uint8Array([NDEF_FILE]), lsbFirst(0), lsbFirst(length)), 'reading the link');
}

/** What one frame carries at most is written whole or not at all. */
const PIECE_BYTES = 96;

/**
 * Writes the NDEF file in pieces, its length last (Type 4 Tag §5.4.6): a card that is pulled away half-way has an empty link, not half
 * of one. Refusals: as Ev2Session.plain.
 */
export async function writeNdef(session: Ev2Session, file: Uint8Array): Promise<Result<void>> {
  const pieces = [{ at: 0, bytes: new Uint8Array(2) }];
  for (let at = 2; at < file.length; at += PIECE_BYTES) pieces.push({ at, bytes: file.slice(at, at + PIECE_BYTES) });
  pieces.push({ at: 0, bytes: file.slice(0, 2) });
  for (const { at, bytes } of pieces) {
    const body = concatBytes(new Uint8Array([NDEF_FILE]), lsbFirst(at), lsbFirst(bytes.length), bytes);
    const written = await session.plain(0x8d, body, 'writing the link');
    if (!written.ok) return written;
  }
  return ok(undefined);
}

/**
 * Reads the link as any phone does (outside a session), which counts as a tap. Resolves with the NDEF message, without its length.
 * Refusals: CARD_UNSUPPORTED, READER_GARBLED, those of the reader.
 */
export async function readTap(transceive: Transceive): Promise<Result<Uint8Array>> {
  const selected = await demand(transceive, new Uint8Array([0x00, 0xa4, 0x00, 0x0c, 0x02, 0xe1, 0x04]), ISO_OK, 'selecting the link');
  if (!selected.ok) return selected;
  const length = await demand(transceive, new Uint8Array([0x00, 0xb0, 0x00, 0x00, 0x02]), ISO_OK, 'reading the link');
  if (!length.ok) return length;
  const count = length.value.length === 2 ? length.value[0]! * 256 + length.value[1]! : 0;
  if (count === 0 || count > 254) return refuse('CARD_UNSUPPORTED', `the link has ${count} bytes`);
  const message = await demand(transceive, new Uint8Array([0x00, 0xb0, 0x00, 0x02, count]), ISO_OK, 'reading the link');
  return message.ok && message.value.length !== count ? refuse('READER_GARBLED', 'link') : message;
}
