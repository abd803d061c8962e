import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';

/** A key that taps, and the pass that certifies it. */
export interface TapKey {
  /** PKCS#8 PEM, P-256. A real phone keeps it in hardware. */
  readonly privateKey: string;
  /** Offline pass, base64url; absent until the carrier issued one. */
  readonly pass?: string;
  /** The last counter used with this key; 0 before its first tap. */
  readonly counter: number;
}

/** What a SIMULATED phone remembers. */
export interface PhoneFile extends TapKey {
  readonly simulated: true;
  /** Under which the carrier knows the phone, whose home key is `privateKey`. */
  readonly credentialId?: string;
  /** Fetched for one tap each. The home key taps only while none of them can. */
  readonly tapKeys?: readonly TapKey[];
}

/** Throws when the file is missing or is not a phone: the person running the simulator named the wrong file. */
export function readPhoneFile(file: string): PhoneFile {
  const phone = JSON.parse(readFileSync(file, 'utf8')) as Partial<PhoneFile> | null;
  if (phone?.simulated !== true || typeof phone.privateKey !== 'string' || !Number.isSafeInteger(phone.counter)) {
    throw new Error(`not the file of a SIMULATED phone: ${file}`);
  }
  return phone as PhoneFile;
}

/** Replaces the file whole, and has it on the disk before it returns. Readable by its owner only. */
export function writePhoneFile(file: string, phone: PhoneFile): void {
  const draft = `${file}.${process.pid}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, `${JSON.stringify(phone, undefined, 2)}\n`);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
}
