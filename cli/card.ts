import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { CardAnswer } from '#protocol/card-routes.ts';
import { HandoverError } from '#protocol/errors.ts';
import { toHex } from '#protocol/bytes.ts';
import { systemRandom } from '../agent/system-ports.ts';
import { type CardKeys, cardKeys } from '../server/authentication/cards/card-keys.ts';
import type { Transceive } from '../server/authentication/cards/personalise/apdu.ts';
import { readTap, selectApplication } from '../server/authentication/cards/personalise/commands.ts';
import { type CardLook, lookAtCard } from '../server/authentication/cards/personalise/look.ts';
import { type Personalised, personalise, type Wanted } from '../server/authentication/cards/personalise/personalise.ts';
import { planOf } from '../server/authentication/cards/personalise/plan.ts';
import { readLink } from '../server/authentication/cards/personalise/read-link.ts';
import { tapOnce } from '../server/authentication/cards/personalise/verify-card.ts';
import { SECRET_VARIABLE } from '../server/authentication/cards/keystore-secret.ts';
import { held, type KeyStoreOptions, type ReaderOptions, withCard, withKeyStore } from './card-desk.ts';
import { atCarrier, registerCard, registerCommands, registeredText, type RegisterOptions } from './card-register.ts';
import { makeOutput, type Output, table } from './output.ts';

interface PersonaliseOptions extends KeyStoreOptions, ReaderOptions, RegisterOptions {
  readonly url: string;
  readonly key?: string;
  readonly randomUid?: true;
  readonly dryRun?: true;
  /** Buyer. */
  readonly register?: string;
  readonly json?: true;
}

/** `handover card …`: NTAG 424 DNA cards at the carrier's desk (docs/CARDS.md). */
export function cardCommand(program: Command): void {
  const card = program.command('card').description('NTAG 424 DNA cards, and the keys behind them');
  const atStore = (command: Command, isNeeded: boolean): Command =>
    (isNeeded ? command.requiredOption(...KEYSTORE) : command.option(...KEYSTORE))
      .option('--token <label>', 'label of the PKCS#11 token')
      .option('--secret-file <file>', `holds the passphrase or PIN; else ${SECRET_VARIABLE}`)
      .option('--json', 'for machines');
  const atReader = (command: Command): Command =>
    command
      .requiredOption('--reader <kind:path>', 'such as pn532:/dev/ttyUSB0 or pcsc:NAME')
      .option('--wait <seconds>', 'for a card', '60');
  const personalising = card.command('personalise').description('make a card ours, or finish one that was pulled away half-way');
  atCarrier(atStore(atReader(personalising), true))
    .requiredOption('--url <url>', 'the carrier’s address, behind which the card writes its message')
    .option('--key <id>', 'master key; the newest unless said otherwise')
    .option('--random-uid', 'the card shows another UID at every tap, FOR EVER: hubs then cannot take it offline')
    .option('--register <buyer>', 'make it this buyer’s when it is ready')
    .option('--currency <code>', 'of that buyer', 'EUR')
    .option('--name <name>', 'what operators call it')
    .option('--dry-run', 'say what would be changed, and change nothing')
    .action((options: PersonaliseOptions) => personaliseCard(options, makeOutput(options.json === true)));
  atStore(atReader(card.command('show').description('what a card says of itself; reading its link counts as a tap')), false).action(
    (options: ReaderOptions & Partial<KeyStoreOptions> & { json?: true }) => showCard(options, makeOutput(options.json === true)),
  );
  atStore(card.command('keys').description('the master keys in a key store; their ids, never they themselves'), true)
    .option('--add', 'make another one, for new cards; makes the file when there is none')
    .action((options: KeyStoreOptions & { add?: true; json?: true }) => listKeys(options, makeOutput(options.json === true)));
  registerCommands(card);
}

const KEYSTORE = ['--keystore <place>', 'file:PATH or pkcs11:LIBRARY'] as const;

async function personaliseCard(options: PersonaliseOptions, output: Output): Promise<void> {
  await withKeyStore(options, async (store) => {
    const newest = store.keyIds[0];
    if (newest === undefined) throw new HandoverError('NOT_FOUND', 'a master key: run handover card keys --add');
    const keyId = options.key === undefined ? newest : Number(options.key);
    const wanted: Wanted = { url: options.url, keyId, randomUid: options.randomUid === true };
    await withCard(options, async (session) => {
      const transceive: Transceive = (apdu) => session.transceive(apdu);
      if (options.dryRun) return tellPlan(held(await lookAtCard(transceive)), wanted, store.keyIds, output);
      const desk = { transceive, keys: cardKeys(store), random: systemRandom() };
      const done = await personalise(desk, wanted, (step) => process.stderr.write(`${step} …\n`));
      if (!done.ok && done.code === 'CARD_REMOVED') {
        process.stderr.write('Hold it there until the end. Nothing is lost: run this again with the same card.\n');
      }
      await finish(held(done), wanted, options, output);
    });
  });
}

/** What was done to the card is told also when the carrier then does not answer. */
async function finish(done: Personalised, wanted: Wanted, options: PersonaliseOptions, output: Output): Promise<void> {
  const { register: buyerId } = options;
  if (buyerId === undefined) return tellDone(done, wanted, undefined, output);
  const uid = toHex(done.uid);
  const { keyId, counter } = done;
  const registered = await registerCard(options, { buyerId, uid, keyId, counter }).catch((error: unknown) => {
    const again = `handover card register ${uid.toUpperCase()} --buyer ${buyerId} --key ${keyId} --counter ${counter}`;
    process.stderr.write(`The card is ready, and not registered yet: ${again}\n`);
    throw error;
  });
  tellDone(done, wanted, registered, output);
}

function tellPlan(look: CardLook, wanted: Wanted, keyIds: readonly number[], output: Output): void {
  const plan = held(planOf(look, wanted, keyIds));
  const text = `Would be changed: ${plan.join(', ')}. Nothing was.`;
  output.result({ dryRun: true, wouldChange: plan, ...lookJson(look) }, text);
}

function tellDone(done: Personalised, wanted: Wanted, registered: CardAnswer | undefined, output: Output): void {
  const uid = toHex(done.uid).toUpperCase();
  const text = [
    `Card ${uid} is ready, under master key ${done.keyId}.`,
    done.changed.length === 0 ? 'It was as wanted: nothing was changed.' : `Changed: ${done.changed.join(', ')}.`,
    `Its link, checked twice: ${done.link}`,
    registered ? registeredText(registered) : `Register it with counter ${done.counter}: taps up to there are used.`,
  ];
  const { keyId, counter, changed } = done;
  output.result({ uid, keyId, counter, randomUid: wanted.randomUid, changed, ...registered }, text.join('\n'));
}

async function showCard(options: ReaderOptions & Partial<KeyStoreOptions>, output: Output): Promise<void> {
  const { keystore } = options;
  const show = (keys: CardKeys | undefined): Promise<void> =>
    withCard(options, async (session) => {
      const transceive: Transceive = (apdu) => session.transceive(apdu);
      const look = held(await lookAtCard(transceive));
      const tap = await showTap(transceive, keys);
      const { version } = look;
      const rows = [
        ['chip', `NTAG 424 DNA, hardware ${version.hardware}, software ${version.software}`],
        ['uid', version.uid ? toHex(version.uid).toUpperCase() : 'hidden'],
        ['keys', look.keyVersions.map((keyId, slot) => `${slot}: ${keyId === 0 ? 'factory' : `master key ${keyId}`}`).join(', ')],
        ['settings', toHex(look.settings).toUpperCase()],
        ['link', tap.link ?? 'none'],
        ['message', tap.verdict],
      ];
      output.result({ ...lookJson(look), ...tap }, table(rows));
    });
  if (keystore === undefined) return show(undefined);
  const { token, secretFile } = options;
  const store = { keystore, ...(token !== undefined && { token }), ...(secretFile !== undefined && { secretFile }) };
  await withKeyStore(store, (opened) => show(cardKeys(opened)));
}

async function showTap(transceive: Transceive, keys: CardKeys | undefined): Promise<{ link: string | null; verdict: string }> {
  held(await selectApplication(transceive));
  if (keys) {
    const tap = await tapOnce(transceive, keys);
    if (tap.ok) return { link: tap.value.link, verdict: `genuine: master key ${tap.value.keyId}, counter ${tap.value.counter}` };
    if (tap.code !== 'PROOF_INVALID' && tap.code !== 'CARD_UNSUPPORTED') held(tap);
  }
  const message = await readTap(transceive);
  if (!message.ok && message.code !== 'CARD_UNSUPPORTED') held(message);
  const link = message.ok ? readLink(message.value) : message;
  if (!link.ok) return { link: null, verdict: 'none' };
  return { link: link.value, verdict: keys ? 'not made with our keys' : 'not checked: name a --keystore' };
}

async function listKeys(options: KeyStoreOptions & { add?: true }, output: Output): Promise<void> {
  // A file that is made by this very command comes with its first key.
  const [, file] = /^file:(.+)$/.exec(options.keystore) ?? [];
  const isMade = file !== undefined && !existsSync(file);
  await withKeyStore(
    options,
    async (store) => {
      const made = options.add && !isMade ? held(await store.addKey()) : isMade ? store.keyIds[0] : undefined;
      output.result(
        { keyIds: store.keyIds, added: made ?? null },
        store.keyIds.map((id, at) => `${id}${at === 0 ? '  for new cards' : ''}`).join('\n'),
      );
    },
    options.add === true,
  );
}

function lookJson(look: CardLook): object {
  const { uid, hardware, software } = look.version;
  return { uid: uid ? toHex(uid).toUpperCase() : null, hardware, software, keyVersions: look.keyVersions, settings: toHex(look.settings) };
}
