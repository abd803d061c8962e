import { concatBytes, sameBytes } from '#protocol/bytes.ts';
import { SLOTS } from '../card-keys.ts';
import { type LinkTemplate, NDEF_FILE_BYTES } from './link-template.ts';

/**
 * What ChangeFileSettings is told of the NDEF file (NT4H2421Gx table 69): free to read, only the master key writes and changes; UID and
 * counter are mirrored, encrypted with K_meta; the MAC is made with K_file and covers nothing but them; no counter limit; the counter is
 * told nobody else.
 */
export function linkSettings({ piccAt, macAt }: LinkTemplate): Uint8Array {
  return concatBytes(
    new Uint8Array([SDM_ENABLED_PLAIN, ...FREE_TO_READ, UID_AND_COUNTER_IN_ASCII, NOBODY_ASKS_COUNTER, (SLOTS.meta << 4) | SLOTS.file]),
    lsbFirst(piccAt),
    // The MAC's input begins where the MAC stands: it is empty.
    lsbFirst(macAt),
    lsbFirst(macAt),
  );
}

/** Whether GetFileSettings says what ChangeFileSettings was told: type and size are put between. */
export function areLinkSettings(answer: Uint8Array, wanted: Uint8Array): boolean {
  const size = lsbFirst(NDEF_FILE_BYTES);
  return sameBytes(answer, concatBytes(new Uint8Array([0x00]), wanted.subarray(0, 3), size, wanted.subarray(3)));
}

export function lsbFirst(value: number): Uint8Array {
  return new Uint8Array([value, value >> 8, value >> 16]);
}

const SDM_ENABLED_PLAIN = 0x40;
/** Read E, Write 0, ReadWrite 0, Change 0; the 16 bits go least significant byte first. */
const FREE_TO_READ = [0x00, 0xe0] as const;
const UID_AND_COUNTER_IN_ASCII = 0xc1;
/** RFU F, SDMCtrRet F: the low byte of SDMAccessRights. */
const NOBODY_ASKS_COUNTER = 0xff;
