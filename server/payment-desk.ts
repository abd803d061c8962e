/** Payments that the carrier makes itself: looks up who and from where, and hands the order to the ledger. */
import { ok, refuse, type Result } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { Receipt } from '#protocol/receipt.ts';
import type { LedgerEngine } from './accounts/engine.ts';
import type { PaymentCommand } from './commands.ts';
import type { HoldOrder, PaymentActs, ReplanOrder } from './console/payment-routes.ts';
import { fundingAccount } from './people.ts';
import type { PayRequest } from './primary-payment/plan.ts';
import type { FundingOption } from './records.ts';
import type { Directory } from './store/directory.ts';
import type { Registry } from './store/registry.ts';

/** Stands for the hub in payments that no hub has part in: a well-formed id that no clock and no chance makes. */
export const CARRIER_HUB = '00000000-0000-7000-8000-000000000000' as Id;

export interface DeskParts {
  readonly registry: Registry;
  readonly directory: Pick<Directory, 'sellers' | 'funding'>;
  readonly ledger: Pick<LedgerEngine, 'run' | 'payment'>;
  readonly onReceipt: (receipt: Receipt) => void;
}

export function paymentDesk(parts: DeskParts): PaymentActs {
  return {
    payment: async (id) => {
      const payment = await parts.ledger.payment(id);
      return payment ? ok(payment) : refuse('PAYMENT_UNKNOWN', id);
    },
    hold: async (order) => {
      const request = await payRequest(parts, order);
      return request.ok ? run(parts, { do: 'hold', ...request.value, expiresAt: order.expiresAt }) : request;
    },
    replan: ({ id, payment, version, choices }: ReplanOrder) => {
      const account = (source: FundingOption['source']): Id => fundingAccount(payment.buyerAccount, source);
      const funding = choices.map(({ source, cap }) => ({ source, account: account(source), cap }));
      return run(parts, { do: 'replan', id, payment: payment.id, version, funding });
    },
    run: (command) => run(parts, command),
  };
}

async function run(parts: DeskParts, command: PaymentCommand): Promise<Result<Receipt>> {
  const answer = await parts.ledger.run(command);
  if (answer.ok) parts.onReceipt(answer.value);
  return answer;
}

async function payRequest({ registry, directory }: DeskParts, order: HoldOrder): Promise<Result<PayRequest>> {
  const { id, buyerId, sellerId, amount, currency } = order;
  const buyer = await registry.selectFrom('buyer').select(['account', 'currency']).where('id', '=', buyerId).executeTakeFirst();
  if (!buyer) return refuse('NOT_FOUND', buyerId);
  const seller = (await directory.sellers([sellerId])).get(sellerId);
  if (!seller) return refuse('SELLER_UNKNOWN', sellerId);
  if (buyer.currency !== currency || seller.currency !== currency) return refuse('BAD_CURRENCY');
  const hub = order.hubId && (await registry.selectFrom('hub').select('id').where('id', '=', order.hubId).executeTakeFirst());
  if (order.hubId && !hub) return refuse('NOT_FOUND', order.hubId);
  return ok({
    id,
    amount,
    currency,
    buyerAccount: buyer.account,
    sellerAccount: seller.account,
    sellerId,
    hubId: order.hubId ?? CARRIER_HUB,
    funding: await directory.funding(buyerId),
    fee: seller.fee,
  });
}
