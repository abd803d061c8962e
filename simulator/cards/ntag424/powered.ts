import type { Challenge } from './authentication.ts';
import type { FileNo } from './files.ts';
import type { CardState } from './memory.ts';
import type { Tap } from './mirror.ts';
import type { ChipSession } from './session.ts';

/** What the chip knows while it has power. */
export interface Powered {
  readonly random: (count: number) => Uint8Array;
  /** What lasts; kept before the answer leaves. */
  state: CardState;
  /** Whether the application is selected, and not the chip as a whole. */
  inApplication: boolean;
  selected: FileNo | undefined;
  session: ChipSession | undefined;
  /** A command of several parts that is under way. */
  pending: { readonly challenge: Challenge } | { readonly version: readonly Buffer[] } | undefined;
  /** The tap that goes on while the same command reads the same file. */
  reading: { readonly ins: number; readonly file: FileNo; readonly tap: Tap } | undefined;
}
