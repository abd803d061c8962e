import { sameBytes } from '#protocol/bytes.ts';
import { LIMITS } from '#protocol/limits.ts';

/**
 * Remembers the card that was read last, so that resting on the reader it is not read again. It counts as a new tap only after the
 * field was without it for LIMITS.retap_ms. A phone takes a new random id (08 xx xx xx) each time, so any phone may be the same one.
 */
export class Retap {
  private uid: Uint8Array | undefined;
  private absentSinceMs: number | undefined;

  /** This card was read to the end and may rest. */
  rest(uid: Uint8Array): void {
    this.uid = uid;
    this.absentSinceMs = undefined;
  }

  /** Tells what one look at the field found. `nowMs` is monotonic. */
  look(uids: readonly Uint8Array[], nowMs: number): void {
    if (!this.uid) return;
    if (this.absentSinceMs !== undefined && nowMs - this.absentSinceMs >= LIMITS.retap_ms) this.uid = undefined;
    else if (uids.some((uid) => this.maybeSame(uid))) this.absentSinceMs = undefined;
    else this.absentSinceMs ??= nowMs;
  }

  /** Whether this card is a new tap, after look() was told of it. */
  isNew(uid: Uint8Array): boolean {
    return !this.maybeSame(uid);
  }

  /** Whether the card read last has not been missed yet: somebody should look. */
  get watching(): boolean {
    return this.uid !== undefined && this.absentSinceMs === undefined;
  }

  private maybeSame(uid: Uint8Array): boolean {
    return this.uid !== undefined && (sameBytes(this.uid, uid) || (isRandom(this.uid) && isRandom(uid)));
  }
}

function isRandom(uid: Uint8Array): boolean {
  return uid.length === 4 && uid[0] === 0x08;
}
