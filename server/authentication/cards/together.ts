/**
 * Does a piece of work for all that ask within one turn of the event loop in one go, at most so many at a time: a batch brings taps by the
 * hundred, and a transaction for each would cost a disk write each. `work` answers in the order in which it was asked.
 */
export function together<Asked, Answer>(
  most: number,
  work: (asked: readonly Asked[]) => Promise<readonly Answer[]>,
): (asked: Asked) => Promise<Answer> {
  let waiting: { readonly asked: Asked; readonly settle: (answer: Promise<Answer>) => void }[] = [];
  const flush = (): void => {
    const all = waiting;
    waiting = [];
    for (let at = 0; at < all.length; at += most) {
      const part = all.slice(at, at + most);
      const answers = work(part.map(({ asked }) => asked));
      for (const [place, { settle }] of part.entries()) settle(answers.then((list) => list[place]!));
    }
  };
  return (asked) =>
    new Promise((settle) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push({ asked, settle });
    });
}
