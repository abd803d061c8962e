/** A ledger that everything has happened to: seeded commands of every kind through the real SQLite engine. */
import { randomInt } from 'node:crypto';
import path from 'node:path';
import { type Id, makeId } from '#protocol/ids.ts';
import { minor } from '#protocol/money.ts';
import { keyId, makeSigningPair, type SigningPair } from '#protocol/signing.ts';
import type { SqliteEngine } from '../../../server/accounts/sqlite/engine.ts';
import type { CarrierKeys } from '../../../server/accounts/verify.ts';
import { CARRIER_ACCOUNT_KINDS, carrierAccount } from '../../../server/carrier-account.ts';
import type { LedgerCommand } from '../../../server/commands.ts';
import type { AccountKind, FundingOption, Payment } from '../../../server/records.ts';
import { SETTLEMENT_MIGRATION } from '../../../server/secondary-payment/tables.ts';
import { sqliteWriter } from '../../../server/sqlite-writer.ts';
import { migrations } from '../../../server/store/migrations.ts';
import { openAccountDatabase, type Sqlite } from '../../../server/store/open.ts';
import { spreading } from './spread-accounts.ts';

export const MIGRATIONS = migrations(SETTLEMENT_MIGRATION);
export const VERSION = MIGRATIONS.at(-1)!.version;
export const seedOf = (): number => Number(process.env['HANDOVER_SEED'] ?? randomInt(2 ** 31));

interface Buyer {
  readonly wallet: Id;
  readonly funding: readonly FundingOption[];
}

/** `replans`: whether payments are funded anew; afterwards the order of their legs is in no journal. */
export interface WorldOptions {
  readonly seed: number;
  readonly replans: boolean;
  /** Left out: a new one. */
  readonly signer?: SigningPair & { readonly keyId: string };
}

export class World {
  readonly file: string;
  readonly db: Sqlite;
  readonly keys: CarrierKeys;
  readonly #engine: SqliteEngine;
  readonly #chance: () => number;
  readonly #replans: boolean;
  readonly #buyers: Buyer[] = [];
  readonly #sellers: { readonly id: Id; readonly account: Id }[] = [];
  readonly #payments: Id[] = [];
  #now = 1_800_000_000_000;
  #made = 0;

  constructor(folder: string, { seed, replans, signer = newSigner() }: WorldOptions) {
    this.file = path.join(folder, 'carrier.db');
    this.#chance = mulberry(seed);
    this.#replans = replans;
    this.db = openAccountDatabase(this.file, MIGRATIONS);
    this.keys = (id) => (id === signer.keyId ? signer.publicKey : undefined);
    this.#engine = sqliteWriter({ db: this.db, clock: { now: () => this.#now }, signer, snapshotMax: 1 });
    this.#openAccounts();
  }

  /** So many groups of one to eight commands. */
  live(groups: number): void {
    for (let group = 0; group < groups; group++) {
      this.#now += this.#below(1_000);
      this.#run(...Array.from({ length: 1 + this.#below(8) }, () => this.#command()).filter((command) => command !== undefined));
    }
  }

  /** Some balances are written, some are left to be played at the next start. */
  writeSome(): void {
    this.#engine.snapshotStep();
  }

  /** An orderly end; `orderly` false: as after kill -9. */
  end(orderly = true): void {
    if (orderly) this.#engine.close();
    this.db.close();
  }

  #run(...commands: readonly LedgerCommand[]): void {
    for (const result of this.#engine.commit(commands)) if (!result.ok && result.code === 'INTERNAL') throw new Error(result.detail);
  }

  #openAccounts(): void {
    const windowId = this.#id();
    const open = (kind: AccountKind, owner: string | null, limit?: bigint, id = this.#id()): Id => {
      const terms = { kind, owner, currency: 'EUR', ...(limit === undefined ? {} : { limit }) } as const;
      spreading(this.db, () => this.#run({ do: 'open-account', id, windowId, ...terms }));
      return id;
    };
    for (const kind of CARRIER_ACCOUNT_KINDS) open(kind, null, undefined, carrierAccount(kind, 'EUR'));
    for (let i = 0; i < 3; i++) {
      const owner = this.#id();
      const [wallet, debit, credit] = [open('wallet-buyer', owner), open('debit-due', owner, 40_000n), open('credit-due', owner, 20_000n)];
      const option = (source: FundingOption['source'], account: Id): FundingOption => ({ source, account, cap: null });
      this.#buyers.push({ wallet, funding: [option('prepaid', wallet), option('debit', debit), option('credit', credit)] });
      this.#topUp(wallet);
    }
    for (let i = 0; i < 2; i++) {
      const id = this.#id();
      this.#sellers.push({ id, account: open('wallet-seller', id) });
    }
  }

  #topUp(wallet: Id): void {
    const nothing = { payment: null, pending: null, expiresAt: null };
    const amount = minor(BigInt(1 + this.#below(30_000)));
    const what = { amount, currency: 'EUR', kind: 'top-up', mode: 'single', reference: 'top-up' } as const;
    this.#run({ do: 'post', transfers: [{ id: this.#id(), debit: carrierAccount('bank', 'EUR'), credit: wallet, ...what, ...nothing }] });
  }

  #command(): LedgerCommand | undefined {
    const dice = this.#below(100);
    if (dice < 25) return this.#pay('pay');
    if (dice < 40) return this.#pay('hold');
    if (dice === 40) return { do: 'close-window', currency: 'EUR', nextWindowId: this.#id() };
    if (dice === 41)
      return { do: 'change-account', id: this.#one(this.#buyers).funding[2]!.account, change: { limit: BigInt(this.#below(30_000)) } };
    if (dice < 45) {
      this.#topUp(this.#one(this.#buyers).wallet);
      return undefined;
    }
    const id = this.#payments.length === 0 ? undefined : this.#one(this.#payments.slice(-30));
    const payment = id && this.#engine.payment(id);
    return payment && this.#about(payment, dice);
  }

  #about(payment: Payment, dice: number): LedgerCommand | undefined {
    const [id, part] = [this.#id(), minor(1n + BigInt(this.#below(Number(payment.amount))))];
    const all = minor(payment.amount);
    if (payment.state === 'AUTHORISED') {
      this.#now += dice > 95 ? 60_000 : 0;
      if (dice < 75) return { do: 'capture', id, payment: payment.id, amount: dice < 60 ? all : part };
      return { do: dice < 85 ? 'void' : 'expire', id, payment: payment.id };
    }
    if (payment.state === 'DISPUTED' && dice < 70)
      return { do: 'verdict', id, payment: payment.id, to: dice < 55 ? 'DISPUTE_WON' : 'CHARGED_BACK' };
    if (dice < 65) return { do: 'refund', id, payment: payment.id, amount: part, currency: 'EUR', hubId: null };
    if (dice < 75) return { do: 'dispute', id, payment: payment.id, amount: part };
    if (dice < 85) return { do: 'freeze', id, payment: payment.id, version: payment.version, run: this.#id() };
    if (!this.#replans) return undefined;
    const funding = this.#shuffled(this.#buyers.find(({ funding: [own] }) => own!.account === payment.buyerAccount)!.funding);
    return { do: 'replan', id, payment: payment.id, version: payment.version, funding };
  }

  #pay(what: 'pay' | 'hold'): LedgerCommand {
    const [buyer, seller] = [this.#one(this.#buyers), this.#one(this.#sellers)];
    const funding = this.#shuffled(buyer.funding).map((option) => ({ ...option, cap: this.#below(3) === 0 ? minor(200n) : null }));
    const request = {
      id: this.#id(),
      amount: minor(BigInt(1 + this.#below(2_000))),
      currency: 'EUR',
      buyerAccount: buyer.wallet,
      sellerAccount: seller.account,
      sellerId: seller.id,
      hubId: this.#sellers[0]!.id,
      funding: this.#below(2) === 0 ? funding : funding.slice(0, 1).map((option) => ({ ...option, cap: null })),
      fee: this.#below(2) === 0 ? null : { basisPoints: 150, fixed: minor(5n) },
    } as const;
    this.#payments.push(request.id);
    return what === 'pay' ? { do: 'pay', ...request } : { do: 'hold', expiresAt: this.#now + 30_000, ...request };
  }

  #shuffled<T>(items: readonly T[]): readonly T[] {
    return items
      .map((item) => ({ item, at: this.#chance() }))
      .toSorted((a, b) => a.at - b.at)
      .map(({ item }) => item);
  }

  #one<T>(items: readonly T[]): T {
    return items[this.#below(items.length)]!;
  }

  #below(limit: number): number {
    return Math.floor(this.#chance() * limit);
  }

  #id(): Id {
    const bytes = new Uint8Array(10);
    new DataView(bytes.buffer).setUint32(4, ++this.#made);
    return makeId(this.#now, bytes);
  }
}

function newSigner(): SigningPair & { readonly keyId: string } {
  const pair = makeSigningPair();
  return { ...pair, keyId: keyId(pair.publicKey) };
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
