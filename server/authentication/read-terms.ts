import { Compile } from 'typebox/compile';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { LIMITS } from '#protocol/limits.ts';
import { type Currency, type Minor, parseAmount } from '#protocol/money.ts';
import { PaymentTerms } from '#protocol/payment-request.ts';

const termsShape = Compile(PaymentTerms);

/** Undefined when the text is no terms of this version. */
export function readTerms(text: string): PaymentTerms | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return termsShape.Check(value) ? value : undefined;
  } catch {
    return undefined; // untrusted text: refused by name
  }
}

/** Refusals: BAD_AMOUNT, AMOUNT_ZERO, AMOUNT_TOO_LARGE. */
export function readAmount(text: string, currency: Currency): Result<Minor> {
  const amount = parseAmount(text, currency);
  if (amount === undefined) return refuse('BAD_AMOUNT', text);
  if (amount === 0n) return refuse('AMOUNT_ZERO');
  return amount > LIMITS.payment_minor_max ? refuse('AMOUNT_TOO_LARGE') : ok(amount);
}
