import path from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import type { Command } from 'commander';
import { runDemo } from './demo/run.ts';
import { enrolArguments, simulatedPhone, startAgentProcess, startCarrier, startReader, walletCodeToTry } from './embedded.ts';
import type { CarrierClient } from './carrier-client.ts';
import { configureDesktop, desktopHub, findDesktop, openDesktop } from './desktop.ts';
import { type Folders, folders } from './folders.ts';
import { makeOutput, type Output } from './output.ts';
import type { RunningServer } from '../server/main.ts';
import { type StaffAtCounter, staffAt } from '../simulator/staff/counter.ts';
import { untilStopped } from './until-stopped.ts';

interface StartOptions {
  readonly demo?: true;
  readonly data?: string;
  readonly port: string;
  readonly reader: readonly string[];
  readonly browser?: true;
  readonly json?: true;
}

/** `handover start`: everything on this machine, with embedded defaults. */
export function startCommand(program: Command): void {
  program
    .command('start', { isDefault: true })
    .description('run everything on this machine: carrier server, counter, and a SIMULATED reader unless a real one is named')
    .option('--demo', 'walk through one day by itself and check every promise; ends with status 0 only if all hold')
    .option('--data <folder>', 'data folder (default: the user-data folder of this system)')
    .option('--port <number>', 'port of the counter; the carrier takes the next one', '7070')
    .option(
      '--reader <kind:path>',
      'a real reader, such as pn532:/dev/ttyUSB0',
      (value: string, all: readonly string[]) => [...all, value],
      [],
    )
    .option('--browser', 'do not open the desktop app')
    .option('--json', 'one JSON line when ready, or the demo’s report')
    .action(async (options: StartOptions) => {
      if (options.demo) process.exitCode = (await runDemo(makeOutput(options.json === true), options.data)) ? 0 : 1;
      else await runAll(options);
    });
}

async function runAll(options: StartOptions): Promise<void> {
  const output = makeOutput(options.json === true);
  const where = folders(options.data);
  const port = Number(options.port);
  const ends: (() => Promise<void>)[] = [];
  try {
    const { server, carrier } = await startCarrier(where, port === 0 ? 0 : port + 1);
    ends.push(() => server.close());
    const simulated = options.reader.length === 0;
    const phone = await simulatedPhone(carrier, where.simulated, 'phone', '500.00');
    const link = path.join(where.simulated, 'reader');
    const reader = simulated ? await startReader(link) : undefined;
    if (reader) ends.push(() => reader.end());
    const readers = simulated ? [`pn532:${link}:simulated`] : options.reader;
    const desktop = options.browser ? undefined : findDesktop();
    const { gone, counterUrl } = desktop
      ? await openApp(desktop, { where, server, carrier, readers, output, ends })
      : await openPages({ where, server, carrier, readers, output, ends, port });
    const keys = tapKeys(output, { tap: reader && ((message) => reader.ask({ ...message, phone: phone.file })), counterUrl, carrier });
    await untilStopped(ends, Promise.race([server.died, gone, ...(keys ? [keys] : [])])).catch((error: unknown) => {
      if (!(error instanceof Quit)) throw error;
    });
  } catch (error) {
    for (const end of ends.toReversed()) await end();
    throw error;
  } finally {
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    process.stdin.unref?.();
  }
}

interface Opening {
  readonly where: Folders;
  readonly server: RunningServer;
  readonly carrier: CarrierClient;
  readonly readers: readonly string[];
  readonly output: Output;
  readonly ends: (() => Promise<void>)[];
}

interface Opened {
  readonly gone: Promise<Error>;
  /** Left out in the desktop app, which keeps it to itself. */
  readonly counterUrl?: string;
}

/** The agent as a process of its own; any browser on this machine shows its pages. */
async function openPages({ where, server, carrier, readers, output, ends, port }: Opening & { readonly port: number }): Promise<Opened> {
  const enrolment = await enrolArguments(carrier, where.hub);
  const agent = await startAgentProcess(where.hub, server.url, readers, port, enrolment, (line) => process.stderr.write(`${line}\n`));
  ends.push(() => agent.end());
  const { counterUrl, displayUrl } = agent.ready;
  const simulatedReader = readers.some((reader) => reader.endsWith(':simulated'));
  const summary = { ready: true, counterUrl, displayUrl, carrierUrl: server.url, data: where.root, simulatedReader };
  const pages = [`  counter   ${counterUrl}`, `  display   ${displayUrl}`];
  output.result(summary, [...inWords(pages, server.url, where.root, readers), '\nOpen the counter address in a browser.'].join('\n'));
  return { gone: agent.exited.then((code) => new Error(`the agent ended with status ${code}`)), counterUrl };
}

/** The desktop app, which runs the agent inside. Closing its windows ends everything. */
async function openApp(binary: string, { where, server, carrier, readers, output, ends }: Opening): Promise<Opened> {
  const hub = desktopHub(where.root);
  configureDesktop(hub, server.url, readers);
  const enrolment = await enrolArguments(carrier, hub);
  if (enrolment.length > 0) await (await startAgentProcess(hub, server.url, [], 0, enrolment)).end();
  const app = openDesktop(binary, where.root);
  ends.push(() => app.end());
  const summary = { ready: true, desktop: binary, carrierUrl: server.url, data: where.root };
  output.result(summary, inWords([`  desktop   ${binary}`], server.url, where.root, readers).join('\n'));
  return { gone: app.closed.then(() => new Quit()) };
}

function inWords(pages: readonly string[], carrierUrl: string, data: string, readers: readonly string[]): string[] {
  const simulated = readers.some((reader) => reader.endsWith(':simulated'));
  return [
    'Handover is running.',
    ...pages,
    `  carrier   ${carrierUrl}/openapi.json`,
    `  data      ${data}`,
    `  reader    ${simulated ? 'SIMULATED PN532, with a SIMULATED phone that holds 500.00 EUR' : readers.join(', ')}`,
  ];
}

/** Someone pressed q or Ctrl-C in raw mode. */
class Quit extends Error {}

interface Hands {
  /** Holds the SIMULATED phone to the SIMULATED reader, or takes it away; left out with a real reader. */
  readonly tap: ((message: object) => Promise<unknown>) | undefined;
  readonly counterUrl: string | undefined;
  readonly carrier: CarrierClient;
}

/** In a terminal, keys are the buyer: the SIMULATED phone, or a browser that stands for one. Resolves with Quit on q. */
function tapKeys(output: { line(text: string): void }, { tap, counterUrl, carrier }: Hands): Promise<Error> | undefined {
  if (!process.stdin.isTTY) return undefined;
  const staff = counterUrl === undefined ? undefined : staffAt(counterUrl);
  const words = [
    ...(tap ? ['t taps the SIMULATED phone, r takes it away'] : []),
    ...(staff ? ['p pays in a browser of this machine'] : []),
  ];
  output.line(`\nKeys here: ${[...words, 'q ends'].join(', ')}.`);
  emitKeypressEvents(process.stdin);
  process.stdin.setRawMode(true);
  return new Promise((resolve) => {
    process.stdin.on('keypress', (_text: string, key: { name?: string; ctrl?: boolean }) => {
      if (key.name === 'q' || (key.ctrl && key.name === 'c')) resolve(new Quit());
      if (key.name === 't') void tap?.({ do: 'tap-once' }).then(() => output.line('  SIMULATED phone tapped.'));
      if (key.name === 'r') void tap?.({ do: 'remove' });
      if (key.name === 'p' && staff) void tellLink(output, staff, carrier);
    });
  });
}

/** What the display's QR code holds, for a browser that has no camera. */
async function tellLink(output: { line(text: string): void }, staff: StaffAtCounter, carrier: CarrierClient): Promise<void> {
  const board = staff.seen?.board;
  if (board?.state !== 'tap' || !board.phone) return output.line('  Ask for payment at the counter first.');
  output.line(`  Open ${board.phone.link}\n  The first time, its one-time code is ${await walletCodeToTry(carrier)}`);
}
