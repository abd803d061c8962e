import { answerOf, need, STATUS } from './answer.ts';
import type { Powered } from './powered.ts';
import { u24 } from './command.ts';
import { hex } from './crypto.ts';
import { dataOf, fileByNumber, grantedMode, settingsOf, write } from './files.ts';
import { piece, readOutside } from './reading.ts';
import { FREE, NEVER, readSettings } from './settings.ts';

/** ChangeFileSettings (5F): in full mode; in plain while the right to change is free. Switching SDM on sets the counter to 0. */
export function changeFileSettings(chip: Powered, data: Uint8Array): Uint8Array {
  const { session, state } = chip;
  need(chip.inApplication, STATUS.PERMISSION_DENIED);
  need(data.length >= 1, STATUS.LENGTH_ERROR);
  const file = fileByNumber(data[0]! & 0x1f);
  const { change } = settingsOf(state, file);
  need(change !== NEVER, STATUS.PERMISSION_DENIED);
  const isFull = session !== undefined && session.keyNo === change;
  need(isFull || change === FREE, STATUS.AUTHENTICATION_ERROR);
  if (session && !isFull) session.countPlain();
  const settings = isFull ? session.open(session.checkMac(0x5f, data), 1) : Buffer.from(data.subarray(1));
  const sdm = (settings[0] ?? 0) & 0x40;
  need(!sdm || file === '2', STATUS.PERMISSION_DENIED);
  const before = Buffer.from(state.files[file].settings, 'hex');
  readSettings(settings, dataOf(state, file).length, (before[0]! & 0x40) === 0 ? 0 : state.readCounter);
  state.files[file].settings = hex(settings);
  if (sdm) state.readCounter = 0;
  return answerOf(isFull ? session.sealFull(new Uint8Array()) : new Uint8Array(), STATUS.OK);
}

/** GetFileSettings (F5): anybody may ask; in a session with MACs. */
export function getFileSettings(chip: Powered, data: Uint8Array): Uint8Array {
  need(chip.inApplication, STATUS.PERMISSION_DENIED);
  const content = chip.session ? chip.session.checkMac(0xf5, data) : data;
  need(content.length === 1, STATUS.LENGTH_ERROR);
  const file = fileByNumber(content[0]! & 0x1f);
  const settings = Buffer.from(chip.state.files[file].settings, 'hex');
  const size = Buffer.alloc(3);
  size.writeUIntLE(dataOf(chip.state, file).length, 0, 3);
  const answer = Buffer.concat([Buffer.from([0x00]), settings.subarray(0, 3), size, settings.subarray(3)]);
  return answerOf(chip.session ? chip.session.sealMac(answer) : answer, STATUS.OK);
}

/** GetFileCounters (F6): SDMReadCtr, for whom SDMCtrRet allows it. */
export function getFileCounters(chip: Powered, data: Uint8Array): Uint8Array {
  const { session } = chip;
  need(chip.inApplication, STATUS.PERMISSION_DENIED);
  const content = session ? session.checkMac(0xf6, data) : data;
  need(content.length === 1, STATUS.LENGTH_ERROR);
  const { sdm } = settingsOf(chip.state, fileByNumber(content[0]! & 0x1f));
  need(sdm !== undefined && sdm.counterRead !== NEVER, STATUS.PERMISSION_DENIED);
  need(sdm.counterRead === FREE || session?.keyNo === sdm.counterRead, STATUS.AUTHENTICATION_ERROR);
  const answer = Buffer.alloc(5);
  answer.writeUIntLE(chip.state.readCounter, 0, 3);
  return answerOf(session ? session.sealFull(answer) : answer, STATUS.OK);
}

/** ReadData (AD). In a session the file as it is stored; outside, a tap. */
export function readData(chip: Powered, data: Uint8Array): Uint8Array {
  const { session, state } = chip;
  need(chip.inApplication, STATUS.PERMISSION_DENIED);
  need(data.length >= 1, STATUS.LENGTH_ERROR);
  const file = fileByNumber(data[0]! & 0x1f);
  const settings = settingsOf(state, file);
  const taps = !session && (settings.sdm?.fileRead ?? NEVER) !== NEVER;
  const mode = taps ? 0 : grantedMode(settings, [settings.read, settings.readWrite], session?.keyNo);
  if (session && mode === 0) session.countPlain();
  const content = session && mode !== 0 ? session.checkMac(0xad, data) : data;
  need(content.length === 7, STATUS.LENGTH_ERROR);
  const [at, length] = [u24(content, 1), u24(content, 4)];
  need(at + length <= dataOf(state, file).length, STATUS.BOUNDARY_ERROR);
  const kept = session
    ? dataOf(state, file)
    : readOutside(chip, { ins: 0xad, file, settings, overflow: STATUS.INTEGRITY_ERROR, limit: STATUS.PERMISSION_DENIED });
  const answer = piece(kept, at, length);
  if (mode === 3) return answerOf(session!.sealFull(answer), STATUS.OK);
  return answerOf(mode === 1 ? session!.sealMac(answer) : answer, STATUS.OK);
}

/** WriteData (8D), in the mode of the file. */
export function writeData(chip: Powered, data: Uint8Array): Uint8Array {
  const { session, state } = chip;
  need(chip.inApplication, STATUS.PERMISSION_DENIED);
  need(data.length >= 8, STATUS.LENGTH_ERROR);
  const file = fileByNumber(data[0]! & 0x1f);
  const settings = settingsOf(state, file);
  const mode = grantedMode(settings, [settings.write, settings.readWrite], session?.keyNo);
  if (session && mode === 0) session.countPlain();
  const content = session && mode !== 0 ? session.checkMac(0x8d, data) : Buffer.from(data);
  const bytes = session && mode === 3 ? session.open(content, 7) : content.subarray(7);
  const [at, length] = [u24(content, 1), u24(content, 4)];
  need(length > 0 && bytes.length === length, STATUS.LENGTH_ERROR);
  need(at + length <= dataOf(state, file).length, STATUS.BOUNDARY_ERROR);
  write(state, file, at, bytes);
  return answerOf(mode === 0 ? new Uint8Array() : session!.sealMac(new Uint8Array()), STATUS.OK);
}
