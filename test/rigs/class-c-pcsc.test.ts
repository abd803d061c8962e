/** Cards of class C over PC/SC: the real smartcard package, libpcsclite, pcscd and vpcd, with SIMULATED chips in the field. No radio, no USB. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openReader } from '../../agent/readers/open-readers.ts';
import { held, keyStoreIn } from '../server/card-twin.ts';
import { CarrierBed, clock, CounterBed } from './class-c-bed.ts';
import { FIRST } from './pcsc-bed.ts';
import { pcscHere, type PcscRig, startPcsc } from './pcsc.ts';

describe.skipIf(!pcscHere())('a card over PC/SC', () => {
  const carrier = new CarrierBed();
  let device: PcscRig;
  let counter: CounterBed;

  beforeAll(async () => {
    device = await startPcsc();
    await carrier.open();
    const reader = held(openReader({ id: 'r1', kind: 'pcsc', path: FIRST, simulated: true }, { clock }));
    counter = await CounterBed.open(carrier, reader, (command) => device.tell(command));
  });
  afterAll(async () => {
    await counter.close();
    await carrier.close();
    expect(await device.end()).toBe(0);
  });

  it('pays with the network, and without it no more than its floor, once it has paid here', async () => {
    const card = await carrier.card();
    expect(await counter.pay(card, '35.00')).toMatchObject({ state: 'paid', standing: 'GUARANTEED' });
    await counter.goOffline();
    const [under, over] = [await counter.pay(card, '20.00'), await counter.pay(card, '20.01')];
    expect(under.state).toBe('provisional');
    expect(over).toMatchObject({ state: 'unknown', setAside: true, code: 'OFFLINE_LIMIT' });
    await counter.goOnline();
    for (const { requestId } of [under, over]) {
      await expect.poll(() => counter.request(requestId).state, { timeout: 10_000 }).toBe('paid');
    }
  });

  it('of other keys is refused, and a blocked one too, also without the network', async () => {
    const strange = await carrier.card((await keyStoreIn(carrier.folder)).keys);
    expect(await counter.pay(strange, '5.00')).toMatchObject({ state: 'declined', code: 'PROOF_INVALID' });
    const card = await carrier.card();
    const seen = await counter.pay(card, '1.00');
    await carrier.become(card, 'LOST');
    await counter.hears(true, seen);
    await counter.goOffline();
    expect(await counter.pay(card, '1.00')).toMatchObject({ state: 'unknown', setAside: true, code: 'CREDENTIAL_REVOKED' });
    await counter.goOnline();
  });

  it('pulled away after any of its commands is asked for again, and pays when it comes back', async () => {
    const card = await carrier.card();
    const asked = counter.agent.pipeline.ask({ amount: '2.00', currency: 'EUR', sellerId: carrier.seller.sellerId });
    for (const apdus of [1, 3, 6]) {
      const seen = counter.hints.length;
      await counter.tell({ do: 'card', card: card.file, apdus });
      await expect.poll(() => counter.hints.slice(seen), { timeout: 5_000 }).toContain('CARD_REMOVED');
    }
    await counter.tell({ do: 'card', card: card.file });
    expect(await counter.ended((asked as { requestId: string }).requestId)).toMatchObject({ state: 'paid' });
  });
});
