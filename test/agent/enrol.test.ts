import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '../../agent/config.ts';
import { Counter } from './counter.ts';
import { until } from './manual-clock.ts';

describe('enrolment', () => {
  let counter: Counter;
  beforeEach(async () => void (counter = await Counter.open({ enrol: false })));
  afterEach(async () => counter.close());
  const enrol = (code: string, carrierUrl = counter.twin.url) => counter.agent.desk.enrol({ carrierUrl, code, counterName: 'Counter 7' });

  test('before it there is only the setup board, and nothing can be asked', async () => {
    expect(counter.board).toEqual({ state: 'setup' });
    expect(counter.ask()).toMatchObject({ code: 'NOT_ENROLLED' });
    expect(counter.agent.pipeline.sync()).toMatchObject({ code: 'NOT_ENROLLED' });
    expect(counter.snapshot.counter.hubName).toBe('');
  });

  test('with a good code: a key that only its user may read, and a counter that takes payment', async () => {
    expect(await enrol('GOOD-CODE')).toEqual({ ok: true });
    const key = path.join(counter.folder, 'hub-key.pem');
    expect(statSync(key).mode & 0o777).toBe(0o600);
    expect(readdirSync(counter.folder).filter((name) => name.includes('key'))).toEqual(['hub-agree-key.pem', 'hub-key.pem']);
    await until('word', () => counter.agent.pipeline.line?.word !== undefined);
    await counter.pay();
    await counter.reach('paid');
    expect(counter.snapshot.counter.counterName).toBe('Counter 7');
    expect(await enrol('GOOD-CODE')).toMatchObject({ code: 'ENROL_CODE_REFUSED' });
    const before = readFileSync(key, 'utf8');
    await counter.restart();
    expect(readFileSync(key, 'utf8')).toBe(before);
    expect(counter.board.state).toBe('ready');
  });

  test('a code that does not work, a carrier that is not there, an address that is not safe', async () => {
    expect(await enrol('WRONG-CODE')).toMatchObject({ code: 'ENROL_CODE_REFUSED' });
    expect(await enrol('GOOD-CODE', 'http://carrier.example')).toMatchObject({ code: 'CONFIG_BAD' });
    expect(await enrol('GOOD-CODE', 'file:///etc/passwd')).toMatchObject({ code: 'CONFIG_BAD' });
    await counter.twin.shut();
    expect(await enrol('GOOD-CODE')).toMatchObject({ code: 'CARRIER_UNREACHABLE' });
    expect(counter.board.state).toBe('setup');
    await counter.twin.open();
    expect(await enrol('GOOD-CODE')).toEqual({ ok: true });
  });
});

describe('configuration', () => {
  const data = mkdtempSync(path.join(tmpdir(), 'handover-config-'));
  const read = (...argv: string[]) => readConfig(['--data', data, ...argv]);

  test('reads its keys, several readers, and agent.json under the command line', () => {
    writeFileSync(path.join(data, 'agent.json'), JSON.stringify({ reader: ['pn532:/dev/a'], port: 7070 }));
    expect(read()).toMatchObject({ ok: true, value: { port: 7070, readers: ['pn532:/dev/a'], counter: 'Counter 1', carrier: undefined } });
    expect(read('--reader', 'pn532:/dev/b:simulated', '--reader', 'x:y', '--port', '0', '--carrier', 'https://c.example/x')).toMatchObject({
      value: { port: 0, readers: ['pn532:/dev/b:simulated', 'x:y'], carrier: 'https://c.example/x' },
    });
  });

  test.for([
    [['--colour', 'red'], '--colour'],
    [['colour'], 'colour'],
    [['--port'], '--port'],
    [['--port', 'abc'], 'port'],
    [['--port', '70000'], 'port'],
    [['--carrier', 'http://carrier.example'], 'carrier'],
    [['--carrier', 'https://me:secret@carrier.example'], 'carrier'],
    [['--carrier-ca', '/not/there.pem'], 'carrier-ca'],
    [['--counter', ''], 'counter'],
  ] as [string[], string][])('%j is refused, naming the key', ([argv, name]) => {
    expect(read(...argv)).toMatchObject({ ok: false, code: 'CONFIG_BAD', detail: expect.stringContaining(name) });
  });

  test('an unknown key in agent.json is refused by name', () => {
    writeFileSync(path.join(data, 'agent.json'), JSON.stringify({ colour: 'red' }));
    expect(read()).toMatchObject({ code: 'CONFIG_BAD', detail: expect.stringContaining('colour') });
    writeFileSync(path.join(data, 'agent.json'), 'no');
    expect(read()).toMatchObject({ code: 'CONFIG_BAD' });
    expect(readConfig([])).toMatchObject({ code: 'CONFIG_BAD' });
  });
});
