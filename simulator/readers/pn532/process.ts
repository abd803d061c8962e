/**
 * SIMULATED PN532 reader as a process of its own, on a pseudo-terminal:
 *   node simulator/readers/pn532/process.ts --link PATH [--phone FILE] [--paced]
 * Takes commands as JSON lines on stdin and answers each with one JSON line, in order. Ends when stdin closes, or on SIGTERM.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Chip, type FieldCard } from './chip.ts';
import { FAULTS, Faults, isFaultName } from './faults.ts';
import { foreignCard, memoryCard, ntagCard, phoneCard } from './field-cards.ts';
import { BYTE_US_115200 } from './line.ts';
import { makePty, type Pty } from './pty.ts';

/** A person takes the phone away about this long after the reader has what it wants. */
const TAP_ONCE_MS = 300;
/** What listing and one answer take with a real phone, roughly: for a paced demonstration. Assumed, not measured. */
const PACED = { byteUs: BYTE_US_115200, listMs: 12, apduMs: 25 };

class SimulatedReader {
  private readonly link: string;
  private readonly phoneFile: string | undefined;
  private readonly paced: boolean;
  private readonly faults = new Faults();
  private cards: FieldCard[] = [];
  private once: FieldCard | undefined;
  /** Commands that are still answered before the card is pulled away. */
  private leavesAfter: number | undefined;
  private pty: Pty | undefined;
  private chip: Chip | undefined;

  constructor(link: string, phoneFile: string | undefined, paced: boolean) {
    this.link = link;
    this.phoneFile = phoneFile;
    this.paced = paced;
  }

  async plug(): Promise<string> {
    if (this.pty) return this.pty.maker;
    this.pty = await makePty(this.link);
    this.chip = new Chip(this.pty.stream, this.faults, this.paced ? PACED : {}, (card, apdu) => this.exchanged(card, apdu));
    this.chip.setField(this.cards);
    return this.pty.maker;
  }

  async unplug(): Promise<void> {
    this.chip?.cut();
    await this.pty?.unplug();
    this.chip = undefined;
    this.pty = undefined;
  }

  /** Does one command; throws what the person gets to read. */
  async do(command: Record<string, unknown>): Promise<void> {
    switch (command.do) {
      case 'tap':
        return this.hold([this.phone(command.phone)]);
      case 'tap-once':
        this.hold([this.phone(command.phone)]);
        this.once = this.cards[0];
        return;
      case 'remove':
        return this.hold([]);
      case 'second-card':
        return this.hold([...this.cards, foreignCard()]);
      case 'card':
        this.hold([ntagCard(String(command.card))]);
        this.leavesAfter = typeof command.apdus === 'number' ? command.apdus : undefined;
        return;
      case 'foreign-card':
        return this.hold([foreignCard()]);
      case 'memory-card':
        return this.hold([memoryCard(command.uid)]);
      case 'fault':
        return this.fault(command.name, command.on);
      default:
        throw new Error('do: tap, tap-once, remove, card, second-card, foreign-card, memory-card or fault');
    }
  }

  private hold(cards: FieldCard[]): void {
    this.once = undefined;
    this.leavesAfter = undefined;
    this.cards = cards;
    this.chip?.setField(cards);
  }

  private phone(file: unknown): FieldCard {
    const chosen = file ?? this.phoneFile;
    if (typeof chosen !== 'string') throw new Error('which phone? {"do":"tap","phone":FILE} or --phone FILE');
    return phoneCard(chosen, {
      declines: () => this.faults.has('decline'),
      pieceBytes: () => (this.faults.has('pieces') ? 100 : 256),
    });
  }

  private async fault(name: unknown, on: unknown): Promise<void> {
    if (!isFaultName(name) || typeof on !== 'boolean')
      throw new Error(`fault: {"name": one of ${Object.keys(FAULTS).join(', ')}, "on": true or false}`);
    this.faults.set(name, on);
    if (name === 'unplug') await (on ? this.unplug() : this.plug());
  }

  private exchanged(card: FieldCard, apdu: Uint8Array): void {
    if (this.leavesAfter !== undefined && --this.leavesAfter === 0) this.hold([]);
    const authorised = apdu[0] === 0x80 && apdu[1] === 0x10;
    if (!authorised || card !== this.once) return;
    this.once = undefined;
    setTimeout(() => {
      if (this.cards.includes(card)) this.hold(this.cards.filter((one) => one !== card));
    }, TAP_ONCE_MS);
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function answer(reader: SimulatedReader, line: string): Promise<object> {
  let command: unknown;
  try {
    command = JSON.parse(line);
    if (typeof command !== 'object' || command === null) throw new Error('a command is a JSON object');
    const asked = command as Record<string, unknown>;
    await reader.do(asked);
    return { ok: true, did: asked.do, note: 'SIMULATED' };
  } catch (error) {
    return { ok: false, error: (error as Error).message, note: 'SIMULATED' };
  }
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: { link: { type: 'string' }, phone: { type: 'string' }, paced: { type: 'boolean', default: false } },
  });
  if (values.link === undefined) throw new Error('--link PATH is needed: where the SIMULATED serial port shall appear');
  const reader = new SimulatedReader(values.link, values.phone, values.paced);
  const maker = await reader.plug();
  const commands = createInterface({ input: process.stdin });
  process.once('SIGTERM', () => commands.close());
  say({ ready: true, path: values.link, note: 'SIMULATED PN532 reader: no card, phone or money here is real', maker });
  // One after another: an answer says that the thing is done.
  for await (const line of commands) if (line.trim() !== '') say(await answer(reader, line));
  await reader.unplug();
}

run().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`SIMULATED reader: ${(error as Error).message}\n`);
    process.exit(1);
  },
);
