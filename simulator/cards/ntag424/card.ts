import { randomBytes } from 'node:crypto';
import { answerOf, need, STATUS, Stop } from './answer.ts';
import { type Command, readCommand } from './command.ts';
import { iso } from './iso-commands.ts';
import type { CardMemory } from './memory.ts';
import { native } from './native-commands.ts';
import type { Powered } from './powered.ts';

/**
 * SIMULATED NTAG 424 DNA, from the rules of its data sheet NT4H2421Gx: commands, access rights, AES secure messaging, failed authentications,
 * and the message that it mirrors into its link at every tap. Not emulated: LRP, Read_Sig, chained frames below the APDU, radio.
 */
export class NtagCard {
  private readonly memory: CardMemory;
  private readonly random: (count: number) => Uint8Array;
  private chip: Powered;
  private randomId: Uint8Array;

  constructor(memory: CardMemory, random: (count: number) => Uint8Array = randomBytes) {
    this.memory = memory;
    this.random = random;
    this.chip = this.powerUp();
    this.randomId = this.newId();
  }

  /** As the reader sees it: the chip's own, or 08 and three random bytes. */
  get uid(): Uint8Array {
    return this.chip.state.randomUid ? this.randomId : new Uint8Array(Buffer.from(this.chip.state.uid, 'hex'));
  }

  /** Answers one command APDU with data ‖ SW1 ‖ SW2. */
  answer(apdu: Uint8Array): Uint8Array {
    const command = readCommand(apdu);
    if (!command) return answerOf(new Uint8Array(), STATUS.ISO_WRONG_LENGTH);
    this.chip.state = this.memory.read();
    const before = JSON.stringify(this.chip.state);
    const answer = this.run(command);
    if (JSON.stringify(this.chip.state) !== before) this.memory.write(this.chip.state);
    return answer;
  }

  /** The field is gone. */
  leaveField(): void {
    this.chip = this.powerUp();
    this.randomId = this.newId();
  }

  private run(command: Command): Uint8Array {
    const isNative = command.cla === 0x90;
    try {
      need(isNative || command.cla === 0x00, STATUS.ISO_UNKNOWN_CLASS);
      const reads = this.chip.reading;
      if (reads && reads.ins !== command.ins) this.chip.reading = undefined;
      this.interrupt(command, isNative);
      return isNative ? native(this.chip, command) : iso(this.chip, command);
    } catch (error) {
      if (!(error instanceof Stop)) throw error;
      // §9.1.9: any error in a command of the session ends it.
      if (isNative) this.chip.session = undefined;
      return answerOf(new Uint8Array(), error.status);
    }
  }

  /** A command of several parts is over when another comes, and that one is not done either. */
  private interrupt(command: Command, isNative: boolean): void {
    if (!this.chip.pending || (isNative && command.ins === 0xaf)) return;
    this.chip.pending = undefined;
    throw new Stop(isNative ? STATUS.COMMAND_ABORTED : STATUS.ISO_CONDITIONS);
  }

  private powerUp(): Powered {
    const state = this.memory.read();
    return {
      random: this.random,
      state,
      inApplication: false,
      selected: undefined,
      session: undefined,
      pending: undefined,
      reading: undefined,
    };
  }

  private newId(): Uint8Array {
    return new Uint8Array([0x08, ...this.random(3)]);
  }
}
