/**
 * Bugs to plant in the ledger, one at a time: each is a slip that somebody could make. `planted.test.ts` proves that the model or the
 * differential test finds every one. `from` stands exactly once in its file; when it no longer does, the slip has to be thought of anew.
 */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  /** What could not find it is not played. */
  readonly where: 'core' | 'engines';
}

type InOnePlace = Omit<PlantedBug, 'where'>;

const BOOK = 'server/accounts/book.ts';
const PLAN = 'server/primary-payment/plan.ts';
const FUNDING = 'server/primary-payment/funding.ts';
const CACHE = 'server/accounts/sqlite/account-cache.ts';
const REPLAY = 'server/accounts/sqlite/replay.ts';

const IN_THE_CORE: readonly InOnePlace[] = [
  {
    name: 'held money can be spent again',
    file: 'server/accounts/model.ts',
    from: 'account.creditsPosted + account.limit - account.debitsPosted - account.debitsPending',
    to: 'account.creditsPosted + account.limit - account.debitsPosted',
  },
  {
    name: 'lines are not checked on credit accounts',
    file: 'server/accounts/model.ts',
    from: 'return account.limit === null ? null',
    to: "return account.limit === null || account.kind === 'credit-due' ? null",
  },
  {
    name: 'limits are left out where transfers are posted',
    file: BOOK,
    from: "if (there !== null && there < amount) return refuse('INSUFFICIENT_FUNDS', debit.id);",
    to: '',
  },
  {
    name: 'counters may outgrow 63 bits by what is promised',
    file: BOOK,
    from: 'return posted + pending + amount <= COUNTER_MAX;',
    to: 'return posted + amount <= COUNTER_MAX;',
  },
  { name: 'the largest amount is one more', file: BOOK, from: 'transfer.amount > MONEY_MAX', to: 'transfer.amount > MONEY_MAX + 1n' },
  {
    name: 'linked transfers leave the credited account changed',
    file: BOOK,
    from: 'undo?.push(restore(debit, credit));',
    to: 'undo?.push(restore(debit, debit));',
  },
  {
    name: 'linked transfers stay posted up to the one that is refused',
    file: BOOK,
    from: 'this.#forgetAfter(before);',
    to: '',
  },
  {
    name: 'linked transfers leave a promise ended',
    file: BOOK,
    from: "undo?.push(() => (pending.state = 'OPEN'));",
    to: '',
  },
  {
    name: 'linked transfers leave a promise made',
    file: BOOK,
    from: 'undo?.push(() => void this.pendings.delete(id));',
    to: '',
  },
  {
    name: 'a lone transfer with another amount passes for a repeat',
    file: BOOK,
    from: 'a.amount === b.amount &&',
    to: '',
  },
  {
    name: 'a promise can be posted at the millisecond it ends',
    file: BOOK,
    from: 'pending.expiresAt !== null && at >= pending.expiresAt;',
    to: 'pending.expiresAt !== null && at > pending.expiresAt;',
  },
  {
    name: 'a promise that ended can be posted again',
    file: BOOK,
    from: "if (pending.state !== 'OPEN') return refuse('HOLD_ENDED', pending.id);",
    to: '',
  },
  {
    name: 'a frozen account can still pay',
    file: BOOK,
    from: "if (debit.state === 'FROZEN' && transfer.kind !== 'fee')",
    to: "if (debit.state === 'FROZEN' && transfer.kind === 'suspense')",
  },
  {
    name: 'a frozen account cannot receive',
    file: BOOK,
    from: "if (credit.state === 'CLOSED') return refuse('ACCOUNT_CLOSED', credit.id);",
    to: "if (credit.state !== 'OPEN') return refuse('ACCOUNT_CLOSED', credit.id);",
  },
  {
    name: 'an account with promises on it can be closed',
    file: BOOK,
    from: 'const promised = account.debitsPending + account.creditsPending;',
    to: 'const promised = 0n;',
  },
];

const IN_PAYMENTS: readonly InOnePlace[] = [
  {
    name: 'one cent too much is refunded',
    file: PLAN,
    from: 'refund.amount > refundable(payment)',
    to: 'refund.amount > refundable(payment) + 1n',
  },
  {
    name: 'refunds forget the refunds before them',
    file: PLAN,
    from: 'return payment.captured - payment.refunded - payment.disputed;',
    to: 'return payment.captured - payment.disputed;',
  },
  {
    name: 'what was charged back can be refunded as well',
    file: PLAN,
    from: 'return payment.captured - payment.refunded - payment.disputed;',
    to: 'return payment.captured - payment.refunded;',
  },
  {
    name: 'a part capture keeps the legs that it does not take',
    file: PLAN,
    from: "transfers.push(legTransfer(payment, ended, legId(id, place), share > 0n ? 'post' : 'void'));",
    to: "if (share > 0n) transfers.push(legTransfer(payment, ended, legId(id, place), 'post'));",
  },
  {
    name: 'a hold can be captured at the millisecond it ends, leg by leg refused',
    file: PLAN,
    from: "if (payment.expiresAt !== null && at >= payment.expiresAt) return refuse('HOLD_EXPIRED', payment.id);",
    to: '',
  },
  {
    name: 'a hold expires one millisecond late',
    file: PLAN,
    from: 'at < payment.expiresAt)',
    to: 'at <= payment.expiresAt)',
  },
  {
    name: 're-plans win whatever version they saw',
    file: PLAN,
    from: "if (payment.version !== version) return refuse('PLAN_CHANGED', payment.id);\n  if (payment.legs",
    to: 'if (payment.legs',
  },
  {
    name: 'freezes win whatever version they saw',
    file: PLAN,
    from: "if (payment.version !== version) return refuse('PLAN_CHANGED', payment.id);\n  const legs",
    to: 'const legs',
  },
  {
    name: 'what a bank run has taken up can be funded anew',
    file: PLAN,
    from: "if (payment.legs.some(({ state }) => state === 'FROZEN')) return refuse('PLAN_FROZEN', payment.id);",
    to: '',
  },
  {
    name: 'fees are rounded up',
    file: PLAN,
    from: 'BigInt(payment.fee.basisPoints)) / 10_000n',
    to: 'BigInt(payment.fee.basisPoints) + 9_999n) / 10_000n',
  },
  {
    name: 'a second dispute follows a lost one',
    file: PLAN,
    from: "if (payment.disputed > 0n || !mayMove(payment.state, 'DISPUTED'))",
    to: "if (!mayMove(payment.state, 'DISPUTED'))",
  },
  {
    name: 'another hub may refund',
    file: PLAN,
    from: '(refund.hubId !== null && payment.hubId !== refund.hubId)',
    to: '(refund.hubId !== null && payment.id === refund.hubId)',
  },
  {
    name: 'money is given back to the first leg first',
    file: FUNDING,
    from: 'const after = legs.toReversed().map((leg) => {',
    to: 'const after = [...legs].map((leg) => {',
  },
  {
    name: 'a frozen leg gets its refund at the bank account it is collected for',
    file: FUNDING,
    from: "account: leg.state === 'FROZEN' ? wallet : leg.account",
    to: 'account: leg.account',
  },
  { name: 'caps are ignored', file: FUNDING, from: '[rest, option.cap, there(option.account)]', to: '[rest, there(option.account)]' },
  {
    name: 'a repeat with another amount is taken for the same request',
    file: 'server/commands.ts',
    from: 'funding: undefined, fee: undefined }',
    to: 'funding: undefined, fee: undefined, amount: 0n }',
  },
  {
    name: 'within a group, a repeat is done again',
    file: 'server/draft.ts',
    from: 'return this.#places.get(`${request} ${toHex(digest)}`) ?? this.view.receipt(request, digest);',
    to: 'return this.view.receipt(request, digest);',
  },
  {
    name: 'a closing shares its group, so that transfers straddle it',
    file: 'server/accounts/engine.ts',
    from: "const alone = command.do === 'close-window';",
    to: 'const alone = false;',
  },
];

const IN_THE_ENGINES: readonly InOnePlace[] = [
  {
    name: 'eviction drops balances that were not written',
    file: CACHE,
    from: '(number) => !this.#stale.has(blockOf(number))',
    to: '() => true',
  },
  { name: 'a moved account is not noted as unwritten', file: CACHE, from: '    this.#stale.add(blockOf(held.number));\n', to: '' },
  {
    name: 'a block is written without what it had of accounts that memory let go',
    file: CACHE,
    from: 'new BalanceBlock(this.#sql.block.get(block) as Uint8Array | undefined)',
    to: 'new BalanceBlock(undefined)',
  },
  {
    name: 'a block is written without what it had of accounts that memory let go',
    file: CACHE,
    from: 'new BalanceBlock(this.#sql.block.get(block) as Uint8Array | undefined)',
    to: 'new BalanceBlock(undefined)',
  },
  {
    name: 'the tail plays a batch again that the row has already',
    file: REPLAY,
    from: 'if (number > debit.asOf)',
    to: 'if (number >= debit.asOf)',
  },
  {
    name: 'the tail does not free what was promised',
    file: REPLAY,
    from: 'return add(row.amount, -promised);',
    to: 'return add(row.amount, 0n);',
  },
  {
    name: 'the snapshot is dated after what it wrote',
    file: CACHE,
    from: 'this.#sql.putBlock.run(block, batch, row.bytes);',
    to: 'this.#sql.putBlock.run(block, batch - 1, row.bytes);',
  },
  {
    name: 'holds keep the state they began with',
    file: 'server/accounts/sqlite/store-group.ts',
    from: 'ON CONFLICT (id) DO UPDATE SET state = excluded.state`,\n    ),\n    setChain',
    to: 'ON CONFLICT (id) DO NOTHING`,\n    ),\n    setChain',
  },
  {
    name: 'what a seller is owed at a closing counts held money',
    file: 'server/accounts/sqlite/store-group.ts',
    from: 'creditsPosted - debitsPosted - debitsPending;',
    to: 'creditsPosted - debitsPosted;',
  },
];

export const PLANTED: readonly PlantedBug[] = [
  ...[...IN_THE_CORE, ...IN_PAYMENTS].map((bug) => ({ ...bug, where: 'core' }) as const),
  ...IN_THE_ENGINES.map((bug) => ({ ...bug, where: 'engines' }) as const),
];
