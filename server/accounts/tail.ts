import type { Id } from '#protocol/ids.ts';
import type { Transfer } from '../records.ts';

interface AsOf {
  readonly id: Id;
  /** The batch that its row is as of, or that it always is. */
  readonly asOf: number | 'end';
}

/** Whether what a start plays again is all that the rows of balances lack: it plays only the batches after the snapshot. */
export class Tail {
  readonly #snapshot: number;
  readonly #asOf: ReadonlyMap<Id, number | 'end'>;
  readonly #said = new Set<Id>();

  constructor(accounts: readonly AsOf[], snapshot: number) {
    this.#snapshot = snapshot;
    this.#asOf = new Map(accounts.map(({ id, asOf }) => [id, asOf]));
  }

  /** Accounts whose rows are older than the snapshot and that this transfer moved in between; each is named once. */
  missed({ debit, credit }: Transfer, batch: number): readonly { readonly id: Id; readonly what: string }[] {
    if (batch > this.#snapshot) return [];
    return [debit, credit].flatMap((id) => {
      const asOf = this.#asOf.get(id);
      if (asOf === undefined || asOf === 'end' || asOf >= batch || this.#said.has(id)) return [];
      this.#said.add(id);
      return [{ id, what: `is as of batch ${asOf} and moved in batch ${batch}, and a start plays only after ${this.#snapshot}` }];
    });
  }

  ahead(last: number): string | undefined {
    return this.#snapshot > last ? `is as of batch ${this.#snapshot}, the last is ${last}` : undefined;
  }
}
