import type { Result } from '#protocol/errors.ts';
import { LIMITS } from '#protocol/limits.ts';
import type { Clock } from '../../ports.ts';
import type { Launch } from './launch.ts';
import { ReaderProcess } from './reader-process.ts';

/**
 * Names of the readers that the system's smart card service knows, in its order.
 * Refusals: READER_DRIVER_MISSING, READER_SERVICE_STOPPED, READER_FORBIDDEN, READER_SILENT.
 */
export async function listPcscReaders(clock: Clock, launch: Launch): Promise<Result<readonly string[]>> {
  const started = ReaderProcess.start(launch, clock);
  if (!started.ok) return started;
  const names = await started.value.ask<'list'>({ do: 'list' }, LIMITS.reader_start_ms);
  started.value.end();
  return names;
}
