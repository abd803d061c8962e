/** The export is the journal: everything that is hashed is in it, in the same bytes every time, and it does not grow in memory. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromHex, toHex } from '#protocol/bytes.ts';
import type { Id } from '#protocol/ids.ts';
import { type Currency, parseAmount } from '#protocol/money.ts';
import { batchHash, packTransfers } from '../../../server/accounts/batch-hash.ts';
import { exportJournal, type ExportFormat } from '../../../server/accounts/export.ts';
import { exportLedgerFile } from '../../../server/accounts/sqlite/export.ts';
import type { StoredBatch } from '../../../server/accounts/verify.ts';
import type { LedgerEvent, Transfer } from '../../../server/records.ts';
import { seedOf, VERSION, World } from './rebuild-world.ts';

const SEED = seedOf();
let folder: string;
let world: World;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-export-'));
  world = new World(folder, { seed: SEED, replans: true });
  world.live(150);
  world.end();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function exported(file: string, format: ExportFormat): Promise<string> {
  let text = '';
  await exportLedgerFile({ file, version: VERSION }, format, async (pieces) => {
    for await (const piece of pieces) {
      expect(piece.endsWith('\n')).toBe(true);
      text += piece;
    }
  });
  return text;
}

interface Line {
  readonly is: string;
  readonly batch: number;
  readonly number: number;
  readonly previous: string;
  readonly hash: string;
  readonly recordedAt: number;
  readonly root: string | null;
  readonly windows: Record<Currency, Id>;
}

test(`every batch of the JSON lines hashes to what it says, by the lines alone (seed ${SEED})`, async () => {
  const lines = (await exported(world.file, 'jsonl'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(lines[0]).toEqual({ is: 'handover-journal', v: 1 });
  const batches = lines.filter(({ is }) => is === 'batch');
  const of = (is: string, batch: number): Line[] => lines.filter((line) => line.is === is && line.batch === batch);
  for (const { number, previous, hash, recordedAt, root, windows } of batches) {
    const transfers = of('transfer', number).map((line) => {
      const transfer = line as unknown as Omit<Transfer, 'amount'> & { amount: string };
      return { ...transfer, amount: parseAmount(transfer.amount, transfer.currency)! };
    });
    const head = { number, previous: fromHex(previous), recordedAt, root: root === null ? undefined : fromHex(root) };
    const content = { ...head, windows: new Map(Object.entries(windows) as [Currency, Id][]), packed: packTransfers({ transfers }) };
    expect(toHex(batchHash({ ...content, events: of('event', number) as unknown as LedgerEvent[] }))).toBe(hash);
  }
  const count = (is: string): number => lines.filter((line) => line.is === is).length;
  const counts = { batches: count('batch'), events: count('event'), transfers: count('transfer'), answers: count('answer') };
  expect(lines.at(-1)).toEqual({ is: 'end', ...counts });
  expect(counts.answers).toBeGreaterThan(300);
});

test('the same ledger gives the same bytes, also from a copy that SQLite has written anew', async () => {
  const copy = path.join(folder, 'copy.db');
  copyFileSync(world.file, copy);
  const db = new Database(copy);
  db.exec('VACUUM');
  db.close();
  for (const format of ['jsonl', 'csv'] as const) expect(await exported(copy, format)).toBe(await exported(world.file, format));
});

test('CSV has one row per transfer under its header', async () => {
  const [header, ...rows] = (await exported(world.file, 'csv')).trimEnd().split('\n');
  expect(header).toBe('batch,place,recordedAt,window,id,debit,credit,amount,currency,kind,mode,payment,pending,reference,expiresAt');
  const db = new Database(world.file, { readonly: true });
  const stored = db.prepare('SELECT count(*) AS transfers, sum(amount) AS amount FROM transfer').get() as {
    transfers: number;
    amount: number;
  };
  db.close();
  expect(rows.length).toBe(stored.transfers);
  expect(rows.reduce((total, row) => total + parseAmount(row.split(',')[7]!, 'EUR')!, 0n)).toBe(BigInt(stored.amount));
});

test('a reference with commas, quotes and line breaks is one cell', async () => {
  const batch = {
    number: 1,
    recordedAt: 0,
    events: [],
    answers: [],
    windows: new Map(),
    transfers: [{ id: 'a', transfer: { ...TRANSFER, reference: 'ACME, "Ltd"\nRoad 1' } }],
  } as unknown as StoredBatch;
  let text = '';
  for await (const piece of exportJournal({ batches: () => [batch] }, 'csv')) text += piece;
  expect(text.slice(text.indexOf('\n') + 1)).toBe(
    '1,0,1970-01-01T00:00:00.000Z,,a,b,c,12.50,EUR,suspense,single,,,"ACME, ""Ltd""\nRoad 1",\n',
  );
});

const TRANSFER = {
  id: 'a',
  debit: 'b',
  credit: 'c',
  amount: 1250n,
  currency: 'EUR',
  kind: 'suspense',
  mode: 'single',
  payment: null,
  pending: null,
  expiresAt: null,
};

test('a journal with a hole is not exported as if it were whole', async () => {
  const hole = path.join(folder, 'hole.db');
  copyFileSync(world.file, hole);
  const db = new Database(hole);
  db.exec('DELETE FROM transfer WHERE id = (SELECT max(id) FROM transfer)');
  db.close();
  await expect(exported(hole, 'jsonl')).rejects.toMatchObject({ code: 'DATABASE_DAMAGED' });
});
