import { answerOf, need, STATUS } from './answer.ts';
import { keyBytes } from './authentication.ts';
import type { Powered } from './powered.ts';
import { crc32, hex } from './crypto.ts';

/** ChangeKey (C4). Key 0 has to be the session's; changing it ends the session, and the answer has no MAC. */
export function changeKey(chip: Powered, data: Uint8Array): Uint8Array {
  const { session, state } = chip;
  need(session?.keyNo === 0, STATUS.AUTHENTICATION_ERROR);
  const content = session.checkMac(0xc4, data);
  need(content.length > 1, STATUS.LENGTH_ERROR);
  const keyNo = content[0]!;
  need(keyNo <= 4, STATUS.NO_SUCH_KEY);
  const change = session.open(content, 1);
  need(change.length === (keyNo === 0 ? 17 : 21), STATUS.LENGTH_ERROR);
  const old = keyBytes(state.keys[keyNo]!);
  const key = keyNo === 0 ? change.subarray(0, 16) : Buffer.from(change.subarray(0, 16).map((byte, at) => byte ^ old[at]!));
  need(keyNo === 0 || crc32(key).equals(change.subarray(17)), STATUS.INTEGRITY_ERROR);
  state.keys[keyNo] = { key: hex(key), version: change[16]!, failed: 0, inARow: 0, waited: 0 };
  if (keyNo !== 0) return answerOf(session.sealFull(new Uint8Array()), STATUS.OK);
  chip.session = undefined;
  return answerOf(new Uint8Array(), STATUS.OK);
}

/** GetKeyVersion (64): anybody may ask; in a session with MACs. */
export function getKeyVersion(chip: Powered, data: Uint8Array): Uint8Array {
  const content = chip.session ? chip.session.checkMac(0x64, data) : data;
  need(content.length === 1, STATUS.LENGTH_ERROR);
  need(chip.inApplication && content[0]! <= 4, STATUS.NO_SUCH_KEY);
  const version = new Uint8Array([chip.state.keys[content[0]!]!.version]);
  return answerOf(chip.session ? chip.session.sealMac(version) : version, STATUS.OK);
}

/** SetConfiguration (5C). Option 05, which would switch to LRP for ever, is not emulated. */
export function setConfiguration(chip: Powered, data: Uint8Array): Uint8Array {
  const { session, state } = chip;
  need(session?.keyNo === 0, STATUS.AUTHENTICATION_ERROR);
  const content = session.checkMac(0x5c, data);
  need(content.length > 1, STATUS.LENGTH_ERROR);
  const values = session.open(content, 1);
  const lengths: Readonly<Record<number, number>> = { 0x00: 1, 0x04: 2, 0x0a: 5, 0x0b: 1 };
  const wanted = lengths[content[0]!];
  need(wanted !== undefined, STATUS.PARAMETER_ERROR);
  need(values.length === wanted, STATUS.LENGTH_ERROR);
  if (content[0] === 0x00) {
    need((values[0]! & 0xfd) === 0, STATUS.PARAMETER_ERROR);
    if (values[0] === 0x02) state.randomUid = true;
  }
  if (content[0] === 0x0a) {
    const counted = (values[0]! & 1) !== 0;
    need(!counted || values.readUInt16LE(1) > 0, STATUS.PARAMETER_ERROR);
    state.failures = counted
      ? { counted, limit: values.readUInt16LE(1), decrement: values.readUInt16LE(3) }
      : { ...state.failures, counted };
  }
  return answerOf(session.sealFull(new Uint8Array()), STATUS.OK);
}
