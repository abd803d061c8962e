import { answerOf, need, STATUS } from './answer.ts';
import { challenge, prove } from './authentication.ts';
import type { Powered } from './powered.ts';
import type { Command } from './command.ts';
import { changeFileSettings, getFileCounters, getFileSettings, readData, writeData } from './file-commands.ts';
import { changeKey, getKeyVersion, setConfiguration } from './key-commands.ts';

/** The chip's own commands, wrapped as 90 INS 00 00 Lc data 00 (NT4H2421Gx §10). */
export function native(chip: Powered, command: Command): Uint8Array {
  need(command.p1 === 0 && command.p2 === 0, STATUS.PARAMETER_ERROR);
  need(command.le !== undefined && (!command.hasData || command.le === 0), STATUS.LENGTH_ERROR);
  const run = COMMANDS[command.ins];
  need(run !== undefined, STATUS.ILLEGAL_COMMAND_CODE);
  return run(chip, command.data);
}

const COMMANDS: Readonly<Record<number, (chip: Powered, data: Uint8Array) => Uint8Array>> = {
  0x71: (chip, data) => authenticate(chip, data, true),
  0x77: (chip, data) => authenticate(chip, data, false),
  0xaf: additionalFrame,
  0x60: getVersion,
  0x51: getCardUid,
  0x64: getKeyVersion,
  0xc4: changeKey,
  0x5c: setConfiguration,
  0x5f: changeFileSettings,
  0xf5: getFileSettings,
  0xf6: getFileCounters,
  0xad: readData,
  0x8d: writeData,
};

function authenticate(chip: Powered, data: Uint8Array, isFirst: boolean): Uint8Array {
  // On the level above the application there are only the maker's own keys.
  need(chip.inApplication, STATUS.NO_SUCH_KEY);
  const asked = challenge(chip.state, data, { isFirst, hasSession: chip.session !== undefined, random: chip.random });
  chip.pending = { challenge: asked.challenge };
  return answerOf(asked.answer, STATUS.ADDITIONAL_FRAME);
}

function additionalFrame(chip: Powered, data: Uint8Array): Uint8Array {
  const { pending } = chip;
  need(pending !== undefined, STATUS.ILLEGAL_COMMAND_CODE);
  chip.pending = undefined;
  if ('version' in pending) return nextVersion(chip, pending.version, data);
  const proven = prove(chip.state, pending.challenge, data, { session: chip.session, random: chip.random });
  chip.session = proven.session;
  return answerOf(proven.answer, STATUS.OK);
}

const HARDWARE = Buffer.from('04040230001105', 'hex');
const SOFTWARE = Buffer.from('04040201021105', 'hex');
/** Batch, week and year of production. */
const PRODUCTION = Buffer.from('CE5349000A2E21', 'hex');

function getVersion(chip: Powered, data: Uint8Array): Uint8Array {
  if (chip.session) need(chip.session.checkMac(0x60, data).length === 0, STATUS.LENGTH_ERROR);
  else need(data.length === 0, STATUS.LENGTH_ERROR);
  chip.pending = { version: [HARDWARE] };
  return answerOf(HARDWARE, STATUS.ADDITIONAL_FRAME);
}

function nextVersion(chip: Powered, said: readonly Buffer[], data: Uint8Array): Uint8Array {
  need(data.length === 0, STATUS.LENGTH_ERROR);
  if (said.length === 1) {
    chip.pending = { version: [...said, SOFTWARE] };
    return answerOf(SOFTWARE, STATUS.ADDITIONAL_FRAME);
  }
  const uid = chip.state.randomUid ? Buffer.alloc(7) : Buffer.from(chip.state.uid, 'hex');
  const last = Buffer.concat([uid, PRODUCTION]);
  // The MAC comes with the last part, over all three.
  const whole = Buffer.concat([...said, last]);
  return answerOf(chip.session ? Buffer.concat([last, chip.session.sealMac(whole).subarray(-8)]) : last, STATUS.OK);
}

function getCardUid(chip: Powered, data: Uint8Array): Uint8Array {
  need(chip.session !== undefined, STATUS.AUTHENTICATION_ERROR);
  need(chip.session.checkMac(0x51, data).length === 0, STATUS.LENGTH_ERROR);
  return answerOf(chip.session.sealFull(Buffer.from(chip.state.uid, 'hex')), STATUS.OK);
}
