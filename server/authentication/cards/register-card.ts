import { fromHex } from '#protocol/bytes.ts';
import type { CardAnswer, CardBody } from '#protocol/card-routes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type Id, makeId } from '#protocol/ids.ts';
import type { Clock, Random } from '../../ports.ts';
import type { Registry } from '../../store/registry.ts';
import type { CardKeys } from './card-keys.ts';

export interface CardRegisterParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  /** Undefined: this carrier takes no cards. */
  readonly keys: CardKeys | undefined;
}

/**
 * Makes a personalised card a credential of this buyer, with its one pass. Again with a higher counter: only taps above that count. Under
 * another master key: the same credential gets another pass, whose taps count from the beginning. Refusals: CARD_UNSUPPORTED, NOT_FOUND
 * (master key or buyer), BAD_CURRENCY, CREDENTIAL_STATE (the card is another buyer's, or is not active), those of the key store.
 */
export async function registerCard(parts: CardRegisterParts, request: CardBody & { readonly buyerId: Id }): Promise<Result<CardAnswer>> {
  const { registry, keys } = parts;
  const { buyerId, keyId, currency } = request;
  if (!keys) return refuse('CARD_UNSUPPORTED', 'this carrier has no card key store');
  if (!keys.keyIds.includes(keyId)) return refuse('NOT_FOUND', `card master key ${keyId}`);
  const buyer = await registry.selectFrom('buyer').select(['account', 'currency']).where('id', '=', buyerId).executeTakeFirst();
  if (!buyer) return refuse('NOT_FOUND', buyerId);
  if (buyer.currency !== currency) return refuse('BAD_CURRENCY');
  const tags = await tagsOf(keys, fromHex(request.uid));
  if (!tags.ok) return tags;
  return registry.transaction().execute(async (tx) => {
    // A write of nothing new: two orders for one buyer wait for each other here, and SQLite gives its lock at once.
    await tx.updateTable('buyer').set({ account: buyer.account }).where('id', '=', buyerId).execute();
    const known = await passesOf(tx, [...tags.value.values()]);
    if (known.some((pass) => pass.buyer !== buyerId || pass.state !== 'ACTIVE')) {
      return refuse('CREDENTIAL_STATE', 'this card is registered, and not as an active card of this buyer');
    }
    const same = known.find((pass) => pass.tag === tags.value.get(keyId));
    if (same) return raiseSpent(tx, same, request.counter);
    const credential = known[0]?.credential ?? (await addCredential(tx, parts, request));
    const pass = await addPass(tx, parts, { credential, tag: tags.value.get(keyId)!, keyId, spentTo: request.counter });
    return ok({ credentialId: credential, passId: pass });
  });
}

/** The card's tag under each master key: it may have been registered under another before. */
async function tagsOf(keys: CardKeys, uid: Uint8Array): Promise<Result<ReadonlyMap<number, string>>> {
  const tags = new Map<number, string>();
  for (const keyId of keys.keyIds) {
    const tag = await keys.tag(keyId, uid);
    if (!tag.ok) return tag;
    tags.set(keyId, tag.value);
  }
  return ok(tags);
}

interface KnownPass {
  readonly id: Id;
  readonly tag: string | null;
  readonly credential: Id;
  readonly buyer: Id;
  readonly state: string;
}

function passesOf(registry: Registry, tags: readonly string[]): Promise<readonly KnownPass[]> {
  return registry
    .selectFrom('pass')
    .innerJoin('credential', 'credential.id', 'pass.credential')
    .select(['pass.id', 'pass.tag', 'pass.credential', 'credential.buyer', 'credential.state'])
    .where('pass.tag', 'in', tags)
    .execute();
}

/** Never lower: a tap that was used stays used. */
async function raiseSpent(registry: Registry, pass: KnownPass, counter: number): Promise<Result<CardAnswer>> {
  await registry.updateTable('card').set({ spent_to: counter }).where('pass', '=', pass.id).where('spent_to', '<', counter).execute();
  return ok({ credentialId: pass.credential, passId: pass.id });
}

async function addCredential(
  registry: Registry,
  { clock, random }: CardRegisterParts,
  request: CardBody & { readonly buyerId: Id },
): Promise<Id> {
  const { buyerId: buyer, currency, name = 'Card' } = request;
  const now = clock.now();
  const id = makeId(now, random.bytes(10));
  const life = { state: 'ACTIVE', home_key: null, created_at: now, changed_at: now, replaced_by: null } as const;
  await registry
    .insertInto('credential')
    .values({ id, buyer, class: 'C', name, currency, ...life })
    .execute();
  return id;
}

async function addPass(
  registry: Registry,
  { clock, random }: CardRegisterParts,
  card: { readonly credential: Id; readonly tag: string; readonly keyId: number; readonly spentTo: number },
): Promise<Id> {
  const now = clock.now();
  const id = makeId(now, random.bytes(10));
  // It says nothing offline by itself: what a hub may take on trust is in the hub's policy.
  const nothing = { device_key: null, master_key: null, offline_limit: 0, expires_at: null, text: null };
  await registry
    .insertInto('pass')
    .values({ id, credential: card.credential, tag: card.tag, issued_at: now, ...nothing })
    .execute();
  await registry.insertInto('card').values({ pass: id, key_id: card.keyId, spent_to: card.spentTo }).execute();
  return id;
}
