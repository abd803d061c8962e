/** Rows as SQLite gives them, and the records they stand for. A value outside its closed list means a damaged or foreign file: throws. */
import { type Id, idBytes, idFromBytes } from '#protocol/ids.ts';
import { type Currency, isCurrency, type Minor } from '#protocol/money.ts';
import {
  type Account,
  ACCOUNT_KINDS,
  ACCOUNT_STATES,
  type Payment,
  PAYMENT_STATES,
  type Pending,
  PENDING_STATES,
  type Transfer,
  TRANSFER_KINDS,
  TRANSFER_MODES,
} from '../../records.ts';
import { legsFromText, legsText } from '../legs-text.ts';
import { readCounters } from './balance-block.ts';

export interface AccountRow {
  number: bigint;
  id: Uint8Array;
  kind: string;
  owner: string | null;
  currency: string;
  state: string;
  credit_limit: bigint | null;
  /** Its own part of its block of balances; null where none was written yet. */
  counters: Uint8Array | null;
  as_of: bigint | null;
}

/** With the ids and the currency of its accounts joined in. */
export interface TransferRow {
  id: Uint8Array;
  debit: Uint8Array;
  credit: Uint8Array;
  amount: bigint;
  currency: string;
  kind: bigint;
  mode: bigint;
  payment: Uint8Array | null;
  pending: Uint8Array | null;
  reference: string | null;
  expires_at: bigint | null;
}

export interface PendingRow {
  id: Uint8Array;
  debit: Uint8Array;
  credit: Uint8Array;
  amount: bigint;
  expires_at: bigint | null;
  state: string;
}

export interface PaymentRow {
  id: Uint8Array;
  state: string;
  version: bigint;
  amount: bigint;
  captured: bigint;
  refunded: bigint;
  disputed: bigint;
  fee_basis_points: bigint | null;
  fee_fixed: bigint | null;
  currency: string;
  buyer: Uint8Array;
  seller: Uint8Array;
  seller_id: string;
  hub: string;
  legs: string;
  expires_at: bigint | null;
}

/** What the rows say of an account, its number in this database, and the batch that its counters are as of. */
export interface WrittenAccount extends Account {
  readonly number: number;
  readonly asOf: number;
}

export function readAccount(row: AccountRow): WrittenAccount {
  return {
    id: idFromBytes(row.id),
    kind: oneOf(ACCOUNT_KINDS, row.kind),
    owner: row.owner,
    currency: currencyOf(row.currency),
    state: oneOf(ACCOUNT_STATES, row.state),
    limit: row.credit_limit,
    ...readCounters(row.counters),
    number: Number(row.number),
    asOf: Number(row.as_of ?? 0),
  };
}

export function readTransfer(row: TransferRow): Transfer {
  const [kind, mode] = [TRANSFER_KINDS[Number(row.kind)], TRANSFER_MODES[Number(row.mode)]];
  if (kind === undefined || mode === undefined) throw new Error(`transfer of unknown kind ${row.kind} or mode ${row.mode}`);
  return {
    id: idFromBytes(row.id),
    debit: idFromBytes(row.debit),
    credit: idFromBytes(row.credit),
    amount: row.amount as Minor,
    currency: currencyOf(row.currency),
    kind,
    mode,
    payment: row.payment && idFromBytes(row.payment),
    pending: row.pending && idFromBytes(row.pending),
    reference: row.reference,
    expiresAt: numberOrNull(row.expires_at),
  };
}

export function readPending(row: PendingRow): Pending {
  return {
    id: idFromBytes(row.id),
    debit: idFromBytes(row.debit),
    credit: idFromBytes(row.credit),
    amount: row.amount as Minor,
    expiresAt: numberOrNull(row.expires_at),
    state: oneOf(PENDING_STATES, row.state),
  };
}

export function readPayment(row: PaymentRow): Payment {
  const { fee_basis_points: basisPoints, fee_fixed: fixed } = row;
  return {
    id: idFromBytes(row.id),
    state: oneOf(PAYMENT_STATES, row.state),
    version: Number(row.version),
    amount: row.amount as Minor,
    captured: row.captured as Minor,
    refunded: row.refunded as Minor,
    disputed: row.disputed as Minor,
    fee: basisPoints === null || fixed === null ? null : { basisPoints: Number(basisPoints), fixed: fixed as Minor },
    currency: currencyOf(row.currency),
    buyerAccount: idFromBytes(row.buyer),
    sellerAccount: idFromBytes(row.seller),
    sellerId: row.seller_id as Id,
    hubId: row.hub as Id,
    legs: legsFromText(row.legs),
    expiresAt: numberOrNull(row.expires_at),
  };
}

/** In the order of the payment table's columns. */
export function paymentValues(payment: Payment): unknown[] {
  const { id, state, version, amount, captured, refunded, disputed, fee, currency, expiresAt } = payment;
  const parties = [idBytes(payment.buyerAccount), idBytes(payment.sellerAccount), payment.sellerId, payment.hubId];
  const fees = [fee?.basisPoints ?? null, fee?.fixed ?? null];
  return [
    idBytes(id),
    state,
    version,
    amount,
    captured,
    refunded,
    disputed,
    ...fees,
    currency,
    ...parties,
    legsText(payment.legs),
    expiresAt,
  ];
}

function oneOf<T extends string>(names: readonly T[], text: string): T {
  const found = names.find((name) => name === text);
  if (found === undefined) throw new Error(`"${text}" is none of ${names.join(', ')}`);
  return found;
}

function currencyOf(text: string): Currency {
  if (!isCurrency(text)) throw new Error(`unknown currency ${text}`);
  return text;
}

function numberOrNull(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
