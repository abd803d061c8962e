import { afterEach, beforeEach, expect, test } from 'vitest';
import { decodePass } from '#protocol/applet.ts';
import { LIMITS } from '#protocol/limits.ts';
import { denySeq, isDenied } from '../../agent/store/denials.ts';
import { Counter } from './counter.ts';
import { Device } from './device.ts';
import { until } from './manual-clock.ts';

let counter: Counter;
beforeEach(async () => void (counter = await Counter.open()));
afterEach(async () => counter.close());

const passOf = (device: Device) => decodePass(device.pass)!.passId;
const another = (): Device => new Device(counter.twin.pair, counter.clock.now());
const read = () => counter.agent.store.read;

async function contact(): Promise<void> {
  const before = counter.twin.contacts;
  await counter.clock.pass(LIMITS.contact_interval_ms, 1_000);
  await until('another contact', () => counter.twin.contacts > before);
}

test('the deny list comes in pages, one right after the other, and stays over a restart', async () => {
  const devices = Array.from({ length: 5 }, another);
  counter.twin.denials.push(...devices.map((device) => ({ passId: passOf(device), denied: true })));
  await contact();
  await until('all pages', () => denySeq(read()) === 5);
  await counter.restart();
  expect(devices.map((device) => isDenied(read(), passOf(device)))).toEqual([true, true, true, true, true]);
  expect(isDenied(read(), passOf(counter.device))).toBe(false);
});

test('a denied phone gets no parcel without the network; online, the carrier says', async () => {
  const lost = another();
  counter.twin.denials.push({ passId: passOf(lost), denied: true });
  await contact();
  await until('denied', () => denySeq(read()) === 1);
  const online = await counter.pay('1.00', lost);
  await counter.reach('paid');
  expect(counter.request(online).state).toBe('paid');
  counter.agent.pipeline.next();
  await counter.goOffline();
  const id = await counter.pay('1.00', lost);
  await until('set aside', () => counter.board.state === 'unknown' && counter.board.setAside);
  expect(counter.request(id).code).toBe('CREDENTIAL_REVOKED');
});

test('a phone that was found again is taken without the network', async () => {
  const found = another();
  counter.twin.denials.push({ passId: passOf(found), denied: true }, { passId: passOf(found), denied: false });
  await contact();
  await until('read', () => denySeq(read()) === 2);
  await counter.goOffline();
  await counter.pay('1.00', found);
  await counter.reach('provisional');
});
