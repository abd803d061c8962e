/** Passkeys of buyers: registered with a one-time code, and asked for when money is to move. The library checks WebAuthn itself. */
import {
  type AuthenticationResponseJSON,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { fromBase64Url, toBase64Url, utf8 } from '#protocol/bytes.ts';
import { refusalIn } from '#protocol/credential.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { sha256 } from '#protocol/hash.ts';
import { type Id, makeId } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { PasskeyAnswer, PasskeyBody, WalletCodeAnswer } from '#protocol/wallet-routes.ts';
import type { Clock, Random } from '../../ports.ts';
import type { Registry } from '../../store/registry.ts';
import { codeHash, codeText } from '../one-time-code.ts';

export interface RelyingParty {
  /** Domain of the wallet page. */
  readonly rpId: string;
  /** Its origin, scheme and port included. */
  readonly origin: string;
}

export interface PasskeyParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly party: () => RelyingParty;
}

/** Refusal: NOT_FOUND. */
export async function makeWalletCode({ registry, clock, random }: PasskeyParts, buyer: Id): Promise<Result<WalletCodeAnswer>> {
  const found = await registry.selectFrom('buyer').select('id').where('id', '=', buyer).executeTakeFirst();
  if (!found) return refuse('NOT_FOUND', buyer);
  const code = codeText(random.bytes(10));
  const expiresAt = clock.now() + LIMITS.wallet_code_ms;
  await registry
    .insertInto('wallet_code')
    .values({ hash: codeHash(code), buyer, expires_at: expiresAt, used_at: null })
    .execute();
  return ok({ code, expiresAt });
}

/** What the browser needs to make a passkey. Refusal: ENROL_CODE_REFUSED. */
export async function passkeyOptions(parts: PasskeyParts, code: string): Promise<Result<{ options: Record<string, unknown> }>> {
  const buyer = await buyerOf(parts, code);
  if (!buyer) return refuse('ENROL_CODE_REFUSED');
  const options = await generateRegistrationOptions({
    rpName: 'Handover',
    rpID: parts.party().rpId,
    userName: buyer.name,
    userID: Uint8Array.from(utf8(buyer.id)),
    challenge: registrationChallenge(code),
    attestationType: 'none',
    authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
  });
  return ok({ options: { ...options } });
}

/** Registers the passkey as a credential of class W and uses the code up, both or neither. Refusals: ENROL_CODE_REFUSED, PROOF_INVALID. */
export async function registerPasskey(parts: PasskeyParts, { code, response }: PasskeyBody): Promise<Result<PasskeyAnswer>> {
  const buyer = await buyerOf(parts, code);
  if (!buyer) return refuse('ENROL_CODE_REFUSED');
  const made = await verifyRegistration(parts, code, response as unknown as RegistrationResponseJSON);
  if (!made) return refuse('PROOF_INVALID', 'passkey');
  const now = parts.clock.now();
  const credential = makeId(now, parts.random.bytes(10));
  return parts.registry.transaction().execute(async (registry): Promise<Result<PasskeyAnswer>> => {
    const used = await registry
      .updateTable('wallet_code')
      .set({ used_at: now })
      .where('hash', '=', codeHash(code))
      .where('used_at', 'is', null)
      .executeTakeFirst();
    if (used.numUpdatedRows !== 1n) return refuse('ENROL_CODE_REFUSED');
    const row = { id: credential, buyer: buyer.id, class: 'W', name: 'Passkey', currency: buyer.currency, state: 'ACTIVE' } as const;
    await registry
      .insertInto('credential')
      .values({ ...row, home_key: null, created_at: now, changed_at: now, replaced_by: null })
      .execute();
    const key = { id: made.id, public_key: toBase64Url(made.publicKey), sign_count: made.counter };
    await registry
      .insertInto('passkey')
      .values({ ...key, credential })
      .execute();
    return ok({ credentialId: credential });
  });
}

/**
 * Whose passkey signed this challenge, with the person verified. A sign count that does not rise is a copied key and refused.
 * Refusals: CREDENTIAL_UNKNOWN and those of its state, PROOF_INVALID.
 */
export async function signedBy(
  parts: PasskeyParts,
  challenge: Uint8Array,
  response: AuthenticationResponseJSON,
): Promise<Result<{ readonly buyer: Id }>> {
  const row = await parts.registry
    .selectFrom('passkey')
    .innerJoin('credential', 'credential.id', 'passkey.credential')
    .select(['passkey.id', 'passkey.public_key', 'passkey.sign_count', 'credential.state', 'credential.buyer'])
    .where('passkey.id', '=', response.id)
    .executeTakeFirst();
  if (!row) return refuse('CREDENTIAL_UNKNOWN');
  const barred = refusalIn(row.state);
  if (barred) return refuse(barred);
  const key = { id: row.id, publicKey: Uint8Array.from(fromBase64Url(row.public_key)!), counter: row.sign_count };
  const { rpId, origin } = parts.party();
  const counter = await verifyAuthenticationResponse({
    response,
    expectedChallenge: toBase64Url(challenge),
    expectedOrigin: origin,
    expectedRPID: rpId,
    credential: key,
    requireUserVerification: true,
  }).then(
    ({ verified, authenticationInfo }) => (verified ? authenticationInfo.newCounter : undefined),
    () => undefined, // the library throws for whatever a stranger may send
  );
  if (counter === undefined) return refuse('PROOF_INVALID', 'passkey');
  await parts.registry.updateTable('passkey').set({ sign_count: counter }).where('id', '=', row.id).execute();
  return ok({ buyer: row.buyer });
}

async function verifyRegistration(
  parts: PasskeyParts,
  code: string,
  response: RegistrationResponseJSON,
): Promise<{ id: string; publicKey: Uint8Array; counter: number } | undefined> {
  const { rpId, origin } = parts.party();
  const expected = { expectedChallenge: toBase64Url(registrationChallenge(code)), expectedOrigin: origin, expectedRPID: rpId };
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({ response, ...expected, requireUserVerification: true });
    return verified ? registrationInfo.credential : undefined;
  } catch {
    return undefined; // the library throws for whatever a stranger may send
  }
}

/** Follows from the code, which works once: nothing has to be kept between the two steps. */
function registrationChallenge(code: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(sha256(utf8('handover-passkey-v1\0'), utf8(codeHash(code))));
}

async function buyerOf({ registry, clock }: PasskeyParts, code: string) {
  return registry
    .selectFrom('wallet_code')
    .innerJoin('buyer', 'buyer.id', 'wallet_code.buyer')
    .select(['buyer.id', 'buyer.name', 'buyer.currency'])
    .where('wallet_code.hash', '=', codeHash(code))
    .where('wallet_code.used_at', 'is', null)
    .where('wallet_code.expires_at', '>', clock.now())
    .executeTakeFirst();
}
