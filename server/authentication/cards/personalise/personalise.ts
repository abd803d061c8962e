import { sameBytes } from '#protocol/bytes.ts';
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { type Slot, SLOTS } from '../card-keys.ts';
import { changeKey, changeNdefSettings, changeOwnKey, enableRandomUid, getCardUid, readStored, writeNdef } from './commands.ts';
import type { Ev2Session } from './ev2-session.ts';
import { areLinkSettings, linkSettings } from './file-settings.ts';
import { type Desk, findKey, type FoundKey, hiddenUid } from './find-keys.ts';
import { type LinkTemplate, linkTemplate } from './link-template.ts';
import { type CardLook, lookAtCard } from './look.ts';
import { verifyCard } from './verify-card.ts';

/** What a card is to become. */
export interface Wanted {
  /** The carrier's address, behind which the card writes ?p=…&m=… */
  readonly url: string;
  /** The master key, 1 … 255. */
  readonly keyId: number;
  /** Whether it shall show another UID at every tap. For ever: the chip has no way back. */
  readonly randomUid: boolean;
}

export interface Personalised {
  readonly uid: Uint8Array;
  readonly keyId: number;
  /** Of the last of the two taps that proved it: whoever registers the card takes only higher ones. */
  readonly counter: number;
  readonly link: string;
  /** What this run changed; empty when the card was as wanted. */
  readonly changed: readonly string[];
}

/**
 * Makes a card ours, or finishes one that was pulled away half-way, or does nothing to one that is as wanted: every step looks first, and
 * each leaves the card in a state that the next run understands. The keys of the messages come before the link and its settings, the
 * master key after them, the random UID last, because it cannot be undone. `tell`: what is being done now. Refusals: CONFIG_BAD (url),
 * NOT_FOUND (no such master key), CARD_UNSUPPORTED, PROOF_INVALID, those of the key store and of the reader.
 */
export async function personalise(desk: Desk, wanted: Wanted, tell: (step: string) => void): Promise<Result<Personalised>> {
  const template = linkTemplate(wanted.url);
  if (!template.ok) return template;
  if (!desk.keys.keyIds.includes(wanted.keyId)) return refuse('NOT_FOUND', `card master key ${wanted.keyId}`);
  tell('looking at the card');
  const look = await lookAtCard(desk.transceive);
  if (!look.ok) return look;
  const uid = look.value.version.uid ? ok(look.value.version.uid) : await hiddenUid(desk, look.value.keyVersions);
  if (!uid.ok) return uid;
  const changed: string[] = [];
  const run: Run = { desk, wanted, look: look.value, uid: uid.value, changed, tell };
  const set = await setUp(run, template.value);
  if (!set.ok) return set;
  tell('tapping twice and checking');
  const tap = await verifyCard(desk.transceive, desk.keys, { uid: uid.value, keyId: wanted.keyId });
  if (!tap.ok) return tap;
  const finished = await finish(run);
  if (!finished.ok) return finished;
  return ok({ uid: uid.value, keyId: wanted.keyId, counter: tap.value.counter, link: tap.value.link, changed });
}

interface Run {
  readonly desk: Desk;
  readonly wanted: Wanted;
  readonly look: CardLook;
  readonly uid: Uint8Array;
  readonly changed: string[];
  readonly tell: (step: string) => void;
}

/** In the order of their danger: 0 opens all others, and is changed when everything else is done. */
const OTHER_SLOTS: readonly Slot[] = [SLOTS.spareB, SLOTS.spareA, SLOTS.meta, SLOTS.file];

async function setUp(run: Run, template: LinkTemplate): Promise<Result<void>> {
  run.tell('finding its keys');
  const held = new Map<Slot, FoundKey>();
  // Slot 0 last: its session is the one to go on with.
  for (const slot of [...OTHER_SLOTS, SLOTS.master]) {
    const found = await findKey(run.desk, slot, run.look.keyVersions[slot]!, run.uid);
    if (!found.ok) return found;
    held.set(slot, found.value);
  }
  const { session } = held.get(SLOTS.master)!;
  const uid = await getCardUid(session);
  if (!uid.ok) return uid;
  if (!sameBytes(uid.value, run.uid)) return refuse('PROOF_INVALID', 'the card says two UIDs');
  for (const slot of OTHER_SLOTS) {
    const done = await setKey(run, session, slot, held.get(slot)!);
    if (!done.ok) return done;
  }
  const linked = await setLink(run, session, template);
  return linked.ok ? setMasterKey(run, session, held.get(SLOTS.master)!) : linked;
}

async function setKey(run: Run, session: Ev2Session, slot: Slot, held: FoundKey): Promise<Result<unknown>> {
  const { desk, wanted } = run;
  if (held.keyId === wanted.keyId && run.look.keyVersions[slot] === wanted.keyId) return ok(undefined);
  const to = await desk.keys.slot(wanted.keyId, slot, run.uid);
  if (!to.ok) return to;
  run.tell(`changing key ${slot}`);
  const done = await changeKey(session, slot, { from: held.key, to: to.value, version: wanted.keyId });
  if (done.ok) run.changed.push(`key ${slot}`);
  return done;
}

async function setLink(run: Run, session: Ev2Session, template: LinkTemplate): Promise<Result<unknown>> {
  const stored = await readStored(session, template.file.length);
  if (!stored.ok) return stored;
  if (!sameBytes(stored.value, template.file)) {
    run.tell('writing the link');
    const written = await writeNdef(session, template.file);
    if (!written.ok) return written;
    run.changed.push('link');
  }
  const settings = linkSettings(template);
  // Told again, the card would count its taps from 0 again, and the carrier would refuse every counter it has seen.
  if (areLinkSettings(run.look.settings, settings)) return ok(undefined);
  run.tell('changing the file settings');
  const done = await changeNdefSettings(session, settings);
  if (done.ok) run.changed.push('file settings');
  return done;
}

async function setMasterKey(run: Run, session: Ev2Session, held: FoundKey): Promise<Result<void>> {
  const { desk, wanted } = run;
  if (held.keyId === wanted.keyId && run.look.keyVersions[SLOTS.master] === wanted.keyId) return ok(undefined);
  const to = await desk.keys.slot(wanted.keyId, SLOTS.master, run.uid);
  if (!to.ok) return to;
  run.tell('changing key 0');
  const done = await changeOwnKey(session, to.value, wanted.keyId);
  if (done.ok) run.changed.push('key 0');
  return done;
}

/** Shows that the card has the master key that it was given, and only then takes the step that cannot be undone. */
async function finish(run: Run): Promise<Result<unknown>> {
  run.tell('checking key 0');
  const found = await findKey(run.desk, SLOTS.master, run.wanted.keyId, run.uid);
  if (!found.ok) return found;
  if (found.value.keyId !== run.wanted.keyId) return refuse('PROOF_INVALID', 'key 0 is not the one that was set');
  if (!run.wanted.randomUid || run.look.version.uid === undefined) return ok(undefined);
  run.tell('hiding the UID');
  const done = await enableRandomUid(found.value.session);
  if (done.ok) run.changed.push('random UID');
  return done;
}
