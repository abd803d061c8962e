import { fromHex, utf8 } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';

/** Names of the query parameters in a card's link. The names are ours to choose; what stands in them is the card's. */
export interface SunLayout {
  /** Encrypted PICC data: UID and counter, for the carrier only. */
  readonly picc: string;
  /** UID and counter in clear, for cards that mirror them so. */
  readonly uid: string;
  readonly counter: string;
  /** Encrypted file data. */
  readonly file: string;
  readonly mac: string;
}

/** What `handover card personalise` writes. */
export const SUN_LAYOUT: SunLayout = { picc: 'p', uid: 'u', counter: 'n', file: 'e', mac: 'm' };

/** Who tapped, as the card said it: encrypted, or in clear (7 bytes; 0 … 2^24 − 1). */
export type SunIdentity = { readonly picc: Uint8Array } | { readonly uid: Uint8Array; readonly counter: number };

/** One message of a card, taken apart and not checked. */
export interface SunFields {
  readonly identity: SunIdentity;
  /** Encrypted file data, whole AES blocks. */
  readonly file?: Uint8Array;
  /** SDMMAC, 8 bytes. */
  readonly mac: Uint8Array;
  /** What the MAC covers besides UID and counter: ASCII as it stood in the link. */
  readonly macInput: Uint8Array;
}

/** Longest message that is looked at; the same as in protocol/payment-request.ts. */
const MESSAGE_CHARACTERS_MAX = 512;
const BLOCKS = /^(?:[0-9A-F]{32})+$/;

/**
 * Takes the query of a card's link apart (NT4H2421Gx §9.3, AN12196 §3.4): encrypted PICC data or plain UID and counter, the MAC, and
 * encrypted file data if there is any, from whose beginning the MAC then covers the link up to itself. Parameters of other names are
 * somebody else's and are passed over; one of ours twice, in small letters or of another length is refused: one tap has one spelling.
 * Refusal: PROOF_INVALID.
 */
export function readSun(query: string, layout: SunLayout = SUN_LAYOUT): Result<SunFields> {
  if (query.length > MESSAGE_CHARACTERS_MAX || !/^[\x21-\x7e]*$/.test(query)) return bad('shape');
  const found = parameters(query, Object.values({ ...layout }));
  if (!found) return bad('a parameter twice');
  const mac = found.get(layout.mac);
  if (!mac || !/^[0-9A-F]{16}$/.test(mac.value)) return bad('mac');
  const identity = readIdentity(found, layout);
  if (!identity.ok) return identity;
  const file = found.get(layout.file);
  if (!file) return ok({ identity: identity.value, mac: fromHex(mac.value), macInput: new Uint8Array() });
  if (!BLOCKS.test(file.value) || file.at > mac.at) return bad('file data');
  return ok({
    identity: identity.value,
    file: fromHex(file.value),
    mac: fromHex(mac.value),
    macInput: utf8(query.slice(file.at, mac.at)),
  });
}

interface Parameter {
  readonly value: string;
  /** Where the value begins in the query. */
  readonly at: number;
}

/** Our parameters by name; undefined when one is there twice. */
function parameters(query: string, ours: readonly string[]): Map<string, Parameter> | undefined {
  const found = new Map<string, Parameter>();
  let at = 0;
  for (const piece of query.split('&')) {
    const equals = piece.indexOf('=');
    const name = piece.slice(0, equals);
    if (equals > 0 && ours.includes(name)) {
      if (found.has(name)) return undefined;
      found.set(name, { value: piece.slice(equals + 1), at: at + equals + 1 });
    }
    at += piece.length + 1;
  }
  return found;
}

function readIdentity(found: ReadonlyMap<string, Parameter>, layout: SunLayout): Result<SunIdentity> {
  const [picc, uid, counter] = [layout.picc, layout.uid, layout.counter].map((name) => found.get(name)?.value);
  if (picc !== undefined) {
    // 48 bytes of hex would be LRP mode, which cards of ours are not in.
    if (uid !== undefined || counter !== undefined || !/^[0-9A-F]{32}$/.test(picc)) return bad('picc data');
    return ok({ picc: fromHex(picc) });
  }
  if (!uid || !counter || !/^[0-9A-F]{14}$/.test(uid) || !/^[0-9A-F]{6}$/.test(counter)) return bad('uid or counter');
  return ok({ uid: fromHex(uid), counter: Number.parseInt(counter, 16) });
}

const bad = (detail: string) => refuse('PROOF_INVALID', detail);
