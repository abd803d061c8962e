import { readdir } from 'node:fs/promises';
import { SerialPort } from 'serialport';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Clock, Reader } from '../ports.ts';
import { PcscDriver } from './pcsc/driver.ts';
import { type Launch, launchDriver } from './pcsc/launch.ts';
import { listPcscReaders as listPcsc } from './pcsc/list.ts';
import { Pn532Driver } from './pn532/driver.ts';
import { type ReaderSpec, SupervisedReader } from './supervised-reader.ts';
import type { Driver } from './wire.ts';

export type { ReaderSpec } from './supervised-reader.ts';

export interface ReaderPorts {
  readonly clock: Clock;
  /** How the process of a PC/SC reader is started; on this Node unless said otherwise. */
  readonly launch?: Launch;
}

/** Every kind of reader, by the word that the configuration uses. A new driver is one line here. */
const DRIVERS: Readonly<Record<string, (path: string, ports: ReaderPorts) => Driver>> = {
  pn532: (path, { clock }) => new Pn532Driver(path, clock),
  pcsc: (name, { clock, launch }) => new PcscDriver(name, clock, launch ?? launchDriver),
};

/** Makes the reader; it opens nothing before start(). Refusal: READER_UNKNOWN. */
export function openReader(spec: ReaderSpec, ports: ReaderPorts): Result<Reader> {
  const makeDriver = Object.hasOwn(DRIVERS, spec.kind) ? DRIVERS[spec.kind] : undefined;
  return makeDriver ? ok(new SupervisedReader(spec, makeDriver(spec.path, ports), ports)) : refuse('READER_UNKNOWN', spec.kind);
}

/** Names of the PC/SC readers, in the order of the service. Refusals: see pcsc/list.ts. */
export function listPcscReaders({ clock, launch }: ReaderPorts): Promise<Result<readonly string[]>> {
  return listPcsc(clock, launch ?? launchDriver);
}

export interface SerialReader {
  readonly path: string;
  readonly kind: 'pn532';
  readonly description: string;
}

/**
 * Serial ports where a PN532 may be. A port cannot tell what is behind it without being written to, so this asks none: every port
 * is listed, in the order of their paths.
 */
export async function listSerialReaders(): Promise<SerialReader[]> {
  const ports = await SerialPort.list().catch(portsByName);
  return ports
    .map((port) => ({ path: port.path, kind: 'pn532' as const, description: describe(port) }))
    .sort((a, b) => a.path.localeCompare(b.path));
}

type Port = Pick<Awaited<ReturnType<typeof SerialPort.list>>[number], 'path' | 'manufacturer' | 'serialNumber' | 'vendorId' | 'productId'>;

/** On Linux the package asks udevadm, which small systems and containers do not have: then the names in /dev have to do. */
async function portsByName(cause: NodeJS.ErrnoException): Promise<Port[]> {
  if (cause.code !== 'ENOENT') throw cause;
  const names = await readdir('/dev');
  return names
    .filter((name) => /^tty(?:USB|ACM)\d+$/.test(name))
    .map((name) => ({ path: `/dev/${name}`, manufacturer: undefined, serialNumber: undefined, vendorId: undefined, productId: undefined }));
}

function describe(port: Port): string {
  const ids = port.vendorId && port.productId ? `${port.vendorId}:${port.productId}` : undefined;
  return [port.manufacturer, port.serialNumber, ids].filter(Boolean).join(' ') || 'serial port';
}
