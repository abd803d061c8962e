import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ok, refuse, type Result } from '#protocol/errors.ts';

/** The process of one reader, from outside. */
export interface DriverProcess {
  /** Never throws: a process that is gone tells it by onExit. */
  send(message: unknown): void;
  onMessage(listener: (message: unknown) => void): void;
  /** Once, also when it could not be started. */
  onExit(listener: () => void): void;
  /** At once, whatever it does. */
  kill(): void;
}

/** How such a process is started. Electron, whose own binary runs no scripts, has to hand in its way. */
export type Launch = () => Result<DriverProcess>;

/** Runs process.ts on this very Node, with these options of Node. Refusal: READER_DRIVER_MISSING inside Electron. */
export function launchDriver(options: readonly string[] = []): Result<DriverProcess> {
  // There, the binary would open a second window instead.
  if (process.versions['electron'] !== undefined) return refuse('READER_DRIVER_MISSING', 'not inside Electron');
  const child = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [], {
    execArgv: [...options],
    // Bytes as bytes.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  return ok({
    send: (message) => void child.send(message as object, () => {}),
    onMessage: (listener) => void child.on('message', listener),
    onExit: (listener) => void child.once('exit', listener).once('error', listener),
    kill: () => void child.kill('SIGKILL'),
  });
}
