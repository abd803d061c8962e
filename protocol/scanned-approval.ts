/** The carrier's approval as a text that the buyer's phone shows and the counter's scanner reads: it holds without a network. */
import type { KeyObject } from 'node:crypto';
import { approvedSignedBytes } from './approval.ts';
import { fromBase64Url } from './bytes.ts';
import { ok, refuse, type Result } from './errors.ts';
import { type Id, isId } from './ids.ts';
import type { ProofW } from './payment-request.ts';
import { verifyEd25519 } from './signing.ts';

export interface Approved {
  readonly requestId: Id;
  /** Until when the money is held, Unix milliseconds. */
  readonly expiresAt: number;
  readonly keyId: string;
  /** Ed25519 over `approvedSignedBytes`, base64url. */
  readonly signature: string;
}

const PREFIX = 'HO1';
const SHAPE = /^HO1\.([0-9a-f-]{36})\.([0-9]{13})\.([0-9a-f]{16})\.([A-Za-z0-9_-]{86})$/;

/** "HO1", request, expiry, key and signature, with dots between: 169 characters. */
export function scannedText({ requestId, expiresAt, keyId, signature }: Approved): string {
  return [PREFIX, requestId, expiresAt, keyId, signature].join('.');
}

/** Whether a text is meant to be one, so that its mistakes can be told from those of typed digits. */
export function looksScanned(text: string): boolean {
  return text.startsWith(`${PREFIX}.`);
}

/** Undefined for anything but exactly one approval. The signature is not checked here. */
export function readScanned(text: string): Approved | undefined {
  const [, requestId, expiresAt, keyId, signature] = SHAPE.exec(text) ?? [];
  if (!requestId || !isId(requestId)) return undefined;
  return { requestId, expiresAt: Number(expiresAt), keyId: keyId!, signature: signature! };
}

/**
 * Checks the carrier's word that these terms were approved, as a proof to be kept. `nowMs`: Unix milliseconds of the hub. Refusals:
 * CARRIER_KEY_UNKNOWN, PROOF_INVALID, HOLD_EXPIRED.
 */
export function checkApproved(
  approved: Approved,
  termsText: string,
  carrierKey: (keyId: string) => KeyObject | undefined,
  nowMs: number,
): Result<ProofW> {
  const { requestId, expiresAt, keyId, signature } = approved;
  const key = carrierKey(keyId);
  if (!key) return refuse('CARRIER_KEY_UNKNOWN', keyId);
  const raw = fromBase64Url(signature);
  if (!raw || !verifyEd25519(key, approvedSignedBytes(requestId, termsText, expiresAt), raw)) return refuse('PROOF_INVALID', 'approval');
  return nowMs < expiresAt ? ok({ class: 'W', keyId, expiresAt, signature }) : refuse('HOLD_EXPIRED');
}
