import { timingSafeEqual } from 'node:crypto';
import { concatBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { cbcDecrypt, cbcEncrypt, encryptBlock, shortMac } from '../aes.ts';
import { type Answer, demand, exchange, native, NATIVE_OK, refusalOf, type Transceive } from './apdu.ts';

export interface SessionKeys {
  readonly enc: Uint8Array;
  readonly mac: Uint8Array;
}

const MAC_BYTES = 8;
const NOTHING = new Uint8Array();

/**
 * One authenticated session with the card: AES secure messaging (NT4H2421Gx §9.1, AN12196 §5). Every command is counted, on both sides, and
 * the count is in every MAC and IV. The card ends the session at the first error, so after a refusal there is nothing to go on with.
 */
export class Ev2Session {
  private readonly transceive: Transceive;
  private readonly keys: SessionKeys;
  /** Transaction identifier, 4 bytes. */
  private readonly ti: Uint8Array;
  private count: number;

  constructor(transceive: Transceive, keys: SessionKeys, ti: Uint8Array, count = 0) {
    this.transceive = transceive;
    this.keys = keys;
    this.ti = ti;
    this.count = count;
  }

  /** CommMode.Plain. The command is counted like any other. Refusals: CARD_UNSUPPORTED, those of the reader. */
  async plain(ins: number, body: Uint8Array, doing: string): Promise<Result<Uint8Array>> {
    const data = await demand(this.transceive, native(ins, body), NATIVE_OK, doing);
    this.count++;
    return data;
  }

  /**
   * CommMode.Full: `header` in clear, `data` encrypted, a MAC over both; the answer is checked and decrypted. Refusals: CARD_UNSUPPORTED,
   * PROOF_INVALID (what answered is not the card that was authenticated), those of the reader.
   */
  async full(ins: number, header: Uint8Array, data: Uint8Array, doing: string): Promise<Result<Uint8Array>> {
    const answer = await this.send(ins, header, data);
    if (!answer.ok) return answer;
    if (answer.value.status !== NATIVE_OK) return refusalOf(answer.value.status, doing);
    const opened = this.open(answer.value.data);
    return opened ? ok(opened) : refuse('PROOF_INVALID', `${doing}: the answer's MAC is wrong`);
  }

  /** A command that ends the session when it succeeds: its answer carries no MAC. Refusals: CARD_UNSUPPORTED, those of the reader. */
  async last(ins: number, header: Uint8Array, data: Uint8Array, doing: string): Promise<Result<void>> {
    const answer = await this.send(ins, header, data);
    if (!answer.ok) return answer;
    return answer.value.status === NATIVE_OK ? ok(undefined) : refusalOf(answer.value.status, doing);
  }

  private async send(ins: number, header: Uint8Array, data: Uint8Array): Promise<Result<Answer>> {
    const sealed = data.length === 0 ? NOTHING : cbcEncrypt(this.keys.enc, this.iv(COMMAND_LABEL), padded(data));
    const body = concatBytes(header, sealed);
    const mac = this.macOf(ins, body);
    this.count++;
    return exchange(this.transceive, native(ins, body, mac));
  }

  /** The plain data of an answer; undefined when its MAC or padding is wrong. */
  private open(answer: Uint8Array): Uint8Array | undefined {
    if (answer.length < MAC_BYTES || (answer.length - MAC_BYTES) % 16 !== 0) return undefined;
    const sealed = answer.subarray(0, -MAC_BYTES);
    if (!timingSafeEqual(this.macOf(NATIVE_OK & 0xff, sealed), answer.subarray(-MAC_BYTES))) return undefined;
    if (sealed.length === 0) return NOTHING;
    return unpadded(cbcDecrypt(this.keys.enc, this.iv(ANSWER_LABEL), sealed));
  }

  /** `code`: INS of a command, SW2 of an answer. */
  private macOf(code: number, body: Uint8Array): Uint8Array {
    return shortMac(this.keys.mac, concatBytes(new Uint8Array([code]), this.countBytes(), this.ti, body));
  }

  private iv(label: Uint8Array): Uint8Array {
    return encryptBlock(this.keys.enc, concatBytes(label, this.ti, this.countBytes(), new Uint8Array(8)));
  }

  private countBytes(): Uint8Array {
    return new Uint8Array([this.count, this.count >> 8]);
  }
}

const COMMAND_LABEL = new Uint8Array([0xa5, 0x5a]);
const ANSWER_LABEL = new Uint8Array([0x5a, 0xa5]);

/** ISO/IEC 9797-1 padding method 2: always 80, then zeros to a whole block. */
function padded(data: Uint8Array): Uint8Array {
  const out = new Uint8Array((Math.floor(data.length / 16) + 1) * 16);
  out.set(data);
  out[data.length] = 0x80;
  return out;
}

function unpadded(data: Uint8Array): Uint8Array | undefined {
  const end = data.findLastIndex((byte) => byte !== 0);
  return end >= 0 && data[end] === 0x80 && data.length - end <= 16 ? data.slice(0, end) : undefined;
}
