import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { FaultName as Pn532Fault } from '../../simulator/readers/pn532/faults.ts';

/** The emulator as a process of its own, and its command line by line. */
export interface SimulatedReader<Fault extends string = Pn532Fault> {
  readonly ready: Readonly<Record<string, unknown>>;
  readonly pid: number;
  tell(command: object): Promise<Readonly<Record<string, unknown>>>;
  fault(name: Fault, on: boolean): Promise<void>;
  /** Resolves with the exit code. */
  end(): Promise<number | null>;
}

export function startSimulatedReader(link: string, ...args: readonly string[]): Promise<SimulatedReader> {
  return startSimulator('pn532', '--link', link, ...args);
}

/** `kind`: the folder of the emulator's process.ts. @throws with what it says when it does not start. */
export async function startSimulator<Fault extends string>(kind: string, ...args: readonly string[]): Promise<SimulatedReader<Fault>> {
  const program = new URL(`../../simulator/readers/${kind}/process.ts`, import.meta.url).pathname;
  const child: ChildProcess = spawn(process.execPath, [program, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const next = async (): Promise<Record<string, unknown>> => {
    const { value, done } = await lines.next();
    if (done) throw new Error('the emulator ended');
    return JSON.parse(value) as Record<string, unknown>;
  };
  const tell = async (command: object): Promise<Record<string, unknown>> => {
    child.stdin!.write(`${JSON.stringify(command)}\n`);
    const answer = await next();
    if (answer.ok !== true) throw new Error(`the emulator refused: ${String(answer.error)}`);
    return answer;
  };
  return {
    ready: await next(),
    pid: child.pid!,
    tell,
    fault: async (name, on) => void (await tell({ do: 'fault', name, on })),
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve(child.exitCode);
        child.once('exit', resolve);
        child.stdin!.end();
      }),
  };
}
