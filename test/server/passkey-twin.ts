/** A passkey as a phone keeps it: makes the bytes of WebAuthn with a real key, and says on request what a thief or a copy would say. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isoCBOR } from '@simplewebauthn/server/helpers';
import { concatBytes, toBase64Url, u32, utf8 } from '#protocol/bytes.ts';

const USER_PRESENT = 0x01;
const USER_VERIFIED = 0x04;
const WITH_KEY = 0x40;

export class PasskeyTwin {
  readonly id: string = toBase64Url(randomBytes(32));
  readonly key: { readonly privateKey: KeyObject; readonly publicKey: KeyObject } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  count = 0;
  /** The person was asked for a finger or a PIN. */
  verified = true;
  origin: string;
  rpId: string;

  constructor(origin: string, rpId = new URL(origin).hostname) {
    this.origin = origin;
    this.rpId = rpId;
  }

  /** RegistrationResponseJSON for these options. */
  register(challenge: string): Record<string, unknown> {
    const id = Buffer.from(this.id, 'base64url');
    const { x, y } = this.key.publicKey.export({ format: 'jwk' });
    const cose = isoCBOR.encode(
      new Map<number, number | Uint8Array>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, Uint8Array.from(Buffer.from(x!, 'base64url'))],
        [-3, Uint8Array.from(Buffer.from(y!, 'base64url'))],
      ]),
    );
    const attested = concatBytes(new Uint8Array(16), new Uint8Array([0, id.length]), id, cose);
    const authData = concatBytes(this.#head(WITH_KEY), attested);
    const attestation = isoCBOR.encode(
      new Map<string, unknown>([
        ['fmt', 'none'],
        ['attStmt', new Map()],
        ['authData', Uint8Array.from(authData)],
      ]) as never,
    );
    const clientDataJSON = this.#client('webauthn.create', challenge);
    const response = { clientDataJSON, attestationObject: toBase64Url(attestation), transports: ['internal'] };
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response };
  }

  /** AuthenticationResponseJSON over this challenge. */
  approve(challenge: string): Record<string, unknown> {
    this.count += 1;
    const authData = this.#head(0);
    const clientDataJSON = this.#client('webauthn.get', challenge);
    const hash = createHash('sha256').update(Buffer.from(clientDataJSON, 'base64url')).digest();
    const signature = toBase64Url(sign('sha256', concatBytes(authData, hash), this.key.privateKey));
    const response = { clientDataJSON, authenticatorData: toBase64Url(authData), signature };
    return { id: this.id, rawId: this.id, type: 'public-key', clientExtensionResults: {}, response };
  }

  #head(flags: number): Uint8Array {
    const all = flags | USER_PRESENT | (this.verified ? USER_VERIFIED : 0);
    return concatBytes(createHash('sha256').update(this.rpId).digest(), new Uint8Array([all]), u32(this.count));
  }

  #client(type: string, challenge: string): string {
    return toBase64Url(utf8(JSON.stringify({ type, challenge, origin: this.origin, crossOrigin: false })));
  }
}
