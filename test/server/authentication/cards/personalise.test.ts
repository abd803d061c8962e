/** Personalisation against the SIMULATED chip, which knows nothing of the code here: whole, cut off at every command, wrong, foreign. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ERRORS, ok, refuse, type Result } from '#protocol/errors.ts';
import { cardKeys, type CardKeys } from '../../../../server/authentication/cards/card-keys.ts';
import type { Transceive } from '../../../../server/authentication/cards/personalise/apdu.ts';
import { lookAtCard } from '../../../../server/authentication/cards/personalise/look.ts';
import { personalise, type Wanted } from '../../../../server/authentication/cards/personalise/personalise.ts';
import { planOf } from '../../../../server/authentication/cards/personalise/plan.ts';
import { queryOf, readLink } from '../../../../server/authentication/cards/personalise/read-link.ts';
import { tapOnce } from '../../../../server/authentication/cards/personalise/verify-card.ts';
import { factoryState } from '../../../../simulator/cards/ntag424/memory.ts';
import { MemoryCard, master, type Rig, rig, storeOf, text, UID } from './rig.ts';

const WANTED: Wanted = { url: 'https://pay.example/c', keyId: 1, randomUid: false };
const nobody = (): void => undefined;

async function keysOf(keys: CardKeys, keyId: number): Promise<string[]> {
  const found: string[] = [];
  for (const slot of [0, 1, 2, 3, 4] as const) {
    const key = await keys.slot(keyId, slot, UID);
    found.push(key.ok ? text(key.value) : key.code);
  }
  return found;
}

async function expectOurs(desk: Rig, keyId = 1): Promise<void> {
  expect(desk.memory.state.keys.map(({ key }) => key)).toEqual(await keysOf(desk.keys, keyId));
  expect(desk.memory.state.keys.map(({ version }) => version)).toEqual([keyId, keyId, keyId, keyId, keyId]);
}

describe('a card from the factory', () => {
  it('becomes ours: five keys, link, settings, and two taps that hold', async () => {
    const desk = rig();
    const steps: string[] = [];
    const done = await personalise(desk, WANTED, (step) => steps.push(step));
    expect(done).toMatchObject({ ok: true, value: { uid: UID, keyId: 1, counter: 2 } });
    expect(done.ok && done.value.changed).toEqual(['key 4', 'key 3', 'key 2', 'key 1', 'link', 'file settings', 'key 0']);
    expect(done.ok && done.value.link).toMatch(/^https:\/\/pay\.example\/c\?p=[0-9A-F]{32}&m=[0-9A-F]{16}$/);
    expect(steps).toContain('changing key 0');
    await expectOurs(desk);
    expect(desk.memory.state.files['2'].settings).toMatch(/^4000E0C1FF21/);
  });

  it('has no key of the factory in any message to come: its taps hold for our keys and for no others', async () => {
    const desk = rig();
    await personalise(desk, WANTED, nobody);
    expect(await tapOnce(desk.transceive, desk.keys)).toMatchObject({ ok: true, value: { counter: 3 } });
    expect(await tapOnce(desk.transceive, cardKeys(storeOf({ 1: master(9) })))).toMatchObject({ code: 'PROOF_INVALID' });
  });

  it('that is as wanted is left alone: its counter is not set back', async () => {
    const desk = rig();
    await personalise(desk, WANTED, nobody);
    const again = await personalise(desk, WANTED, nobody);
    expect(again).toMatchObject({ ok: true, value: { changed: [], counter: 4 } });
  });

  it('takes another address later, and only that', async () => {
    const desk = rig();
    await personalise(desk, WANTED, nobody);
    const moved = await personalise(desk, { ...WANTED, url: 'https://www.other.example/?lang=de' }, nobody);
    expect(moved.ok && moved.value.changed).toEqual(['link', 'file settings']);
    expect(moved.ok && moved.value.link).toMatch(/^https:\/\/www\.other\.example\/\?lang=de&p=/);
  });

  it('moves to a new master key, from any state of the old one', async () => {
    const both = cardKeys(storeOf({ 1: master(1), 2: master(2) }));
    const desk = rig({ keys: both });
    await personalise(desk, WANTED, nobody);
    expect(await personalise(desk, { ...WANTED, keyId: 2 }, nobody)).toMatchObject({ ok: true, value: { keyId: 2 } });
    await expectOurs(desk, 2);
  });
});

describe('a random UID', () => {
  const HIDDEN: Wanted = { ...WANTED, randomUid: true };

  it('is switched on last, and the card is still known by its messages', async () => {
    const desk = rig();
    const done = await personalise(desk, HIDDEN, nobody);
    expect(done.ok && done.value.changed.at(-1)).toBe('random UID');
    desk.card.leaveField();
    expect([desk.card.uid.length, desk.card.uid[0]]).toEqual([4, 0x08]);
    expect(await tapOnce(desk.transceive, desk.keys)).toMatchObject({ value: { uid: UID } });
  });

  it('does not keep a later run from finding the card, nor a new master key from getting on it', async () => {
    const desk = rig({ keys: cardKeys(storeOf({ 1: master(1), 2: master(2) })) });
    await personalise(desk, HIDDEN, nobody);
    desk.card.leaveField();
    expect(await personalise(desk, HIDDEN, nobody)).toMatchObject({ value: { uid: UID, changed: [] } });
    expect(await personalise(desk, { ...HIDDEN, keyId: 2 }, nobody)).toMatchObject({ value: { uid: UID, keyId: 2 } });
  });

  it('is found on a blank card too', async () => {
    const desk = rig({ memory: new MemoryCard({ ...factoryState(UID), randomUid: true }) });
    expect(await personalise(desk, WANTED, nobody)).toMatchObject({ value: { uid: UID } });
  });
});

describe('a card that was pulled away', () => {
  /** `lost`: whether the card still ran the command at which it was cut off, and only the answer was lost. */
  function cutAt(desk: Rig, count: number, lost: boolean): Transceive {
    let sent = 0;
    return async (apdu): Promise<Result<Uint8Array>> => {
      if (++sent < count) return ok(desk.card.answer(apdu));
      if (sent === count && lost) desk.card.answer(apdu);
      return refuse('CARD_REMOVED');
    };
  }

  it.each([
    ['before a command reached it', false],
    ['before its answer came', true],
  ])('%s, at any command, is finished by the next run', async (_when, lost) => {
    const wanted: Wanted = { ...WANTED, randomUid: true };
    let cuts = 0;
    for (let count = 1; ; count++) {
      const desk = rig();
      const first = await personalise({ ...desk, transceive: cutAt(desk, count, lost) }, wanted, nobody);
      if (first.ok) break;
      expect(first, `cut at ${count}`).toMatchObject({ code: 'CARD_REMOVED' });
      desk.card.leaveField();
      const second = await personalise(desk, wanted, nobody);
      expect(second, `after a cut at ${count}`).toMatchObject({ ok: true, value: { uid: UID } });
      await expectOurs(desk);
      expect(desk.memory.state.randomUid).toBe(true);
      cuts = count;
    }
    expect(cuts).toBeGreaterThan(40);
  });

  it('twice, at any two commands, is finished by the third run', async () => {
    for (let first = 9; first < 45; first += 4) {
      for (let second = 9; second < 45; second += 5) {
        const desk = rig();
        await personalise({ ...desk, transceive: cutAt(desk, first, true) }, WANTED, nobody);
        desk.card.leaveField();
        await personalise({ ...desk, transceive: cutAt(desk, second, true) }, WANTED, nobody);
        desk.card.leaveField();
        expect(await personalise(desk, WANTED, nobody), `cut at ${first} and ${second}`).toMatchObject({ ok: true });
        await expectOurs(desk);
      }
    }
  });

  it('never shows a genuine link before it is ours whole', async () => {
    for (let count = 1; count < 60; count++) {
      const desk = rig();
      const done = await personalise({ ...desk, transceive: cutAt(desk, count, true) }, WANTED, nobody);
      if (done.ok) break;
      desk.card.leaveField();
      const tap = await tapOnce(desk.transceive, desk.keys);
      // Genuine taps come only after keys 1 and 2 are ours.
      if (tap.ok) expect(desk.memory.state.keys.slice(1).map(({ version }) => version)).toEqual([1, 1, 1, 1]);
    }
  });
});

describe('a card that is not ours to change', () => {
  const stranger = { key: 'AB'.repeat(16), version: 7, failed: 0, inARow: 0, waited: 0 };

  it.each([0, 1, 2, 3, 4])('because somebody has key %i: it is named, and nothing is changed', async (slot) => {
    const desk = rig();
    desk.memory.state.keys[slot] = { ...stranger };
    const before = JSON.stringify(desk.memory.state.files);
    expect(await personalise(desk, WANTED, nobody)).toMatchObject({
      code: 'CARD_UNSUPPORTED',
      detail: expect.stringContaining(`key ${slot} is not ours`),
    });
    expect(JSON.stringify(desk.memory.state.files)).toBe(before);
    expect(desk.memory.state.keys.filter(({ version }) => version === 1)).toEqual([]);
  });

  it('because it hides its UID and has no key of ours', async () => {
    const desk = rig({ memory: new MemoryCard({ ...factoryState(UID), randomUid: true }) });
    for (const slot of [0, 2]) desk.memory.state.keys[slot] = { ...stranger };
    expect(await personalise(desk, WANTED, nobody)).toMatchObject({
      code: 'CARD_UNSUPPORTED',
      detail: expect.stringContaining('hides its UID'),
    });
  });

  it('because it is under a master key that is not in this key store', async () => {
    const desk = rig();
    await personalise(desk, WANTED, nobody);
    const elsewhere = { ...desk, keys: cardKeys(storeOf({ 2: master(2) })) };
    expect(await personalise(elsewhere, { ...WANTED, keyId: 2 }, nobody)).toMatchObject({ code: 'CARD_UNSUPPORTED' });
    await expectOurs(desk);
  });

  it('but one whose versions lie is found out by its keys', async () => {
    const desk = rig();
    await personalise(desk, WANTED, nobody);
    for (const key of desk.memory.state.keys) key.version = 0;
    expect(await personalise(desk, WANTED, nobody)).toMatchObject({ ok: true });
    await expectOurs(desk);
  });

  it('costs few of its failures: at most one for each slot and key', async () => {
    const desk = rig();
    desk.memory.state.keys[0] = { ...stranger };
    for (let times = 0; times < 5; times++) await personalise(desk, WANTED, nobody);
    expect(desk.memory.state.keys[0].failed).toBeLessThanOrEqual(10);
  });
});

describe('what is refused before a card is touched', () => {
  it.each([
    'not a url',
    'ftp://pay.example',
    'https://pay.example/#x',
    'https://pay.example/?p=1',
    'https://pay.example/?a=%20',
    `https://pay.example/${'x'.repeat(250)}`,
    'https://pay.example/ä',
  ])('the address %s', async (url) => {
    const desk = rig();
    expect(await personalise(desk, { ...WANTED, url }, nobody)).toMatchObject({ code: 'CONFIG_BAD' });
    expect(desk.sent).toEqual([]);
  });

  it('a master key that there is not', async () => {
    const desk = rig();
    expect(await personalise(desk, { ...WANTED, keyId: 2 }, nobody)).toMatchObject({ code: 'NOT_FOUND' });
    expect(desk.sent).toEqual([]);
  });

  it('a chip of another kind', async () => {
    const desk = rig({ transceive: async () => ok(new Uint8Array([0x6a, 0x82])) });
    expect(await personalise(desk, WANTED, nobody)).toMatchObject({ code: 'CARD_UNSUPPORTED' });
  });
});

describe('a dry run', () => {
  it('says what would be changed, and changes nothing', async () => {
    const desk = rig();
    const before = JSON.stringify(desk.memory.state);
    const look = await lookAtCard(desk.transceive);
    const plan = look.ok && planOf(look.value, { ...WANTED, randomUid: true }, [1]);
    expect(plan).toEqual({
      ok: true,
      value: ['key 0', 'key 1', 'key 2', 'key 3', 'key 4', 'link, if it is another', 'file settings', 'random UID'],
    });
    expect(JSON.stringify(desk.memory.state)).toBe(before);
    await personalise(desk, WANTED, nobody);
    const after = await lookAtCard(desk.transceive);
    expect(after.ok && planOf(after.value, WANTED, [1])).toEqual({ ok: true, value: ['link, if it is another'] });
  });
});

describe('a card that begins to answer garbage', () => {
  it('at any command neither crashes nor hangs the desk, and is never called ready', async () => {
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc.uint8Array({ maxLength: 70 }).map((data) => new Uint8Array([...data, 0x91, 0x00])),
      fc.uint8Array({ maxLength: 70 }).map((data) => new Uint8Array([...data, 0x90, 0x00])),
      fc.constant(new Uint8Array([0x91, 0xaf])),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(40), fc.array(garbage, { minLength: 1, maxLength: 5 }), async (good, answers) => {
        const desk = rig();
        let sent = 0;
        const transceive: Transceive = async (apdu) => {
          if (sent++ < good) return ok(desk.card.answer(apdu));
          return sent < 500 ? ok(answers[sent % answers.length]!) : refuse('READER_SILENT');
        };
        const done = await personalise({ ...desk, transceive }, WANTED, nobody);
        expect(sent).toBeLessThan(500);
        if (done.ok) expect(sent).toBeLessThanOrEqual(good);
        else expect(Object.keys(ERRORS)).toContain(done.code);
        for (const read of [await lookAtCard(transceive), await tapOnce(transceive, desk.keys)]) {
          if (!read.ok) expect(Object.keys(ERRORS)).toContain(read.code);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('or a link that is none, gives no link', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 260 }), (bytes) => {
        const link = readLink(bytes);
        if (!link.ok) expect(link.code).toBe('CARD_UNSUPPORTED');
        else expect(queryOf(link.value).length).toBeLessThan(link.value.length + 1);
      }),
    );
  });
});
