/** `handover medium` against a real carrier: what it registers pays with the PIN that it said. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MediumAnswer, PinAnswer } from '#protocol/medium-routes.ts';
import type { BuyerAnswer, Seller } from '#protocol/routes.ts';
import { type RunningServer, startServer } from '../../server/main.ts';
import { call, HubTwin, newId } from '../server/hub-twin.ts';
import { type Counter, MediumTwin, type Order, sealKeyFor } from '../server/medium-twin.ts';
import { handover } from './run-handover.ts';

const TIMEOUT = { timeout: 60_000 };
const data = mkdtempSync(path.join(tmpdir(), 'handover-cli-medium-'));
let server: RunningServer;
let counter: Counter;
let buyerId: string;
const order: Order = (url, body) => call(server.url, url, body, server.operatorToken);
const medium = (...args: readonly string[]) => handover('medium', ...args, '--server', server.url, '--data', data);

beforeAll(async () => {
  server = await startServer({ data: path.join(data, 'carrier'), port: 0, logLevel: 'silent' });
  const seller = (await order<Seller>('/v1/operator/sellers', { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' })).body;
  const hub = await HubTwin.enrol(server.url, server.operatorToken);
  counter = { hub, seller, sealKey: await sealKeyFor(hub) };
  buyerId = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'Buyer', currency: 'EUR' })).body.buyerId;
  await order(`/v1/operator/buyers/${buyerId}/top-ups`, { requestId: newId(), amount: '50.00', currency: 'EUR' });
});
afterAll(async () => {
  await server.close();
  rmSync(data, { recursive: true, force: true });
});

async function said(kind: 'uid' | 'badge', number: string, pin: string): Promise<string> {
  const payment = await new MediumTwin(kind, number).pay(counter, pin);
  const [outcome] = (await counter.hub.send(payment.text)).outcomes;
  return outcome!.reason ?? outcome!.state;
}

test('registers a badge, says its PIN once, and replaces it', TIMEOUT, async () => {
  const registered = await medium('register', '1F2E', '--buyer', buyerId, '--kind', 'badge');
  expect(registered.status).toBe(0);
  const [, credential, pin] = /^Registered as credential (\S+)\. Its PIN, said only now: (\d{6})\n$/.exec(registered.out)!;
  expect(await said('badge', '1f2e', pin!)).toBe('COMMITTED');
  const file = path.join(data, 'pin');
  writeFileSync(file, '938206\n');
  const replaced = await medium('pin', credential!, '--pin-file', file);
  expect(replaced).toMatchObject({ status: 0, out: 'The PIN is set.\n' });
  expect(await said('badge', '1f2e', pin!)).toBe('PIN_WRONG');
  expect(await said('badge', '1f2e', '938206')).toBe('COMMITTED');
});

test('speaks JSON, and registers nothing with a PIN that it cannot read', TIMEOUT, async () => {
  const missing = await medium('register', '04a1b2c3d4e5f6', '--buyer', buyerId, '--pin-file', path.join(data, 'nowhere'));
  expect(missing.status).toBe(1);
  expect(missing.err).toContain('NOT_FOUND');
  const registered = await medium('register', '04a1b2c3d4e5f6', '--buyer', buyerId, '--json');
  const { pin, credentialId } = JSON.parse(registered.out) as MediumAnswer & PinAnswer;
  expect(credentialId).toHaveLength(36);
  expect(await said('uid', '04a1b2c3d4e5f6', pin!)).toBe('COMMITTED');
  const twice = await medium('register', '04A1B2C3D4E5F6', '--buyer', buyerId);
  expect(twice).toMatchObject({ status: 1, out: '' });
  expect(twice.err).toContain('CREDENTIAL_STATE');
});
