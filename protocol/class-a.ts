import type { KeyObject } from 'node:crypto';
import { decodePass, encodeTapTerms, type OfflinePass, passSignedBytes, type TapTerms, tapSignedBytes } from './applet.ts';
import { fromBase64Url, sameBytes } from './bytes.ts';
import { ok, refuse, type Result } from './errors.ts';
import type { ProofA } from './payment-request.ts';
import { p256FromCompressed, verifyEd25519, verifyP256 } from './signing.ts';

/** Carrier keys by id. */
export type CarrierKeys = (keyId: string) => KeyObject | undefined;

/** A pass that the carrier signed. Whether it is in force, and whose device is behind it, is said elsewhere. */
export interface GenuinePass {
  readonly pass: OfflinePass;
  readonly device: KeyObject;
}

/** What the device behind a pass must have signed. */
export interface TapClaim {
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads a pass (base64url) and checks the carrier's signature on it. Its answer stays true for as long as the carrier's key does. Refusal: PROOF_INVALID. */
export function openPass(text: string, carrierKey: CarrierKeys): Result<GenuinePass> {
  const bytes = fromBase64Url(text);
  const pass = bytes && decodePass(bytes);
  if (!pass) return refuse('PROOF_INVALID', 'shape');
  const issuer = carrierKey(pass.keyId);
  if (!issuer) return refuse('PROOF_INVALID', 'unknown carrier key');
  if (!verifyEd25519(issuer, passSignedBytes(pass), pass.signature)) return refuse('PROOF_INVALID', 'pass');
  const device = p256FromCompressed(pass.deviceKey);
  return device ? ok({ pass, device }) : refuse('PROOF_INVALID', 'device key');
}

/** Checks everything about a tap but the device's signature, and says what that has to cover. Refusals: PROOF_INVALID, PROOF_MISMATCH, PASS_EXPIRED. */
export function claimOfTap(proof: ProofA, pass: OfflinePass, terms: TapTerms, atMs: number): Result<TapClaim> {
  const [deviceNonce, hubNonce, signature] = [proof.deviceNonce, proof.hubNonce, proof.signature].map(fromBase64Url);
  if (!deviceNonce || !hubNonce || !signature) return refuse('PROOF_INVALID', 'shape');
  if (!sameBytes(hubNonce, terms.hubNonce) || proof.atMs !== terms.atMs) return refuse('PROOF_MISMATCH', 'nonce');
  if (atMs < pass.notBeforeMs || atMs >= pass.expiresMs) return refuse('PASS_EXPIRED');
  if (pass.currency !== terms.currency) return refuse('PROOF_MISMATCH', 'currency');
  return ok({ message: tapSignedBytes(deviceNonce, encodeTapTerms(terms), proof.counter), signature });
}

/**
 * Checks a class A proof against what was asked: the carrier made the pass, the pass was valid at `atMs`, and the device behind
 * it signed exactly this amount, currency, hub, nonce and digest. The hub (offline) runs this; the carrier runs the same two parts,
 * remembers passes, and verifies in the pool. Refusals: PROOF_INVALID, PROOF_MISMATCH, PASS_EXPIRED.
 */
export function checkProofA(proof: ProofA, terms: TapTerms, carrierKey: CarrierKeys, atMs: number): Result<OfflinePass> {
  const genuine = openPass(proof.pass, carrierKey);
  if (!genuine.ok) return genuine;
  const { pass, device } = genuine.value;
  const claim = claimOfTap(proof, pass, terms, atMs);
  if (!claim.ok) return claim;
  return verifyP256(device, claim.value.message, claim.value.signature) ? ok(pass) : refuse('PROOF_INVALID', 'signature');
}
