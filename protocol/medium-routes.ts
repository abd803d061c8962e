/** What operators say to the carrier about media of class D and their PINs. Shapes of those routes. */
import { type Static, Type } from 'typebox';
import { IdText } from './ids.ts';
import { MediumKindName } from './payment-request.ts';

export const MEDIUM_ROUTES = {
  operatorMedia: '/v1/operator/buyers/:buyerId/media',
  operatorPin: '/v1/operator/credentials/:credentialId/pin',
} as const;

export const MediumBody = Type.Object(
  {
    kind: MediumKindName,
    /** 1 … 128 bytes in hex, as a reader gives them. The carrier keeps only a keyed tag of it. */
    number: Type.String({ pattern: '^([0-9A-Fa-f]{2}){1,128}$' }),
    /** What operators call it. Left out: "Card", "Badge" or "Stripe". */
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 70 })),
  },
  { additionalProperties: false },
);
export type MediumBody = Static<typeof MediumBody>;
export const MediumAnswer = Type.Object({ credentialId: IdText, passId: IdText });
export type MediumAnswer = Static<typeof MediumAnswer>;

/** `pin`: 4 to 12 digits; left out, the carrier draws six and says them in its answer, once. */
export const PinBody = Type.Object({ pin: Type.Optional(Type.String({ pattern: '^[0-9]{4,12}$' })) }, { additionalProperties: false });
export type PinBody = Static<typeof PinBody>;
export const PinAnswer = Type.Object({ pin: Type.Optional(Type.String()) });
export type PinAnswer = Static<typeof PinAnswer>;
