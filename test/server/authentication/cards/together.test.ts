import { describe, expect, it } from 'vitest';
import { together } from '../../../../server/authentication/cards/together.ts';

describe('work done together', () => {
  it('is done once for all that asked in one turn, and everybody gets their own answer', async () => {
    const rounds: number[][] = [];
    const double = together(10, async (asked: readonly number[]) => (rounds.push([...asked]), asked.map((one) => one * 2)));
    expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
    expect(await double(4)).toBe(8);
    expect(rounds).toEqual([[1, 2, 3], [4]]);
  });

  it('comes in parts when too many ask, and a part that fails takes no other with it', async () => {
    const work = together(2, async (asked: readonly number[]) => {
      if (asked.includes(3)) throw new Error('no');
      return asked;
    });
    const ends = await Promise.allSettled([1, 2, 3, 4, 5].map(work));
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected', 'fulfilled']);
    expect(await work(6)).toBe(6);
  });
});
