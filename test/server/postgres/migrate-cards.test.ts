/** A carrier with cards that moves to PostgreSQL: what a tap was shown for, what counters call a card and what was told goes with it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { type AlertsAnswer, CARD_ROUTES, type CardAnswer } from '#protocol/card-routes.ts';
import type { BuyerAnswer, Seller } from '#protocol/routes.ts';
import { connectToWriter } from '../../../server/accounts/postgres/connect.ts';
import { type RunningServer, startServer } from '../../../server/main.ts';
import { migrateToPostgres } from '../../../server/migrate-database.ts';
import { postgresHere, startPostgres } from '../../rigs/postgres.ts';
import { cardPayment, CardTwin, keyStoreIn, PASSPHRASE } from '../card-twin.ts';
import { type Answer, call, HubTwin, newId } from '../hub-twin.ts';

test.skipIf(!postgresHere())('cards move with everything that is known of them', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'handover-migrate-cards-'));
  const postgres = await startPostgres();
  const database = await postgres.createDatabase('handover');
  const { keys, file } = await keyStoreIn(folder);
  const secret = path.join(folder, 'secret');
  writeFileSync(secret, PASSPHRASE, { mode: 0o600 });
  const options = { data: folder, port: 0, logLevel: 'silent', cardKeystore: `file:${file}`, cardSecretFile: secret };
  let server: RunningServer = await startServer(options);
  try {
    const order = <T>(route: string, body?: object): Promise<Answer<T>> => call<T>(server.url, route, body, server.operatorToken);
    const iban = { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' };
    const seller = (await order<Seller>('/v1/operator/sellers', iban)).body;
    const hub = await HubTwin.enrol(server.url, server.operatorToken);
    const { buyerId } = (await order<BuyerAnswer>('/v1/operator/buyers', { name: 'B', currency: 'EUR' })).body;
    await order(`/v1/operator/buyers/${buyerId}/top-ups`, { requestId: newId(), amount: '50.00', currency: 'EUR' });
    const card = await CardTwin.make(keys);
    const cards = CARD_ROUTES.operatorCards.replace(':buyerId', buyerId);
    const registered = (await order<CardAnswer>(cards, card.registration)).body;
    const [spent, name] = [await card.tap(), newId()];
    const pay = async (message: string) => (await hub.send(cardPayment(hub, seller, '1.00', message, name))).outcomes[0]!;
    expect((await pay(spent)).state).toBe('COMMITTED');
    expect((await pay(spent)).reason).toBe('COUNTER_REUSED');
    const told = (await order<AlertsAnswer>(CARD_ROUTES.operatorAlerts)).body;
    expect(told.alerts).toHaveLength(1);
    await server.close();
    await migrateToPostgres(folder, database, { now: () => Date.now() }, () => undefined);
    const client = await connectToWriter([database]);
    expect((await client.query('SELECT counter, pass, name FROM card_name')).rows).toEqual([
      { counter: hub.identity.counterId, pass: registered.passId, name },
    ]);
    await client.end();
    server = await startServer({ ...options, database });
    hub.movedTo(server.url);
    expect((await order<AlertsAnswer>(CARD_ROUTES.operatorAlerts)).body).toEqual(told);
    expect((await pay(spent)).reason).toBe('COUNTER_REUSED');
    expect((await pay(await card.tap())).state).toBe('COMMITTED');
  } finally {
    await server.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
