/** Status words (NT4H2421Gx tables 23 and 24), and how a command that cannot go on says so. */
export const STATUS = {
  ILLEGAL_COMMAND_CODE: 0x911c,
  INTEGRITY_ERROR: 0x911e,
  NO_SUCH_KEY: 0x9140,
  LENGTH_ERROR: 0x917e,
  PERMISSION_DENIED: 0x919d,
  PARAMETER_ERROR: 0x919e,
  AUTHENTICATION_DELAY: 0x91ad,
  AUTHENTICATION_ERROR: 0x91ae,
  ADDITIONAL_FRAME: 0x91af,
  BOUNDARY_ERROR: 0x91be,
  COMMAND_ABORTED: 0x91ca,
  FILE_NOT_FOUND: 0x91f0,
  OK: 0x9100,
  ISO_OK: 0x9000,
  ISO_WRONG_LENGTH: 0x6700,
  ISO_SECURITY: 0x6982,
  ISO_CONDITIONS: 0x6985,
  ISO_NOT_FOUND: 0x6a82,
  ISO_WRONG_P1P2: 0x6a86,
  ISO_LC_INCONSISTENT: 0x6a87,
  ISO_UNKNOWN_INSTRUCTION: 0x6d00,
  ISO_UNKNOWN_CLASS: 0x6e00,
} as const;

/** Thrown inside the chip only: a command stops here and its status goes out. */
export class Stop extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`status ${status.toString(16)}`);
    this.status = status;
  }
}

export function need(holds: boolean, status: number): asserts holds {
  if (!holds) throw new Stop(status);
}

export function answerOf(data: Uint8Array, status: number): Uint8Array {
  return new Uint8Array([...data, status >> 8, status & 0xff]);
}
