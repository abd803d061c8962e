/** What a buyer's own phone says to the carrier: passkeys, and the approval of a counter's request. Shapes of those routes. */
import { type Static, Type } from 'typebox';
import { IdText } from './ids.ts';
import { AmountText, CurrencyCode } from './money.ts';
import { TimeMs } from './payment-request.ts';

export const WALLET_ROUTES = {
  /** What the counter asks for, read out of its link. */
  request: '/v1/wallet/requests',
  passkeyOptions: '/v1/wallet/passkeys/options',
  passkeys: '/v1/wallet/passkeys',
  approvals: '/v1/wallet/approvals',
  /** Asked by the hub: has the buyer approved? */
  hubApproval: '/v1/approvals',
  operatorWalletCodes: '/v1/operator/buyers/:buyerId/wallet-codes',
  page: '/pay',
} as const;

/** The fragment of the address that the phone opened. */
const Link = Type.String({ pattern: '^[A-Za-z0-9_-]{196,560}$' });
/** A WebAuthn answer as the browser gives it; its own library reads it further. */
const WebAuthnJson = Type.Object({ id: Type.String({ maxLength: 1_400 }) }, { additionalProperties: true });

export const RequestBody = Type.Object({ link: Link }, { additionalProperties: false });
/** Everything that the buyer is shown, and nothing more. */
export const RequestAnswer = Type.Object({
  requestId: IdText,
  seller: Type.String(),
  hub: Type.String(),
  parcel: Type.Optional(Type.String()),
  amount: AmountText,
  currency: CurrencyCode,
  askedAt: TimeMs,
  /** Until when it can be approved. */
  expiresAt: TimeMs,
  state: Type.Union([Type.Literal('OPEN'), Type.Literal('APPROVED'), Type.Literal('EXPIRED')]),
  /** WebAuthn: 32 bytes base64url that the passkey signs, and the relying party. */
  challenge: Type.String(),
  rpId: Type.String(),
});
export type RequestAnswer = Static<typeof RequestAnswer>;

export const WalletCodeAnswer = Type.Object({ code: Type.String(), expiresAt: TimeMs });
export type WalletCodeAnswer = Static<typeof WalletCodeAnswer>;
const WalletCode = Type.String({ minLength: 8, maxLength: 64 });
export const PasskeyOptionsBody = Type.Object({ code: WalletCode }, { additionalProperties: false });
/** PublicKeyCredentialCreationOptionsJSON. */
export const PasskeyOptionsAnswer = Type.Object({ options: Type.Object({}, { additionalProperties: true }) });
export const PasskeyBody = Type.Object({ code: WalletCode, response: WebAuthnJson }, { additionalProperties: false });
export type PasskeyBody = Static<typeof PasskeyBody>;
export const PasskeyAnswer = Type.Object({ credentialId: IdText });
export type PasskeyAnswer = Static<typeof PasskeyAnswer>;

export const ApprovalBody = Type.Object({ link: Link, response: WebAuthnJson }, { additionalProperties: false });
export type ApprovalBody = Static<typeof ApprovalBody>;
export const ApprovalAnswer = Type.Object({
  state: Type.Union([Type.Literal('APPROVED'), Type.Literal('DECLINED')]),
  /** A code of the closed table, when declined. */
  reason: Type.Optional(Type.String()),
  /** Eight digits for a counter without a network; absent when that counter has none. */
  code: Type.Optional(Type.String({ pattern: '^[0-9]{8}$' })),
  /** The same as a text to scan: see `ScannedApproval`. */
  scan: Type.Optional(Type.String()),
  expiresAt: Type.Optional(TimeMs),
});
export type ApprovalAnswer = Static<typeof ApprovalAnswer>;

/** Text that the hub signs to ask about one of its requests. */
export const HubApprovalText = Type.Object(
  { v: Type.Literal(1), counterId: IdText, requestId: IdText, nonce: Type.String({ pattern: '^[A-Za-z0-9_-]{22}$' }) },
  { additionalProperties: false },
);
export type HubApprovalText = Static<typeof HubApprovalText>;
/** Text of the carrier's signed answer. */
export const HubApprovalAnswerText = Type.Object(
  {
    v: Type.Literal(1),
    hubId: IdText,
    requestId: IdText,
    nonce: Type.String(),
    approved: Type.Union([
      Type.Null(),
      Type.Object({ expiresAt: TimeMs, keyId: Type.String(), signature: Type.String() }, { additionalProperties: false }),
    ]),
  },
  { additionalProperties: false },
);
export type HubApprovalAnswerText = Static<typeof HubApprovalAnswerText>;
