import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { payPage } from '../../server/pay-page.ts';
import { problems } from '../../server/plugins/problems.ts';

let folder: string;
let app: FastifyInstance;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'handover-pay-page-'));
  app = Fastify();
  problems(app);
});
afterEach(async () => {
  await app.close();
  rmSync(folder, { recursive: true });
});

function build(): void {
  const assets = path.join(folder, 'pay/assets');
  mkdirSync(assets, { recursive: true });
  writeFileSync(path.join(folder, 'pay.html'), '<!doctype html><script type="module" src="./pay/assets/pay-1.js"></script>');
  writeFileSync(path.join(assets, 'pay-1.js'), 'void 0;');
  writeFileSync(path.join(assets, 'pay-1.js.gz'), gzipSync('void 0;'));
  writeFileSync(path.join(folder, 'secret.txt'), 'no');
}

test('the page goes out under a policy that lets nothing run or frame it but the carrier’s own files', async () => {
  build();
  await payPage(app, folder);
  const { statusCode, headers, body } = await app.inject('/pay');
  expect([statusCode, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
  expect(body).toContain('./pay/assets/pay-1.js');
  expect(headers['content-security-policy']).toMatchInlineSnapshot(
    `"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"`,
  );
  expect(headers).toMatchObject({
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
});

test('its files are kept for ever by their names, and come compressed to whoever can read that', async () => {
  build();
  await payPage(app, folder);
  const plain = await app.inject('/pay/assets/pay-1.js');
  expect(plain.body).toBe('void 0;');
  expect(plain.headers).toMatchObject({
    'cache-control': 'public, max-age=31536000, immutable',
    'content-type': expect.stringContaining('javascript') as string,
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  const small = await app.inject({ url: '/pay/assets/pay-1.js', headers: { 'accept-encoding': 'gzip' } });
  expect(small.headers).toMatchObject({
    'content-encoding': 'gzip',
    vary: expect.stringMatching(/accept-encoding/i) as string,
    'content-type': expect.stringContaining('javascript') as string,
  });
  expect(gunzipSync(small.rawPayload).toString()).toBe('void 0;');
});

test('nothing else of the disk is served', async () => {
  build();
  await payPage(app, folder);
  const tries = [
    '/pay/assets/',
    '/pay/assets/../../secret.txt',
    '/pay/assets/%2e%2e/%2e%2e/secret.txt',
    '/pay/secret.txt',
    '/secret.txt',
    '/pay/',
  ];
  for (const url of tries) {
    const answer = await app.inject(url);
    expect([url, answer.statusCode]).toEqual([url, 404]);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'NOT_FOUND' });
  }
});

test('a carrier without the built page runs, and the page says in words what to do', async () => {
  await payPage(app, folder);
  const { statusCode, headers, body } = await app.inject('/pay');
  expect(statusCode).toBe(503);
  expect(headers['content-security-policy']).toContain("default-src 'none'");
  expect(body).toContain('npm start');
  expect(body).toContain('Nothing was approved.');
  expect((await app.inject('/pay/assets/pay-1.js')).statusCode).toBe(404);
});
