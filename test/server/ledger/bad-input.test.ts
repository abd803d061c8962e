/**
 * What the account database is asked and must not do, through its own port and over both engines: each gets its code of the closed
 * table, and leaves balances, holds, payments and transfers as they were.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Id } from '#protocol/ids.ts';
import { type Currency, type Minor, minor, MONEY_MAX } from '#protocol/money.ts';
import { connectToWriter } from '../../../server/accounts/postgres/connect.ts';
import { withJournal } from '../../../server/accounts/postgres/journal.ts';
import { SqliteJournal } from '../../../server/accounts/sqlite/verify.ts';
import { type LedgerState, stateHash } from '../../../server/accounts/state-hash.ts';
import { CARRIER_ACCOUNT_KINDS, carrierAccount } from '../../../server/carrier-account.ts';
import type { LedgerCommand } from '../../../server/commands.ts';
import { openDatabase, type OpenDatabase } from '../../../server/database.ts';
import type { AccountKind, Transfer } from '../../../server/records.ts';
import { carrierSigner } from '../../../server/store/key-files.ts';
import { told } from '../../crash/told.ts';
import { type DatabaseUnderTest, ENGINES } from '../engines.ts';
import { newId } from '../hub-twin.ts';
import { setCounter, teachBalances } from './balance-sql.ts';

const COUNTER_MAX = 2n ** 63n - 1n;
const bank = carrierAccount('bank', 'EUR');

type Pay = Extract<LedgerCommand, { do: 'pay' }>;
type Case = readonly [what: string, command: LedgerCommand, code: string];

/** An amount that the type forbids: what a caller with a bug would send. */
const forged = (amount: bigint): Minor => amount as Minor;

function single(debit: Id, credit: Id, amount: bigint, change: Partial<Transfer> = {}): Transfer {
  const terms = { id: newId(), debit, credit, amount: forged(amount), currency: 'EUR', kind: 'top-up', mode: 'single' } as const;
  return { ...terms, payment: null, pending: null, reference: null, expiresAt: null, ...change };
}

const post = (...transfers: readonly Transfer[]): LedgerCommand => ({ do: 'post', transfers });

/** Accounts and payments in every state that a bad command could meet. */
class World {
  readonly buyer = newId();
  readonly poor = newId();
  readonly frozen = newId();
  readonly closed = newId();
  readonly yen = newId();
  readonly line = newId();
  readonly seller = newId();
  /** Its counters stand as high as they can, less one largest amount. */
  readonly full = newId();
  readonly nobody = newId();
  readonly hub = newId();
  /** 10.00, of which 4.00 went back. */
  readonly paid = this.pay(1_000n);
  readonly held = this.hold(500n, Date.now() + 600_000);
  readonly overdue = this.hold(500n, 1);
  /** Owes 2.00 on the line, once re-planned and then taken up by a bank run. */
  readonly owed = this.pay(200n, { funding: [{ source: 'credit', account: this.line, cap: null }] });
  readonly taken = this.pay(200n, { funding: [{ source: 'credit', account: this.line, cap: null }] });

  accounts(): LedgerCommand[] {
    const open = (id: Id, kind: AccountKind, currency: Currency = 'EUR', limit?: bigint): LedgerCommand => ({
      ...{ do: 'open-account', id, kind, owner: kind.startsWith('wallet') ? id : null, currency, windowId: newId() },
      ...(limit === undefined ? {} : { limit }),
    });
    const wallets = [this.buyer, this.poor, this.frozen, this.closed].map((id) => open(id, 'wallet-buyer'));
    const rest = [open(this.seller, 'wallet-seller'), open(this.line, 'credit-due', 'EUR', 1_000n), open(this.full, 'suspense')];
    return [...CARRIER_ACCOUNT_KINDS.map((kind) => open(carrierAccount(kind, 'EUR'), kind)), ...wallets, ...rest];
  }

  history(): LedgerCommand[] {
    return [
      { do: 'open-account', id: this.yen, kind: 'wallet-buyer', owner: this.yen, currency: 'JPY', windowId: newId() },
      post(single(bank, this.buyer, 10_000n), single(bank, this.frozen, 1_000n)),
      { do: 'change-account', id: this.frozen, change: { state: 'FROZEN' } },
      { do: 'change-account', id: this.closed, change: { state: 'CLOSED' } },
      ...[this.paid, this.held, this.overdue, this.owed, this.taken],
      this.refund(400n),
      { do: 'freeze', id: newId(), payment: this.taken.id, version: 1, run: newId() },
    ];
  }

  pay(amount: bigint, change: Partial<Pay> = {}): Pay {
    const parties = { buyerAccount: this.buyer, sellerAccount: this.seller, sellerId: this.seller, hubId: this.hub };
    const funding = [{ source: 'prepaid', account: change.buyerAccount ?? this.buyer, cap: null }] as const;
    return { do: 'pay', id: newId(), amount: forged(amount), currency: 'EUR', ...parties, funding, fee: null, ...change };
  }

  hold(amount: bigint, expiresAt: number): Extract<LedgerCommand, { do: 'hold' }> {
    return { ...this.pay(amount), do: 'hold', expiresAt };
  }

  refund(amount: bigint, currency: Currency = 'EUR', payment = this.paid.id, hubId: Id | null = null): LedgerCommand {
    return { do: 'refund', id: newId(), payment, amount: forged(amount), currency, hubId };
  }

  capture(amount: bigint, payment: Id): LedgerCommand {
    return { do: 'capture', id: newId(), payment, amount: forged(amount) };
  }
}

function badPostings(world: World): Case[] {
  const { buyer, frozen, closed, yen, full, nobody, held, poor, seller } = world;
  const { id: standing } = world.paid;
  const promise = (mode: 'post' | 'void' | 'expire', amount: bigint, pending: Id = held.id): LedgerCommand =>
    post(single(buyer, seller, amount, { mode, pending, kind: 'payment' }));
  return [
    ['zero', post(single(bank, buyer, 0n)), 'BAD_AMOUNT'],
    ['less than nothing', post(single(bank, buyer, -1n)), 'BAD_AMOUNT'],
    ['more than any amount', post(single(bank, buyer, MONEY_MAX + 1n)), 'AMOUNT_TOO_LARGE'],
    ['one cent over the counter', post(single(bank, full, MONEY_MAX), single(bank, full, 1n)), 'AMOUNT_TOO_LARGE'],
    ['one cent of debits over it', post(single(full, bank, MONEY_MAX), single(full, bank, 1n)), 'AMOUNT_TOO_LARGE'],
    ['a promise over it', post(single(bank, full, MONEY_MAX), single(bank, full, 1n, { mode: 'pending' })), 'AMOUNT_TOO_LARGE'],
    ['itself', post(single(buyer, buyer, 1n)), 'SAME_ACCOUNT'],
    ['no such debit account', post(single(nobody, buyer, 1n)), 'ACCOUNT_UNKNOWN'],
    ['no such credit account', post(single(bank, nobody, 1n)), 'ACCOUNT_UNKNOWN'],
    ['another currency', post(single(bank, yen, 1n)), 'BAD_CURRENCY'],
    ['a currency of neither', post(single(bank, buyer, 1n, { currency: 'CHF' })), 'BAD_CURRENCY'],
    ['out of a frozen account', post(single(frozen, buyer, 1n)), 'ACCOUNT_FROZEN'],
    ['into a closed account', post(single(bank, closed, 1n)), 'ACCOUNT_CLOSED'],
    ['out of a closed account', post(single(closed, bank, 1n)), 'ACCOUNT_CLOSED'],
    ['what is not there', post(single(poor, bank, 1n)), 'INSUFFICIENT_FUNDS'],
    ['all or none', post(single(bank, poor, 5n), single(poor, bank, 6n)), 'INSUFFICIENT_FUNDS'],
    ['an id that stands', post(single(bank, buyer, 1n, { id: standing })), 'REQUEST_CONFLICT'],
    ['an id that stands, after a good one', post(single(bank, buyer, 1n), single(bank, buyer, 1n, { id: standing })), 'REQUEST_CONFLICT'],
    ['the end of no promise', promise('post', 1n, nobody), 'HOLD_UNKNOWN'],
    ['more than was promised', promise('post', 501n), 'CAPTURE_TOO_LARGE'],
    ['a promise expired before its time', promise('expire', 500n), 'HOLD_NOT_DUE'],
    ['a promise posted after its time', promise('post', 500n, world.overdue.id), 'HOLD_EXPIRED'],
  ];
}

function badPayments(world: World): Case[] {
  const { buyer, frozen, closed, yen, nobody, seller, paid, held, overdue, owed, taken, line } = world;
  const prepaid = { source: 'prepaid', account: buyer, cap: null } as const;
  const replan = (payment: Id, version: number, funding: Pay['funding'] = [prepaid]): LedgerCommand => ({
    ...{ do: 'replan', id: newId(), payment, version, funding },
  });
  const dispute = (amount: bigint): LedgerCommand => ({ do: 'dispute', id: newId(), payment: paid.id, amount: forged(amount) });
  const twice = [prepaid, { ...prepaid }];
  return [
    ['more than there is', world.pay(1_000_000n), 'INSUFFICIENT_FUNDS'],
    ['an unknown buyer', world.pay(1n, { buyerAccount: nobody }), 'ACCOUNT_CLOSED'],
    ['an unknown seller', world.pay(1n, { sellerAccount: nobody }), 'ACCOUNT_UNKNOWN'],
    ['a frozen buyer', world.pay(1n, { buyerAccount: frozen }), 'ACCOUNT_FROZEN'],
    ['a closed buyer', world.pay(1n, { buyerAccount: closed }), 'ACCOUNT_CLOSED'],
    ['to a closed account', world.pay(1n, { sellerAccount: closed }), 'ACCOUNT_CLOSED'],
    ['to oneself', world.pay(1n, { sellerAccount: buyer }), 'SAME_ACCOUNT'],
    ['from yen', world.pay(1n, { buyerAccount: yen }), 'BAD_CURRENCY'],
    ['funded by nothing', world.pay(1n, { funding: [] }), 'BAD_REQUEST'],
    ['funded twice from one source', world.pay(1n, { funding: twice }), 'BAD_REQUEST'],
    ['an id used for another payment', { ...world.pay(7n), id: paid.id }, 'REQUEST_CONFLICT'],
    ['an id used for another command', { do: 'void', id: paid.id, payment: held.id }, 'REQUEST_CONFLICT'],
    ['a capture above the hold', world.capture(501n, held.id), 'CAPTURE_TOO_LARGE'],
    ['a capture after its time', world.capture(500n, overdue.id), 'HOLD_EXPIRED'],
    ['a capture of what is no hold', world.capture(1n, paid.id), 'PAYMENT_STATE'],
    ['a capture of nothing known', world.capture(1n, nobody), 'PAYMENT_UNKNOWN'],
    ['a hold expired before its time', { do: 'expire', id: newId(), payment: held.id }, 'HOLD_NOT_DUE'],
    ['a refund above what remains', world.refund(601n), 'REFUND_TOO_LARGE'],
    ['a refund in another currency', world.refund(1n, 'USD'), 'BAD_CURRENCY'],
    ['a refund of nothing known', world.refund(1n, 'EUR', nobody), 'PAYMENT_UNKNOWN'],
    ['a refund by another hub', world.refund(1n, 'EUR', paid.id, nobody), 'PAYMENT_UNKNOWN'],
    ['a refund of a hold', world.refund(1n, 'EUR', held.id), 'PAYMENT_STATE'],
    ['a stale re-plan', replan(owed.id, 7), 'PLAN_CHANGED'],
    ['a re-plan of what the bank collects', replan(taken.id, 2), 'PLAN_FROZEN'],
    ['a re-plan that does not cover it', replan(owed.id, 1, [{ source: 'prepaid', account: world.poor, cap: null }]), 'INSUFFICIENT_FUNDS'],
    ['a stale freeze', { do: 'freeze', id: newId(), payment: owed.id, version: 7, run: newId() }, 'PLAN_CHANGED'],
    ['a dispute above what remains', dispute(601n), 'REFUND_TOO_LARGE'],
    ['a verdict without dispute', { do: 'verdict', id: newId(), payment: paid.id, to: 'CHARGED_BACK' }, 'PAYMENT_STATE'],
    ['a line that is no seller', world.pay(1n, { sellerAccount: line, buyerAccount: seller, funding: [] }), 'BAD_REQUEST'],
    ...[0n, -1n, MONEY_MAX + 1n, 2n ** 63n].flatMap((amount): Case[] => {
      const code = amount > 0n ? 'AMOUNT_TOO_LARGE' : 'BAD_AMOUNT';
      return [
        [`a payment of ${amount}`, world.pay(amount), code],
        [`a hold of ${amount}`, world.hold(amount, Date.now() + 600_000), code],
        [`a capture of ${amount}`, world.capture(amount, held.id), code],
        [`a refund of ${amount}`, world.refund(amount), code],
        [`a dispute of ${amount}`, dispute(amount), code],
      ];
    }),
  ];
}

function badAccounts(world: World): Case[] {
  const { buyer, nobody, closed, frozen } = world;
  const open = (id: Id, change: Partial<Extract<LedgerCommand, { do: 'open-account' }>>): LedgerCommand => ({
    ...{ do: 'open-account', id, kind: 'wallet-buyer', owner: id, currency: 'EUR', windowId: newId() },
    ...change,
  });
  return [
    ['opened again as something else', open(buyer, { kind: 'wallet-seller' }), 'REQUEST_CONFLICT'],
    ['opened again in another currency', open(buyer, { currency: 'JPY' }), 'REQUEST_CONFLICT'],
    ['a change of nobody', { do: 'change-account', id: nobody, change: { state: 'FROZEN' } }, 'ACCOUNT_UNKNOWN'],
    ['a closed account opened by a change', { do: 'change-account', id: closed, change: { state: 'OPEN' } }, 'ACCOUNT_CLOSED'],
    ['an account closed with money on it', { do: 'change-account', id: frozen, change: { state: 'CLOSED' } }, 'ACCOUNT_NOT_EMPTY'],
    ['an account closed with a hold on it', { do: 'change-account', id: buyer, change: { state: 'CLOSED' } }, 'ACCOUNT_NOT_EMPTY'],
    ['a window of no account', { do: 'close-window', currency: 'CHF', nextWindowId: newId() }, 'BAD_CURRENCY'],
  ];
}

describe.each(ENGINES)('on $name', (engine) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'handover-bad-input-'));
  const world = new World();
  let under: DatabaseUnderTest;
  let database: OpenDatabase;

  const open = (): Promise<OpenDatabase> =>
    openDatabase({
      ...{ data: folder, database: under.options.database, signer: carrierSigner(folder), clock: { now: () => Date.now() } },
      random: { bytes: (count) => new Uint8Array(count) },
      logger: { warn: () => undefined },
      onDeath: () => undefined,
      onGroup: () => undefined,
    });
  const run = async (command: LedgerCommand): Promise<string> => told(await database.ledger.run(command)).what;

  beforeAll(async () => {
    under = await engine.open(folder);
    database = await open();
    for (const command of world.accounts()) expect(await run(command)).toBe('done');
    await database.close();
    await plant(under, folder, world.full, COUNTER_MAX - MONEY_MAX);
    database = await open();
    for (const command of world.history()) expect(['done', 'COMMITTED', 'AUTHORISED', 'NOTED']).toContain(await run(command));
  });
  afterAll(async () => {
    await database.close();
    await under.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const unchanged = async (cases: readonly Case[], isTogether: boolean): Promise<void> => {
    const before = await hashTold(under, folder, database);
    const alone = async (): Promise<string[]> => {
      const codes: string[] = [];
      for (const [, command] of cases) codes.push(await run(command));
      return codes;
    };
    const codes = isTogether ? await Promise.all(cases.map(([, command]) => run(command))) : await alone();
    expect(cases.map(([what], place) => `${what}: ${codes[place]}`)).toEqual(cases.map(([what, , code]) => `${what}: ${code}`));
    expect(await hashTold(under, folder, database)).toBe(before);
  };

  test.each([
    ['postings', badPostings],
    ['payment commands', badPayments],
    ['changes of accounts and windows', badAccounts],
  ])('refused %s change nothing, one by one and in one group', async (_what, casesOf) => {
    await unchanged(casesOf(world), false);
    await unchanged(casesOf(world), true);
  });

  test('what was done once is done, when it is asked again, although it could not be done any more', async () => {
    const wallet = newId();
    expect(await run({ do: 'open-account', id: wallet, kind: 'wallet-buyer', owner: wallet, currency: 'EUR', windowId: newId() })).toBe(
      'done',
    );
    const out = single(wallet, bank, 500n, { kind: 'withdrawal' });
    const promise = single(bank, wallet, 100n, { mode: 'pending' });
    const kept = single(bank, wallet, 100n, { mode: 'post', pending: promise.id });
    const steps = [post(single(bank, wallet, 500n)), post(out), post(promise), post(kept)];
    for (const step of steps) expect(await run(step)).toBe('done');
    const before = await hashTold(under, folder, database);
    for (const step of steps) expect(await run(step)).toBe('done');
    expect(await Promise.all(steps.map(run))).toEqual(steps.map(() => 'done'));
    expect(await hashTold(under, folder, database)).toBe(before);
  });

  test('a counter takes what it can hold, to the last cent', async () => {
    expect(await run(post(single(bank, world.full, MONEY_MAX)))).toBe('done');
    expect(await run(post(single(world.full, bank, MONEY_MAX)))).toBe('done');
    const full = await database.ledger.account(world.full);
    expect([full!.creditsPosted, full!.debitsPosted]).toEqual([COUNTER_MAX, COUNTER_MAX]);
    expect(await run(post(single(bank, world.full, 1n)))).toBe('AMOUNT_TOO_LARGE');
  });

  test('what follows in one group sees what came before it', async () => {
    const pay = world.pay(300n);
    const group: LedgerCommand[] = [
      pay,
      { do: 'dispute', id: newId(), payment: pay.id, amount: minor(100n) },
      { do: 'verdict', id: newId(), payment: pay.id, to: 'CHARGED_BACK' },
      world.refund(200n, 'EUR', pay.id),
      world.refund(1n, 'EUR', pay.id),
    ];
    // The first is on its way alone while the others gather behind it.
    const told5 = await Promise.all([run(post(single(bank, world.buyer, 1n))), ...group.map(run)]);
    expect(told5).toEqual(['done', 'COMMITTED', 'DISPUTED', 'CHARGED_BACK', 'COMMITTED', 'REFUND_TOO_LARGE']);
  });
});

/** A counter that would take 92,000 of the largest postings to fill. */
async function plant(under: DatabaseUnderTest, folder: string, account: Id, value: bigint): Promise<void> {
  if (under.options.database === undefined) {
    const db = new Database(path.join(folder, 'carrier.db'));
    teachBalances(db);
    const where = `id = x'${account.replaceAll('-', '')}'`;
    db.exec(setCounter('credits_posted', String(value), where) + setCounter('debits_posted', String(value), where));
    db.close();
    return;
  }
  const client = await connectToWriter([under.options.database]);
  await client.query('UPDATE account SET credits_posted = $1, debits_posted = $1 WHERE id = $2', [value, account]);
  await client.end();
}

/** Balances as the engine tells them, for rows may lag behind; everything else as it is stored. */
async function hashTold(under: DatabaseUnderTest, folder: string, { ledger }: OpenDatabase): Promise<string> {
  const accounts = await ledger.accounts(undefined, 1_000);
  const over = (journal: Omit<LedgerState, 'accounts'>): Promise<string> =>
    stateHash({
      accounts: () => accounts,
      pendings: () => journal.pendings(),
      payments: () => journal.payments(),
      transferIds: () => journal.transferIds(),
    });
  if (under.options.database === undefined) {
    const db = new Database(path.join(folder, 'carrier.db'), { readonly: true });
    return over(new SqliteJournal(db)).finally(() => db.close());
  }
  const client = await connectToWriter([under.options.database]);
  try {
    return await withJournal(client, over);
  } finally {
    await client.end();
  }
}
