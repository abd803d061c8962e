/** A thing by which a buyer is known: a phone, a card, a badge, a passkey. What state it is in, and what may become of it. */
import type { ErrorCode } from './errors.ts';

/** The proof classes that a credential can give; O follows from W. See docs/decisions/0012. */
export const CREDENTIAL_CLASSES = ['A', 'C', 'D', 'W'] as const;
export type CredentialClass = (typeof CREDENTIAL_CLASSES)[number];

export const CREDENTIAL_STATES = ['ACTIVE', 'FROZEN', 'LOST', 'REPLACED', 'REVOKED'] as const;
export type CredentialState = (typeof CREDENTIAL_STATES)[number];

const MOVES: Readonly<Record<CredentialState, readonly CredentialState[]>> = {
  ACTIVE: ['FROZEN', 'LOST', 'REPLACED', 'REVOKED'],
  FROZEN: ['ACTIVE', 'LOST', 'REPLACED', 'REVOKED'],
  /** Found again: active again. */
  LOST: ['ACTIVE', 'REPLACED', 'REVOKED'],
  REPLACED: [],
  REVOKED: [],
};

export function mayBecome(from: CredentialState, to: CredentialState): boolean {
  return MOVES[from].includes(to);
}

/** Why a credential in this state cannot pay; undefined when it can. */
export function refusalIn(state: CredentialState): ErrorCode | undefined {
  switch (state) {
    case 'ACTIVE':
      return undefined;
    case 'FROZEN':
      return 'CREDENTIAL_FROZEN';
    case 'LOST':
      return 'CREDENTIAL_LOST';
    case 'REPLACED':
    case 'REVOKED':
      return 'CREDENTIAL_REVOKED';
  }
}
