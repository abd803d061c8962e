import { HandoverError } from '#protocol/errors.ts';
import type { AgentPorts } from './agent.ts';
import type { AgentConfig } from './config.ts';
import { configuredReaders } from './configured-readers.ts';
import { identify } from './identification/identify.ts';
import { freeBytesOf, systemClock, systemLogger, systemRandom } from './system-ports.ts';

/** The outside world of a real hub. Throws HandoverError: CONFIG_BAD, READER_UNKNOWN. */
export function realWorld(config: AgentConfig): AgentPorts {
  const clock = systemClock();
  const readers = configuredReaders(config.readers, { clock });
  if (!readers.ok) throw new HandoverError(readers.code, readers.detail);
  return {
    clock,
    random: systemRandom(),
    logger: systemLogger(),
    readers: readers.value,
    identification: identify,
    freeBytes: freeBytesOf,
  };
}
