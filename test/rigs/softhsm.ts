import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** SoftHSM2: a PKCS#11 token in software, in a folder of its own. A real library and a real token file, and no hardware. */
export interface SoftToken {
  readonly library: string;
  readonly token: string;
  readonly pin: string;
  remove(): void;
}

const ADDON = resolve(import.meta.dirname, '../../node_modules/pkcs11js/build/Release/pkcs11.node');
const LIBRARIES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
];

/** What is missing for a token here, in words; undefined when nothing is. */
export function softHsmMissing(): string | undefined {
  if (!LIBRARIES.some(existsSync) || spawnSync('softhsm2-util', ['--version']).status !== 0) {
    return 'SoftHSM2 is missing: apt-get install softhsm2';
  }
  return existsSync(ADDON) ? undefined : 'pkcs11js is not compiled: node tools/build-native.mjs pkcs11js';
}

/** Makes a token. The library reads SOFTHSM2_CONF of this process, which is set here. @throws when softhsm2-util fails. */
export function makeSoftToken(): SoftToken {
  const folder = mkdtempSync(join(tmpdir(), 'handover-softhsm-'));
  mkdirSync(join(folder, 'tokens'));
  const config = join(folder, 'softhsm2.conf');
  writeFileSync(config, `directories.tokendir = ${join(folder, 'tokens')}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = config;
  const [token, pin] = ['handover-cards', '1234'];
  const made = spawnSync('softhsm2-util', ['--init-token', '--free', '--label', token, '--pin', pin, '--so-pin', '5678'], {
    encoding: 'utf8',
    env: { ...process.env, SOFTHSM2_CONF: config },
  });
  if (made.status !== 0) throw new Error(`softhsm2-util: ${made.stdout}${made.stderr}`);
  return {
    library: LIBRARIES.find(existsSync)!,
    token,
    pin,
    remove: () => {
      delete process.env['SOFTHSM2_CONF'];
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
