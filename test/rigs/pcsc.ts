/**
 * A real pcscd with a virtual reader, in namespaces of its own, and this process told where its socket is. Linux only. What is behind
 * the reader is emulated: no radio, no USB, no firmware.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FaultName } from '../../simulator/readers/vpcd/faults.ts';
import { VPCD_LIBRARY } from '../../simulator/readers/vpcd/service.ts';
import { type SimulatedReader, startSimulator } from './simulated-reader.ts';

export interface PcscRig extends SimulatedReader<FaultName> {
  readonly folder: string;
  readonly socket: string;
}

/** For `describe.skipIf(!pcscHere())`: says what to install. @throws in CI, where nothing may be skipped. */
export function pcscHere(): boolean {
  const missing = firstMissing();
  if (missing === undefined) return true;
  const text = `no PC/SC rig here: ${missing}`;
  if (process.env['CI'] === 'true') throw new Error(text);
  console.warn(`SKIPPED: ${text}`);
  return false;
}

/** Starts it and names its socket to every PC/SC program that this process starts from now on. */
export async function startPcsc(...args: readonly string[]): Promise<PcscRig> {
  const folder = mkdtempSync(join(tmpdir(), 'handover-pcsc-'));
  const device = await startSimulator<FaultName>('vpcd', '--folder', folder, ...args);
  const { PCSCLITE_CSOCK_NAME: socket } = device.ready['environment'] as { PCSCLITE_CSOCK_NAME: string };
  process.env['PCSCLITE_CSOCK_NAME'] = socket;
  const end = async (): Promise<number | null> => {
    delete process.env['PCSCLITE_CSOCK_NAME'];
    const code = await device.end();
    rmSync(folder, { recursive: true, force: true });
    return code;
  };
  return { ...device, folder, socket, end };
}

/** Process ids of the drivers that this process started and that still run. */
export function driverProcesses(parent = process.pid): number[] {
  return childrenOf(parent).filter((pid) => commandOf(pid).includes('readers/pcsc/process.ts'));
}

/** Process ids below this one, at any depth, whose command line has the text. */
export function descendants(parent: number, text: string): number[] {
  return childrenOf(parent).flatMap((pid) => [...(commandOf(pid).includes(text) ? [pid] : []), ...descendants(pid, text)]);
}

/** A zombie is not running. */
export function isRunning(pid: number): boolean {
  try {
    return /\) [^ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

function childrenOf(parent: number): number[] {
  try {
    const threads = readdirSync(`/proc/${parent}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${parent}/task/${thread}/children`, 'utf8'));
    return lists.flatMap((list) => list.split(' ').filter(Boolean).map(Number));
  } catch {
    return [];
  }
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function firstMissing(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  if (!existsSync('/usr/sbin/pcscd')) return 'apt-get install pcscd';
  if (!existsSync(VPCD_LIBRARY)) return 'apt-get install vsmartcard-vpcd';
  if (spawnSync('ip', ['-Version']).status !== 0) return 'apt-get install iproute2';
  const spaces = ['--net', '--mount', '--pid', '--fork', ...(process.getuid?.() === 0 ? [] : ['--map-root-user'])];
  if (spawnSync('unshare', [...spaces, 'mount', '-t', 'tmpfs', 'tmpfs', '/run']).status !== 0)
    return 'unshare is not allowed (run as root)';
  try {
    createRequire(import.meta.url)('smartcard');
  } catch {
    return 'the package smartcard is not compiled here: node tools/build-native.mjs smartcard';
  }
  return undefined;
}
