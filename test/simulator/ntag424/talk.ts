/** Speaks to the SIMULATED NTAG 424 DNA byte by byte, without the carrier's code. */
import { expect } from 'vitest';
import { NtagCard } from '../../../simulator/cards/ntag424/card.ts';
import { cmac, decrypt, encrypt, rotateLeft, ZERO } from '../../../simulator/cards/ntag424/crypto.ts';
import { type CardMemory, type CardState, factoryState } from '../../../simulator/cards/ntag424/memory.ts';

export const UID = '04A1B2C3D4E5F6';
export const SELECT = '00A4040C07D276000085010100';
export const SELECT_LINK = '00A4000C02E104';

export class Kept implements CardMemory {
  state: CardState = factoryState(Buffer.from(UID, 'hex'));
  read = (): CardState => structuredClone(this.state);
  write = (state: CardState): void => void (this.state = state);
}

export class Talk {
  readonly kept = new Kept();
  readonly card = new NtagCard(this.kept);
  private keys: { enc: Buffer; mac: Buffer } = { enc: ZERO, mac: ZERO };
  private ti: Buffer = Buffer.alloc(4);
  count = 0;

  say(apdu: string): string {
    return Buffer.from(this.card.answer(Buffer.from(apdu, 'hex')))
      .toString('hex')
      .toUpperCase();
  }

  /** AuthenticateEV2First or, with `ins` 77, NonFirst. Returns the last status. */
  authenticate(slot: number, key: Buffer = ZERO, ins = '71'): string {
    const asked = this.say(ins === '71' ? `9071000002${byte(slot)}0000` : `9077000001${byte(slot)}00`);
    if (!asked.endsWith('91AF')) return asked;
    const rndB = decrypt(key, ZERO, Buffer.from(asked.slice(0, 32), 'hex'));
    const rndA = Buffer.from('00112233445566778899AABBCCDDEEFF', 'hex');
    const proof = encrypt(key, ZERO, Buffer.concat([rndA, rotateLeft(rndB)]));
    const proven = this.say(`90AF000020${proof.toString('hex')}00`);
    if (!proven.endsWith('9100')) return proven;
    if (ins === '71') {
      this.ti = decrypt(key, ZERO, Buffer.from(proven.slice(0, 64), 'hex')).subarray(0, 4);
      this.count = 0;
    }
    const folded = Buffer.from(rndA.subarray(2, 8).map((one, at) => one ^ rndB[at]!));
    const context = Buffer.concat([rndA.subarray(0, 2), folded, rndB.subarray(6), rndA.subarray(8)]);
    const derive = (label: string): Buffer => cmac(key, Buffer.concat([Buffer.from(`${label}00010080`, 'hex'), context]));
    this.keys = { enc: derive('A55A'), mac: derive('5AA5') };
    return '9100';
  }

  /** CommMode.Full; returns the plain answer and the status. */
  full(ins: string, header: string, data = ''): string {
    return this.sealed(ins, header, data === '' ? '' : this.encrypted(data));
  }

  sealed(
    ins: string,
    header: string,
    sealed: string,
    mac = this.mac(`${ins}${this.counter()}${this.ti.toString('hex')}${header}${sealed}`),
  ): string {
    const body = header + sealed + mac;
    const answer = this.say(`90${ins}0000${byte(body.length / 2)}${body}00`);
    this.count++;
    if (answer.length <= 4 || !answer.endsWith('9100')) return answer;
    const content = answer.slice(0, -20);
    expect(answer.slice(-20, -4)).toBe(this.mac(`00${this.counter()}${this.ti.toString('hex')}${content}`));
    if (content === '') return answer.slice(-4);
    const iv = encrypt(this.keys.enc, ZERO, Buffer.from(`5AA5${this.ti.toString('hex')}${this.counter()}`.padEnd(32, '0'), 'hex'));
    const plain = decrypt(this.keys.enc, iv, Buffer.from(content, 'hex'));
    return plain.subarray(0, plain.lastIndexOf(0x80)).toString('hex').toUpperCase() + answer.slice(-4);
  }

  encrypted(data: string, padding = '80'): string {
    const plain = Buffer.from(data + padding, 'hex');
    const padded = Buffer.concat([plain, Buffer.alloc((16 - (plain.length % 16)) % 16)]);
    const iv = encrypt(this.keys.enc, ZERO, Buffer.from(`A55A${this.ti.toString('hex')}${this.counter()}`.padEnd(32, '0'), 'hex'));
    return encrypt(this.keys.enc, iv, padded).toString('hex');
  }

  mac(input: string): string {
    const whole = cmac(this.keys.mac, Buffer.from(input, 'hex'));
    return Buffer.from(whole.filter((_one, at) => at % 2 === 1))
      .toString('hex')
      .toUpperCase();
  }

  counter(): string {
    return byte(this.count & 0xff) + byte(this.count >> 8);
  }
}

export const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();

export function selected(): Talk {
  const talk = new Talk();
  expect(talk.say(SELECT)).toBe('9000');
  return talk;
}

export function authenticated(slot = 0): Talk {
  const talk = selected();
  expect(talk.authenticate(slot)).toBe('9100');
  return talk;
}
