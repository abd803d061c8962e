import type { Board } from '#protocol/bridge.ts';

/** What digits typed on the tap board are: the code that the buyer's phone shows, or the buyer's PIN. */
export type TypedKind = 'code' | 'pin';

const DIGITS: Readonly<Record<TypedKind, { readonly min: number; readonly max: number }>> = {
  code: { min: 8, max: 8 },
  pin: { min: 4, max: 12 },
};
/** The carrier's approval, as a scanner types it from the buyer's phone. */
const SCANNED = /^HO1\.[0-9A-Za-z._-]{100,390}$/;

/** Undefined when digits mean nothing now. */
export function typedKind(board: Board): TypedKind | undefined {
  if (board.state !== 'tap') return undefined;
  if (board.pin) return 'pin';
  return board.phone?.digits ? 'code' : undefined;
}

export function addTyped(typed: string, digits: string, kind: TypedKind): string {
  return (typed + digits).slice(0, DIGITS[kind].max);
}

export function isComplete(typed: string, kind: TypedKind): boolean {
  return typed.length >= DIGITS[kind].min;
}

export function isScannedApproval(text: string): boolean {
  return SCANNED.test(text);
}

/** In two groups, with a dot for each digit that is missing; a PIN is never shown. */
export function typedText(typed: string, kind: TypedKind): string {
  if (kind === 'pin') return '•'.repeat(typed.length);
  const places = typed.padEnd(8, '·');
  return `${places.slice(0, 4)} ${places.slice(4)}`;
}
