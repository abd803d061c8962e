import type { CarriedRequest } from '#protocol/carried-request.ts';
import type { ApprovalAnswer } from '#protocol/wallet-routes.ts';
import type { PayTextKey } from '../locales/pay-en.ts';
import type { Stop } from './refusals.ts';

/** A request as the buyer sees it: the terms out of the link, the names from the carrier. */
export interface Asked {
  readonly terms: CarriedRequest['terms'];
  readonly seller: string;
  readonly hub: string;
  /** Until when it can be approved, Unix milliseconds of this phone's own clock. */
  readonly expiresAt: number;
  /** Digest of the terms as this page computed it, base64url: what the passkey signs. */
  readonly challenge: string;
  readonly rpId: string;
}

/** What the page shows; one at a time. */
export type Moment =
  | { readonly at: 'loading' }
  | { readonly at: 'stop'; readonly stop: Stop; readonly asked?: Asked }
  | { readonly at: 'unreached'; readonly offline: boolean }
  | {
      readonly at: 'open';
      readonly asked: Asked;
      readonly registered: boolean;
      readonly busy?: 'signing' | 'sending';
      readonly note?: PayTextKey;
    }
  | { readonly at: 'register'; readonly asked: Asked; readonly busy: boolean; readonly note?: PayTextKey }
  /** Sent, no answer. `body`: the very bytes, to be sent again. */
  | { readonly at: 'unsure'; readonly asked: Asked; readonly body: string; readonly busy: boolean }
  /** Without an answer: the page was opened again afterwards. */
  | { readonly at: 'approved'; readonly asked: Asked; readonly answer?: ApprovalAnswer; readonly busy: boolean; readonly note?: PayTextKey }
  /** `final`: the ledger has decided, and this request can never be approved. */
  | { readonly at: 'refused'; readonly asked: Asked; readonly code: string; readonly final: boolean };
