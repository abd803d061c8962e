/** A buyer with a medium of class D, and what a counter sends when they type a PIN. */
import { generateKeyPairSync } from 'node:crypto';
import { fromHex, toBase64Url } from '#protocol/bytes.ts';
import type { MediumKind } from '#protocol/class-d.ts';
import { type CarrierSigned, hubMessageBytes } from '#protocol/envelope.ts';
import type { Id } from '#protocol/ids.ts';
import type { MediumAnswer, PinAnswer } from '#protocol/medium-routes.ts';
import type { PaymentEntry, PaymentTerms, ProofD } from '#protocol/payment-request.ts';
import type { BuyerAnswer, ContactAnswerText, Seller } from '#protocol/routes.ts';
import { agreeKeyText, signEd25519 } from '#protocol/signing.ts';
import { sealProof } from '../../agent/identification/class-d.ts';
import { type Answer, call, type HubTwin, newId } from './hub-twin.ts';

export interface TypedPayment {
  readonly entry: PaymentEntry;
  readonly text: string;
  readonly proof: ProofD;
  readonly terms: PaymentTerms;
}

/** What the carrier tells this hub in a signed contact that it seals PINs to. */
export async function sealKeyFor(hub: HubTwin): Promise<string> {
  const { hubId, counterId } = hub.identity;
  const nonce = toBase64Url(new Uint8Array(16).fill(7));
  const agreeKey = agreeKeyText(generateKeyPairSync('x25519').publicKey);
  const text = JSON.stringify({ v: 1, counterId, nonce, at: Date.now(), waiting: 0, lastSeq: hub.seq, agreeKey });
  const signature = toBase64Url(signEd25519(hub.pair.privateKey, hubMessageBytes(hubId as Id, text)));
  const answer = await call<CarrierSigned>(hub.url, '/v1/contact', { hubId, text, signature });
  return (JSON.parse(answer.body.text) as ContactAnswerText).sealKey!;
}

export class MediumTwin {
  readonly kind: MediumKind;
  /** Hex. */
  readonly number: string;
  buyerId = '';
  credentialId = '';
  passId = '';

  constructor(kind: MediumKind, number: string) {
    this.kind = kind;
    this.number = number;
  }

  /** With money, registered; and with a PIN, unless it is left out. */
  static async make(order: Order, medium: { kind: MediumKind; number: string }, pin?: string): Promise<MediumTwin> {
    const twin = new MediumTwin(medium.kind, medium.number);
    const buyer = await order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' });
    twin.buyerId = buyer.body.buyerId;
    await order(`/v1/operator/buyers/${twin.buyerId}/top-ups`, { requestId: newId(), amount: '500.00', currency: 'EUR' });
    const made = await order<MediumAnswer>(`/v1/operator/buyers/${twin.buyerId}/media`, medium);
    if (made.status !== 200) throw new Error(JSON.stringify(made.body));
    Object.assign(twin, made.body);
    if (pin !== undefined) {
      const set = await twin.setPin(order, pin);
      if (set.status !== 200) throw new Error(JSON.stringify(set.body));
    }
    return twin;
  }

  setPin(order: Order, pin?: string): Promise<Answer<PinAnswer>> {
    return order(`/v1/operator/credentials/${this.credentialId}/pin`, pin === undefined ? {} : { pin });
  }

  /** What the counter stores and sends; `typedAt`: by the hub's clock. */
  async pay(at: Counter, pin: string, change: { typedAt?: number; requestId?: string; amount?: string } = {}): Promise<TypedPayment> {
    const { hub, seller, sealKey } = at;
    const { hubId, counterId } = hub.identity;
    const { typedAt = Date.now(), requestId = newId(), amount = '1.00' } = change;
    const terms: PaymentTerms = {
      v: 1,
      requestId,
      hubId,
      counterId,
      sellerId: seller.sellerId,
      amount,
      currency: 'EUR',
      askedAt: Date.now(),
    };
    const termsText = JSON.stringify(terms);
    const medium = { kind: this.kind, number: fromHex(this.number) };
    const sealed = await sealProof(medium, pin, { termsText, hubId: hubId as Id, counterId: counterId as Id, nowMs: typedAt, sealKey });
    if (!sealed.ok) throw new Error(sealed.code);
    const proof = sealed.value;
    const entry: PaymentEntry = { v: 1, kind: 'payment', requestId, terms: termsText, proof, tappedAt: typedAt };
    return { entry, text: JSON.stringify(entry), proof, terms };
  }
}

export interface Counter {
  readonly hub: HubTwin;
  readonly seller: Seller;
  readonly sealKey: string;
}

export type Order = <T>(url: string, body?: unknown) => Promise<Answer<T>>;
