import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { hex } from './crypto.ts';

/** What a SIMULATED card keeps without power. Bytes are hex, as on the data sheet's pages. */
export interface CardState {
  readonly simulated: true;
  readonly chip: 'NTAG 424 DNA';
  readonly uid: string;
  randomUid: boolean;
  readonly keys: KeyState[];
  readonly files: Record<'1' | '2' | '3', FileState>;
  /** SDMReadCtr of the NDEF file. */
  readCounter: number;
  /** SetConfiguration option 0A. */
  failures: { counted: boolean; limit: number; decrement: number };
}

export interface KeyState {
  key: string;
  version: number;
  /** TotFailCtr. */
  failed: number;
  /** Failures in a row, and how much of the delay that they cost was waited off. */
  inARow: number;
  waited: number;
}

export interface FileState {
  data: string;
  /** FileOption ‖ AccessRights ‖ what follows when SDM is on, as ChangeFileSettings takes it. */
  settings: string;
}

/** Where the state lives. `write` returns when it is kept. */
export interface CardMemory {
  read(): CardState;
  write(state: CardState): void;
}

/** A card as it leaves the factory: all keys zero, an empty link that anybody may write (NT4H2421Gx §8.2.3). */
export function factoryState(uid: Uint8Array = Buffer.concat([Buffer.from([0x04]), randomBytes(6)])): CardState {
  return {
    simulated: true,
    chip: 'NTAG 424 DNA',
    uid: hex(uid),
    randomUid: false,
    keys: Array.from({ length: 5 }, () => ({ key: '00'.repeat(16), version: 0, failed: 0, inARow: 0, waited: 0 })),
    files: {
      '1': { data: CAPABILITIES.padEnd(2 * 32, '0'), settings: '0000E0' },
      '2': { data: '00'.repeat(256), settings: '00E0EE' },
      '3': { data: '00'.repeat(128), settings: '033023' },
    },
    readCounter: 0,
    failures: { counted: true, limit: 1000, decrement: 10 },
  };
}

/** Capability container: version 2.0, 256 bytes at once to read, 255 to write; the NDEF file, and the proprietary one. */
const CAPABILITIES = '001720010000FF0406E104010000000506E10500808283';

/** Makes a SIMULATED card in a new file (mode 0600). Throws when the file exists. */
export function makeCard(file: string, uid?: Uint8Array): void {
  if (existsSync(file)) throw new Error(`there is a file already: ${file}`);
  fileMemory(file).write(factoryState(uid));
}

/** The state in a JSON file. `read` throws when the file is missing or is no card: the person running the simulator named the wrong one. */
export function fileMemory(file: string): CardMemory {
  return {
    read: () => {
      const state = JSON.parse(readFileSync(file, 'utf8')) as Partial<CardState> | null;
      if (state?.simulated !== true || state.chip !== 'NTAG 424 DNA' || state.keys?.length !== 5) {
        throw new Error(`not the file of a SIMULATED NTAG 424 DNA: ${file}`);
      }
      return state as CardState;
    },
    write: (state) => {
      const draft = `${file}.${process.pid}.new`;
      const handle = openSync(draft, 'w', 0o600);
      try {
        writeSync(handle, `${JSON.stringify(state, undefined, 2)}\n`);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(draft, file);
    },
  };
}
