/** Someone with a database editor: every change to a stored ledger is named by `ledger verify`. Real server, real file, real rows. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toBase64Url } from '#protocol/bytes.ts';
import { ROUTES, type Seller } from '#protocol/routes.ts';
import { ed25519FromText, signEd25519, signingPairFromPem } from '#protocol/signing.ts';
import { checkpointSignedBytes, checkpointText } from '../../../server/accounts/checkpoint.ts';
import { lastBatch } from '../../../server/accounts/sqlite/store-group.ts';
import { verifyLedger } from '../../../server/accounts/sqlite/verify.ts';
import type { StoredCheckpoint } from '../../../server/accounts/verify.ts';
import { type RunningServer, startServer } from '../../../server/main.ts';
import { BuyerTwin, call, HubTwin } from '../hub-twin.ts';
import { setCounter, teachBalances } from './balance-sql.ts';

let folder: string;
let file: string;
let whole: Uint8Array;
let keys: RunningServer['keys'];

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-tamper-'));
  file = path.join(folder, 'carrier.db');
  const server = await startServer({ data: folder, port: 0, logLevel: 'silent' });
  keys = server.keys;
  const body = { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' };
  const seller = (await call<Seller>(server.url, ROUTES.operatorSellers, body, server.operatorToken)).body;
  const hub = await HubTwin.enrol(server.url, server.operatorToken);
  const buyer = await BuyerTwin.make(server.url, server.operatorToken, '100.00');
  for (let i = 0; i < 4; i++) await hub.send(hub.payment(buyer, seller, '1.00'), hub.payment(buyer, seller, '2.00'));
  await server.close();
  whole = readFileSync(file);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What verification says of the file after this SQL. */
async function findings(sql: string, outside: readonly StoredCheckpoint[] = []): Promise<string> {
  writeFileSync(file, whole);
  const db = new Database(file);
  try {
    db.pragma('foreign_keys = OFF');
    teachBalances(db);
    db.exec(sql);
    const carrierKey = (id: string) => {
      const key = keys.find(({ keyId }) => keyId === id);
      return key && ed25519FromText(key.publicKey);
    };
    return (await verifyLedger(db, carrierKey, outside)).findings.map(({ what }) => what).join('; ');
  } finally {
    db.close();
  }
}

/** A batch that carries two payments, and the ids of both as SQL. */
const PAID = '(SELECT max(number) - 1 FROM ledger_batch WHERE transfers = 2)';
const idAt = (place: number): string => `(SELECT substr(transfer_ids, ${16 * place + 1}, 16) FROM ledger_batch WHERE number = ${PAID})`;

test('a block of balances that was cut cannot be read', async () => {
  const cut = 'PRAGMA ignore_check_constraints = ON; UPDATE balance SET counters = substr(counters, 1, 40)';
  await expect(findings(cut)).rejects.toThrow('a block of balances is cut');
});

test('an untouched ledger holds', async () => {
  expect(await findings('SELECT 1')).toBe('');
});

test.each([
  ['a changed amount', `UPDATE transfer SET amount = amount + 1 WHERE id = ${idAt(0)}`, 'was altered'],
  ['a changed debit account', `UPDATE transfer SET debit = (SELECT max(number) - 1 FROM account) WHERE id = ${idAt(0)}`, 'was altered'],
  ['a changed kind', `UPDATE transfer SET kind = 1 WHERE id = ${idAt(0)}`, 'was altered'],
  ['a changed reference', `UPDATE transfer SET reference = 'x' WHERE id = ${idAt(0)}`, 'was altered'],
  ['a deleted transfer', `DELETE FROM transfer WHERE id = ${idAt(1)}`, 'is missing'],
  [
    'two transfers swapped',
    `CREATE TEMP TABLE a AS SELECT ${idAt(0)} AS id; CREATE TEMP TABLE b AS SELECT ${idAt(1)} AS id;
     UPDATE transfer SET id = zeroblob(16) WHERE id = (SELECT id FROM a);
     UPDATE transfer SET id = (SELECT id FROM a) WHERE id = (SELECT id FROM b);
     UPDATE transfer SET id = (SELECT id FROM b) WHERE id = zeroblob(16);`,
    'was altered',
  ],
  [
    'an added transfer',
    `INSERT INTO transfer SELECT randomblob(16), debit, credit, 5, kind, mode, payment, pending, reference, expires_at FROM transfer LIMIT 1`,
    '1 transfers belong to no batch',
  ],
  ['a deleted batch', `DELETE FROM ledger_batch WHERE number = ${PAID}`, 'is missing: next is'],
  ['another time', `UPDATE ledger_batch SET recorded_at = recorded_at + 1 WHERE number = ${PAID}`, 'was altered'],
  ['another window', `UPDATE batch_window SET window = randomblob(16) WHERE batch = ${PAID}`, 'was altered'],
  ['another hash', `UPDATE ledger_batch SET hash = randomblob(32) WHERE number = ${PAID}`, 'does not follow the one before it'],
  [
    'a changed answer',
    `UPDATE answer SET outcome = replace(outcome, 'COMMITTED', 'DECLINED') WHERE batch = ${PAID}`,
    'an answer was altered',
  ],
  ['a deleted answer', `DELETE FROM answer WHERE batch = ${PAID} AND place = 1`, 'is missing'],
  ['a forged signature', `UPDATE ledger_batch SET signature = zeroblob(64) WHERE number = ${PAID}`, 'signature'],
  ['a changed event', `UPDATE ledger_event SET body = replace(body, 'wallet-buyer', 'bank')`, 'was altered'],
  ['a deleted event', `DELETE FROM ledger_event WHERE kind = 'account-opened'`, 'events'],
  ['a richer wallet', setCounter('credits_posted', 'now + 5', `kind = 'wallet-buyer'`), 'fold of its transfers'],
  ['a wallet that promised nothing any more', setCounter('debits_pending', 'now + 1', `kind = 'wallet-buyer'`), 'fold of its transfers'],
  ['one flipped bit of a balance', setCounter('debits_posted', 'now | 1 << 62', `kind = 'wallet-seller'`), 'fold of its transfers'],
  ['another kind of account', `UPDATE account SET kind = 'bank' WHERE kind = 'wallet-buyer'`, 'is not as it was opened'],
  ['a credit line out of nothing', `UPDATE account SET credit_limit = 99999999 WHERE kind = 'wallet-buyer'`, 'another limit or state'],
  ['an account closed by hand', `UPDATE account SET state = 'CLOSED' WHERE kind = 'wallet-buyer'`, 'another limit or state'],
  ['balances as of no batch', 'UPDATE balance SET as_of = 999999', 'is as of batch 999999'],
  ['balances as of an earlier batch', 'UPDATE balance SET as_of = as_of - 1', 'fold of its transfers'],
  ['deleted balances', 'DELETE FROM balance', 'is as of batch 0 and moved in batch'],
  ['balances set to nothing', 'UPDATE balance SET counters = zeroblob(length(counters))', 'fold of its transfers'],
  [
    'a balance of an account that is not there',
    `UPDATE balance SET counters = with_counter(counters, (SELECT max(number) + 1 FROM account), 'credits_posted', 5)`,
    '1 balances belong to no account',
  ],
  ['a block of balances beyond all accounts', 'INSERT INTO balance SELECT 7, as_of, counters FROM balance', 'belong to no account'],
  ['a snapshot that claims too much', 'UPDATE snapshot SET batch = batch + 1', 'the snapshot is as of batch'],
  ['a refund that never was', `UPDATE payment SET refunded = 1, state = 'PART_REFUNDED'`, 'does not equal its transfers'],
  ['a deleted payment', `DELETE FROM payment WHERE id = ${idAt(0)}`, 'payments have transfers'],
  ['a changed request', `UPDATE entry SET body = body || ' ' WHERE seq = 2`, 'entry 2 was altered'],
  ['a deleted last request', 'DELETE FROM entry WHERE seq = 8', 'entries after 7 are missing'],
])('%s is named', async (_name, sql, expected) => {
  expect(await findings(sql)).toContain(expected);
});

test('a tail that was cut off cleanly is named by a checkpoint kept elsewhere', async () => {
  const cut = `
    CREATE TEMP TABLE gone AS SELECT max(number) AS number FROM ledger_batch;
    CREATE TEMP TABLE moved AS SELECT t.debit, t.credit, t.amount FROM transfer t, gone, ledger_batch b
      WHERE b.number = gone.number AND instr(b.transfer_ids, t.id) > 0;
    ${takenBack()}
    UPDATE balance SET as_of = as_of - 1;
    UPDATE snapshot SET batch = batch - 1;
    DELETE FROM payment WHERE id IN (SELECT id FROM transfer t, gone, ledger_batch b WHERE b.number = gone.number AND instr(b.transfer_ids, t.id) > 0);
    DELETE FROM transfer WHERE id IN (SELECT t.id FROM transfer t, gone, ledger_batch b WHERE b.number = gone.number AND instr(b.transfer_ids, t.id) > 0);
    DELETE FROM answer WHERE batch = (SELECT number FROM gone);
    DELETE FROM entry WHERE seq > 6;
    UPDATE chain SET seq = 6, link = (SELECT link FROM entry WHERE seq = 6);
    DELETE FROM ledger_batch WHERE number = (SELECT number FROM gone);
    DELETE FROM checkpoint;`;
  expect(await findings(cut)).toBe('');
  const kept = checkpointOf(whole);
  expect(await findings(cut, [kept])).toMatch(/the ledger was cut off: batch \d+ was there at 20/);
  expect(await findings('SELECT 1', [kept])).toBe('');
  const forged = { ...kept, text: kept.text.replace('"batch":', '"batch":1') };
  expect(await findings('SELECT 1', [forged])).toContain('not signed by the carrier');
});

/** The last batch's two payments, out of their accounts' counters again. */
function takenBack(): string {
  const back = (name: string, side: string, place: number): string => {
    const row = `(SELECT * FROM moved LIMIT 1 OFFSET ${place})`;
    return setCounter(name, `now - (SELECT amount FROM ${row})`, `number = (SELECT ${side} FROM ${row})`);
  };
  return [0, 1].flatMap((place) => [back('debits_posted', 'debit', place), back('credits_posted', 'credit', place)]).join('\n');
}

function checkpointOf(bytes: Uint8Array): StoredCheckpoint {
  writeFileSync(file, bytes);
  const db = new Database(file, { readonly: true });
  const text = checkpointText(lastBatch(db), Date.now());
  db.close();
  const { privateKey } = signingPairFromPem(readFileSync(path.join(folder, 'carrier-key.pem'), 'utf8'));
  return { text, keyId: keys[0]!.keyId, signature: toBase64Url(signEd25519(privateKey, checkpointSignedBytes(text))) };
}

test('one flipped bit anywhere in the money is found', async () => {
  for (const column of ['debit', 'credit', 'amount', 'kind', 'mode']) {
    expect(await findings(`UPDATE transfer SET ${column} = ${column} + 1 WHERE id = ${idAt(1)}`), column).not.toBe('');
  }
});
