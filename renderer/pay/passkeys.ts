import {
  type AuthenticationResponseJSON,
  browserSupportsWebAuthn,
  type PublicKeyCredentialCreationOptionsJSON,
  type RegistrationResponseJSON,
  startAuthentication,
  startRegistration,
} from '@simplewebauthn/browser';
import { LIMITS } from '#protocol/limits.ts';

/** stopped: the person did not confirm. address: the phone finds that this is not the carrier's page. unable: anything else. */
export type PasskeyTrouble = 'stopped' | 'address' | 'unable';
export type PasskeyResult<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly trouble: PasskeyTrouble };

export interface Passkeys {
  /** False in a browser without passkeys, and on an address that is not secure. */
  readonly usable: () => boolean;
  /** Signs 32 bytes, base64url, with a passkey that this phone finds by itself. */
  sign(challenge: string, rpId: string): Promise<PasskeyResult<AuthenticationResponseJSON>>;
  make(options: PublicKeyCredentialCreationOptionsJSON): Promise<PasskeyResult<RegistrationResponseJSON>>;
}

export const PASSKEYS: Passkeys = {
  usable: () => browserSupportsWebAuthn(),
  sign: (challenge, rpId) =>
    outcomeOf(startAuthentication({ optionsJSON: { challenge, rpId, userVerification: 'required', timeout: LIMITS.tap_wait_ms } })),
  make: (optionsJSON) => outcomeOf(startRegistration({ optionsJSON })),
};

async function outcomeOf<T>(ceremony: Promise<T>): Promise<PasskeyResult<T>> {
  try {
    return { ok: true, value: await ceremony };
  } catch (error) {
    return { ok: false, trouble: troubleOf(error instanceof Error ? error.name : '') };
  }
}

/** By the name of the error as the standard has it. Browsers say NotAllowedError for a refusal and for a time-out alike. */
export function troubleOf(name: string): PasskeyTrouble {
  if (name === 'NotAllowedError' || name === 'AbortError') return 'stopped';
  return name === 'SecurityError' ? 'address' : 'unable';
}
