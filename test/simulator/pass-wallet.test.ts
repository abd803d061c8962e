import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { makeSigningPair } from '#protocol/signing.ts';
import { minor } from '#protocol/money.ts';
import { makePhone, storePass } from '../../simulator/phone/make-phone.ts';
import { askForPasses, keyForTap, storePasses, withCounter } from '../../simulator/phone/pass-wallet.ts';
import { issuePassForTests } from '../../simulator/phone/pass-for-tests.ts';
import { readPhoneFile, writePhoneFile } from '../../simulator/phone/phone-file.ts';

const carrier = makeSigningPair();
let file: string;
beforeEach(() => {
  file = path.join(mkdtempSync(path.join(tmpdir(), 'handover-wallet-')), 'phone.json');
  storePass(file, issuePassForTests(carrier.privateKey, makePhone(file)), '01a3185c-5000-7707-8707-070707070707');
});

/** Fetches one pass for each limit, in cents. */
function fetch(...limits: number[]): void {
  const { deviceKeys } = askForPasses(file, limits.length);
  const passes = deviceKeys.map((key, place) => issuePassForTests(carrier.privateKey, key, { limit: minor(BigInt(limits[place]!)) }));
  storePasses(file, passes);
}

/** The limit of the pass that taps next, and notes that it did. */
function tap(cents: number, atMs = Date.now(), currency: 'EUR' | 'JPY' = 'EUR'): number {
  const phone = readPhoneFile(file);
  const { key, pass } = keyForTap(phone, { amount: minor(BigInt(cents)), currency, atMs })!;
  writePhoneFile(file, withCounter(phone, key, key.counter + 1));
  return Number(pass.limit);
}

describe('the passes of a SIMULATED phone', () => {
  it('tap once each: the smallest that covers the amount, the largest when none does, then the one that tapped least', () => {
    fetch(1_000, 5_000, 500, 3_000);
    expect([tap(700), tap(700), tap(9_000), tap(100), tap(600)]).toEqual([1_000, 3_000, 5_000, 500, 1_000]);
  });

  it('leave the home key alone as long as one of them can tap', () => {
    expect(tap(100)).toBe(50_000);
    fetch(500, 500);
    for (let count = 0; count < 5; count++) expect(tap(100)).toBe(500);
    const weekLater = Date.now() + 7 * 86_400_000;
    expect(tap(100, weekLater, 'EUR')).toBe(50_000); // none is in force: the counter shall say so
  });

  it('are asked for again with the same keys when the answer was lost', () => {
    const first = askForPasses(file, 3);
    expect(askForPasses(file, 3)).toMatchObject({ deviceKeys: first.deviceKeys });
    fetch(500, 500, 500);
    expect(askForPasses(file, 1).deviceKeys).not.toContain(first.deviceKeys[0]);
  });

  it('take no pass for a key of another phone', () => {
    const stranger = path.join(path.dirname(file), 'other.json');
    storePasses(file, [issuePassForTests(carrier.privateKey, makePhone(stranger))]);
    expect(readPhoneFile(file).tapKeys).toEqual([]);
    expect(() => storePasses(file, ['no pass'])).toThrow('not an offline pass');
  });
});
