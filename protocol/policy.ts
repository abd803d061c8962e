import { type Static, Type } from 'typebox';
import { AmountText, CurrencyCode } from './money.ts';

/**
 * Risk policy: what a hub may accept without the network. Signed by the carrier, versioned, per hub and currency.
 * The default numbers are starting points, not fitted to loss data.
 */
export const RiskPolicy = Type.Object(
  {
    version: Type.Integer({ minimum: 1 }),
    currency: CurrencyCode,
    /** Most for one class A payment without the network. */
    floorA: AmountText,
    /** Most for one class C payment without the network, of a card that has paid here online before. Left out: none. */
    floorC: Type.Optional(AmountText),
    /** Most for one pass since it was last decided online. */
    perCredential: AmountText,
    /** Most stored at one hub and not yet answered, in money and in number. */
    perHub: AmountText,
    perHubCount: Type.Integer({ minimum: 0 }),
    /** Nothing is accepted offline this long after the last contact, ms. */
    acceptWindowMs: Type.Integer({ minimum: 0 }),
    clockToleranceMs: Type.Integer({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type RiskPolicy = Static<typeof RiskPolicy>;

/** The carrier's defaults for a currency with `digits` decimals: 50.00, 20.00, 150.00, 2,000.00, 75 payments, 24 h, 300 s. */
export function defaultPolicy(currency: RiskPolicy['currency'], digits: number): RiskPolicy {
  const text = (major: number): string => (digits === 0 ? `${major * 100}` : `${major}.${'0'.repeat(digits)}`);
  return {
    version: 1,
    currency,
    floorA: text(50),
    floorC: text(20),
    perCredential: text(150),
    perHub: text(2_000),
    perHubCount: 75,
    acceptWindowMs: 24 * 3_600_000,
    clockToleranceMs: 300_000,
  };
}
