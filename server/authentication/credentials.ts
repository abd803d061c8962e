/** The life of a credential. Every change that a hub must know of goes into the deny list in the same transaction. */
import { type CredentialState, mayBecome, refusalIn } from '#protocol/credential.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { CredentialAnswer, CredentialsAnswer, CredentialStateBody } from '#protocol/routes.ts';
import type { Clock } from '../ports.ts';
import type { Registry } from '../store/registry.ts';
import { appendDenials } from './deny-list.ts';

export interface CredentialParts {
  readonly registry: Registry;
  readonly clock: Clock;
}

export async function credentialsOf(parts: CredentialParts, buyer: Id): Promise<Result<CredentialsAnswer>> {
  const found = await parts.registry.selectFrom('buyer').select('id').where('id', '=', buyer).executeTakeFirst();
  if (!found) return refuse('NOT_FOUND', buyer);
  const rows = await read(parts.registry, parts.clock.now(), { buyer });
  return ok({ credentials: rows });
}

/**
 * Freezes, thaws, reports lost or found, replaces or revokes. The same state again changes nothing. Refusals: NOT_FOUND,
 * CREDENTIAL_STATE, BAD_REQUEST (a replacement that is not another active credential of the same buyer).
 */
export async function changeCredential(parts: CredentialParts, id: Id, body: CredentialStateBody): Promise<Result<CredentialAnswer>> {
  const now = parts.clock.now();
  const { state: to, replacedBy } = body;
  if ((to === 'REPLACED') !== (replacedBy !== undefined)) return refuse('BAD_REQUEST', 'replacedBy belongs to REPLACED');
  return parts.registry.transaction().execute(async (registry) => {
    const [before] = await read(registry, now, { id });
    if (!before) return refuse('NOT_FOUND', id);
    if (before.state === to && before.replacedBy === replacedBy) return ok(before);
    if (!mayBecome(before.state, to)) return refuse('CREDENTIAL_STATE', `${before.state} cannot become ${to}`);
    if (replacedBy !== undefined && !(await isSuccessor(registry, id, replacedBy as Id))) return refuse('BAD_REQUEST', 'replacedBy');
    const change = { state: to, changed_at: now, replaced_by: (replacedBy ?? null) as Id | null };
    const done = await registry
      .updateTable('credential')
      .set(change)
      .where('id', '=', id)
      .where('state', '=', before.state)
      .executeTakeFirst();
    if (done.numUpdatedRows !== 1n) return refuse('CREDENTIAL_STATE', 'changed meanwhile');
    if (isBarred(before.state) !== isBarred(to)) await appendDenials(registry, await livePasses(registry, id, now), isBarred(to), now);
    const [after] = await read(registry, now, { id });
    return ok(after!);
  });
}

function isBarred(state: CredentialState): boolean {
  return refusalIn(state) !== undefined;
}

async function isSuccessor(registry: Registry, id: Id, by: Id): Promise<boolean> {
  if (id === by) return false;
  const rows = await registry.selectFrom('credential').select(['id', 'buyer', 'state']).where('id', 'in', [id, by]).execute();
  const [old, next] = [id, by].map((one) => rows.find((row) => row.id === one));
  return old !== undefined && next?.state === 'ACTIVE' && next.buyer === old.buyer;
}

/** Those that a hub may be shown, or has a name of its own for. */
async function livePasses(registry: Registry, credential: Id, now: number): Promise<readonly Id[]> {
  const rows = await registry
    .selectFrom('pass')
    .select('id')
    .where('credential', '=', credential)
    .where((row) => row.or([row('tag', 'is not', null), row('expires_at', '>', now)]))
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

async function read(registry: Registry, now: number, which: { readonly buyer: Id } | { readonly id: Id }): Promise<CredentialAnswer[]> {
  const all = registry
    .selectFrom('credential as c')
    .leftJoin('pass as p', (join) =>
      join.onRef('p.credential', '=', 'c.id').on((on) => on.or([on('p.expires_at', 'is', null), on('p.expires_at', '>', now)])),
    )
    .select(['c.id', 'c.class', 'c.name', 'c.currency', 'c.state', 'c.created_at', 'c.changed_at', 'c.replaced_by'])
    .select((row) => row.fn.count<number | bigint | string>('p.id').as('passes'))
    .groupBy(['c.id', 'c.class', 'c.name', 'c.currency', 'c.state', 'c.created_at', 'c.changed_at', 'c.replaced_by'])
    .orderBy('c.id');
  const rows = await ('buyer' in which ? all.where('c.buyer', '=', which.buyer) : all.where('c.id', '=', which.id)).execute();
  return rows.map((row) => ({
    credentialId: row.id,
    class: row.class,
    name: row.name,
    currency: row.currency,
    state: row.state,
    createdAt: row.created_at,
    changedAt: row.changed_at,
    ...(row.replaced_by === null ? {} : { replacedBy: row.replaced_by }),
    passes: Number(row.passes),
  }));
}
