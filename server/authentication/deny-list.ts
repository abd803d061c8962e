/** Which passes hubs must refuse without asking: a log of changes that each hub reads on from where it stopped, inside a signed answer. */
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { ContactAnswerText } from '#protocol/routes.ts';
import type { Registry } from '../store/registry.ts';

/**
 * Inside the caller's transaction. The number follows the highest one there: of two servers that append at the same moment one fails
 * on the key, and its caller asks again.
 */
export async function appendDenials(registry: Registry, passes: readonly Id[], denied: boolean, at: number): Promise<void> {
  if (passes.length === 0) return;
  const { last } = await registry
    .selectFrom('deny_entry')
    .select((row) => row.fn.max<number | bigint | string | null>('seq').as('last'))
    .executeTakeFirstOrThrow();
  const first = Number(last ?? 0) + 1;
  const rows = passes.map((pass, place) => ({ seq: first + place, pass, denied: denied ? (1 as const) : (0 as const), at }));
  await registry.insertInto('deny_entry').values(rows).execute();
}

/** What changed after `seq`, oldest first. */
export async function denialsAfter(registry: Registry, seq: number): Promise<NonNullable<ContactAnswerText['deny']>> {
  const rows = await registry
    .selectFrom('deny_entry')
    .select(['seq', 'pass', 'denied'])
    .where('seq', '>', seq)
    .orderBy('seq')
    .limit(LIMITS.deny_entries_max + 1)
    .execute();
  const entries = rows.slice(0, LIMITS.deny_entries_max).map((row) => ({
    seq: row.seq,
    passId: row.pass,
    denied: row.denied === 1,
  }));
  return { entries, more: rows.length > LIMITS.deny_entries_max };
}
