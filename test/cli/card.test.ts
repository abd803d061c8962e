/**
 * `handover card …` as an operator types it: the real command in a process of its own, the real serialport on a real pseudo-terminal, a
 * SIMULATED PN532 with a SIMULATED card from the factory, a real carrier.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertLine } from '#protocol/card-routes.ts';
import type { BuyerAnswer, CredentialsAnswer, Seller } from '#protocol/routes.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { makeCard } from '../../simulator/cards/ntag424/memory.ts';
import { type SimulatedReader, startSimulatedReader } from '../rigs/simulated-reader.ts';
import { cardPayment, PASSPHRASE } from '../server/card-twin.ts';
import { call, HubTwin } from '../server/hub-twin.ts';
import { handover, type Ran } from './run-handover.ts';

describe('handover card', { timeout: 120_000 }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'handover-cli-card-'));
  const [link, card, secret, keystore] = ['tty', 'card.json', 'secret', 'keys.json'].map((name) => path.join(folder, name));
  const store = ['--keystore', `file:${keystore}`, '--secret-file', secret!];
  const atReader = ['--reader', `pn532:${link}:simulated`, '--wait', '20'];
  let device: SimulatedReader;
  let server: RunningServer;
  let carrier: readonly string[];
  let buyerId: string;
  let uid: string;
  let message: string;

  const order = <T>(route: string, body?: object) => call<T>(server.url, route, body, server.operatorToken);
  const json = <T>(ran: Ran): T => {
    expect(ran.err, ran.err).not.toContain('[');
    expect(ran.status).toBe(0);
    return JSON.parse(ran.out) as T;
  };

  beforeAll(async () => {
    writeFileSync(secret!, `${PASSPHRASE}\n`, { mode: 0o600 });
    makeCard(card!);
    uid = (JSON.parse(readFileSync(card!, 'utf8')) as { uid: string }).uid.toUpperCase();
    device = await startSimulatedReader(link!);
  });
  afterAll(async () => {
    await server?.close();
    await device.end();
    rmSync(folder, { recursive: true, force: true });
  });

  test('keys --add makes the key store with its first key, and keys names it and nothing more', async () => {
    expect(json(await handover('card', 'keys', ...store, '--add', '--json'))).toEqual({ keyIds: [1], added: 1 });
    const listed = await handover('card', 'keys', ...store);
    expect(listed).toMatchObject({ status: 0, out: '1  for new cards\n' });
    expect((await handover('card', 'keys', '--keystore', `file:${keystore}`)).err).toContain('CONFIG_BAD');
  });

  test('personalise says what it would do, and does nothing', async () => {
    const data = path.join(folder, 'carrier');
    mkdirSync(data, { mode: 0o700 });
    const cards = { cardKeystore: `file:${keystore}`, cardSecretFile: secret };
    server = await startServer({ data, port: 0, logLevel: 'silent', ...cards });
    carrier = ['--server', server.url, '--data', folder];
    buyerId = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' })).body.buyerId;
    await device.tell({ do: 'card', card });
    const before = readFileSync(card!, 'utf8');
    const dry = await handover('card', 'personalise', ...store, ...atReader, '--url', 'https://pay.example/c', '--dry-run', '--json');
    expect(json(dry)).toMatchObject({ dryRun: true, uid, keyVersions: [0, 0, 0, 0, 0] });
    expect(readFileSync(card!, 'utf8')).toBe(before);
  });

  test('personalise finishes a card that was pulled away, registers it, and the carrier takes its taps', async () => {
    const personalise = ['card', 'personalise', ...store, ...atReader, '--url', 'https://pay.example/c', '--register', buyerId, ...carrier];
    await device.tell({ do: 'card', card, apdus: 25 });
    const pulled = await handover(...personalise);
    expect(pulled.status).toBe(1);
    expect(pulled.err).toContain('Nothing is lost: run this again with the same card.');
    expect(pulled.err).toContain('[CARD_REMOVED]');
    await device.tell({ do: 'card', card });
    const done = json<{ credentialId: string }>(await handover(...personalise, '--json'));
    expect(done).toMatchObject({ uid, keyId: 1, counter: 2, randomUid: false });
    const { credentials } = (await order<CredentialsAnswer>(`/v1/operator/buyers/${buyerId}/credentials`)).body;
    expect(credentials).toMatchObject([{ credentialId: done.credentialId, class: 'C', state: 'ACTIVE' }]);
  });

  test('show says what is on the card, and whether its message holds', async () => {
    const shown = json<{ link: string }>(await handover('card', 'show', ...store, ...atReader, '--json'));
    expect(shown).toMatchObject({ uid, keyVersions: [1, 1, 1, 1, 1], verdict: 'genuine: master key 1, counter 3' });
    message = shown.link.split('?')[1]!;
    const plain = await handover('card', 'show', ...atReader);
    expect(plain.out).toContain('not checked: name a --keystore');
    expect(plain.err).toContain('(SIMULATED)');
  });

  test('register does it by hand; alerts tells of a message that came twice', async () => {
    expect((await handover('card', 'alerts', ...carrier)).out).toBe('Nothing.\n');
    const hub = await HubTwin.enrol(server.url, server.operatorToken);
    const body = { name: 'Veldhuis Ceramics', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    const seller = (await order<Seller>('/v1/operator/sellers', body)).body;
    const { outcomes } = await hub.send(cardPayment(hub, seller, '1.00', message), cardPayment(hub, seller, '1.00', message));
    expect(outcomes.map(({ reason }) => reason)).toEqual(['INSUFFICIENT_FUNDS', 'COUNTER_REUSED']);
    const { alerts } = json<{ alerts: AlertLine[] }>(await handover('card', 'alerts', ...carrier, '--json'));
    expect(alerts).toMatchObject([{ kind: 'TAP_REPLAYED', tap: 3 }]);
    expect((await handover('card', 'alerts', ...carrier)).out).toContain('TAP_REPLAYED');
    const register = ['card', 'register', uid.toLowerCase(), '--buyer', buyerId, '--key', '1', '--counter', '4', ...carrier];
    expect((await handover(...register)).out).toContain(`Registered as credential ${alerts[0]!.credentialId}.`);
    expect((await handover(...register, '--currency', 'USD')).err).toContain('[BAD_CURRENCY]');
  });
});
