/** The passes of a SIMULATED phone: which one taps next, and how new ones are asked for. */
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { decodePass, type OfflinePass, type TapTerms } from '#protocol/applet.ts';
import { fromBase64Url, toBase64Url } from '#protocol/bytes.ts';
import type { Id } from '#protocol/ids.ts';
import { passRequestSignedBytes } from '#protocol/pass-request.ts';
import type { PassesBody } from '#protocol/routes.ts';
import { p256Compressed, signP256 } from '#protocol/signing.ts';
import { type PhoneFile, readPhoneFile, type TapKey, writePhoneFile } from './phone-file.ts';

interface Chosen {
  readonly key: TapKey;
  readonly pass: OfflinePass;
}

/**
 * The smallest fetched pass that covers the amount and has not tapped yet, so that no two taps show the same; the largest when none
 * covers it; then the one that tapped least; the home key when there is no other. One that cannot pay these terms is taken only when
 * none can: the counter then says why.
 */
export function keyForTap(phone: PhoneFile, terms: Pick<TapTerms, 'amount' | 'currency' | 'atMs'>): Chosen | undefined {
  const chosen = [...(phone.tapKeys ?? []), phone].flatMap((key): Chosen[] => {
    const bytes = key.pass === undefined ? undefined : fromBase64Url(key.pass);
    const pass = bytes && decodePass(bytes);
    return pass ? [{ key, pass }] : [];
  });
  const usable = chosen.filter(({ pass }) => pass.currency === terms.currency && pass.expiresMs > terms.atMs);
  const fetched = usable.filter(({ key }) => key !== phone);
  const [best] = (fetched.length > 0 ? fetched : usable).toSorted((a, b) => order(a, b, terms.amount));
  return best ?? chosen.at(-1);
}

function order(a: Chosen, b: Chosen, amount: bigint): number {
  if (a.key.counter !== b.key.counter) return a.key.counter - b.key.counter;
  const [coversA, coversB] = [a, b].map(({ pass }) => pass.limit >= amount);
  if (coversA !== coversB) return coversA ? -1 : 1;
  const difference = Number(a.pass.limit - b.pass.limit);
  return coversA ? difference : -difference;
}

export function withCounter(phone: PhoneFile, used: TapKey, counter: number): PhoneFile {
  if (used === phone) return { ...phone, counter };
  return { ...phone, tapKeys: (phone.tapKeys ?? []).map((key) => (key === used ? { ...key, counter } : key)) };
}

/** Makes so many keys in the phone and asks for their passes. The keys are on the disk before the carrier hears of them. */
export function askForPasses(file: string, count: number): PassesBody {
  const phone = readPhoneFile(file);
  if (phone.credentialId === undefined) throw new Error('this SIMULATED phone is not registered with a carrier');
  const waiting = (phone.tapKeys ?? []).filter(({ pass }) => pass === undefined);
  const fresh = Array.from({ length: Math.max(0, count - waiting.length) }, newKey);
  writePhoneFile(file, { ...phone, tapKeys: [...(phone.tapKeys ?? []), ...fresh] });
  const deviceKeys = [...waiting, ...fresh].map(publicKeyOf);
  const message = passRequestSignedBytes(phone.credentialId as Id, deviceKeys);
  const signature = toBase64Url(signP256(createPrivateKey(phone.privateKey), message));
  return { credentialId: phone.credentialId, deviceKeys, signature };
}

/** Stores what the carrier answered. A pass goes to the key that it certifies; one for no key of this phone is left out. */
export function storePasses(file: string, passes: readonly string[]): void {
  const phone = readPhoneFile(file);
  const byKey = new Map(
    passes.map((text) => {
      const pass = decodePass(fromBase64Url(text) ?? new Uint8Array());
      if (!pass) throw new Error('not an offline pass');
      return [toBase64Url(pass.deviceKey), text];
    }),
  );
  const tapKeys = (phone.tapKeys ?? []).map((key) => {
    const pass = byKey.get(publicKeyOf(key));
    return pass === undefined ? key : { ...key, pass };
  });
  writePhoneFile(file, { ...phone, tapKeys });
}

function newKey(): TapKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), counter: 0 };
}

function publicKeyOf({ privateKey }: TapKey): string {
  return toBase64Url(p256Compressed(createPublicKey(createPrivateKey(privateKey))));
}
