import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Context, Measurement } from '../benchmark.ts';
import { checkedPayments } from './checked-payments.ts';
import { fullRound, playGroups, WARM_MS } from './play-groups.ts';
import type { TapKind } from './past-payments.ts';
import { openSqliteLedger } from './sqlite-ledger.ts';

export interface FlatCostPlan {
  readonly figure: string;
  readonly accounts: number;
  readonly past: number;
  /** What the payments were made with, those of before and those of the run. */
  readonly taps?: TapKind;
}

/** Microseconds per payment in the writer, in a ledger with this many accounts and past payments. */
export function openFlatCost(context: Context, { figure, accounts, past, taps = 'phones' }: FlatCostPlan): Measurement {
  const ledger = openSqliteLedger({ folder: context.folder, accounts, past, taps });
  const groups = checkedPayments(ledger.accounts, past, taps);
  playGroups(ledger, groups, (ms) => ms >= WARM_MS);
  return { round: () => ({ [figure]: 1e6 / playGroups(ledger, groups, fullRound(context)) }), close: ledger.close };
}

/** The same without a past: every round begins with a new ledger, because the payments of the one before would be a past. */
export function openFreshCost(context: Context, figure: string, accounts: number): Measurement {
  const folder = join(context.folder, 'fresh');
  const round = (): number => {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder);
    const ledger = openSqliteLedger({ folder, accounts });
    try {
      const groups = checkedPayments(ledger.accounts);
      playGroups(ledger, groups, (ms) => ms >= WARM_MS / 2);
      return 1e6 / playGroups(ledger, groups, fullRound(context));
    } finally {
      ledger.close();
    }
  };
  return { round: () => ({ [figure]: round() }) };
}
