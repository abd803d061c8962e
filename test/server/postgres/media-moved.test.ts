/** Media, PINs and tries go along when a carrier moves from SQLite to PostgreSQL: nobody gets three more tries by it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ROUTES, type Seller } from '#protocol/routes.ts';
import { type RunningServer, startServer } from '../../../server/main.ts';
import { migrateToPostgres } from '../../../server/migrate-database.ts';
import { postgresHere, startPostgres } from '../../rigs/postgres.ts';
import { call, HubTwin } from '../hub-twin.ts';
import { type Counter, MediumTwin, type Order, sealKeyFor } from '../medium-twin.ts';

describe.skipIf(!postgresHere())('a carrier that moves to PostgreSQL', () => {
  test('keeps media, PINs and the count of wrong ones', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'handover-media-moved-'));
    const postgres = await startPostgres();
    const database = await postgres.createDatabase('handover');
    let server: RunningServer = await startServer({ data: folder, port: 0, logLevel: 'silent' });
    const order: Order = (url, body) => call(server.url, url, body, server.operatorToken);
    const seller = (await order<Seller>(ROUTES.operatorSellers, { name: 'S', iban: 'NL02ABNA0123456789', currency: 'EUR' })).body;
    const hub = await HubTwin.enrol(server.url, server.operatorToken);
    const counter: Counter = { hub, seller, sealKey: await sealKeyFor(hub) };
    const said = async (medium: MediumTwin, pin: string): Promise<string> => {
      const [outcome] = (await hub.send((await medium.pay(counter, pin)).text)).outcomes;
      return outcome!.reason ?? outcome!.state;
    };
    const [good, bad] = await Promise.all(
      ['04a1b2c3d4e5f6', '04a1b2c3d4e5f7'].map((number) => MediumTwin.make(order, { kind: 'uid', number }, '471193')),
    );
    expect(await said(good!, '471193')).toBe('COMMITTED');
    expect([await said(bad!, '580000'), await said(bad!, '580001')]).toEqual(['PIN_WRONG', 'PIN_WRONG']);
    await server.close();
    await migrateToPostgres(folder, database, { now: () => Date.now() }, () => undefined);
    server = await startServer({ data: folder, port: 0, logLevel: 'silent', database });
    hub.movedTo(server.url);
    expect(await said(good!, '471193')).toBe('COMMITTED');
    expect([await said(bad!, '580002'), await said(bad!, '471193')]).toEqual(['PIN_BLOCKED', 'PIN_BLOCKED']);
    await server.close();
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});
