/**
 * The process of one PC/SC reader. The native library is loaded here and nowhere else: a call of it that never returns holds a thread
 * for ever, and only the end of a process frees it. Answers the agent over the channel of `child_process.fork` (messages.ts), one ask
 * after another, listens to nobody else, and ends when the agent does.
 */
import { ok, refuse, type Result } from '#protocol/errors.ts';
import { CardSlot } from './card-slot.ts';
import type { AnswerMessage, Answers, Ask, AskMessage, AskName } from './messages.ts';

let slot: CardSlot | undefined;

async function answer(ask: Ask): Promise<Result<Answers[AskName]>> {
  const loaded = await load();
  if (!loaded.ok) return loaded;
  switch (ask.do) {
    case 'list':
      return loaded.value.list();
    case 'open':
      return loaded.value.open(ask.reader);
    case 'look':
      return loaded.value.look(ask.waitMs);
    case 'take':
      return loaded.value.take();
    case 'transmit':
      return loaded.value.transmit(ask.apdu);
    case 'let-go':
      loaded.value.letGo(ask.reset);
      return ok(undefined);
  }
}

/** The package is optional and its native part compiled where it is installed: either may be missing, or the system's library. */
async function load(): Promise<Result<CardSlot>> {
  try {
    slot ??= new CardSlot(await import('smartcard'));
    return ok(slot);
  } catch (error) {
    return refuse('READER_DRIVER_MISSING', (error as Error).message.split('\n')[0]);
  }
}

function say(message: AnswerMessage): void {
  // An agent that went away in between is told of by 'disconnect'.
  process.send?.(message, undefined, undefined, () => {});
}

if (process.send) {
  let turn = Promise.resolve();
  process.on('message', ({ id, ask }: AskMessage) => {
    turn = turn.then(async () => say({ id, answer: await answer(ask) }));
  });
  // Not process.exit, which waits for the threads: one of them may never return.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  // Keys pressed in a terminal go to all processes of the agent; this one ends when the agent says so.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
}
