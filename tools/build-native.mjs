/**
 * Compiles the optional native addons that ship as source, in place in node_modules: `node tools/build-native.mjs [smartcard] [pkcs11js]`.
 * An addon that is there already is left alone. Node-API keeps it good for any newer Node. Says which system package is missing.
 * Status 0 when every addon that was asked for is there.
 */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProgram, inRoot, runNode, seconds } from './run.mjs';

/** `system`: headers of the system that it includes, and the Debian package that has them. */
const ADDONS = {
  smartcard: {
    binary: 'build/Release/smartcard_napi.node',
    what: 'PC/SC readers',
    system: process.platform === 'linux' ? [{ header: 'PCSC/winscard.h', install: 'libpcsclite-dev' }] : [],
  },
  pkcs11js: { binary: 'build/Release/pkcs11.node', what: 'card keys in a PKCS#11 token', system: [] },
};

/** What node-gyp needs of a Unix system, and the Debian package of each. */
const PROGRAMS = process.platform === 'win32' ? {} : { gcc: 'gcc', 'g++': 'g++', make: 'make', python3: 'python3' };

/** Whether the addon is compiled. */
export function isBuilt(name) {
  return existsSync(inRoot('node_modules', name, ADDONS[name].binary));
}

/** Compiles one addon unless it is there. Returns what became of it, and why not. */
export async function buildNative(name) {
  if (isBuilt(name)) return { name, isThere: true, text: 'is there' };
  if (!existsSync(inRoot('node_modules', name, 'binding.gyp'))) return { name, isThere: false, text: `is not installed: run npm ci` };
  const missing = [
    ...Object.keys(PROGRAMS).filter((program) => findProgram(program) === undefined),
    ...ADDONS[name].system.filter(({ header }) => !hasHeader(header)).map(({ install }) => install),
  ];
  if (missing.length > 0) {
    const packages = missing.map((program) => PROGRAMS[program] ?? program);
    return { name, isThere: false, text: `needs ${missing.join(', ')}: apt-get install ${packages.join(' ')}` };
  }
  const nodeDir = nodeHeaders();
  if (!nodeDir) return { name, isThere: false, text: `needs the headers of Node (node_api.h): apt-get install libnode-dev` };
  const gyp = inRoot('node_modules/node-gyp/bin/node-gyp.js');
  if (!existsSync(gyp)) return { name, isThere: false, text: 'needs node-gyp, which is a development dependency: run npm ci' };
  const folder = inRoot('node_modules', name);
  const built = await runNode([gyp, 'rebuild', '--directory', folder, '--nodedir', nodeDir], { quiet: true });
  if (built.status === 0 && isBuilt(name)) return { name, isThere: true, text: `compiled in ${seconds(built.seconds)}` };
  return { name, isThere: false, text: `does not compile:\n${built.output.trimEnd()}` };
}

/** The folder whose include/node holds Node's headers: those of the Node in node_modules, of the one that runs, or of the system. */
export function nodeHeaders() {
  const bundled = inRoot('node_modules/node');
  const running = dirname(dirname(process.execPath));
  const places = [...(existsSync(bundled) ? foldersBelow(bundled, 4) : []), running, '/usr', '/usr/local'];
  return places.find((place) => existsSync(join(place, 'include/node/node_api.h')));
}

function foldersBelow(folder, depth) {
  if (depth === 0) return [];
  const below = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(folder, entry.name));
  return [folder, ...below.flatMap((inner) => foldersBelow(inner, depth - 1))];
}

function hasHeader(header) {
  return ['/usr/include', '/usr/local/include'].some((place) => existsSync(join(place, header)));
}

async function main(words) {
  const unknown = words.filter((word) => !Object.hasOwn(ADDONS, word));
  if (unknown.length > 0) {
    console.log(`unknown: ${unknown.join(', ')}. There are: ${Object.keys(ADDONS).join(', ')}`);
    return 1;
  }
  let status = 0;
  for (const name of words.length > 0 ? words : Object.keys(ADDONS)) {
    const result = await buildNative(name);
    if (!result.isThere) status = 1;
    console.log(`${result.isThere ? 'ok    ' : 'FAILED'} ${name} (${ADDONS[name].what}): ${result.text}`);
  }
  return status;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await main(process.argv.slice(2));
