import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { approvalChallenge } from '#protocol/approval.ts';
import { toBase64Url } from '#protocol/bytes.ts';
import { decodeLink, encodeLink } from '#protocol/carried-request.ts';
import { ERRORS, type ErrorCode } from '#protocol/errors.ts';
import { makeId } from '#protocol/ids.ts';
import type { RequestAnswer } from '#protocol/wallet-routes.ts';
import { payEn, type PayTextKey } from '../../renderer/locales/pay-en.ts';
import { payJa } from '../../renderer/locales/pay-ja.ts';
import { troubleOf } from '../../renderer/pay/passkeys.ts';
import { afterRefusal, reasonKey, stopAfter } from '../../renderer/pay/refusals.ts';
import { languageFrom, payTexts } from '../../renderer/pay/texts.ts';
import { walletCode } from '../../renderer/pay/wallet-code.ts';
import { challengeOf, isAnswerTo } from '../../renderer/pay/what-is-signed.ts';
import { digitGroups, leftText, spelled } from '../../renderer/pay/words.ts';
import { codeHash, codeText } from '../../server/authentication/one-time-code.ts';

const places = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).toSorted();

describe('texts', () => {
  it('have the same keys in both languages, none empty, with the same values', () => {
    expect(Object.keys(payJa).toSorted()).toEqual(Object.keys(payEn).toSorted());
    for (const key of Object.keys(payEn) as PayTextKey[]) {
      expect([payEn[key], payJa[key]], key).not.toContain('');
      expect([key, places(payJa[key])]).toEqual([key, places(payEn[key])]);
    }
  });

  it('are calm, and in Japanese polite and Japanese', () => {
    for (const [key, text] of Object.entries(payEn))
      expect(text, key).not.toMatch(/!|\b(failed|pending|processing|error|oops|successfully|invalid)\b/i);
    for (const [key, text] of Object.entries(payJa)) {
      expect(text, key).not.toMatch(/[!!]|エラー|処理中|失敗/);
      expect(text, key).toMatch(/[ぁ-んァ-ヶ一-龠]/);
      if (text.endsWith('。')) expect(text, key).toMatch(/(です|ます|ません|した|さい)。$/);
    }
  });

  it('say of every stop that nothing was approved or taken, and what to do', () => {
    const stops = Object.keys(payEn).flatMap((key) => /^stop\.(\w+)\.title$/.exec(key)?.[1] ?? []);
    expect(stops.length).toBeGreaterThan(8);
    for (const stop of stops.filter((name) => name !== 'noLink'))
      expect(payEn[`stop.${stop}.what` as PayTextKey], stop).toMatch(/Nothing was/);
    for (const stop of stops) expect(payEn[`stop.${stop}.next` as PayTextKey], stop).toBeTruthy();
  });

  it('fill in values, in the first language that a person has', () => {
    expect(payTexts('en')('open.approve', { amount: '€1.00', seller: 'A' })).toBe('Approve €1.00 to A');
    expect(payTexts('ja')('time.minutes', { m: 9, s: 3 })).toBe('9分3秒');
    // What a seller is called is no template.
    expect(payTexts('en')('approved.to', { seller: '$& {amount}' })).toBe('to $& {amount}');
    expect(languageFrom(['nl-NL', 'ja-JP', 'en'])).toBe('ja');
    expect(languageFrom(['de', 'en-US', 'ja'])).toBe('en');
    expect(languageFrom(['jam', 'eno'])).toBe('en');
    expect(languageFrom([])).toBe('en');
  });
});

describe('a refusal in a buyer’s words', () => {
  it('never shows the words for staff, and knows every code', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      expect(payEn[reasonKey(code)], code).not.toBe(ERRORS[code].staff);
      expect(payEn[`stop.${stopAfter(code)}.title`], code).toBeTruthy();
    }
    expect(reasonKey('toString')).toBe('reason.other');
    expect(stopAfter('constructor')).toBe('other');
    expect(afterRefusal('hasOwnProperty')).toEqual({ kind: 'refused' });
  });

  it.each([
    ['BAD_SIGNATURE', { kind: 'stop', stop: 'badLink' }],
    ['HUB_REVOKED', { kind: 'stop', stop: 'counter' }],
    ['HOLD_EXPIRED', { kind: 'stop', stop: 'expired' }],
    ['REQUEST_CONFLICT', { kind: 'stop', stop: 'someoneElse' }],
    ['CREDENTIAL_UNKNOWN', { kind: 'note', note: 'note.passkeyUnknown' }],
    ['PROOF_INVALID', { kind: 'note', note: 'note.passkeyRefused' }],
    ['CREDENTIAL_FROZEN', { kind: 'refused' }],
    ['INSUFFICIENT_FUNDS', { kind: 'refused' }],
  ])('%s: %j', (code, after) => {
    expect(afterRefusal(code)).toEqual(after);
  });

  it('of the phone itself is told by the name that the standard gives it', () => {
    expect(['NotAllowedError', 'AbortError', 'SecurityError', 'InvalidStateError', ''].map(troubleOf)).toEqual([
      'stopped',
      'stopped',
      'address',
      'unable',
      'unable',
    ]);
  });
});

describe('a one-time code as people type it', () => {
  it('is read as the carrier wrote it: small letters, spaces, look-alikes and full-width letters do not matter', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 10, maxLength: 10 }), (bytes) => {
        const code = codeText(bytes);
        const wide = code
          .split('')
          .map((letter) => (letter === '-' ? 'ー' : String.fromCharCode(letter.charCodeAt(0) + 0xfee0)))
          .join('');
        const typed = [code, code.toLowerCase(), code.replaceAll('-', ' '), ` ${code.replaceAll('0', 'o').replaceAll('1', 'l')} `, wide];
        for (const text of typed) expect(walletCode(text)).toBe(code);
        expect(codeHash(walletCode(code)!)).toBe(codeHash(code));
      }),
    );
  });

  it('is nothing when it is too short, too long, or has a letter that no code has', () => {
    for (const text of ['', 'AAAA-BBBB-CCCC-DDD', 'AAAA-BBBB-CCCC-DDDD-E', 'AAAA-BBBB-CCCC-DDDU', 'AAAA-BBBB-CCCC-DDD!'])
      expect(walletCode(text)).toBeUndefined();
  });
});

const id = (): string => makeId(1_800_000_000_000, randomBytes(10));
const terms = {
  v: 1,
  requestId: id(),
  hubId: id(),
  counterId: id(),
  sellerId: id(),
  amount: '42.80',
  currency: 'EUR',
  askedAt: 1_800_000_000_000,
};

describe('what is signed', () => {
  it('is the digest that the carrier expects, computed here', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (text) => {
        expect(await challengeOf(text, crypto.subtle)).toBe(toBase64Url(approvalChallenge(text)));
      }),
    );
  });

  it('is what the link says, or the answer is not believed', async () => {
    const text = JSON.stringify({ ...terms, parcel: 'PK-1' });
    const carried = decodeLink(encodeLink(text, new Uint8Array(64))!)!;
    const challenge = await challengeOf(carried.termsText, crypto.subtle);
    const { requestId, amount, askedAt } = terms;
    const names = { seller: 'S', hub: 'H', parcel: 'PK-1', state: 'OPEN', rpId: 'localhost', expiresAt: askedAt + 600_000 } as const;
    const answer: RequestAnswer = { requestId, amount, currency: 'EUR', askedAt, challenge, ...names };
    expect(isAnswerTo(carried, challenge, answer)).toBe(true);
    const lies: Partial<RequestAnswer>[] = [
      { requestId: id() },
      { amount: '42.81' },
      { amount: '42.8' },
      { currency: 'USD' },
      { askedAt: askedAt + 1 },
      { parcel: 'PK-2' },
      { challenge: toBase64Url(approvalChallenge('other terms')) },
    ];
    for (const lie of lies) expect(isAnswerTo(carried, challenge, { ...answer, ...lie }), JSON.stringify(lie)).toBe(false);
    const { parcel: _parcel, ...without } = answer;
    expect(isAnswerTo(carried, challenge, without)).toBe(false);
  });
});

it('shows the time left in whole seconds that are still there', () => {
  const [en, ja] = [payTexts('en'), payTexts('ja')];
  expect(leftText(600_000, en, 'en')).toBe('10 min 0 s');
  expect(leftText(572_001, ja, 'ja')).toBe('9分33秒');
  expect(leftText(59_000, en, 'en')).toBe('59 s');
  expect(leftText(-1, en, 'en')).toBe('0 s');
});

it('shows eight digits in two groups, and has them read one by one', () => {
  expect(digitGroups('01234567')).toEqual(['0123', '4567']);
  expect(spelled('0123')).toBe('0 1 2 3');
});
