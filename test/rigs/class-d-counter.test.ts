/**
 * A card that is known by its UID alone, and a PIN, the whole way: a SIMULATED MIFARE Classic in the field of a SIMULATED PN532 on a real
 * pseudo-terminal, the real agent, the real carrier. Not covered, because nothing here has it: radio, a real card.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandAnswer } from '#protocol/bridge.ts';
import { LIMITS } from '#protocol/limits.ts';
import { MEDIUM_ROUTES, type MediumAnswer } from '#protocol/medium-routes.ts';
import type { BuyerAnswer } from '#protocol/routes.ts';
import { openReader } from '../../agent/readers/open-readers.ts';
import type { RequestRow } from '../../agent/store/requests.ts';
import { held } from '../server/card-twin.ts';
import { newId } from '../server/hub-twin.ts';
import { CarrierBed, clock, CounterBed } from './class-c-bed.ts';
import { type SimulatedReader, startSimulatedReader } from './simulated-reader.ts';

const PIN = '471193528064';
const carrier = new CarrierBed();
let device: SimulatedReader;
let counter: CounterBed;

beforeAll(async () => {
  await carrier.open();
  const link = join(carrier.folder, 'tty');
  device = await startSimulatedReader(link);
  const reader = held(openReader({ id: 'r1', kind: 'pn532', path: link, simulated: true }, { clock }));
  counter = await CounterBed.open(carrier, reader, (command) => device.tell(command));
});
afterAll(async () => {
  await counter.close();
  expect(await device.end()).toBe(0);
  await carrier.close();
});

async function medium(uid: string): Promise<void> {
  const { buyerId } = await carrier.order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' });
  await carrier.order(`/v1/operator/buyers/${buyerId}/top-ups`, { requestId: newId(), amount: '100.00', currency: 'EUR' });
  const route = MEDIUM_ROUTES.operatorMedia.replace(':buyerId', buyerId);
  const { credentialId } = await carrier.order<MediumAnswer>(route, { kind: 'uid', number: uid });
  await carrier.order(MEDIUM_ROUTES.operatorPin.replace(':credentialId', credentialId), { pin: PIN });
}

function ask(): string {
  const asked = counter.agent.pipeline.ask({ amount: '12.50', currency: 'EUR', sellerId: carrier.seller.sellerId });
  if (!asked.ok) throw new Error(asked.code);
  return asked.requestId!;
}

/** Holds the card there, and waits until the board asks for its PIN. */
async function recognised(uid: string): Promise<void> {
  await device.tell({ do: 'memory-card', uid });
  await expect.poll(() => counter.board, { timeout: 5_000 }).toMatchObject({ state: 'tap', pin: { kind: 'uid' } });
}

const type = (pin: string): CommandAnswer => counter.agent.pipeline.tell((wait) => wait.pin(pin));

async function pay(uid: string, pin: string): Promise<RequestRow> {
  const requestId = ask();
  await recognised(uid);
  expect(type(pin).ok).toBe(true);
  const ended = await counter.ended(requestId);
  await clock.sleep(LIMITS.retap_ms + 600);
  return ended;
}

it('pays with the right PIN; a wrong one ends its request, and the next request asks again', async () => {
  const uid = '04c7d95e1ba36f';
  await medium(uid);
  expect(await pay(uid, '938206517724')).toMatchObject({ state: 'declined', code: 'PIN_WRONG' });
  expect(await pay(uid, PIN)).toMatchObject({ state: 'paid', standing: 'GUARANTEED' });
  const kept = Buffer.concat(readdirSync(counter.folder).map((name) => readFileSync(join(counter.folder, name))));
  expect(kept.includes(Buffer.from('"class":"D"'))).toBe(true);
  for (const secret of [PIN, '938206517724', uid, uid.toUpperCase()]) expect(kept.includes(Buffer.from(secret))).toBe(false);
  expect(kept.includes(Buffer.from(uid, 'hex'))).toBe(false);
}, 30_000);

it('that nobody registered is refused by the carrier, which alone can say so', async () => {
  expect(await pay('04c7d95e1ba370', PIN)).toMatchObject({ state: 'declined', code: 'CREDENTIAL_UNKNOWN' });
}, 30_000);

it('is never accepted when the network goes while the PIN is typed; the carrier decides when it is back', async () => {
  const uid = '04c7d95e1ba371';
  await medium(uid);
  const requestId = ask();
  await recognised(uid);
  await counter.goOffline();
  expect(type(PIN).ok).toBe(true);
  expect(await counter.ended(requestId)).toMatchObject({ state: 'unknown', setAside: true, code: 'OFFLINE_LIMIT' });
  await counter.goOnline();
  await expect.poll(() => counter.request(requestId).state, { timeout: 10_000 }).toBe('paid');
}, 60_000);
