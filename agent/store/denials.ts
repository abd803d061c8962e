import type { Id } from '#protocol/ids.ts';
import type { ContactAnswerText } from '#protocol/routes.ts';
import type { Readable, Writable } from './open.ts';

/** Last change of the carrier's deny list that is on this disk; 0 before the first. */
export function denySeq(db: Readable): number {
  return (db.prepare('SELECT deny_seq FROM hub').pluck().get() as number | undefined) ?? 0;
}

/** Takes in what changed. A change that is there already, or one behind a gap, is left alone: it is asked for again. */
export function putDenials(db: Writable, deny: NonNullable<ContactAnswerText['deny']>): void {
  let held = denySeq(db);
  const add = db.prepare('INSERT INTO denied_pass (pass_id, seq) VALUES (?, ?) ON CONFLICT (pass_id) DO UPDATE SET seq = excluded.seq');
  const remove = db.prepare('DELETE FROM denied_pass WHERE pass_id = ?');
  for (const { seq, passId, denied } of deny.entries) {
    if (seq !== held + 1) continue;
    if (denied) add.run(passId, seq);
    else remove.run(passId);
    held = seq;
  }
  db.prepare('UPDATE hub SET deny_seq = ?').run(held);
}

export function isDenied(db: Readable, pass: Id): boolean {
  return db.prepare('SELECT 1 FROM denied_pass WHERE pass_id = ?').pluck().get(pass) !== undefined;
}
