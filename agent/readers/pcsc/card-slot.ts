import type * as smartcard from 'smartcard';
import { type ErrorCode, ok, refuse, type Refusal, type Result } from '#protocol/errors.ts';
import { kindOfAtr } from './atr.ts';
import { chooseReader } from './choose-reader.ts';
import { type Doing, failureCode } from './failures.ts';
import type { Sight, Taken } from './messages.ts';
import { isServiceThere } from './service-door.ts';

/** What of the native package is used. */
export type Smartcard = typeof smartcard;

/**
 * One reader through the native library, in the reader's own process: calls that never return, or block all else, harm only it. Has one
 * context of its own, because two readers on one context wait for each other.
 */
export class CardSlot {
  private readonly library: Smartcard;
  private context: smartcard.ContextInterface | undefined;
  private reader: smartcard.ReaderInterface | undefined;
  private card: smartcard.CardInterface | undefined;
  /** As the service told it last; 0 (SCARD_STATE_UNAWARE) makes it tell at once. */
  private state = 0;

  constructor(library: Smartcard) {
    this.library = library;
  }

  async list(): Promise<Result<readonly string[]>> {
    const established = await this.establish();
    return established.ok ? ok(established.value.map((reader) => reader.name)) : established;
  }

  async open(wanted: string): Promise<Result<string>> {
    const established = await this.establish();
    if (!established.ok) return established;
    const names = established.value.map((reader) => reader.name);
    const name = chooseReader(names, wanted);
    this.reader = established.value.find((reader) => reader.name === name);
    return name === undefined ? refuse('READER_UNPLUGGED', wanted) : ok(name);
  }

  async look(waitMs: number): Promise<Result<Sight>> {
    const { context, reader } = this;
    if (!context || !reader) return refuse('READER_UNPLUGGED', 'not open');
    try {
      const before = { name: reader.name, state: this.state, changed: false, atr: null };
      // Nothing when the time is up, null when cancelled: then all is as before.
      const [now] = (await context.waitForChange([before], waitMs)) ?? [];
      if (now) this.state = now.state & ~this.library.SCARD_STATE_CHANGED;
    } catch (error) {
      return failure(error, 'other');
    }
    const is = (flag: number): boolean => (this.state & flag) !== 0;
    if (is(this.library.SCARD_STATE_UNAVAILABLE) || is(this.library.SCARD_STATE_UNKNOWN)) return refuse('READER_UNPLUGGED', reader.name);
    const card = !is(this.library.SCARD_STATE_PRESENT) ? 'none' : is(this.library.SCARD_STATE_MUTE) ? 'mute' : 'present';
    // The upper half counts what came and went (pcsc-lite and Windows alike).
    return ok({ card, serial: this.state >>> 16 });
  }

  async take(): Promise<Result<Taken>> {
    if (!this.reader) return refuse('READER_UNPLUGGED', 'not open');
    this.letGo(false);
    try {
      const { SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 } = this.library;
      // Alone, so that no other program speaks in between.
      this.card = await this.reader.connect(SCARD_SHARE_EXCLUSIVE, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1);
    } catch (error) {
      return failure(error, 'connect');
    }
    const { atr } = this.card;
    if (!atr) return refuse('CARD_REMOVED');
    const taken = new Uint8Array(atr);
    // A chip card in a slot would get it, and may fall mute over a class that it must not be sent.
    if (kindOfAtr(taken) === 'contact') return ok({ atr: taken, uid: new Uint8Array() });
    const uid = await this.transmit(GET_UID);
    if (!uid.ok) return uid;
    const good = uid.value.at(-2) === 0x90 && uid.value.at(-1) === 0x00;
    return ok({ atr: taken, uid: good ? uid.value.slice(0, -2) : new Uint8Array() });
  }

  async transmit(apdu: Uint8Array): Promise<Result<Uint8Array>> {
    if (!this.card) return refuse('CARD_REMOVED');
    try {
      const answer = await this.card.transmit(Buffer.from(apdu));
      // A card that is pulled in the middle is no error to the library: it says nothing, successfully.
      return answer.length === 0 ? refuse('CARD_REMOVED') : ok(new Uint8Array(answer));
    } catch (error) {
      const failed = failure(error, 'other');
      return failed.code === 'CARD_UNSUPPORTED' ? refuse('CARD_REMOVED', failed.detail) : failed;
    }
  }

  letGo(reset: boolean): void {
    const { card } = this;
    this.card = undefined;
    if (!card) return;
    try {
      card.disconnect(reset ? this.library.SCARD_RESET_CARD : this.library.SCARD_LEAVE_CARD);
    } catch {
      // It is gone: nothing to give back.
    }
  }

  /** A fresh context and the readers it knows: one whose service died says for ever that it is valid. */
  private async establish(): Promise<Result<smartcard.ReaderInterface[]>> {
    this.letGo(false);
    this.reader = undefined;
    this.state = 0;
    try {
      this.context?.close();
    } catch {
      // Its service is gone.
    }
    this.context = undefined;
    try {
      this.context = new this.library.Context();
      return ok(this.context.listReaders());
    } catch (error) {
      const failed = failure(error, 'establish');
      return failed.code === 'READER_SERVICE_STOPPED' && (await isServiceThere()) ? refuse('READER_FORBIDDEN', failed.detail) : failed;
    }
  }
}

/** GET DATA for the reader, not the card (PC/SC part 3 §3.2.2.1.3). */
const GET_UID = new Uint8Array([0xff, 0xca, 0x00, 0x00, 0x00]);

function failure(error: unknown, doing: Doing): Refusal & { readonly code: ErrorCode } {
  const text = error instanceof Error ? error.message : String(error);
  return refuse(failureCode(text, doing), text);
}
