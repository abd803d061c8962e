import { type ErrorCode, ok, type Result } from '#protocol/errors.ts';
import type { Clock } from '../../ports.ts';
import type { Driver, FoundCard, Wire } from '../wire.ts';
import { carryApdu, fieldOff, heartbeat, letGo, listCards, type Target, wakeUp } from './commands.ts';
import { Connection } from './connection.ts';

/** A PN532 on a serial port, in high-speed UART mode. */
export class Pn532Driver implements Driver {
  private readonly path: string;
  private readonly clock: Clock;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.clock = clock;
  }

  async open(): Promise<Result<Wire>> {
    const opened = await Connection.open(this.path, this.clock);
    if (!opened.ok) return opened;
    const awake = await wakeUp(opened.value);
    if (awake.ok) return ok(new Pn532Wire(opened.value));
    await opened.value.close();
    return awake;
  }

  async close(): Promise<void> {}
}

class Pn532Wire implements Wire {
  /** With the look itself a card is found within 100 ms. */
  readonly pollMs = 40;
  private readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get lost(): ErrorCode | undefined {
    return this.connection.isOpen ? undefined : 'READER_UNPLUGGED';
  }

  get closed(): AbortSignal {
    return this.connection.closed;
  }

  heartbeat(): Promise<Result<void>> {
    return heartbeat(this.connection);
  }

  async look(signal: AbortSignal): Promise<Result<readonly FoundCard[]> | undefined> {
    const found = await listCards(this.connection, signal);
    return found?.ok ? ok(found.value.map((target) => this.card(target))) : found;
  }

  letGo(): Promise<Result<void>> {
    return letGo(this.connection);
  }

  async close(orderly: boolean): Promise<void> {
    if (orderly) await fieldOff(this.connection);
    await this.connection.close();
  }

  /** Listing a card selects it too. */
  private card({ number, uid, isoDep }: Target): FoundCard {
    return { uid, isoDep, select: async () => ok((apdu) => carryApdu(this.connection, number, apdu)) };
  }
}
