/**
 * A barcode scanner wired as a keyboard "types" its code much faster than a person and ends with Enter. Without this, the digits of a
 * parcel code would be read as an amount, and its Enter would ask for it.
 */
export interface Burst {
  readonly text: string;
  readonly lastAt: number;
  /** The keyed amount before the burst, put back when it turns out to be a scan. */
  readonly keyedBefore: string;
}

const GAP_MS_MAX = 35;
/** One more than any amount within the payment limit has digits. A shorter burst is a scan only if it has a letter. */
const DIGITS_MIN = 8;

export const NO_BURST: Burst = { text: '', lastAt: -Infinity, keyedBefore: '' };

export function addToBurst(burst: Burst, char: string, at: number, keyed: string): Burst {
  return at - burst.lastAt > GAP_MS_MAX
    ? { text: char, lastAt: at, keyedBefore: keyed }
    : { text: burst.text + char, lastAt: at, keyedBefore: burst.keyedBefore };
}

/** Whatever a scan typed when Enter at `at` ends it, else undefined. */
export function scannedText(burst: Burst, at: number): string | undefined {
  return at - burst.lastAt <= GAP_MS_MAX ? burst.text.trim() : undefined;
}

/** The scanned code when Enter at `at` ends a scan, else undefined. */
export function scannedCode(burst: Burst, at: number): string | undefined {
  const text = scannedText(burst, at);
  if (text === undefined || text.length > 64) return undefined;
  return text.length >= DIGITS_MIN || (text.length >= 4 && /[A-Za-z]/.test(text)) ? text : undefined;
}
