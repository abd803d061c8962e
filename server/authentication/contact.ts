import { Compile } from 'typebox/compile';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { type CarrierSigned, carrierMessageBytes, hubMessageBytes, type SignedText } from '#protocol/envelope.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { CURRENCY_DIGITS } from '#protocol/money.ts';
import { defaultPolicy } from '#protocol/policy.ts';
import { type ContactAnswerText, ContactText } from '#protocol/routes.ts';
import { signEd25519, type SigningPair, verifyEd25519 } from '#protocol/signing.ts';
import type { Clock } from '../ports.ts';
import type { Registry } from '../store/registry.ts';
import type { CounterKeys } from './counter-keys.ts';
import { denialsAfter } from './deny-list.ts';

export interface ContactParts {
  readonly registry: Registry;
  readonly counters: CounterKeys;
  readonly clock: Clock;
  readonly signer: SigningPair & { readonly keyId: string };
  readonly heldSeq: (counterId: Id) => Promise<number>;
  /** X25519 of this carrier, as text. */
  readonly agreeKey: string;
  /** X25519 that PINs are sealed to, as text. */
  readonly sealKey: string;
  readonly walletUrl: () => string;
}

const contactShape = Compile(ContactText);

/** Answers a hub's sign of life with signed time, its sellers and its policy; the hub's nonce makes the answer fresh. */
export async function answerContact(parts: ContactParts, body: SignedText): Promise<Result<CarrierSigned>> {
  const contact = readContact(body.text);
  if (!contact) return refuse('BAD_REQUEST', 'contact text');
  const key = await parts.counters.find(body.hubId, contact.counterId);
  if (!key.ok) return key;
  const signature = fromBase64Url(body.signature);
  if (!signature || !verifyEd25519(key.value, hubMessageBytes(body.hubId as Id, body.text), signature)) return refuse('BAD_SIGNATURE');
  await parts.registry
    .updateTable('counter')
    .set({ last_contact_at: parts.clock.now(), waiting: contact.waiting, ...(contact.agreeKey && { agree_key: contact.agreeKey }) })
    .where('id', '=', contact.counterId as Id)
    .execute();
  const sellers = await parts.registry.selectFrom('seller').select(['id', 'name', 'currency']).orderBy('name').execute();
  const deny = contact.denySeq === undefined ? undefined : await denialsAfter(parts.registry, contact.counterId as Id, contact.denySeq);
  const answer: ContactAnswerText = {
    v: 1,
    hubId: body.hubId,
    nonce: contact.nonce,
    carrierTime: parts.clock.now(),
    heldSeq: await parts.heldSeq(contact.counterId as Id),
    sellers: sellers.map(({ id, name }) => ({ sellerId: id, name })),
    policies: [...new Set(sellers.map(({ currency }) => currency))].map((currency) => defaultPolicy(currency, CURRENCY_DIGITS[currency])),
    ...(contact.agreeKey && { agreeKey: parts.agreeKey, sealKey: parts.sealKey, walletUrl: parts.walletUrl() }),
    ...(deny && { deny }),
  };
  const text = JSON.stringify(answer);
  return ok({ text, keyId: parts.signer.keyId, signature: toBase64Url(signEd25519(parts.signer.privateKey, carrierMessageBytes(text))) });
}

function readContact(text: string): ContactText | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return contactShape.Check(value) ? value : undefined;
  } catch {
    return undefined; // untrusted text: refused by name
  }
}
