import { need, STATUS } from './answer.ts';
import { keyBytes } from './authentication.ts';
import type { Powered } from './powered.ts';
import { dataOf, type FileNo } from './files.ts';
import { mirrored } from './mirror.ts';
import type { Settings } from './settings.ts';

const COUNTER_MAX = 0xff_ffff;

/**
 * The file as somebody outside a session reads it. The first read of its kind is a tap: the counter goes up and the padding is drawn; what
 * follows at once, with the same command on the same file, belongs to it (NT4H2421Gx §9.3.1). `overflow`, `limit`: statuses when the
 * counter is at its end.
 */
export function readOutside(
  chip: Powered,
  { ins, file, settings, overflow, limit }: { ins: number; file: FileNo; settings: Settings; overflow: number; limit: number },
): Buffer {
  const data = dataOf(chip.state, file);
  const { sdm } = settings;
  if (!sdm) return data;
  if (chip.reading?.ins !== ins || chip.reading.file !== file) {
    if (sdm.counter) {
      need(chip.state.readCounter < COUNTER_MAX, overflow);
      need(sdm.counterLimit === undefined || chip.state.readCounter < sdm.counterLimit, limit);
      chip.state.readCounter++;
    }
    const tap = { uid: Buffer.from(chip.state.uid, 'hex'), counter: chip.state.readCounter, padding: chip.random(15) };
    chip.reading = { ins, file, tap };
  }
  return mirrored(data, sdm, chip.reading.tap, (keyNo) => keyBytes(chip.state.keys[keyNo]!));
}

/** ReadData's length 0, and Le 0: all there is, but no more than a short answer holds. */
export function piece(data: Buffer, at: number, length: number): Buffer {
  need(at < data.length, STATUS.BOUNDARY_ERROR);
  return data.subarray(at, Math.min(data.length, at + (length === 0 ? 256 : length)));
}
