/**
 * Tries at a PIN. Each is numbered and on the disk before the PIN is looked at, so that no crash gives one for free, and counts as wrong until
 * it turns out right. A right one forgives itself and those before it, not those that began after it: as if they had come one by one, in the
 * order of their numbers, whatever servers and hubs they came through. See docs/decisions/0013.
 */
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { PinVerdict, Registry } from '../../store/registry.ts';
import type { PinHash } from './pin-hash.ts';

/** `sealed`: digest of the sealed PIN and its request: the same one sent again is the same try. */
export interface PinTry {
  readonly sealed: string;
  readonly pass: Id;
  readonly request: Id;
}

export interface BegunTry {
  /** 1, 2, 3 … per pass, never given twice: what a proof of class D counts by. */
  readonly number: number;
  readonly kept: PinHash;
  /** Known when the same was sent before. */
  readonly verdict: PinVerdict | null;
}

/** Refusals: PIN_NEEDED (the medium has none), PIN_BLOCKED. */
export function beginTry(registry: Registry, { sealed, pass, request }: PinTry, now: number): Promise<Result<BegunTry>> {
  return registry.transaction().execute(async (tx) => {
    const row = await lockedPin(tx, pass);
    if (!row) return refuse('PIN_NEEDED', 'no PIN');
    const kept: PinHash = { salt: row.salt, hash: row.hash, work: row.work };
    const before = await readTry(tx, sealed);
    if (before) return ok({ number: before.number, kept, verdict: before.verdict });
    if (isBlocked(row)) return refuse('PIN_BLOCKED');
    const number = row.tries + 1;
    await tx.updateTable('pin').set({ tries: number }).where('pass', '=', pass).execute();
    await tx.insertInto('pin_try').values({ sealed, pass, number, request, verdict: null, begun_at: now }).execute();
    return ok({ number, kept, verdict: null });
  });
}

/** Writes down how a try came out; what was written first stays. A PIN that was replaced meanwhile is wrong. */
export function settleTry(registry: Registry, { sealed, pass }: PinTry, { number, kept }: BegunTry, fits: boolean): Promise<PinVerdict> {
  return registry.transaction().execute(async (tx) => {
    const row = (await lockedPin(tx, pass))!;
    const before = (await readTry(tx, sealed))!;
    if (before.verdict) return before.verdict;
    const isRight = fits && row.hash === kept.hash;
    const verdict: PinVerdict = isRight ? 'RIGHT' : isBlocked(row) ? 'BLOCKED' : 'WRONG';
    await tx.updateTable('pin_try').set({ verdict }).where('sealed', '=', sealed).execute();
    if (isRight && number > row.cleared) await tx.updateTable('pin').set({ cleared: number }).where('pass', '=', pass).execute();
    return verdict;
  });
}

/** Sets a PIN, or replaces it; what was tried before is forgiven. */
export async function keepPin(registry: Registry, pass: Id, hash: PinHash, now: number): Promise<void> {
  await registry
    .insertInto('pin')
    .values({ pass, ...hash, tries: 0, cleared: 0, set_at: now })
    .onConflict((conflict) => conflict.column('pass').doUpdateSet((row) => ({ ...hash, cleared: row.ref('pin.tries'), set_at: now })))
    .execute();
}

function isBlocked({ tries, cleared }: { readonly tries: number; readonly cleared: number }): boolean {
  return tries - cleared >= LIMITS.wrong_pins_max;
}

/** Locked by a write of nothing new, which comes first: two tries at once wait for each other here, on either database. */
async function lockedPin(tx: Registry, pass: Id) {
  await tx
    .updateTable('pin')
    .set((row) => ({ tries: row.ref('tries') }))
    .where('pass', '=', pass)
    .execute();
  return tx.selectFrom('pin').selectAll().where('pass', '=', pass).executeTakeFirst();
}

function readTry(tx: Registry, sealed: string) {
  return tx.selectFrom('pin_try').select(['number', 'verdict']).where('sealed', '=', sealed).executeTakeFirst();
}
