/** A short command APDU, taken apart. */
export interface Command {
  readonly cla: number;
  readonly ins: number;
  readonly p1: number;
  readonly p2: number;
  readonly data: Uint8Array;
  /** Whether Lc was there. */
  readonly hasData: boolean;
  /** Le as it was sent; undefined without one. */
  readonly le: number | undefined;
}

/** Undefined when the lengths do not add up. */
export function readCommand(apdu: Uint8Array): Command | undefined {
  if (apdu.length < 4) return undefined;
  const head = { cla: apdu[0]!, ins: apdu[1]!, p1: apdu[2]!, p2: apdu[3]! };
  if (apdu.length <= 5) return { ...head, data: new Uint8Array(), hasData: false, le: apdu[4] };
  const length = apdu[4]!;
  if (length === 0 || apdu.length < 5 + length || apdu.length > 6 + length) return undefined;
  return { ...head, data: apdu.slice(5, 5 + length), hasData: true, le: apdu[5 + length] };
}

/** Three bytes, least significant first. */
export function u24(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
}
