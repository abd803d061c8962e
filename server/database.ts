/** Opens the account database that the configuration names, and hands out its engine and its small tables. */
import path from 'node:path';
import type { Logger } from 'pino';
import { toBase64Url } from '#protocol/bytes.ts';
import { HandoverError } from '#protocol/errors.ts';
import { signEd25519 } from '#protocol/signing.ts';
import { checkpointSignedBytes, checkpointText } from './accounts/checkpoint.ts';
import type { LastBatch, LedgerEngine } from './accounts/engine.ts';
import { addressesIn, ClusterPool, connectToWriter, postgresError } from './accounts/postgres/connect.ts';
import { PostgresEngine } from './accounts/postgres/engine.ts';
import { migrate, postgresMigrations } from './accounts/postgres/schema.ts';
import { decideGroup } from './decide-group.ts';
import type { Clock, Random } from './ports.ts';
import { SETTLEMENT_MIGRATION } from './secondary-payment/tables.ts';
import type { CarrierSigner } from './store/key-files.ts';
import { type Directory, openDirectory } from './store/directory.ts';
import { lockDataFolder } from './store/lock.ts';
import { coldMigrations, migrations } from './store/migrations.ts';
import { openAccountDatabase, type Sqlite } from './store/open.ts';
import { openRegistry, openRegistryOn, type Registry } from './store/registry.ts';
import { WriterClient } from './writer.ts';

export interface OpenDatabase {
  readonly ledger: LedgerEngine;
  readonly registry: Registry;
  readonly directory: Directory;
  close(): Promise<void>;
}

export interface DatabaseParts {
  /** Data folder, for SQLite. */
  readonly data: string;
  /** `postgres://…`, several members of one cluster separated by commas; left out: SQLite in the data folder. */
  readonly database: string | undefined;
  readonly signer: CarrierSigner;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Pick<Logger, 'warn'>;
  /** The writer has ended: nothing more may be accepted. */
  readonly onDeath: (error: Error) => void;
  readonly onGroup: (size: number) => void;
}

/** Throws HandoverError (DATABASE_…). */
export function openDatabase(parts: DatabaseParts): Promise<OpenDatabase> {
  return parts.database === undefined ? openSqlite(parts) : openPostgres(parts, addressesIn(parts.database));
}

async function openSqlite({ data, signer, onDeath, onGroup }: DatabaseParts): Promise<OpenDatabase> {
  const file = path.join(data, 'carrier.db');
  const release = lockDataFolder(data);
  let db: Sqlite | undefined;
  try {
    const opened = openAccountDatabase(file, migrations(SETTLEMENT_MIGRATION));
    db = opened;
    const ledger = await WriterClient.open({ file, keyPem: signer.pem }, onDeath, onGroup);
    const close = async (): Promise<void> => {
      await ledger.close();
      opened.close();
      release();
    };
    const registry: Registry = openRegistry(opened);
    return { ledger, registry, directory: openDirectory(registry, 'sqlite'), close };
  } catch (error) {
    db?.close();
    release();
    throw error;
  }
}

async function openPostgres(parts: DatabaseParts, addresses: readonly string[]): Promise<OpenDatabase> {
  await migratePostgres(addresses);
  const { clock, random, logger, onGroup, signer } = parts;
  const ledger = await PostgresEngine.open({
    addresses,
    decide: decideGroup({ clock, signer }),
    clock,
    random,
    checkpoint: (last) => signCheckpoint(last, signer, clock),
    onGroup,
    onTrouble: (what) => logger.warn(what),
  });
  const pool = new ClusterPool(addresses, 'cold');
  const close = async (): Promise<void> => {
    await ledger.close();
    await pool.end();
  };
  const registry: Registry = openRegistryOn(pool);
  return { ledger, registry, directory: openDirectory(registry, 'postgres'), close };
}

/** Brings a PostgreSQL database to the latest version. */
export async function migratePostgres(addresses: readonly string[]): Promise<void> {
  const client = await connectToWriter(addresses);
  try {
    await migrate(client, postgresMigrations(coldMigrations(SETTLEMENT_MIGRATION)));
  } catch (error) {
    const known = postgresError(error, addresses[0]!);
    throw known instanceof HandoverError ? known : error;
  } finally {
    await client.end().catch(() => undefined);
  }
}

export function signCheckpoint(
  last: LastBatch,
  signer: CarrierSigner,
  clock: Clock,
): { readonly text: string; readonly keyId: string; readonly signature: string } {
  const text = checkpointText(last, clock.now());
  return { text, keyId: signer.keyId, signature: toBase64Url(signEd25519(signer.privateKey, checkpointSignedBytes(text))) };
}
