import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Clock } from '../../ports.ts';
import type { Launch, DriverProcess } from './launch.ts';
import { type AnswerMessage, type Answers, type Ask, type AskName, IS_ANSWER, isAnswerMessage } from './messages.ts';

/** The process of one reader, watched: it answers in time or is killed. Asks wait for their turn. */
export class ReaderProcess {
  private readonly process: DriverProcess;
  private readonly clock: Clock;
  private readonly ended = new AbortController();
  private readonly open = new Map<number, (message: AnswerMessage | undefined) => void>();
  private busy: Promise<unknown> = Promise.resolve();
  private lastId = 0;

  static start(launch: Launch, clock: Clock): Result<ReaderProcess> {
    const launched = launch();
    return launched.ok ? ok(new ReaderProcess(launched.value, clock)) : launched;
  }

  private constructor(process: DriverProcess, clock: Clock) {
    this.process = process;
    this.clock = clock;
    process.onMessage((message) => {
      if (isAnswerMessage(message)) this.open.get(message.id)?.(message);
    });
    process.onExit(() => this.end());
  }

  /** Aborted when the process is gone. */
  get gone(): AbortSignal {
    return this.ended.signal;
  }

  /**
   * Asks, and waits up to `patienceMs` from when its turn comes. Refusals: READER_SILENT (no answer in time, or the process ended; it
   * is gone then), READER_GARBLED, and those of card-slot.ts.
   */
  ask<N extends AskName>(ask: Extract<Ask, { do: N }>, patienceMs: number): Promise<Result<Answers[N]>> {
    const run = this.busy.then(() => this.attempt<N>(ask, patienceMs));
    this.busy = run.catch(() => {});
    return run;
  }

  /** Kills it. Again: harmless. */
  end(): void {
    if (this.gone.aborted) return;
    this.ended.abort();
    this.process.kill();
    for (const settle of this.open.values()) settle(undefined);
  }

  private async attempt<N extends AskName>(ask: Extract<Ask, { do: N }>, patienceMs: number): Promise<Result<Answers[N]>> {
    if (this.gone.aborted) return refuse('READER_SILENT', 'the process of the reader ended');
    const id = ++this.lastId;
    const { promise, resolve } = Promise.withResolvers<AnswerMessage | undefined>();
    this.open.set(id, resolve);
    const answered = new AbortController();
    // The watchdog: a mute card leaves the native call pending for ever, and nothing but this ends it.
    void this.clock.sleep(patienceMs, answered.signal).then(() => resolve(undefined));
    this.process.send({ id, ask });
    const message = await promise;
    answered.abort();
    this.open.delete(id);
    if (!message) {
      this.end();
      return refuse('READER_SILENT', ask.do);
    }
    const { answer } = message;
    if (!answer.ok) return answer;
    const name: N = ask.do;
    return IS_ANSWER[name](answer.value) ? ok(answer.value) : refuse('READER_GARBLED', name);
  }
}
