/**
 * The door of a fresh checkout: `node tools/with-node24.mjs <start|test|check|handover|bench> [args…]`.
 * Runs under whatever Node (20 or newer) the machine has, with no dependencies. Installs what the lock file names, makes sure that
 * Node 24 is there (the npm package `node` ships it), builds the screens when they are needed, and hands over to Node 24.
 * Says what it does on stderr; stdout belongs to the command.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasChanged, lockDigest, lockIsInstalled, newestMtimeMs, waitForTurn } from './installed.mjs';

const NODE_MAJOR_MIN = 20;
const NODE_MAJOR = 24;
const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const WINDOWS = process.platform === 'win32';
const NODE_24 = join(ROOT, 'node_modules', 'node', 'bin', WINDOWS ? 'node.exe' : 'node');
const MARKER = join(ROOT, 'node_modules', '.handover-lock');

const COMMANDS = {
  start: { file: 'cli/handover.ts', args: ['start'], screens: true },
  test: { file: 'tools/test.mjs', args: [], screens: true },
  check: { file: 'tools/check.mjs', args: [], screens: false },
  handover: { file: 'cli/handover.ts', args: [], screens: false },
  bench: { file: 'bench/main.ts', args: [], screens: false },
};

main();

function main() {
  const [name, ...args] = process.argv.slice(2);
  const command = Object.hasOwn(COMMANDS, name ?? '') ? COMMANDS[name] : undefined;
  if (!command) stop(`Say what to run: node tools/with-node24.mjs <${Object.keys(COMMANDS).join('|')}> [args…]`, 64);
  if (Number.parseInt(process.versions.node, 10) < NODE_MAJOR_MIN) {
    stop(`Node ${process.versions.node} is too old to set this up. Install Node ${NODE_MAJOR_MIN} or newer, then run this again.`);
  }
  installDependencies();
  ensureNode24();
  const screensBuilt = !command.screens || buildScreens();
  // A test run goes on and counts it as failed; a counter without screens is not started.
  if (!screensBuilt && name !== 'test') stop('The screens could not be built. Mend what vite says above, then run this again.');
  if (!screensBuilt) process.env.HANDOVER_SCREENS_FAILED = '1';
  if (!existsSync(join(ROOT, command.file))) stop(`${command.file} is missing from this checkout. Get a complete one.`);
  handOver([join(ROOT, command.file), ...command.args, ...args]);
}

function say(text) {
  process.stderr.write(`handover: ${text}\n`);
}

function stop(text, status = 1) {
  say(text);
  process.exit(status);
}

/** PATH without node_modules/.bin: npm must not run on the Node that it is about to replace. */
function pathOutside() {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !/node_modules[\\/]\.bin[\\/]?$/.test(folder))
    .join(delimiter);
}

function isInstalled(lock) {
  const hidden = join(ROOT, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  if (existsSync(MARKER) && readFileSync(MARKER, 'utf8').trim() === lockDigest(lock)) return true;
  if (!lockIsInstalled(lock, readFileSync(hidden, 'utf8'))) return false;
  writeFileSync(MARKER, `${lockDigest(lock)}\n`);
  return true;
}

function installDependencies() {
  const lock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
  if (isInstalled(lock)) return;
  // Two installations into one folder would tear it.
  const letGo = waitForTurn(join(tmpdir(), `handover-install-${lockDigest(ROOT).slice(0, 16)}`), say);
  process.on('exit', letGo);
  if (isInstalled(lock)) return letGo();
  say('installing dependencies from package-lock.json (npm ci) …');
  runNpm(['ci', '--no-audit', '--no-fund', '--loglevel=error'], ROOT);
  mkdirSync(dirname(MARKER), { recursive: true });
  writeFileSync(MARKER, `${lockDigest(lock)}\n`);
  letGo();
}

function runNpm(args, cwd) {
  const result = spawnSync('npm', args, {
    cwd,
    shell: WINDOWS,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, PATH: pathOutside() },
  });
  if (result.error?.code === 'ENOENT') stop('npm is missing. Install it (Debian: apt-get install npm), then run this again.');
  if (result.error) stop(`npm could not be started: ${result.error.message}`);
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout}${result.stderr}`);
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH|ERR_SOCKET_TIMEOUT/.test(result.stderr)) {
    stop('npm cannot reach its registry. Connect to the network (or set the registry that your network offers), then run this again.');
  }
  stop(`npm ${args[0]} failed with status ${result.status}. Mend what it says above, then run: npm ci`);
}

function node24Version() {
  const result = spawnSync(NODE_24, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

function ensureNode24() {
  const isRight = () => node24Version()?.startsWith(`v${NODE_MAJOR}.`) === true;
  if (isRight()) return;
  const folder = join(ROOT, 'node_modules', 'node');
  if (existsSync(folder)) {
    say(`fetching Node ${NODE_MAJOR} (npm skipped its install script) …`);
    const outcome = spawnSync(process.execPath, ['installArchSpecificPackage'], {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, PATH: pathOutside() },
    });
    if (outcome.status !== 0) process.stderr.write(`${outcome.stdout ?? ''}${outcome.stderr ?? ''}`);
  }
  if (isRight()) return;
  stop(`Node ${NODE_MAJOR} is not in node_modules. Run: cd node_modules/node && node installArchSpecificPackage (it needs the network).`);
}

/** Builds the pages when they are missing or older than what they are made from. False when that failed. */
function buildScreens() {
  const config = join(ROOT, 'renderer', 'vite.config.ts');
  const built = ['renderer', 'carrier'].map((name) => newestMtimeMs(join(ROOT, 'dist', name)));
  if (!existsSync(config)) {
    say('renderer/vite.config.ts is missing: the screens are not built');
    return true;
  }
  const sources = ['renderer', 'protocol', 'package-lock.json'].map((name) => join(ROOT, name));
  const made = sources.map(newestMtimeMs);
  if (!built.some((at) => hasChanged(at, made))) return true;
  say('building the screens (vite build) …');
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const result = spawnSync(NODE_24, [vite, 'build', '-c', config, '--logLevel', 'warn'], {
    cwd: ROOT,
    stdio: ['ignore', 2, 2],
    env: childEnvironment(),
  });
  return result.status === 0;
}

/** Node 24 first on PATH, so that tools started by name run on it too. */
function childEnvironment() {
  return { ...process.env, PATH: [dirname(NODE_24), join(ROOT, 'node_modules', '.bin'), pathOutside()].join(delimiter) };
}

/** Signals and the exit status pass through, as if Node 24 had been started in the first place. */
function handOver(args) {
  const child = spawn(NODE_24, args, { stdio: 'inherit', env: childEnvironment() });
  const onTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const signals = WINDOWS ? ['SIGINT', 'SIGTERM'] : ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) {
    // A terminal sends Ctrl-C to the whole group: the child has it already, and a second one would mean "now".
    process.on(signal, () => void (onTerminal && signal === 'SIGINT' ? undefined : child.kill(signal)));
  }
  child.on('error', (error) => stop(`Node ${NODE_MAJOR} could not be started: ${error.message}`));
  child.on('exit', (status, signal) => {
    if (signal === null) process.exit(status ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
    setTimeout(() => process.exit(128 + (constants.signals[signal] ?? 0)), 100); // a signal that does not end Node
  });
}
