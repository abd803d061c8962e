/**
 * How a counter's journal travels: every stored entry is hash-chained to the one before it with a gapless sequence, and one
 * signature over the head of a batch authenticates all of it. Entries are carried as the exact text that was stored.
 */
import { type Static, Type } from 'typebox';
import { concatBytes, u64, utf8 } from './bytes.ts';
import { sha256 } from './hash.ts';
import { type Id, idBytes, IdText } from './ids.ts';
import { LIMITS } from './limits.ts';

/** `previous` of a counter's first entry. */
export const CHAIN_START: Uint8Array = new Uint8Array(32);
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });
const Signature = Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' });

/** SHA-256 of the entry text's UTF-8 bytes: what every answer of the carrier is bound to. */
export function entryDigest(text: string): Uint8Array {
  return sha256(utf8(text));
}

const ENTRY_DOMAIN = utf8('handover-entry-v1\0');

/** The link of entry `seq` (1, 2, 3 …): SHA-256(domain ‖ counter ‖ previous link ‖ seq ‖ digest). */
export function entryLink(counterId: Id, previous: Uint8Array, seq: number, digest: Uint8Array): Uint8Array {
  return sha256(ENTRY_DOMAIN, idBytes(counterId), previous, u64(BigInt(seq)), digest);
}

/** Bytes the hub's key signs for the head of a batch. */
export function headSignedBytes(hubId: Id, counterId: Id, seq: number, link: Uint8Array): Uint8Array {
  return concatBytes(utf8('handover-head-v1\0'), idBytes(hubId), idBytes(counterId), u64(BigInt(seq)), link);
}

export const Batch = Type.Object(
  {
    v: Type.Literal(1),
    hubId: IdText,
    counterId: IdText,
    /** Sequence of the first entry here. */
    fromSeq: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }),
    /** Link of the entry before it, hex. */
    previous: Hash,
    entries: Type.Array(Type.String({ minLength: 2, maxLength: LIMITS.entry_bytes_max }), {
      minItems: 1,
      maxItems: LIMITS.batch_entries_max,
    }),
    /** Ed25519 over {@link headSignedBytes} of the last entry. */
    signature: Signature,
  },
  { additionalProperties: false },
);
export type Batch = Static<typeof Batch>;

/** Bytes a hub signs to enrol: shows that it holds the private key of the public one it sends. */
export function enrolProofBytes(code: string): Uint8Array {
  return concatBytes(utf8('handover-enrol-v1\0'), utf8(code));
}

/** A signed small message from a hub that is no journal entry (contact). `text` is JSON, signed as it stands. */
export const SignedText = Type.Object(
  { hubId: IdText, text: Type.String({ maxLength: 4_096 }), signature: Signature },
  { additionalProperties: false },
);
export type SignedText = Static<typeof SignedText>;

export function hubMessageBytes(hubId: Id, text: string): Uint8Array {
  return concatBytes(utf8('handover-hub-message-v1\0'), idBytes(hubId), utf8(text));
}

/** Bytes the carrier signs for a message to hubs (time, policy). */
export function carrierMessageBytes(text: string): Uint8Array {
  return concatBytes(utf8('handover-carrier-message-v1\0'), utf8(text));
}

export const CarrierSigned = Type.Object(
  { text: Type.String({ maxLength: 65_536 }), keyId: Type.String({ pattern: '^[0-9a-f]{16}$' }), signature: Signature },
  { additionalProperties: false },
);
export type CarrierSigned = Static<typeof CarrierSigned>;
