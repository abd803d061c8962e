import { concatBytes, utf8 } from './bytes.ts';
import { type Id, idBytes } from './ids.ts';

/**
 * Bytes that a phone's home key signs (ECDSA P-256, SHA-256, r‖s) to have the keys of its next taps certified: domain, credential,
 * the keys as base64url in the order sent, each with a zero byte after it. `docs/APPLET.md`.
 */
export function passRequestSignedBytes(credential: Id, deviceKeys: readonly string[]): Uint8Array {
  return concatBytes(utf8('handover-passes-v1\0'), idBytes(credential), utf8(deviceKeys.map((key) => `${key}\0`).join('')));
}
