/**
 * Which passes hubs must refuse without asking: a log of changes that each hub reads on from where it stopped, inside a signed answer. A hub
 * never sees a card's pass: it is told the name that it gave the card itself.
 */
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

/**
 * What changed after `seq`, oldest first, in the words of this counter. A card that it has no name for has not paid there, and gets
 * nothing there without the network anyway.
 */
export async function denialsAfter(registry: Registry, counter: Id, seq: number): Promise<NonNullable<ContactAnswerText['deny']>> {
  const rows = await registry
    .selectFrom('deny_entry as d')
    .leftJoin('card_name as n', (join) => join.onRef('n.pass', '=', 'd.pass').on('n.counter', '=', counter))
    .select(['d.seq', 'd.pass', 'd.denied', 'n.name'])
    .where('d.seq', '>', seq)
    .orderBy('d.seq')
    .limit(LIMITS.deny_entries_max + 1)
    .execute();
  const entries = rows.slice(0, LIMITS.deny_entries_max).map((row) => ({
    seq: row.seq,
    passId: row.name ?? row.pass,
    denied: row.denied === 1,
  }));
  return { entries, more: rows.length > LIMITS.deny_entries_max };
}
