import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { ok, refuse, type Result } from '#protocol/errors.ts';

/**
 * Replaces a file whole, readable by its owner only, and has it on the disk before it returns: the old one or the new one is there, never
 * half. The draft beside it is made exclusively, so that of two writers one is refused. Refusals: CONFIG_BAD, DISK_FULL.
 */
export function writeSecretFile(file: string, text: string): Result<void> {
  const draft = `${file}.new`;
  let handle: number;
  try {
    handle = openSync(draft, 'wx', 0o600);
  } catch (error) {
    return refuse('CONFIG_BAD', isCode(error, 'EEXIST') ? `${draft} is there: another process writes, or one died; then remove it` : draft);
  }
  try {
    try {
      writeSync(handle, text);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(draft, file);
    flushFolder(path.dirname(file));
    return ok(undefined);
  } catch (error) {
    rmSync(draft, { force: true });
    if (isCode(error, 'ENOSPC')) return refuse('DISK_FULL', file);
    throw error;
  }
}

/** The new name is in the folder, which has to be on the disk too. Windows cannot and need not. */
function flushFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
