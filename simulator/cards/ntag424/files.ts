import { need, STATUS } from './answer.ts';
import type { CardState } from './memory.ts';
import { FREE, NEVER, readSettings, type Settings } from './settings.ts';

export type FileNo = '1' | '2' | '3';

/** ISO file id and short id of each file (NT4H2421Gx §8.2.3). */
const BY_ID: Readonly<Record<number, FileNo>> = { 0xe103: '1', 0xe104: '2', 0xe105: '3', 3: '1', 4: '2', 5: '3' };

export function fileById(id: number): FileNo | undefined {
  return BY_ID[id];
}

export function fileByNumber(number: number): FileNo {
  need(number >= 1 && number <= 3, STATUS.FILE_NOT_FOUND);
  return String(number) as FileNo;
}

export function dataOf(state: CardState, file: FileNo): Buffer {
  return Buffer.from(state.files[file].data, 'hex');
}

export function settingsOf(state: CardState, file: FileNo): Settings {
  return readSettings(Buffer.from(state.files[file].settings, 'hex'), state.files[file].data.length / 2);
}

/**
 * How an access that any of these conditions grants is carried (§8.2.3.3): with the file's mode when the session's key grants it, in plain
 * when it is free. Stops with PERMISSION_DENIED when nobody may, else with AUTHENTICATION_ERROR.
 */
export function grantedMode(settings: Settings, conditions: readonly number[], keyNo: number | undefined): number {
  if (keyNo !== undefined && conditions.includes(keyNo)) return settings.commMode;
  if (conditions.includes(FREE)) return 0;
  need(
    conditions.some((condition) => condition !== NEVER),
    STATUS.PERMISSION_DENIED,
  );
  need(false, STATUS.AUTHENTICATION_ERROR);
  return 0;
}

export function write(state: CardState, file: FileNo, at: number, bytes: Uint8Array): void {
  const data = dataOf(state, file);
  data.set(bytes, at);
  state.files[file].data = data.toString('hex').toUpperCase();
}
