import { spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const LOCK = JSON.stringify({
  packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '1.0.0', optional: true } },
});
const PRESENT = JSON.stringify({ packages: { 'node_modules/a': { version: '1.0.0' } } });

let checkout: string;
let programs: string;

function put(path: string, content: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true });
  writeFileSync(join(checkout, path), content);
}

/** A stand-in for npm on PATH: an outside program, as a shell script. */
function putNpm(script: string): void {
  writeFileSync(join(programs, 'npm'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, 'npm'), 0o755);
}

const environment = (): NodeJS.ProcessEnv => ({ PATH: `${programs}:/usr/bin:/bin` });
const run = (...args: string[]) =>
  spawnSync(process.execPath, [join(checkout, 'tools/with-node24.mjs'), ...args], {
    cwd: checkout,
    encoding: 'utf8',
    // Only what the test put there: the machine's own npm must not be found.
    env: { PATH: programs },
  });

beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'handover-checkout-'));
  programs = join(checkout, 'programs');
  mkdirSync(programs);
  // The stand-in for npm needs these two.
  for (const name of ['mkdir', 'cat'])
    symlinkSync(['/bin', '/usr/bin'].map((folder) => join(folder, name)).find(existsSync)!, join(programs, name));
  cpSync(join(ROOT, 'tools'), join(checkout, 'tools'), { recursive: true });
  put('package-lock.json', LOCK);
  put(
    'cli/handover.ts',
    `const args: string[] = process.argv.slice(2); console.log(JSON.stringify([args, process.versions.node.split('.')[0]])); process.exitCode = 7;`,
  );
  mkdirSync(join(checkout, 'node_modules/node/bin'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules/node/bin/node'), join(checkout, 'node_modules/node/bin/node'));
  put('node_modules/.package-lock.json', PRESENT);
});
afterEach(() => rmSync(checkout, { recursive: true, force: true }));

describe('with-node24', () => {
  it('hands over to Node 24 with the arguments and the exit status, and leaves stdout to the command', () => {
    const result = run('handover', 'ledger', 'verify', '--json');
    expect(result.stdout).toBe('[["ledger","verify","--json"],"24"]\n');
    expect(result.stderr).toBe('');
    expect(result.status).toBe(7);
  });

  it('turns start into the command start', () => {
    expect(run('start', '--demo').stdout).toBe('[["start","--demo"],"24"]\n');
  });

  it('does not install again what npm has installed, and remembers it', () => {
    run('handover');
    expect(readFileSync(join(checkout, 'node_modules/.handover-lock'), 'utf8')).toMatch(/^[0-9a-f]{64}\n$/);
  });

  it('installs from the lock file when a version differs, and says so on stderr', () => {
    put('package-lock.json', LOCK.replace('1.0.0', '1.0.1'));
    putNpm(`echo "$@" > "${checkout}/asked"; echo noise`);
    const result = run('handover', 'x');
    expect(readFileSync(join(checkout, 'asked'), 'utf8')).toBe('ci --no-audit --no-fund --loglevel=error\n');
    expect(result.stdout).toBe('[["x"],"24"]\n');
    expect(result.stderr).toContain('npm ci');
    expect(run('handover').stderr).toBe('');
  });

  it('lets one of two runs install, and the other wait for it', async () => {
    rmSync(join(checkout, 'node_modules/.package-lock.json'));
    put('present.json', PRESENT);
    const hidden = join(checkout, 'node_modules/.package-lock.json');
    putNpm(`echo once >> "${checkout}/asked"; sleep 1; cat "${checkout}/present.json" > "${hidden}"`);
    const both = ['a', 'b'].map(
      (word) =>
        new Promise((done) => {
          spawn(process.execPath, [join(checkout, 'tools/with-node24.mjs'), 'handover', word], { env: environment() }).on('exit', done);
        }),
    );
    expect(await Promise.all(both)).toEqual([7, 7]);
    expect(readFileSync(join(checkout, 'asked'), 'utf8')).toBe('once\n');
  });

  it.each([
    ['no npm', undefined, /npm is missing\. Install it/],
    ['no network', 'echo "npm error code ENOTFOUND" >&2; exit 1', /cannot reach its registry\. Connect to the network/],
    ['another failure of npm', 'echo "npm error code EUSAGE" >&2; exit 3', /EUSAGE[^]*failed with status 3[^]*npm ci/],
  ])('with %s says what to do', (_, script, words) => {
    rmSync(join(checkout, 'node_modules/.package-lock.json'));
    if (script !== undefined) putNpm(script);
    const result = run('handover');
    expect(result.stderr).toMatch(words);
    expect(result.status).toBe(1);
    expect(result.stdout).toBe('');
  });

  it('runs the install script of Node 24 when npm skipped it, and names the command when that fails too', () => {
    rmSync(join(checkout, 'node_modules/node/bin/node'));
    put(
      'node_modules/node/installArchSpecificPackage.js',
      `require('node:fs').symlinkSync(${JSON.stringify(join(ROOT, 'node_modules/node/bin/node'))}, 'bin/node')`,
    );
    expect(run('handover', 'x').stdout).toBe('[["x"],"24"]\n');
    rmSync(join(checkout, 'node_modules/node/bin/node'));
    put('node_modules/node/installArchSpecificPackage.js', `process.exitCode = 1`);
    const result = run('handover', 'x');
    expect(result.stderr).toContain('cd node_modules/node && node installArchSpecificPackage');
    expect(result.status).toBe(1);
  });

  it('refuses an unknown command by naming the known ones', () => {
    const result = run('toString');
    expect(result.stderr).toContain('<start|test|check|handover|bench>');
    expect(result.status).toBe(64);
  });

  it('does not start with screens that cannot be built, but tests, and counts it', () => {
    put('renderer/vite.config.ts', '');
    put('node_modules/vite/bin/vite.js', 'console.error("no"); process.exitCode = 1;');
    expect(run('start')).toMatchObject({ status: 1, stdout: '', stderr: expect.stringContaining('could not be built') as string });
    put('tools/test.mjs', 'console.log(process.env.HANDOVER_SCREENS_FAILED);');
    expect(run('test')).toMatchObject({ status: 0, stdout: '1\n' });
  });

  it('builds the screens once, until a source is newer', () => {
    put('renderer/vite.config.ts', '');
    put(
      'node_modules/vite/bin/vite.js',
      `const fs = require('node:fs');
       for (const name of ['dist/renderer', 'dist/carrier']) {
         fs.mkdirSync(name, { recursive: true });
         fs.writeFileSync(name + '/page.html', '');
       }`,
    );
    expect(run('start').stderr).toContain('building the screens');
    expect(run('start').stderr).toBe('');
    rmSync(join(checkout, 'dist/carrier'), { recursive: true });
    expect(run('start').stderr).toContain('building the screens');
    utimesSync(join(checkout, 'renderer/vite.config.ts'), new Date(), new Date(Date.now() + 60_000));
    expect(run('start').stderr).toContain('building the screens');
  });

  it('passes signals on, and ends as its child ended', async () => {
    put(
      'cli/handover.ts',
      `process.on('SIGTERM', () => { console.log('term'); process.exit(5); }); setInterval(() => {}, 1000); console.log('up');`,
    );
    const child = spawn(process.execPath, [join(checkout, 'tools/with-node24.mjs'), 'handover'], { env: environment() });
    let output = '';
    const status = await new Promise((done) => {
      child.stdout.on('data', (bytes: Buffer) => {
        output += bytes.toString();
        if (output === 'up\n') child.kill('SIGTERM');
      });
      child.on('exit', (code) => done(code));
    });
    expect([output, status]).toEqual(['up\nterm\n', 5]);
  });
});
