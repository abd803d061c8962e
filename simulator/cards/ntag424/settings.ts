import { need, STATUS } from './answer.ts';

/** Access conditions: 0 … 4 is a key, E free, F never. */
export const FREE = 0xe;
export const NEVER = 0xf;

/** Settings of one file, taken apart (NT4H2421Gx table 69). */
export interface Settings {
  /** 0 plain, 1 MAC, 3 full. */
  readonly commMode: number;
  readonly read: number;
  readonly write: number;
  readonly readWrite: number;
  readonly change: number;
  readonly sdm?: Sdm;
}

export interface Sdm {
  readonly uid: boolean;
  readonly counter: boolean;
  readonly encryptsFile: boolean;
  readonly metaRead: number;
  readonly fileRead: number;
  readonly counterRead: number;
  readonly uidAt?: number;
  readonly counterAt?: number;
  readonly piccAt?: number;
  readonly macInputAt?: number;
  readonly encAt?: number;
  readonly encLength?: number;
  readonly macAt?: number;
  readonly counterLimit?: number;
}

const NO_MIRROR = 0xff_ffff;

/** Takes settings apart and refuses what the chip refuses: LENGTH_ERROR, PARAMETER_ERROR. `fileBytes`: size of the file. */
export function readSettings(bytes: Uint8Array, fileBytes: number, readCounter = 0): Settings {
  need(bytes.length >= 3, STATUS.LENGTH_ERROR);
  const [option, low, high] = [bytes[0]!, bytes[1]!, bytes[2]!];
  need((option & 0xbc) === 0 && (option & 0x03) !== 2, STATUS.PARAMETER_ERROR);
  const rights = { read: high >> 4, write: high & 0xf, readWrite: low >> 4, change: low & 0xf };
  need(Object.values(rights).every(isCondition), STATUS.PARAMETER_ERROR);
  const plain = { commMode: option & 0x03, ...rights };
  if ((option & 0x40) === 0) {
    need(bytes.length === 3, STATUS.LENGTH_ERROR);
    return plain;
  }
  const sdm = readSdm(bytes.subarray(3));
  checkSdm(sdm, fileBytes, readCounter);
  return { ...plain, sdm };
}

function isCondition(nibble: number): boolean {
  return nibble <= 4 || nibble === FREE || nibble === NEVER;
}

/** What is there depends on what was said before. */
function readSdm(bytes: Uint8Array): Sdm {
  need(bytes.length >= 3, STATUS.LENGTH_ERROR);
  const [options, low, high] = [bytes[0]!, bytes[1]!, bytes[2]!];
  need((options & 0x0e) === 0 && (options & 0x01) === 1, STATUS.PARAMETER_ERROR);
  let at = 3;
  const next = (isThere: boolean): number | undefined => {
    if (!isThere) return undefined;
    need(bytes.length >= at + 3, STATUS.LENGTH_ERROR);
    const value = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    at += 3;
    return value;
  };
  const head = {
    uid: (options & 0x80) !== 0,
    counter: (options & 0x40) !== 0,
    encryptsFile: (options & 0x10) !== 0,
    metaRead: high >> 4,
    fileRead: high & 0xf,
    counterRead: low & 0xf,
  };
  need((low & 0xf0) === 0xf0, STATUS.PARAMETER_ERROR);
  const isPlain = head.metaRead === FREE;
  const macs = head.fileRead !== NEVER;
  const uidAt = next(head.uid && isPlain);
  const counterAt = next(head.counter && isPlain);
  const piccAt = next(head.metaRead <= 4);
  const macInputAt = next(macs);
  const encAt = next(macs && head.encryptsFile);
  const encLength = next(macs && head.encryptsFile);
  const macAt = next(macs);
  const counterLimit = next((options & 0x20) !== 0);
  need(at === bytes.length, STATUS.LENGTH_ERROR);
  const found = {
    uidAt,
    counterAt: counterAt === NO_MIRROR ? undefined : counterAt,
    piccAt,
    macInputAt,
    encAt,
    encLength,
    macAt,
    counterLimit,
  };
  return { ...head, ...(Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined)) as Partial<Sdm>) };
}

const UID_CHARACTERS = 14;
const COUNTER_CHARACTERS = 6;
const PICC_CHARACTERS = 32;
const MAC_CHARACTERS = 16;

/** Table 71, PARAMETER_ERROR. */
function checkSdm(sdm: Sdm, fileBytes: number, readCounter: number): void {
  const wrong = (isWrong: boolean): void => need(!isWrong, STATUS.PARAMETER_ERROR);
  wrong(!isCondition(sdm.metaRead) || !isCondition(sdm.counterRead) || (sdm.fileRead > 4 && sdm.fileRead !== NEVER));
  wrong(sdm.metaRead !== NEVER && !sdm.uid && !sdm.counter);
  wrong(sdm.metaRead === NEVER && sdm.uid);
  wrong(sdm.counterRead !== NEVER && !sdm.counter);
  wrong(sdm.encryptsFile && (sdm.fileRead === NEVER || !sdm.uid || !sdm.counter));
  wrong(sdm.counterLimit !== undefined && (!sdm.counter || sdm.counterLimit <= readCounter));
  const places = placesOf(sdm);
  wrong(places.some(([at, length]) => at + length > fileBytes));
  wrong(places.some((one, index) => places.slice(index + 1).some((other) => overlap(one, other))));
  if (sdm.macAt === undefined) return;
  wrong(sdm.macInputAt! > sdm.macAt);
  if (sdm.encAt === undefined) return;
  wrong(sdm.encLength! < 32 || sdm.encLength! % 32 !== 0);
  wrong(sdm.encAt < sdm.macInputAt! || sdm.encAt + sdm.encLength! > sdm.macAt);
}

function placesOf(sdm: Sdm): (readonly [number, number])[] {
  const all: readonly (readonly [number | undefined, number])[] = [
    [sdm.uidAt, UID_CHARACTERS],
    [sdm.counterAt, COUNTER_CHARACTERS],
    [sdm.piccAt, PICC_CHARACTERS],
    [sdm.encAt, sdm.encLength ?? 0],
    [sdm.macAt, MAC_CHARACTERS],
  ];
  return all.filter((place): place is readonly [number, number] => place[0] !== undefined);
}

function overlap([a, aLength]: readonly [number, number], [b, bLength]: readonly [number, number]): boolean {
  return a < b + bLength && b < a + aLength;
}
