/**
 * A counter's request as the text in a payment link, and back. Apart from the signature and the digests, so that the page on the buyer's
 * own phone reads a link with these very lines: there is no `node:crypto` there.
 */
import { concatBytes, fromBase64Url, toBase64Url, u64, utf8 } from './bytes.ts';
import { type Id, idBytes, idFromBytes } from './ids.ts';
import { formatAmount, isCurrency, type Minor, MONEY_MAX, parseAmount } from './money.ts';
import type { PaymentTerms } from './payment-request.ts';

const VERSION = 1;
/** version 1, request 16, hub 16, counter 16, seller 16, amount 8, currency 3, askedAt 6, length of the parcel's name 1. */
const FIXED_BYTES = 83;
const SIGNATURE_BYTES = 64;
const PARCEL_BYTES_MAX = 255;

export interface CarriedRequest {
  readonly terms: PaymentTerms;
  /** Byte for byte as the hub stored it. */
  readonly termsText: string;
  readonly signature: Uint8Array;
}

/** base64url, no padding. Undefined when the text is not terms in the one spelling that a reader of the link can write again. */
export function encodeLink(termsText: string, signature: Uint8Array): string | undefined {
  const terms = JSON.parse(termsText) as PaymentTerms;
  const parcel = utf8(terms.parcel ?? '');
  const amount = parseAmount(terms.amount, terms.currency);
  if (amount === undefined || parcel.length > PARCEL_BYTES_MAX || spell(terms) !== termsText) return undefined;
  const ids = [terms.requestId, terms.hubId, terms.counterId, terms.sellerId].map((id) => idBytes(id as Id));
  const rest = [u64(amount), utf8(terms.currency), u64(BigInt(terms.askedAt)).subarray(2), new Uint8Array([parcel.length]), parcel];
  return toBase64Url(concatBytes(new Uint8Array([VERSION]), ...ids, ...rest, signature));
}

/** Reads a link's fragment. Undefined unless it is exactly one well-formed request. The signature is not checked here. */
export function decodeLink(text: string): CarriedRequest | undefined {
  const bytes = fromBase64Url(text);
  if (!bytes || bytes.length < FIXED_BYTES + SIGNATURE_BYTES || bytes[0] !== VERSION) return undefined;
  const parcelLength = bytes[FIXED_BYTES - 1]!;
  if (bytes.length !== FIXED_BYTES + parcelLength + SIGNATURE_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const id = (place: number): Id => idFromBytes(bytes.subarray(1 + 16 * place, 17 + 16 * place));
  const amount = view.getBigUint64(65);
  const currency = String.fromCharCode(...bytes.subarray(73, 76));
  const parcel = readUtf8(bytes.subarray(FIXED_BYTES, FIXED_BYTES + parcelLength));
  if (!isCurrency(currency) || amount > MONEY_MAX || parcel === undefined) return undefined;
  const terms: PaymentTerms = {
    v: 1,
    requestId: id(0),
    hubId: id(1),
    counterId: id(2),
    sellerId: id(3),
    amount: formatAmount(amount as Minor, currency),
    currency,
    askedAt: view.getUint16(76) * 2 ** 32 + view.getUint32(78),
    ...(parcelLength === 0 ? {} : { parcel }),
  };
  return { terms, termsText: spell(terms), signature: bytes.slice(FIXED_BYTES + parcelLength) };
}

/** The SHA-256 of these bytes is what a passkey signs to approve terms; `termsDigest`: SHA-256 of their text. See `approvalChallenge`. */
export function challengeBytes(termsDigest: Uint8Array): Uint8Array {
  return concatBytes(utf8('handover-approve-v1\0'), termsDigest);
}

/** The one order of the fields: the hub writes its terms so, and the digest is over this text. */
function spell({ v, requestId, hubId, counterId, sellerId, amount, currency, askedAt, parcel }: PaymentTerms): string {
  const named = { v, requestId, hubId, counterId, sellerId, amount, currency, askedAt };
  return JSON.stringify(parcel === undefined ? named : { ...named, parcel });
}

function readUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // untrusted bytes
  }
}
