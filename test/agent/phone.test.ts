/** Paying with the buyer's own phone, as the counter sees it: link, approval over the network (W), code without one (O). */
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { approvalCode, approvalId, codeKey } from '#protocol/approval.ts';
import { fromBase64Url } from '#protocol/bytes.ts';
import type { Id } from '#protocol/ids.ts';
import { LIMITS } from '#protocol/limits.ts';
import { decodeLink, linkSignedBytes } from '#protocol/payment-link.ts';
import type { AcceptanceEntry, PaymentEntry } from '#protocol/payment-request.ts';
import { scannedText } from '#protocol/scanned-approval.ts';
import { verifyEd25519, x25519FromText } from '#protocol/signing.ts';
import { AGREE_KEY_FILE } from '../../agent/agree-key.ts';
import { COUNTER_ID } from './carrier-twin.ts';
import { Counter } from './counter.ts';
import { settle, until } from './manual-clock.ts';

const PAGE = 'https://pay.example/pay';
const HOUR = 3_600_000;

let counter: Counter;
beforeEach(async () => void (counter = await Counter.open({ walletUrl: PAGE })));
afterEach(async () => counter.close());

async function asked(amount = '12.50'): Promise<{ readonly id: Id; readonly terms: string }> {
  const answer = counter.ask(amount, { parcel: 'P-1' });
  if (!answer.ok) throw new Error(answer.code);
  await until('armed', () => counter.reader.waits);
  const { requestId: id, terms } = counter.request(answer.requestId!);
  return { id, terms };
}

/** The digits that the carrier's page would show. */
function digits({ id, terms }: { id: Id; terms: string }): string {
  return approvalCode(codeKey(counter.twin.agree.privateKey, x25519FromText(counter.twin.hubAgreeKey!)!, COUNTER_ID), id, terms);
}

function scanned({ id, terms }: { id: Id; terms: string }, pair = counter.twin.pair, expiresAt = counter.clock.now() + 24 * HOUR): string {
  return scannedText(counter.twin.approve(id, terms, expiresAt, pair));
}

const code = (text: string) => counter.agent.desk.code({ code: text });
const tap = () => (counter.board.state === 'tap' ? counter.board : undefined);
const entries = <T>(): T[] => counter.outbox().map(({ entry }) => JSON.parse(entry) as T);

describe('the link', () => {
  test('is the stored terms, signed by this hub, and the display shows it', async () => {
    const request = await asked();
    const { link } = tap()!.phone!;
    const [page, fragment] = link.split('#');
    expect(page).toBe(PAGE);
    const carried = decodeLink(fragment!)!;
    expect(carried.termsText).toBe(request.terms);
    expect(verifyEd25519(counter.twin.hubKey!, linkSignedBytes(carried.termsText), carried.signature)).toBe(true);
    expect(counter.snapshot.display.board.phone).toEqual({ link, first: false });
    expect(JSON.stringify(counter.snapshot.display)).not.toContain('triesLeft');
  });

  test('is not there before the carrier has said where its page is, and codes are refused', async () => {
    const plain = await Counter.open();
    plain.ask();
    await until('armed', () => plain.reader.waits);
    expect(plain.board).not.toHaveProperty('phone');
    expect(plain.agent.desk.code({ code: '12345678' })).toMatchObject({ code: 'PHONE_UNAVAILABLE' });
    expect(plain.agent.desk.phone({})).toMatchObject({ code: 'PHONE_UNAVAILABLE' });
    await plain.close();
  });

  test('lets a counter without any reader ask', async () => {
    counter.reader.unplugged = true;
    expect(counter.ask().ok).toBe(true);
    await counter.agent.pipeline.cancel();
    const plain = await Counter.open();
    plain.reader.unplugged = true;
    expect(plain.ask()).toMatchObject({ code: 'READER_NONE' });
    await plain.close();
  });

  test('gives the buyer the time of a page once staff make it the main way', async () => {
    await asked();
    const before = tap()!.armedUntil;
    expect(await counter.agent.desk.phone({})).toEqual({ ok: true });
    expect(tap()!.phone!.first).toBe(true);
    expect(tap()!.armedUntil).toBeGreaterThan(before);
    await counter.clock.pass(LIMITS.tap_wait_ms + 1_000, 5_000);
    expect(counter.board.state).toBe('tap');
    await counter.clock.pass(LIMITS.phone_wait_ms, 10_000);
    expect(counter.board).toMatchObject({ state: 'declined', code: 'TAP_TIMEOUT' });
    expect(counter.reader.armed).toBe(false);
  });
});

describe('an approval over the network', () => {
  test('is found by asking, kept as class W proof, sent, and the readers are at rest', async () => {
    const { id, terms } = await asked();
    await counter.clock.pass(LIMITS.approval_first_ms + LIMITS.approval_poll_ms);
    expect(counter.twin.approvalQuestions).toBeGreaterThan(0);
    expect(counter.board.state).toBe('tap');
    const { requestId: _, ...approved } = counter.twin.approve(id, terms, counter.clock.now() + HOUR);
    counter.twin.approval = (asks) => (asks === id ? approved : undefined);
    await counter.clock.pass(LIMITS.approval_poll_ms + 500);
    await counter.reach('paid');
    expect(entries<PaymentEntry>()[0]).toMatchObject({ requestId: id, terms, proof: { class: 'W', ...approved } });
    expect(counter.request(id)).toMatchObject({ state: 'paid', passId: approvalId(id) });
    expect(counter.board).toMatchObject({ request: { byPhone: true } });
    expect(counter.twin.commits.get(id)).toBe(1);
    expect(counter.reader.armed).toBe(false);
  });

  test.each(['forge', 'old-nonce'] as const)('is not believed when the answer is %s', async (mood) => {
    const { id, terms } = await asked();
    const { requestId: _, ...approved } = counter.twin.approve(id, terms, counter.clock.now() + HOUR);
    counter.twin.approval = () => approved;
    counter.twin.approvalMood = mood;
    await counter.clock.pass(LIMITS.approval_first_ms + 2 * LIMITS.approval_poll_ms);
    expect(counter.board.state).toBe('tap');
    expect(counter.log).toContain('the answer about an approval was not taken');
    counter.twin.approvalMood = 'well';
    await counter.clock.pass(LIMITS.approval_poll_ms + 500);
    await counter.reach('paid');
  });

  test('is not believed when it is of other terms, or over', async () => {
    const { id, terms } = await asked();
    for (const word of [
      counter.twin.approve(id, terms.replace('12.50', '12.51'), counter.clock.now() + HOUR),
      counter.twin.approve(id, terms, counter.clock.now() - 1),
      counter.twin.approve(id, terms, counter.clock.now() + HOUR, counter.twin.stranger),
    ]) {
      const { requestId: _, ...approved } = word;
      counter.twin.approval = () => approved;
      await counter.clock.pass(LIMITS.approval_first_ms + LIMITS.approval_poll_ms);
      expect(counter.board.state).toBe('tap');
    }
    expect(counter.outbox()).toEqual([]);
  });

  test('is asked for no more once somebody tapped, or the request was cancelled', async () => {
    const { id } = await asked();
    counter.reader.tap(counter.device);
    await counter.reach('paid');
    counter.agent.pipeline.next();
    await asked('3.00');
    await counter.agent.pipeline.cancel();
    const before = counter.twin.approvalQuestions;
    await counter.clock.pass(20_000, 1_000);
    expect(counter.twin.approvalQuestions).toBe(before);
    expect(entries<PaymentEntry>()[0]).toMatchObject({ requestId: id, proof: { class: 'A' } });
  });
});

describe('eight digits, without a network', () => {
  test('are checked here, and the parcel goes GUARANTEED; the carrier has its say when it is back', async () => {
    await counter.goOffline();
    const request = await asked('480.00'); // far above every floor: the money is held
    const text = digits(request);
    expect(await code(`${text.slice(0, 4)} ${text.slice(4)}`)).toEqual({ ok: true });
    await counter.reach('paid');
    expect(counter.board).toMatchObject({ state: 'paid', standing: 'GUARANTEED' });
    expect(counter.request(request.id)).toMatchObject({ state: 'provisional', standing: 'GUARANTEED' });
    const [payment, acceptance] = entries<PaymentEntry | AcceptanceEntry>();
    expect(payment).toMatchObject({ proof: { class: 'O', code: text } });
    expect(acceptance).toMatchObject({ standing: 'GUARANTEED', paymentRequestId: request.id });
    expect(counter.snapshot.counter.contract.allowanceUsed.amount).toBe('0.00');
    expect(counter.snapshot.counter.recent[0]!.state).toBe('paid');
    await counter.goOnline();
    await until('drained', () => counter.drained);
    expect(counter.request(request.id)).toMatchObject({ state: 'paid' });
    expect(counter.twin.commits.get(request.id)).toBe(1);
  });

  test('are taken from a scanner too, as the carrier’s own signature', async () => {
    await counter.goOffline();
    const request = await asked();
    expect(await code(scanned(request))).toEqual({ ok: true });
    await counter.reach('paid');
    expect(entries<PaymentEntry>()[0]!.proof).toMatchObject({ class: 'W' });
  });

  test('are decided by the carrier when it can be reached', async () => {
    counter.twin.decide = () => 'HOLD_EXPIRED';
    const request = await asked();
    expect(await code(digits(request))).toEqual({ ok: true });
    await counter.reach('declined');
    expect(counter.board).toMatchObject({ code: 'HOLD_EXPIRED' });
  });

  test('of another request, another counter, or not eight: wrong, five times, and then none are taken', async () => {
    const first = await asked();
    const old = digits(first);
    await counter.agent.pipeline.cancel();
    const request = await asked('9.00');
    expect(counter.agent.desk.code({ code: old })).toMatchObject({ code: 'APPROVAL_CODE_WRONG' });
    expect(tap()!.phone!.triesLeft).toBe(4);
    expect(await code(scanned(first))).toMatchObject({ code: 'APPROVAL_CODE_WRONG' });
    expect(await code(scanned(request, counter.twin.stranger))).toMatchObject({ code: 'APPROVAL_CODE_WRONG' });
    expect(await code('1234567')).toMatchObject({ code: 'APPROVAL_CODE_WRONG' });
    expect(await code('HO1.nonsense')).toMatchObject({ code: 'APPROVAL_CODE_BLOCKED' });
    expect(await code(digits(request))).toMatchObject({ code: 'APPROVAL_CODE_BLOCKED' });
    expect(tap()!.phone!.triesLeft).toBe(0);
    expect(counter.outbox()).toEqual([]);
    // A card still pays.
    counter.reader.tap(counter.device);
    await counter.reach('paid');
  });

  test('are no use when nothing is asked, nor after this hub was alone for too long', async () => {
    expect(counter.agent.desk.code({ code: '12345678' })).toMatchObject({ code: 'NO_REQUEST_OPEN' });
    await counter.goOffline();
    await counter.clock.pass(LIMITS.approved_contact_ms, HOUR);
    const request = await asked();
    expect(await code(scanned(request))).toEqual({ ok: true });
    await until('set aside', () => counter.board.state === 'unknown' && counter.board.setAside);
    expect(counter.request(request.id)).toMatchObject({ state: 'unknown', code: 'OFFLINE_EXPIRED' });
  });

  test('survive a restart: the same proof is sent, once', async () => {
    await counter.goOffline();
    const request = await asked();
    await code(digits(request));
    await counter.reach('paid');
    await counter.agent.close();
    await counter.twin.open();
    await counter.start();
    await until('drained', () => counter.drained);
    expect(counter.twin.commits.get(request.id)).toBe(1);
  });
});

test('the key for codes is this user’s file alone, is told in every contact, and is remade when it is lost', async () => {
  const file = path.join(counter.folder, AGREE_KEY_FILE);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const told = counter.twin.hubAgreeKey!;
  expect(fromBase64Url(told)).toHaveLength(32);
  await counter.restart();
  expect(counter.twin.hubAgreeKey).toBe(told);
  await settle();
  expect(existsSync(file)).toBe(true);
});
