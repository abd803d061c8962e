import type Database from 'better-sqlite3';
import { type Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { BenchError } from '../benchmark.ts';

/**
 * What buyers tap with. A phone shows another pass at every tap, fetched within the last week, whose id begins with the day it was issued
 * (server/authentication/passes.ts). A card shows the same pass for ever.
 */
export type TapKind = 'phones' | 'cards';

/** Payments in one batch of the journal. */
const PER_BATCH = 1_000;
/** Counters that take payments, and how many a counter sends under one signature. */
export const COUNTERS = 100;
const PER_HEAD = 100;
/** The first accounts belong to sellers. */
export const SELLERS = 100;
/** 2026-01-01: the past lies before everything that a run adds. One payment per millisecond. */
const BEGAN_AT_MS = 1_767_225_600_000;

/** Ids that follow from a number, so that the past and the run speak of the same hubs, counters and passes. */
const LABELS = { hub: '00000001', counter: '00000002', pass: '00000003' } as const;

export function numberedId(label: keyof typeof LABELS, number: number): Id {
  return `${LABELS[label]}-0000-7000-8000-${number.toString(16).padStart(12, '0')}` as Id;
}

function numberedIdSql(label: keyof typeof LABELS, number: string): string {
  return `printf('${LABELS[label]}-0000-7000-8000-%012x', ${number})`;
}

/** The n-th past payment's id, n from 0: a UUIDv7 in the order of time. */
const ID = `unhex(printf('%012x70008000%012x', ${BEGAN_AT_MS} + n, n))`;
const PAST = 'WITH RECURSIVE past(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM past WHERE n + 1 < @count)';
const BATCHES = `WITH RECURSIVE past(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM past WHERE n + 1 < @count / ${PER_BATCH})`;
/** Account numbers. 7919 is a prime: everybody pays in turn, in no order. */
const BUYER = `(${SELLERS + 1} + (n * 7919) % (@accounts - ${SELLERS}))`;
const SELLER = `(1 + n % ${SELLERS})`;
const HUB = numberedIdSql('hub', `n % ${COUNTERS}`);
const OF_BUYER = `(SELECT id FROM account WHERE number = ${BUYER})`;
const OF_SELLER = `(SELECT id FROM account WHERE number = ${SELLER})`;
/** By counter, and by pass, in the order of their keys. */
const COUNTER = numberedIdSql('counter', `n / (@count / ${COUNTERS})`);
const SEQ = `(1 + n % (@count / ${COUNTERS}))`;
const TAPS = `((@count + @accounts - ${SELLERS} - 1) / (@accounts - ${SELLERS}))`;

/** A year of phones until now: each pass taps once, and its id begins with the day it was issued, within a week before the tap. */
const DAY_MS = 86_400_000;
const ISSUED = `((@now - (@count - n) * ${365 * DAY_MS} / @count - abs(random() % ${LIMITS.fetched_pass_ms})) / ${DAY_MS} * ${DAY_MS})`;
const R12 = 'abs(random() % 4096)';
const PASS = `(SELECT printf('%s-%s-7%03x-8%03x-%012x', substr(day, 1, 8), substr(day, 9), ${R12}, ${R12}, abs(random() % 281474976710656))
   FROM (SELECT printf('%012x', ${ISSUED}) AS day))`;

/** How the used taps of the past are kept. */
const TAPS_USED: Readonly<Record<TapKind, string>> = {
  phones: `INSERT INTO used_counter (pass, counter, request) ${PAST} SELECT ${PASS}, 1, ${ID} FROM past`,
  cards: `INSERT INTO used_counter (pass, counter, request)
   ${PAST} SELECT ${numberedIdSql('pass', `${SELLERS + 1} + n / ${TAPS}`)}, 1 + n % ${TAPS}, ${ID} FROM past`,
};

const STATEMENTS: readonly string[] = [
  `INSERT INTO transfer (id, debit, credit, amount, kind, mode, payment, reference)
   ${PAST} SELECT ${ID}, ${BUYER}, ${SELLER}, 100, 0, 0, ${ID}, ${HUB} FROM past`,
  `INSERT INTO payment (id, state, version, amount, captured, refunded, disputed, currency, buyer, seller, seller_id, hub, legs)
   ${PAST} SELECT ${ID}, 'COMMITTED', 1, 100, 100, 0, 0, 'EUR', ${OF_BUYER}, ${OF_SELLER}, ${HUB}, ${HUB}, printf('%160s', '') FROM past`,
  `INSERT INTO answer (request, digest, batch, place, outcome)
   ${PAST} SELECT ${ID}, zeroblob(32), 1 + n / ${PER_BATCH}, n % ${PER_BATCH}, printf('%300s', '') FROM past`,
  `INSERT INTO entry (counter, seq, link, request, body)
   ${PAST} SELECT ${COUNTER}, ${SEQ}, zeroblob(32), ${ID}, printf('%100s', '') FROM past`,
  `INSERT INTO head (counter, seq, signature, received_at)
   SELECT counter, seq, printf('%86s', ''), 0 FROM entry WHERE seq % ${PER_HEAD} = 0`,
  `INSERT INTO chain (counter, seq, link) SELECT counter, max(seq), zeroblob(32) FROM entry GROUP BY counter`,
  `INSERT INTO ledger_batch (number, version, previous, hash, transfers, answers, events, transfer_ids, answer_keys, recorded_at)
   ${BATCHES} SELECT 1 + n, 2, zeroblob(32), zeroblob(32), ${PER_BATCH}, ${PER_BATCH}, 0,
     zeroblob(${16 * PER_BATCH}), zeroblob(${48 * PER_BATCH}), ${BEGAN_AT_MS} FROM past`,
  `UPDATE snapshot SET batch = @count / ${PER_BATCH}`,
];

/**
 * Rows of past payments as the ledger itself would have left them (schema version 7): transfers, payments, answers, entries, used taps,
 * batches. Written by SQL, because millions of commands would take the whole run's time. Hashes and signatures are zeros, texts are
 * blanks, those of entries shorter than real ones: no later payment looks at them. The balances of the accounts stay as they are. To be
 * called before an engine is opened.
 */
export function seedPast(db: Database.Database, accounts: number, count: number, taps: TapKind): void {
  if (count % (PER_BATCH * COUNTERS) !== 0) throw new BenchError(`past payments come in hundreds of thousands, not ${count}`);
  // As bigints: the driver binds a number as a float, and half of what follows is whole division.
  const bound: Readonly<Record<string, bigint>> = { count: BigInt(count), accounts: BigInt(accounts), now: BigInt(Date.now()) };
  for (const sql of [...STATEMENTS, TAPS_USED[taps]])
    db.prepare(sql).run(Object.fromEntries(Object.entries(bound).filter(([name]) => sql.includes(`@${name}`))));
}

/** Taps of each pass among so many past payments. */
export function pastTaps(accounts: number, count: number): number {
  return Math.ceil(count / (accounts - SELLERS));
}

/** Entries of each counter among so many past payments. */
export function pastSeq(count: number): number {
  return count / COUNTERS;
}
