import { encodePass, type OfflinePass, passSignedBytes } from '#protocol/applet.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import { refusalIn } from '#protocol/credential.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type Id, makeId } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { type Currency, CURRENCY_DIGITS, type Minor, minor, parseAmount } from '#protocol/money.ts';
import { passRequestSignedBytes } from '#protocol/pass-request.ts';
import { defaultPolicy } from '#protocol/policy.ts';
import type { PassAnswer, PassesAnswer, PassesBody } from '#protocol/routes.ts';
import { p256FromCompressed, signEd25519, type SigningPair, verifyP256Pooled } from '#protocol/signing.ts';
import type { Clock, Random } from '../ports.ts';
import type { Registry } from '../store/registry.ts';

export interface PassParts {
  readonly registry: Registry;
  readonly clock: Clock;
  readonly random: Random;
  readonly signer: SigningPair & { readonly keyId: string };
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * Registers a buyer's phone: its home key, which fetches passes later, and a first pass over that same key, so that it can pay at once.
 * Refusals: BAD_REQUEST (no P-256 point), NOT_FOUND, BAD_CURRENCY.
 */
export async function registerPhone(
  parts: PassParts,
  request: { readonly buyerId: Id; readonly deviceKey: string; readonly currency: Currency },
): Promise<Result<PassAnswer>> {
  const { buyerId, deviceKey, currency } = request;
  if (!isDeviceKey(deviceKey)) return refuse('BAD_REQUEST', 'deviceKey is not a P-256 point');
  const buyer = await parts.registry.selectFrom('buyer').select(['currency']).where('id', '=', buyerId).executeTakeFirst();
  if (!buyer) return refuse('NOT_FOUND', buyerId);
  if (buyer.currency !== currency) return refuse('BAD_CURRENCY');
  const now = parts.clock.now();
  const credential = makeId(now, parts.random.bytes(10));
  const pass = makePass(parts, { deviceKey, currency, limit: offlineLimit(currency), lifeMs: LIMITS.first_pass_ms, now });
  await parts.registry.transaction().execute(async (registry) => {
    const row = { id: credential, buyer: buyerId, class: 'A', name: 'Phone', currency, state: 'ACTIVE', home_key: deviceKey } as const;
    await registry
      .insertInto('credential')
      .values({ ...row, created_at: now, changed_at: now, replaced_by: null })
      .execute();
    await keepPass(registry, credential, { ...pass, text: null }, now);
  });
  return ok({ passId: pass.passId, credentialId: credential, pass: pass.text });
}

/**
 * Certifies the keys that a phone made for its next taps, one pass each, so that no two of its taps show the same thing. The
 * credential's offline limit is divided among those that have not tapped yet. The same keys again give the same passes. Refusals: CREDENTIAL_UNKNOWN and those
 * of its state, BAD_SIGNATURE, BAD_REQUEST, PASSES_ENOUGH.
 */
export async function fetchPasses(parts: PassParts, body: PassesBody): Promise<Result<PassesAnswer>> {
  const id = body.credentialId as Id;
  const credential = await parts.registry.selectFrom('credential').selectAll().where('id', '=', id).executeTakeFirst();
  const homeKey = credential?.home_key ? p256FromCompressed(fromBase64Url(credential.home_key)!) : undefined;
  if (!credential || !homeKey) return refuse('CREDENTIAL_UNKNOWN');
  const signature = fromBase64Url(body.signature);
  if (!signature || !(await verifyP256Pooled(homeKey, passRequestSignedBytes(id, body.deviceKeys), signature)))
    return refuse('BAD_SIGNATURE');
  const barred = refusalIn(credential.state);
  if (barred) return refuse(barred);
  const keys = body.deviceKeys;
  if (new Set(keys).size < keys.length || !keys.every(isDeviceKey)) return refuse('BAD_REQUEST', 'deviceKeys');
  const now = parts.clock.now();
  return parts.registry.transaction().execute(async (registry) => {
    const known = await passesOver(registry, id, keys);
    const fresh = keys.filter((key) => !known.has(key));
    const shares = await freeShares(registry, id, offlineLimit(credential.currency), now);
    if (fresh.length > shares.length) return refuse('PASSES_ENOUGH');
    for (const [place, deviceKey] of fresh.entries()) {
      const wish = { deviceKey, currency: credential.currency, limit: shares[place]!, lifeMs: LIMITS.fetched_pass_ms, now };
      const pass = makePass(parts, wish);
      await keepPass(registry, id, pass, now);
      known.set(deviceKey, pass.text);
    }
    return ok({ passes: keys.map((key) => known.get(key)!) });
  });
}

/** What was given for these keys before, word for word. */
async function passesOver(registry: Registry, credential: Id, keys: readonly string[]): Promise<Map<string, string>> {
  const rows = await registry
    .selectFrom('pass')
    .select(['device_key', 'text'])
    .where('credential', '=', credential)
    .where('device_key', 'in', keys)
    .where('text', 'is not', null)
    .execute();
  return new Map(rows.map(({ device_key, text }) => [device_key!, text!]));
}

/** Of 150 parts of the credential's offline limit: a few passes for large amounts, more for small ones. */
const SHARES = [50, 30, 20, 10, 10, 10, 5, 5, 5, 5] as const;

/** The shares that no pass in force and not yet tapped stands for, largest first: all passes together never exceed the limit. */
async function freeShares(registry: Registry, credential: Id, whole: Minor, now: number): Promise<Minor[]> {
  const unused = await registry
    .selectFrom('pass')
    .leftJoin('used_counter', 'used_counter.pass', 'pass.id')
    .select('pass.offline_limit')
    .where('pass.credential', '=', credential)
    .where('pass.text', 'is not', null)
    .where('pass.expires_at', '>', now)
    .where('used_counter.pass', 'is', null)
    .execute();
  const held = unused.map(({ offline_limit: limit }) => limit);
  return SHARES.map((part) => minor((whole * BigInt(part)) / 150n)).filter((share) => {
    const at = held.indexOf(Number(share));
    if (at >= 0) held.splice(at, 1);
    return at < 0;
  });
}

interface MadePass extends OfflinePass {
  readonly text: string;
}

interface PassWish {
  readonly deviceKey: string;
  readonly currency: Currency;
  readonly limit: Minor;
  readonly lifeMs: number;
  readonly now: number;
}

/**
 * A pseudonym that says what it stands for offline, and not who holds it. Its times are whole hours and days and its id holds only the
 * day: passes fetched together, told apart to the millisecond, would be one name.
 */
function makePass({ random, signer }: PassParts, { deviceKey, currency, limit, lifeMs, now }: PassWish): MadePass {
  const unsigned: Omit<OfflinePass, 'signature'> = {
    passId: makeId(floor(now, DAY_MS), random.bytes(10)),
    deviceKey: fromBase64Url(deviceKey)!,
    currency,
    limit,
    notBeforeMs: floor(now, HOUR_MS) - HOUR_MS,
    expiresMs: floor(now, DAY_MS) + DAY_MS + lifeMs,
    keyId: signer.keyId,
  };
  const pass = { ...unsigned, signature: signEd25519(signer.privateKey, passSignedBytes(unsigned)) };
  return { ...pass, text: toBase64Url(encodePass(pass)) };
}

/** `text` is kept of fetched passes only: the home key's own stands beside the shares. */
async function keepPass(
  registry: Registry,
  credential: Id,
  pass: Omit<MadePass, 'text'> & { readonly text: string | null },
  now: number,
): Promise<void> {
  const { passId: id, text, limit, expiresMs } = pass;
  const key = { device_key: toBase64Url(pass.deviceKey), tag: null, master_key: null };
  await registry
    .insertInto('pass')
    .values({ id, credential, ...key, offline_limit: Number(limit), issued_at: now, expires_at: expiresMs, text })
    .execute();
}

function isDeviceKey(text: string): boolean {
  const bytes = fromBase64Url(text);
  return bytes !== undefined && p256FromCompressed(bytes) !== undefined;
}

function offlineLimit(currency: Currency): Minor {
  return parseAmount(defaultPolicy(currency, CURRENCY_DIGITS[currency]).perCredential, currency)!;
}

function floor(ms: number, unit: number): number {
  return ms - (ms % unit);
}
