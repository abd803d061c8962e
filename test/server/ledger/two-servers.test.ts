/**
 * Two servers on one PostgreSQL database, and two engines without servers around them: whoever decides, money moves once, windows hold
 * what belongs to them, and the journal of both writers verifies. The seed is for the load of the engines.
 */
import { randomInt } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Id } from '#protocol/ids.ts';
import { minor } from '#protocol/money.ts';
import type { Outcome } from '#protocol/receipt.ts';
import { type AccountsAnswer, type BatchAnswer, ROUTES, type Seller, type SettlementBatchAnswer } from '#protocol/routes.ts';
import { writerOf } from '../../../server/accounts/engine.ts';
import { Fold } from '../../../server/accounts/fold.ts';
import { connectToWriter } from '../../../server/accounts/postgres/connect.ts';
import { withJournal } from '../../../server/accounts/postgres/journal.ts';
import type { LedgerCommand } from '../../../server/commands.ts';
import type { OpenDatabase } from '../../../server/database.ts';
import { type RunningServer, startServer } from '../../../server/main.ts';
import { Callers } from '../../crash/callers.ts';
import type { LedgerLoad } from '../../crash/ledger-load.ts';
import { CarrierOnPostgres, furnish } from '../../crash/postgres-ledger.ts';
import { type Told, told } from '../../crash/told.ts';
import { ask, postgresHere, type PostgresServer, startPostgres } from '../../rigs/postgres.ts';
import { postgresDatabase } from '../engines.ts';
import { type Answer, BuyerTwin, call, HubTwin, newId } from '../hub-twin.ts';

const HERE = postgresHere();
const SEED = Number(process.env['HANDOVER_SEED'] ?? randomInt(2 ** 31));

let postgres: PostgresServer;
beforeAll(async () => {
  if (HERE) postgres = await startPostgres();
});
afterAll(() => postgres?.stop());

describe.skipIf(!HERE)('two servers', () => {
  const folders = [0, 1].map(() => mkdtempSync(path.join(tmpdir(), 'handover-two-')));
  let url: string;
  let servers: RunningServer[];
  let seller: Seller;
  let hubs: HubTwin[];

  beforeAll(async () => {
    url = await postgres.createDatabase('servers');
    const start = (place: number): Promise<RunningServer> =>
      startServer({ data: folders[place]!, port: 0, logLevel: 'silent', database: url });
    const first = await start(0);
    for (const secret of ['carrier-key.pem', 'operator-token'])
      copyFileSync(path.join(folders[0]!, secret), path.join(folders[1]!, secret));
    servers = [first, await start(1)];
    const body = { name: 'Hot seller', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    seller = (await call<Seller>(first.url, ROUTES.operatorSellers, body, first.operatorToken)).body;
    hubs = [];
    for (let hub = 0; hub < 6; hub++) hubs.push(await HubTwin.enrol(servers[hub % 2]!.url, first.operatorToken));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const buyerWith = (balance: string): Promise<BuyerTwin> => BuyerTwin.make(servers[0]!.url, servers[0]!.operatorToken, balance);
  const balanceOf = async (owner: string): Promise<string | undefined> => {
    const { body } = await call<AccountsAnswer>(servers[1]!.url, ROUTES.operatorAccounts, undefined, servers[1]!.operatorToken);
    return body.accounts.find((account) => account.owner === owner)?.balance;
  };
  const verified = async (): Promise<void> => {
    const database = postgresDatabase(url, async () => undefined);
    expect((await database.verify(servers[0]!.keys)).findings).toEqual([]);
  };
  const toBoth = (batch: unknown): Promise<Answer<BatchAnswer>[]> =>
    Promise.all(servers.map((server) => call<BatchAnswer>(server.url, ROUTES.batch, batch)));
  const outcomesIn = ({ body }: Answer<BatchAnswer>): Outcome[] => body.receipts.map(({ outcome }) => JSON.parse(outcome) as Outcome);

  test('a hot seller is paid and pays back on both at once, to the cent', async () => {
    const buyers = await Promise.all(hubs.map(() => buyerWith('100.00')));
    const back = await Promise.all(
      hubs.map(async (hub, place) => {
        let refunded = 0;
        for (let round = 0; round < 10; round++) {
          const { outcomes } = await hub.send(...Array.from({ length: 5 }, () => hub.payment(buyers[place]!, seller, '1.00')));
          expect(outcomes.map(({ state }) => state)).toEqual(Array(5).fill('COMMITTED'));
          const again = await hub.send(hub.refund(outcomes[0]!.requestId, '0.40'), hub.refund(outcomes[1]!.requestId, '1.00'));
          expect(again.outcomes.map(({ state, reason }) => reason ?? state)).toEqual(['COMMITTED', 'COMMITTED']);
          refunded += 140;
        }
        return refunded;
      }),
    );
    expect(back).toEqual(hubs.map(() => 1_400));
    expect(await balanceOf(seller.sellerId)).toBe('216.00');
    for (const buyer of buyers) expect(await balanceOf(buyer.buyerId)).toBe('64.00');
    const numbers = (await ask(url, 'select number::float8 as number from ledger_batch')) as { number: number }[];
    expect(new Set(numbers.map(({ number }) => writerOf(number))).size).toBe(2);
    await verified();
  });

  test('a wallet is spent once, whoever asks', async () => {
    const buyer = await buyerWith('10.00');
    const entries = hubs.map((hub) => Array.from({ length: 5 }, () => hub.payment(buyer, seller, '1.00')));
    const told30 = await Promise.all(hubs.map((hub, place) => hub.send(...entries[place]!)));
    const reasons = told30.flatMap(({ outcomes }) => outcomes.map(({ state, reason }) => reason ?? state));
    expect(reasons.toSorted()).toEqual([...Array(10).fill('COMMITTED'), ...Array(20).fill('INSUFFICIENT_FUNDS')]);
    expect(await balanceOf(buyer.buyerId)).toBe('0.00');
    await verified();
  });

  test('one batch sent to both at once is answered by both with the same bytes, and committed once', async () => {
    const buyer = await buyerWith('30.00');
    for (let round = 0; round < 15; round++) {
      const hub = hubs[round % hubs.length]!;
      const both = await toBoth(hub.batch([hub.payment(buyer, seller, '1.00'), hub.payment(buyer, seller, '0.50')]));
      expect(both.map(({ status }) => status)).toEqual([200, 200]);
      expect(both[1]!.body).toEqual(both[0]!.body);
    }
    expect(await balanceOf(buyer.buyerId)).toBe('7.50');
    // Also the very first batch of a counter, whose chain neither server has seen.
    const fresh = await HubTwin.enrol(servers[0]!.url, servers[0]!.operatorToken);
    const both = await toBoth(fresh.batch([fresh.payment(buyer, seller, '1.00')]));
    expect(both[1]!.body).toEqual(both[0]!.body);
    expect(await balanceOf(buyer.buyerId)).toBe('6.50');
    await verified();
  });

  test('one request id with two contents: one is paid, the other is told of the conflict', async () => {
    const buyer = await buyerWith('100.00');
    let paid = 0;
    for (let round = 0; round < 15; round++) {
      const requestId = newId();
      const [one, two] = [hubs[0]!, hubs[1]!];
      const batches = [
        one.batch([one.payment(buyer, seller, '1.00', { requestId })]),
        two.batch([two.payment(buyer, seller, '2.00', { requestId })]),
      ];
      const answers = await Promise.all(batches.map((batch, place) => call<BatchAnswer>(servers[place]!.url, ROUTES.batch, batch)));
      const outcomes = answers.flatMap(outcomesIn);
      expect(outcomes.map(({ state, reason }) => reason ?? state).toSorted()).toEqual(['COMMITTED', 'REQUEST_CONFLICT']);
      paid += outcomes[0]!.state === 'COMMITTED' ? 1 : 2;
    }
    expect(await balanceOf(buyer.buyerId)).toBe(`${100 - paid}.00`);
    await verified();
  });

  test('a window closed on one while the other takes payments pays every cent out once', async () => {
    const buyer = await buyerWith('200.00');
    const before = Number(await balanceOf(seller.sellerId));
    const paying = Promise.all(
      hubs.map(async (hub) => {
        for (let round = 0; round < 10; round++) await hub.send(hub.payment(buyer, seller, '1.00'), hub.payment(buyer, seller, '1.00'));
      }),
    );
    const close = async (server: RunningServer): Promise<Answer<SettlementBatchAnswer>> => {
      const answer = await call<SettlementBatchAnswer>(server.url, ROUTES.operatorWindowClose, { currency: 'EUR' }, server.operatorToken);
      return answer.status === 503 ? close(server) : answer; // busy: the two met
    };
    const closed = [await close(servers[0]!), await close(servers[1]!), ...(await Promise.all(servers.map(close)))];
    await paying;
    closed.push(await close(servers[1]!));
    expect(closed.map(({ status, body }) => body.code ?? status)).toEqual([200, 200, 200, 200, 200]);
    const paidOut = closed.reduce((sum, { body }) => sum + Number(body.controlSum), 0);
    expect(paidOut).toBeCloseTo(before + 120, 2);
    expect(await balanceOf(seller.sellerId)).toBe('0.00');
    await verified();
  });
});

describe.skipIf(!HERE)(`two engines (seed ${SEED})`, () => {
  const carrier = new CarrierOnPostgres();
  /** The second server's clock is ahead by a minute, as the tolerance allows. */
  const AHEAD_MS = 60_000;
  let url: string;
  let engines: OpenDatabase[];
  let load: LedgerLoad;

  beforeAll(async () => {
    url = await postgres.createDatabase('engines');
    const now = (): number => Date.now();
    engines = [await carrier.open([url]), await carrier.open([url], { clock: { now: () => now() + AHEAD_MS } }), await carrier.open([url])];
    load = await furnish(engines[0]!.ledger, SEED);
  });
  afterAll(async () => {
    for (const engine of engines) await engine.close();
    carrier.close();
  });

  test('a hold taken by one and expired by the other ends once', async () => {
    const expiresAt = Date.now() + AHEAD_MS / 2;
    const holds = Array.from({ length: 40 }, (_, n) => holdOf(load, 100_000 + n, expiresAt));
    await Promise.all(holds.map((hold) => engines[0]!.ledger.run(hold)));
    const ends = await Promise.all(
      holds.map(async ({ id }, n) => {
        const capture = { do: 'capture', id: load.id(200_000 + n), payment: id, amount: minor(60n) } as const;
        const expire = { do: 'expire', id: load.id(300_000 + n), payment: id } as const;
        const both = await Promise.all([engines[0]!.ledger.run(capture), engines[1]!.ledger.run(expire)]);
        return both.map((result) => told(result).what).join(' ');
      }),
    );
    const fair = ['PART_CAPTURED PAYMENT_STATE', 'HOLD_EXPIRED EXPIRED'];
    expect(ends.filter((end) => !fair.includes(end))).toEqual([]);
    const captures = await Promise.all(
      holds.map(({ id }, n) => {
        const again = { do: 'capture', id: load.id(400_000 + n), payment: id, amount: minor(1n) } as const;
        return engines[2]!.ledger.run(again).then((result) => told(result).what);
      }),
    );
    expect(captures.filter((what) => what !== 'PAYMENT_STATE' && what !== 'HOLD_EXPIRED')).toEqual([]);
  });

  test('an account is as the last one left it, and verifies, whatever the clocks say', async () => {
    const change = (place: number, state: 'FROZEN' | 'OPEN') =>
      engines[place]!.ledger.run({ do: 'change-account', id: load.buyer(7), change: { state } });
    expect([await change(1, 'FROZEN'), await change(0, 'OPEN')].map(({ ok }) => ok)).toEqual([true, true]);
    expect((await engines[2]!.ledger.account(load.buyer(7)))!.state).toBe('OPEN');
    const database = postgresDatabase(url, async () => undefined);
    expect((await database.verify(carrier.keys)).findings).toEqual([]);
  });

  test('windows closed by one under the load of the others hold what belongs to them', { timeout: 60_000 }, async () => {
    const callers = [0, 1].map((place) => new Callers(engines[place]!.ledger, load, { from: 1_000_000 * place, count: 20 }));
    // Refunds alone in their groups: nothing of theirs names a currency before the payment is read.
    const wishes = Array.from({ length: 200 }, (_, n) => payOf(load, 500_000 + n));
    const answers = await Promise.all(wishes.map((pay) => engines[2]!.ledger.run(pay)));
    // With some seeds the load has emptied a wallet before: what was not paid has nothing to give back.
    const paid = wishes.filter((_, n) => told(answers[n]!).what === 'COMMITTED');
    expect(paid.length).toBeGreaterThan(150);
    const closings: number[] = [];
    const refunds: string[] = [];
    let isClosing = true;
    const closing = (async () => {
      for (let n = 0; n < 25; n++) {
        const began = performance.now();
        const closed = await engines[0]!.ledger.run({ do: 'close-window', currency: 'EUR', nextWindowId: load.id(600_000 + n) });
        expect(closed.ok).toBe(true);
        closings.push(Math.round(performance.now() - began));
      }
      isClosing = false;
    })();
    for (const [n, { id }] of paid.entries()) {
      if (!isClosing) break;
      const refund = { do: 'refund', id: load.id(700_000 + n), payment: id, amount: minor(1n), currency: 'EUR', hubId: null } as const;
      refunds.push(told(await engines[2]!.ledger.run(refund)).what);
    }
    await closing;
    for (const caller of callers) await caller.end();
    console.log(`25 closings, slowest ${Math.max(...closings)} ms; ${refunds.length} refunds alone; refused`, callers[0]!.refusals);
    expect(refunds.filter((what) => what !== 'COMMITTED')).toEqual([]);
    for (const caller of callers) expect(caller.refusals).toEqual({});
    expect(Math.max(...closings)).toBeLessThan(5_000);
    await windowsHold(url);
    const answered = new Map<number, Told>([...callers[0]!.answered, ...callers[1]!.answered]);
    await carrier.look(url, engines[2]!.ledger, load, answered);
  });
});

type Pay = Extract<LedgerCommand, { do: 'pay' }>;

/** 1.00 of the wallet, no fee. */
function payOf(load: LedgerLoad, n: number): Pay {
  const [buyer, seller] = [load.buyer(n), load.seller(0)];
  const parties = { buyerAccount: buyer, sellerAccount: seller, sellerId: seller, hubId: load.id(1) };
  const funding = [{ source: 'prepaid', account: buyer, cap: null }] as const;
  return { do: 'pay', id: load.id(n), amount: minor(100n), currency: 'EUR', ...parties, funding, fee: null };
}

function holdOf(load: LedgerLoad, n: number, expiresAt: number): Extract<LedgerCommand, { do: 'hold' }> {
  return { ...payOf(load, n), do: 'hold', expiresAt };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Each closed window owes every seller what all batches up to it, and none after it, add up to. */
async function windowsHold(url: string): Promise<void> {
  const rows = (await ask(url, `select id::text, next::text from settlement_window where currency = 'EUR'`)) as {
    id: Id;
    next: Id | null;
  }[];
  const positions = (await ask(url, 'select settlement_window::text as window, account::text, amount::text from position')) as {
    window: Id;
    account: Id;
    amount: string;
  }[];
  const nexts = new Set(rows.map(({ next }) => next));
  const byId = new Map(rows.map((row) => [row.id, row]));
  const client = await connectToWriter([url]);
  const batches = await withJournal(client, async (journal) => all(journal.batches()));
  await client.end();
  const fold = new Fold();
  let closed = 0;
  for (let at = rows.find(({ id }) => !nexts.has(id)); at?.next; at = byId.get(at.next)) {
    const { id } = at;
    for (const { windows, transfers } of batches) {
      if (windows.get('EUR') === id) for (const { transfer } of transfers) fold.add(transfer!);
    }
    const owed = positions.filter(({ window }) => window === id).map(({ account, amount }) => `${account} ${amount}`);
    const sellers = new Set(positions.map(({ account }) => account));
    const expected = [...fold.counters].flatMap(([account, { creditsPosted, debitsPosted, debitsPending }]) => {
      const amount = creditsPosted - debitsPosted - debitsPending;
      return sellers.has(account) && amount > 0n ? [`${account} ${amount}`] : [];
    });
    expect(owed.toSorted()).toEqual(expected.toSorted());
    closed++;
  }
  expect(closed).toBeGreaterThan(20);
}
