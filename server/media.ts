/** Puts together what this carrier does with media of class D: one proof check, and what operators ask for. */
import { registerMedium, setPin } from './authentication/media/media.ts';
import { mediumKeys } from './authentication/media/medium-keys.ts';
import { classD } from './authentication/proofs/class-d.ts';
import type { ProofChecks } from './authentication/proofs/check.ts';
import type { MediumActs } from './console/media-routes.ts';
import type { Clock, Random } from './ports.ts';
import { carrierMediumKey, carrierSealKey } from './store/key-files.ts';
import type { Registry } from './store/registry.ts';

export interface Media {
  readonly proof: Required<Pick<ProofChecks, 'D'>>;
  readonly acts: MediumActs;
  /** X25519 that PINs are sealed to, as hubs are told. */
  readonly sealKey: string;
}

/** `folder`: where the keys lie, or are made at the first start. Throws HandoverError (CONFIG_BAD). */
export function mediaOf(folder: string, ports: { readonly registry: Registry; readonly clock: Clock; readonly random: Random }): Media {
  const keys = mediumKeys(carrierSealKey(folder), carrierMediumKey(folder, ports.random));
  const parts = { ...ports, keys };
  return {
    proof: { D: classD(parts) },
    acts: {
      register: (buyerId, body) => registerMedium(parts, buyerId, body),
      setPin: (credentialId, body) => setPin(parts, credentialId, body),
    },
    sealKey: keys.sealText,
  };
}
