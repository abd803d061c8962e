/** A carrier in a process of its own, at its most talkative: no PIN and no number is in what it says, or in any byte that it leaves on its disk. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fromHex } from '#protocol/bytes.ts';
import type { Seller } from '#protocol/routes.ts';
import { call, HubTwin } from './hub-twin.ts';
import { MediumTwin, type Order, sealKeyFor } from './medium-twin.ts';

const PIN = '471193528064';
const WRONG = '938206517724';
const NUMBER = '04c7d95e1ba36f';
const SECRETS: readonly Buffer[] = [
  ...[PIN, WRONG].map((pin) => Buffer.from(pin)),
  ...[NUMBER, Buffer.from(PIN).toString('hex')].flatMap(spellings),
];

/** How a program could write bytes down. */
function spellings(hex: string): Buffer[] {
  const raw = Buffer.from(fromHex(hex));
  const texts = [hex, hex.toUpperCase(), hex.match(/../g)!.join(':'), raw.toString('base64').replace(/=+$/, ''), [...raw].join(',')];
  return [raw, ...texts.map((text) => Buffer.from(text))];
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const file = path.join(folder, name);
    return statSync(file).isDirectory() ? filesIn(file) : [file];
  });
}

describe('a carrier that is told PINs', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'handover-secrecy-'));
  let child: ChildProcess;
  let said = '';
  let url: string;
  let token: string;

  beforeAll(async () => {
    const handover = fileURLToPath(new URL('../../cli/handover.ts', import.meta.url));
    const args = ['server', '--data', folder, '--port', '0', '--log-level', 'debug', '--json'];
    child = spawn(process.execPath, [handover, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
    const lines = createInterface({ input: child.stdout! });
    const ready = await new Promise<string>((resolve) => lines.once('line', resolve));
    lines.on('line', (line) => (said += line));
    const { url: address, data } = JSON.parse(ready) as { url: string; data: string };
    url = address;
    token = readFileSync(path.join(data, 'operator-token'), 'utf8').trim();
  });
  afterAll(() => {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  test('forgets them', async () => {
    const order: Order = (route, body) => call(url, route, body, token);
    const seller = await order<Seller>('/v1/operator/sellers', { name: 'Veldhuis Ceramics', iban: 'NL02ABNA0123456789', currency: 'EUR' });
    const hub = await HubTwin.enrol(url, token);
    const counter = { hub, seller: seller.body, sealKey: await sealKeyFor(hub) };
    const medium = await MediumTwin.make(order, { kind: 'uid', number: NUMBER }, PIN);
    const answers: unknown[] = [];
    const sent: string[] = [];
    for (const pin of [PIN, WRONG, PIN, WRONG, WRONG, WRONG, PIN]) {
      const { text } = await medium.pay(counter, pin);
      sent.push(text);
      answers.push((await hub.send(text)).outcomes[0]);
    }
    expect(answers.map((outcome) => (outcome as { state: string }).state).filter((state) => state === 'COMMITTED')).toHaveLength(2);
    // What is malformed is refused without being repeated.
    for (const body of [{ pin: `${PIN}0` }, { pin: PIN, number: NUMBER }, `{"pin":"${PIN}",}`, { pin: Number(PIN) }]) {
      answers.push(await order(`/v1/operator/credentials/${medium.credentialId}/pin`, body));
    }
    for (const body of [
      { kind: 'uid', number: `${NUMBER}x` },
      { kind: 'iris', number: NUMBER },
      { kind: 'uid', number: NUMBER },
    ]) {
      answers.push(await order(`/v1/operator/buyers/${medium.buyerId}/media`, body));
    }
    answers.push(await order(`/v1/operator/buyers/${medium.buyerId}/credentials`));

    const look = (): void => {
      const places = [
        ...filesIn(folder).map((file) => ({ name: path.basename(file), bytes: readFileSync(file) })),
        { name: 'the log', bytes: Buffer.from(said) },
        { name: 'the answers', bytes: Buffer.from(JSON.stringify(answers)) },
        { name: 'what a hub stores and sends', bytes: Buffer.from(sent.join('\n')) },
      ];
      const found = places.flatMap(({ name, bytes }) =>
        SECRETS.filter((secret) => bytes.includes(secret)).map((secret) => `${secret.toString('latin1')} in ${name}`),
      );
      expect(found).toEqual([]);
      // The places are the right ones: what may be there is found.
      const database = Buffer.concat(places.filter(({ name }) => name.startsWith('carrier.db')).map(({ bytes }) => bytes));
      expect(database.includes(Buffer.from(medium.passId))).toBe(true);
      expect(database.includes(Buffer.from((JSON.parse(sent[0]!) as { proof: { sealed: string } }).proof.sealed))).toBe(true);
    };
    expect(filesIn(folder).map((file) => path.basename(file))).toContain('carrier.db-wal');
    look();
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('close', resolve));
    look();
    expect(said).toContain('"level"');
  });
});
