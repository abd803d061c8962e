import type { ErrorCode } from '#protocol/errors.ts';

/** What was being done when the library threw. */
export type Doing = 'establish' | 'connect' | 'other';

/**
 * The row of the error table for what the library throws. It throws plain Errors with English texts and no code (smartcard 3.7,
 * src/pcsc_errors.h); a text that is not known means a reader that cannot be used.
 */
export function failureCode(text: string, doing: Doing): ErrorCode {
  if (doing !== 'other' && TURNED_AWAY.includes(text)) return 'READER_FORBIDDEN';
  return CODES.get(text) ?? 'READER_SILENT';
}

/** A newer service says that it refuses us by SCARD_W_SECURITY_VIOLATION, for which the library has no text; an older one hangs up. */
const TURNED_AWAY: readonly string[] = ['Communication error', 'Unknown PC/SC error'];

const CODES: ReadonlyMap<string, ErrorCode> = new Map(
  Object.entries({
    'PC/SC service not running': 'READER_SERVICE_STOPPED',
    'PC/SC service stopped': 'READER_SERVICE_STOPPED',
    // The service went away in the middle, or came back and knows nothing of us. Errors of the reader itself have other texts.
    'Communication error': 'READER_SERVICE_STOPPED',
    'Invalid handle': 'READER_SERVICE_STOPPED',
    'Context is not valid': 'READER_SERVICE_STOPPED',
    'No readers available': 'READER_UNPLUGGED',
    'Unknown reader': 'READER_UNPLUGGED',
    'Reader unavailable': 'READER_UNPLUGGED',
    'Reader not ready': 'READER_UNPLUGGED',
    // Another program holds it: to this user it is as forbidden as without the right.
    'Sharing violation': 'READER_FORBIDDEN',
    'No smart card present': 'CARD_REMOVED',
    'Card was removed': 'CARD_REMOVED',
    'Card is not connected': 'CARD_REMOVED',
    // Selected anew by somebody else, or without power: what was said to it is forgotten.
    'Card was reset': 'CARD_REMOVED',
    'Card is unpowered': 'CARD_REMOVED',
    // The air between reader and card.
    'Transaction failed': 'CARD_REMOVED',
    'Card is unresponsive': 'CARD_UNSUPPORTED',
    'Card is not supported': 'CARD_UNSUPPORTED',
    'Unknown card type': 'CARD_UNSUPPORTED',
    'Invalid ATR': 'CARD_UNSUPPORTED',
    'Protocol mismatch': 'CARD_UNSUPPORTED',
    // Longer than any short APDU may be.
    'Insufficient buffer': 'READER_GARBLED',
  } as const),
);
