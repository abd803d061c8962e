/** The page on which a buyer approves on their own phone: built by vite into `dist/carrier`, served beside the routes that it asks. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { WALLET_ROUTES } from '#protocol/wallet-routes.ts';

const BUILT = path.join(import.meta.dirname, '../dist/carrier');
const ASSETS = `${WALLET_ROUTES.page}/assets`;
const YEAR_MS = 365 * 24 * 3_600_000;

/**
 * Serves the page and its files. `folder`: what vite built; read once, here. A carrier without it runs all the same, and the page says
 * what is missing.
 */
export async function payPage(host: unknown, folder: string = BUILT): Promise<void> {
  const app = host as FastifyInstance;
  const file = path.join(folder, 'pay.html');
  const built = existsSync(file);
  const html = built ? readFileSync(file, 'utf8') : NOT_BUILT;
  app.get(WALLET_ROUTES.page, { schema: { hide: true } }, async (_request, reply) =>
    reply
      .headers({ ...HEADERS, ...PAGE_HEADERS })
      .code(built ? 200 : 503)
      .type('text/html; charset=utf-8')
      .send(html),
  );
  if (!built) return;
  await app.register(fastifyStatic, {
    root: path.join(folder, ASSETS),
    prefix: `${ASSETS}/`,
    // Only what was there at the start: nothing is looked up by a name from outside.
    wildcard: false,
    index: false,
    dotfiles: 'ignore',
    decorateReply: false,
    preCompressed: true,
    // The name of a file is the hash of what is in it.
    maxAge: YEAR_MS,
    immutable: true,
    setHeaders: (reply) => {
      void reply.headers(HEADERS);
    },
  });
}

const HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
} as const;

/** Only files of this carrier run; nothing may frame the page, take its words for HTML, or use a device but the passkey. */
const PAGE_HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'permissions-policy':
    'publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), microphone=(), geolocation=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'x-frame-options': 'DENY',
  // It names its files by their hashes: an old copy would ask for files that are gone.
  'cache-control': 'no-store',
} as const;

const NOT_BUILT = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Handover</title>
<h1>This page is not built yet</h1>
<p>The carrier runs. Whoever runs it builds the pages with <code>npm start</code>, or with
<code>npx vite build --config renderer/vite.config.ts</code>, and starts it again.</p>
<p>Nothing was approved. Please pay another way.</p></html>
`;
