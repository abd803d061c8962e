import type { Command } from 'commander';
import { ERRORS } from '#protocol/errors.ts';
import { listPcscReaders, listSerialReaders } from '../agent/readers/open-readers.ts';
import { systemClock } from '../agent/system-ports.ts';
import { makeOutput, table } from './output.ts';

const NONE = 'No reader is plugged in. Plug one in, or try one that is SIMULATED: handover simulate reader pn532 --link ./reader';

/** `handover readers list`: what is plugged in. */
export function readersCommand(program: Command): void {
  program
    .command('readers')
    .description('card readers')
    .command('list')
    .description('serial devices that may be a PN532, and the readers of the smart card service')
    .option('--json', 'for machines')
    .action(async (options: { json?: true }) => {
      const pcsc = await listPcscReaders({ clock: systemClock() });
      const named = pcsc.ok ? pcsc.value.map((path) => ({ kind: 'pcsc', path, description: 'smart card service' })) : [];
      const readers = [...(await listSerialReaders()), ...named];
      const found = readers.length === 0 ? NONE : table(readers.map(({ kind, path, description }) => [kind, path, description]));
      // That the service is missing is news only to those who have such a reader.
      const trouble = pcsc.ok ? '' : `\nReaders of the kind pcsc were not looked for. ${ERRORS[pcsc.code].staff} ${ERRORS[pcsc.code].next}`;
      makeOutput(options.json === true).result({ readers, ...(!pcsc.ok && { pcsc: pcsc.code }) }, found + trouble);
    });
}
