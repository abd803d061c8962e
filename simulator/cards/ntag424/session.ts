import { timingSafeEqual } from 'node:crypto';
import { need, STATUS } from './answer.ts';
import { block, cmac, decrypt, encrypt, macT } from './crypto.ts';

/** The chip's half of an authenticated session (NT4H2421Gx §9.1): counts commands, checks and makes MACs, decrypts and encrypts. */
export class ChipSession {
  /** The key that was authenticated with. */
  keyNo: number;
  readonly ti: Buffer;
  private keys: { readonly enc: Buffer; readonly mac: Buffer };
  /** CmdCtr. */
  private counter = 0;

  constructor(keyNo: number, key: Uint8Array, ti: Uint8Array, rndA: Buffer, rndB: Buffer) {
    this.keyNo = keyNo;
    this.ti = Buffer.from(ti);
    this.keys = sessionKeys(key, rndA, rndB);
  }

  /** AuthenticateEV2NonFirst: other keys, same transaction, the count goes on. */
  renew(keyNo: number, key: Uint8Array, rndA: Buffer, rndB: Buffer): void {
    this.keyNo = keyNo;
    this.keys = sessionKeys(key, rndA, rndB);
  }

  /** A command in CommMode.Plain is counted too. */
  countPlain(): void {
    this.spend();
  }

  /** Checks the MAC at the end of a command and counts it; returns what stands before. */
  checkMac(ins: number, body: Uint8Array): Buffer {
    need(body.length >= 8, STATUS.LENGTH_ERROR);
    const content = Buffer.from(body.subarray(0, -8));
    const wanted = macT(this.keys.mac, Buffer.concat([Buffer.from([ins]), this.counterBytes(), this.ti, content]));
    need(timingSafeEqual(wanted, Buffer.from(body.subarray(-8))), STATUS.INTEGRITY_ERROR);
    this.spend();
    return content;
  }

  /** The data of a CommMode.Full command behind its `headerBytes` of header, whose MAC was checked: its IV is the one from before counting. */
  open(content: Buffer, headerBytes: number): Buffer {
    const sealed = content.subarray(headerBytes);
    if (sealed.length === 0) return sealed;
    need(sealed.length % 16 === 0, STATUS.LENGTH_ERROR);
    const plain = decrypt(this.keys.enc, this.iv([0xa5, 0x5a], this.counter - 1), sealed);
    const end = plain.lastIndexOf(0x80);
    const padding = plain.subarray(end + 1);
    need(end >= plain.length - 16 && end >= 0 && padding.every((byte) => byte === 0), STATUS.INTEGRITY_ERROR);
    return plain.subarray(0, end);
  }

  /** Data of a CommMode.Full answer, sealed; with its MAC. */
  sealFull(data: Uint8Array): Buffer {
    if (data.length === 0) return this.sealMac(data);
    const padded = Buffer.alloc((Math.floor(data.length / 16) + 1) * 16);
    padded.set(data);
    padded[data.length] = 0x80;
    return this.sealMac(encrypt(this.keys.enc, this.iv([0x5a, 0xa5], this.counter), padded));
  }

  /** Data of a CommMode.MAC answer, with its MAC. */
  sealMac(data: Uint8Array): Buffer {
    const mac = macT(this.keys.mac, Buffer.concat([Buffer.from([0x00]), this.counterBytes(), this.ti, data]));
    return Buffer.concat([data, mac]);
  }

  private spend(): void {
    // §9.1.2: at FFFF a command is handled as if its MAC were wrong.
    need(this.counter < 0xffff, STATUS.INTEGRITY_ERROR);
    this.counter++;
  }

  private iv(label: readonly number[], counter: number): Buffer {
    return block(this.keys.enc, Buffer.concat([Buffer.from(label), this.ti, u16(counter), Buffer.alloc(8)]));
  }

  private counterBytes(): Buffer {
    return u16(this.counter);
  }
}

function u16(value: number): Buffer {
  const out = Buffer.alloc(2);
  out.writeUInt16LE(value);
  return out;
}

/** §9.1.7, with the spec's own numbering: byte 15 is the first. */
function sessionKeys(key: Uint8Array, rndA: Buffer, rndB: Buffer): { enc: Buffer; mac: Buffer } {
  const from = (bytes: Buffer, high: number, low: number): Buffer => bytes.subarray(15 - high, 16 - low);
  const folded = Buffer.from(from(rndA, 13, 8).map((byte, at) => byte ^ from(rndB, 15, 10)[at]!));
  const context = Buffer.concat([from(rndA, 15, 14), folded, from(rndB, 9, 0), from(rndA, 7, 0)]);
  const derive = (label: string): Buffer => cmac(key, Buffer.concat([Buffer.from(`${label}00010080`, 'hex'), context]));
  return { enc: derive('a55a'), mac: derive('5aa5') };
}
