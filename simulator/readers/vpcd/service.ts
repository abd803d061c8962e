import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** As Debian's package vsmartcard-vpcd names and places them. The slot listens on 0.0.0.0: hence a network of its own. */
export const READER_NAME = 'Virtual PCD';
export const VPCD_LIBRARY = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
export const VPCD_PORT = 0x8c7b;
const DRIVERS = '/usr/lib/pcsc/drivers';
const START_MS = 10_000;

/**
 * A real pcscd with a virtual reader. Only in a mount, network and process namespace of its own (process.ts): it hides the machine's
 * USB readers from this pcscd, and puts its socket into `folder`.
 */
export class Service {
  private readonly folder: string;
  private child: ChildProcess | undefined;

  constructor(folder: string) {
    this.folder = folder;
  }

  get socket(): string {
    return join(this.folder, 'pcscd.comm');
  }

  /** Once, before the first start. */
  prepare(): void {
    const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    run('ip', 'link', 'set', 'lo', 'up');
    // Without it every answer waits 40 ms for a delayed acknowledgement, which no USB reader has.
    run('ip', ...'route change local 127.0.0.1 dev lo proto kernel scope host src 127.0.0.1 table local quickack 1'.split(' '));
    run('mount', '-t', 'tmpfs', 'tmpfs', '/run');
    mkdirSync('/run/pcscd');
    run('mount', '--bind', this.folder, '/run/pcscd');
    for (const name of readdirSync(DRIVERS).filter((one) => one.endsWith('.bundle'))) {
      run('mount', '-t', 'tmpfs', 'tmpfs', join(DRIVERS, name));
    }
    for (const readers of ['with', 'without']) mkdirSync(join(this.folder, readers), { recursive: true });
    const lines = [
      `FRIENDLYNAME "${READER_NAME}"`,
      `DEVICENAME /dev/null:0x${VPCD_PORT.toString(16)}`,
      `LIBPATH ${VPCD_LIBRARY}`,
      `CHANNELID 0x${VPCD_PORT.toString(16)}`,
    ];
    writeFileSync(join(this.folder, 'with', 'vpcd'), `${lines.join('\n')}\n`);
  }

  /** Starts pcscd, with the reader or without any; resolves once it listens. */
  async start(withReader: boolean): Promise<void> {
    for (const name of readdirSync(this.folder)) if (name.startsWith('pcscd.')) rmSync(join(this.folder, name));
    const args = ['--foreground', '--error', '--config', join(this.folder, withReader ? 'with' : 'without')];
    const child = spawn('/usr/sbin/pcscd', args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const failed = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`pcscd ended with ${code}`)));
    });
    failed.catch(() => {});
    this.child = child;
    await Promise.race([failed, this.listening(withReader)]);
  }

  /** SIGKILL: as sudden as a crash. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  private async listening(withReader: boolean): Promise<void> {
    const until = performance.now() + START_MS;
    const isUp = (): boolean => existsSync(this.socket) && (!withReader || isListening(VPCD_PORT));
    while (!isUp()) {
      if (performance.now() > until) throw new Error('pcscd does not listen');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

/** Read, not tried: vpcd would take a connection for a card. */
function isListening(port: number): boolean {
  return readFileSync('/proc/self/net/tcp', 'utf8').includes(
    `00000000:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`,
  );
}
