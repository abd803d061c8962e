import type { Benchmark } from './benchmark.ts';
import { openFlatCost } from './ledger/flat-cost.ts';

const PAST = 5_000_000;
const PAST_QUICK = 200_000;

export const benchmark: Benchmark = {
  id: 'B5-past-cards',
  program: import.meta.url,
  // Five million past payments are about 5 GB.
  secondsMax: 900,
  figures: [
    {
      id: 'B5-past-cards',
      what: 'cost of a payment in the writer: 5M past payments of a year (a quick run: 200k), 10k accounts; cards, the same pass for ever',
      unit: 'µs',
      better: 'lower',
      against: { figure: 'B5' },
      limits: 'used taps are kept by pass: each payment dirties a page of its own; all other rows go to the end of their tables',
    },
  ],
  open: async (context) =>
    openFlatCost(context, { figure: 'B5-past-cards', accounts: 10_000, past: context.quick ? PAST_QUICK : PAST, taps: 'cards' }),
};
