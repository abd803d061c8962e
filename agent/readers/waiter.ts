import type { ErrorCode } from '#protocol/errors.ts';
import type { CardSession, CardWish } from '../ports.ts';

/** Who waits for a card, and what was last said to them. */
export class Waiter {
  readonly signal: AbortSignal;
  readonly resolve: (session: CardSession | undefined) => void;
  /** Whether a card is taken by its UID alone. */
  readonly bareUid: boolean;
  /** Whether the field was looked at for them. */
  looked = false;
  private readonly onHint: (code: ErrorCode | undefined) => void;
  private last: ErrorCode | undefined;

  constructor(
    signal: AbortSignal,
    onHint: (code: ErrorCode | undefined) => void,
    resolve: (session: CardSession | undefined) => void,
    wish: CardWish,
  ) {
    this.signal = signal;
    this.onHint = onHint;
    this.resolve = resolve;
    this.bareUid = wish.bareUid === true;
  }

  hint(code: ErrorCode | undefined): void {
    if (code === this.last) return;
    this.last = code;
    this.onHint(code);
  }
}
