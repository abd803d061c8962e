/** What the differential test runs a script through. Another database is one more class, and one more line where engines are listed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import { keyId, makeSigningPair } from '#protocol/signing.ts';
import { groupsOf } from '../../../../server/accounts/engine.ts';
import { MemoryLedger } from '../../../../server/accounts/memory.ts';
import type { SqliteEngine } from '../../../../server/accounts/sqlite/engine.ts';
import { SqliteJournal, verifyLedger } from '../../../../server/accounts/sqlite/verify.ts';
import { stateHash } from '../../../../server/accounts/state-hash.ts';
import { type LedgerCommand, type LedgerResult, weight } from '../../../../server/commands.ts';
import { decideGroup, type GroupParts } from '../../../../server/decide-group.ts';
import type { Position } from '../../../../server/ports.ts';
import { SETTLEMENT_MIGRATION } from '../../../../server/secondary-payment/tables.ts';
import { sqliteWriter } from '../../../../server/sqlite-writer.ts';
import { migrations } from '../../../../server/store/migrations.ts';
import { openAccountDatabase, type Sqlite } from '../../../../server/store/open.ts';
import { spreading } from '../spread-accounts.ts';

export interface EngineUnderTest {
  readonly name: string;
  /** Runs the commands as of `at` (Unix milliseconds), in one transaction if closings allow. */
  commit(commands: readonly LedgerCommand[], at: number): Promise<readonly Result<LedgerResult>[]>;
  /** Ends the engine and starts it again; not orderly: as after kill -9. */
  reopen(orderly: boolean): Promise<void>;
  stateHash(): Promise<string>;
  /** What is wrong with the journal. */
  verify(): Promise<readonly string[]>;
  /** What a closed window owed each seller; undefined where no windows are kept. */
  positions(window: Id): Promise<readonly Position[] | undefined>;
  close(): Promise<void>;
}

export type Signer = GroupParts['signer'];

export function newSigner(): Signer {
  const pair = makeSigningPair();
  return { ...pair, keyId: keyId(pair.publicKey) };
}

/** Those that need nothing but this machine's disk. The first is what the others are compared with. */
export function enginesUnderTest(signer: Signer): readonly EngineUnderTest[] {
  return [
    new InMemory(signer),
    // Every group writes some balances and lets go of others.
    new InSqlite(signer, { accountsMax: 8, snapshotMax: 3 }),
    // Only an orderly end writes balances; after any other the tail is played again.
    new InSqlite(signer, { accountsMax: 1_000, snapshotMax: 1_000 }),
  ];
}

class InMemory implements EngineUnderTest {
  readonly name = 'memory';
  readonly #ledger = new MemoryLedger();
  readonly #signer: Signer;

  constructor(signer: Signer) {
    this.#signer = signer;
  }

  async commit(commands: readonly LedgerCommand[], at: number): Promise<readonly Result<LedgerResult>[]> {
    const decide = decideGroup({ clock: { now: () => at }, signer: this.#signer });
    return groupsOf(commands, weight, Number.MAX_SAFE_INTEGER).flatMap((group) => this.#ledger.commit(group, decide));
  }

  async reopen(): Promise<void> {
    // There is nothing to open.
  }

  stateHash(): Promise<string> {
    return stateHash(this.#ledger.state);
  }

  async verify(): Promise<readonly string[]> {
    return [];
  }

  async positions(): Promise<undefined> {
    return undefined;
  }

  async close(): Promise<void> {
    // Nor to close.
  }
}

interface Bounds {
  /** Balances held in memory. */
  readonly accountsMax: number;
  /** Balances written in one step of a snapshot. */
  readonly snapshotMax: number;
}

class InSqlite implements EngineUnderTest {
  readonly name: string;
  readonly #bounds: Bounds;
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'handover-model-'));
  readonly #signer: Signer;
  #db: Sqlite;
  #engine: SqliteEngine;
  #now = 0;

  constructor(signer: Signer, bounds: Bounds) {
    this.name = `SQLite with ${bounds.accountsMax} accounts in memory`;
    this.#bounds = bounds;
    this.#signer = signer;
    this.#db = this.#openFile();
    this.#engine = this.#start();
  }

  async commit(commands: readonly LedgerCommand[], at: number): Promise<readonly Result<LedgerResult>[]> {
    this.#now = at;
    const opens = commands.some((command) => command.do === 'open-account');
    return opens ? spreading(this.#db, () => this.#engine.commit(commands)) : this.#engine.commit(commands);
  }

  async reopen(orderly: boolean): Promise<void> {
    if (orderly) this.#engine.close();
    this.#db.close();
    this.#db = this.#openFile();
    this.#engine = this.#start();
  }

  /** From the rows alone, so after an orderly end. */
  async stateHash(): Promise<string> {
    await this.reopen(true);
    return stateHash(new SqliteJournal(this.#db));
  }

  async verify(): Promise<readonly string[]> {
    const { findings } = await verifyLedger(this.#db, (id) => (id === this.#signer.keyId ? this.#signer.publicKey : undefined));
    return findings.map(({ what }) => what);
  }

  async positions(window: Id): Promise<readonly Position[]> {
    return this.#engine.positions(window);
  }

  async close(): Promise<void> {
    this.#db.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Whether a commit survives a power cut is another test's matter. */
  #openFile(): Sqlite {
    const db = openAccountDatabase(path.join(this.#folder, 'carrier.db'), migrations(SETTLEMENT_MIGRATION));
    db.pragma('synchronous = OFF');
    return db;
  }

  #start(): SqliteEngine {
    return sqliteWriter({ db: this.#db, clock: { now: () => this.#now }, signer: this.#signer, ...this.#bounds });
  }
}
