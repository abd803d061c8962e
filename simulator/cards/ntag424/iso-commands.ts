import { answerOf, need, STATUS } from './answer.ts';
import type { Powered } from './powered.ts';
import type { Command } from './command.ts';
import { dataOf, fileById, type FileNo, settingsOf, write } from './files.ts';
import { readOutside } from './reading.ts';
import { FREE, NEVER } from './settings.ts';

/** The commands of ISO 7816-4 that the chip knows (NT4H2421Gx §10.9), always in plain. */
export function iso(chip: Powered, command: Command): Uint8Array {
  switch (command.ins) {
    case 0xa4:
      return select(chip, command);
    case 0xb0:
      return readBinary(chip, command);
    case 0xd6:
      return updateBinary(chip, command);
    default:
      return answerOf(new Uint8Array(), STATUS.ISO_UNKNOWN_INSTRUCTION);
  }
}

const NAMES: Readonly<Record<string, boolean>> = { d2760000850101: true, d2760000850100: false };

function select(chip: Powered, { p1, p2, data }: Command): Uint8Array {
  need([0x00, 0x01, 0x02, 0x03, 0x04].includes(p1) && (p2 === 0x00 || p2 === 0x0c), STATUS.ISO_WRONG_P1P2);
  chip.reading = undefined;
  if (p1 === 0x04) {
    const inApplication = NAMES[Buffer.from(data).toString('hex')];
    need(inApplication !== undefined, STATUS.ISO_NOT_FOUND);
    return enter(chip, inApplication);
  }
  if ((p1 === 0x00 || p1 === 0x03) && data.length === 0) return enter(chip, false);
  need(data.length === 2, STATUS.ISO_LC_INCONSISTENT);
  const id = data[0]! * 256 + data[1]!;
  if (p1 === 0x00 && id === 0x3f00) return enter(chip, false);
  if (p1 !== 0x02 && id === 0xe110) return enter(chip, true);
  const file = id > 0xff ? fileById(id) : undefined;
  need(file !== undefined && chip.inApplication, STATUS.ISO_NOT_FOUND);
  chip.selected = file;
  return answerOf(new Uint8Array(), STATUS.ISO_OK);
}

/** Another level ends the session. */
function enter(chip: Powered, inApplication: boolean): Uint8Array {
  chip.inApplication = inApplication;
  chip.selected = undefined;
  chip.session = undefined;
  return answerOf(new Uint8Array(), STATUS.ISO_OK);
}

/** The file that P1 names or that is selected, and the offset. */
function place(chip: Powered, { p1, p2 }: Command): { readonly file: FileNo; readonly at: number } {
  const isShort = (p1 & 0x80) !== 0;
  need(!isShort || (p1 & 0x60) === 0, STATUS.ISO_WRONG_P1P2);
  if (isShort && (p1 & 0x1f) !== 0) {
    const file = fileById(p1 & 0x1f);
    need(file !== undefined && chip.inApplication, STATUS.ISO_NOT_FOUND);
    chip.selected = file;
  }
  need(chip.selected !== undefined, STATUS.ISO_CONDITIONS);
  return { file: chip.selected, at: isShort ? p2 : p1 * 256 + p2 };
}

function readBinary(chip: Powered, command: Command): Uint8Array {
  need(!command.hasData && command.le !== undefined, STATUS.ISO_WRONG_LENGTH);
  const { file, at } = place(chip, command);
  need(chip.session === undefined, STATUS.ISO_SECURITY);
  const settings = settingsOf(chip.state, file);
  const isFree = [settings.read, settings.readWrite].includes(FREE) || (settings.sdm?.fileRead ?? NEVER) !== NEVER;
  need(isFree, STATUS.ISO_SECURITY);
  need(at < dataOf(chip.state, file).length, STATUS.ISO_WRONG_P1P2);
  const data = readOutside(chip, { ins: 0xb0, file, settings, overflow: STATUS.ISO_SECURITY, limit: STATUS.ISO_SECURITY });
  return answerOf(data.subarray(at, at + (command.le === 0 ? 256 : command.le)), STATUS.ISO_OK);
}

function updateBinary(chip: Powered, command: Command): Uint8Array {
  need(command.hasData, STATUS.ISO_WRONG_LENGTH);
  const { file, at } = place(chip, command);
  const settings = settingsOf(chip.state, file);
  need(chip.session === undefined && [settings.write, settings.readWrite].includes(FREE), STATUS.ISO_SECURITY);
  need(at + command.data.length <= dataOf(chip.state, file).length, STATUS.ISO_LC_INCONSISTENT);
  write(chip.state, file, at, command.data);
  return answerOf(new Uint8Array(), STATUS.ISO_OK);
}
