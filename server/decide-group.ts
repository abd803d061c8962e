import { toBase64Url } from '#protocol/bytes.ts';
import { ok } from '#protocol/errors.ts';
import type { Id } from '#protocol/ids.ts';
import type { Currency } from '#protocol/money.ts';
import { merkleTree, type Receipt, rootSignedBytes } from '#protocol/receipt.ts';
import { signEd25519, type SigningPair } from '#protocol/signing.ts';
import { batchHash, packTransfers } from './accounts/batch-hash.ts';
import type { Decide, LastBatch, SealedBatch, SignedRoot } from './accounts/engine.ts';
import { apply } from './apply.ts';
import type { Draft } from './draft.ts';
import type { Clock } from './ports.ts';

export interface GroupParts {
  readonly clock: Clock;
  readonly signer: SigningPair & { readonly keyId: string };
}

/** Applies a group of commands, links it to the chain of its writer, and signs its answers: many payments, one signature. */
export function decideGroup({ clock, signer }: GroupParts): Decide {
  return (view, commands, last) => {
    const { draft, results } = apply(view, commands, clock.now());
    const number = last.number + 1;
    const { receipts, signed } = signAnswers(draft, number, signer);
    const batch = draft.isEmpty ? undefined : sealBatch(draft, last, signed);
    return { draft, batch, results: results.map((result) => (result.ok ? ok(result.value(receipts)) : result)) };
  };
}

function signAnswers(
  draft: Draft,
  batch: number,
  signer: GroupParts['signer'],
): { receipts: readonly Receipt[]; signed: SignedRoot | undefined } {
  const size = draft.answers.length;
  if (size === 0) return { receipts: [], signed: undefined };
  const tree = merkleTree(draft.answers.map(({ text }) => text));
  const signature = signEd25519(signer.privateKey, rootSignedBytes(batch, size, tree.root));
  const { keyId } = signer;
  const vouched = { keyId, signature: toBase64Url(signature) };
  const receipts = draft.answers.map(({ text }, index): Receipt => ({
    outcome: text,
    batch,
    index,
    size,
    path: tree.pathText(index),
    ...vouched,
  }));
  return { receipts, signed: { root: tree.root, keyId, signature, size } };
}

function sealBatch(draft: Draft, last: LastBatch, signed: SignedRoot | undefined): SealedBatch {
  const { transfers, events } = draft.book;
  const windows = new Map<Currency, Id>();
  for (const { currency } of transfers) {
    if (!windows.has(currency)) windows.set(currency, openWindow(draft, currency));
  }
  const packed = packTransfers(draft.book);
  const content = { number: last.number + 1, previous: last.hash, recordedAt: draft.at, root: signed?.root, windows, packed, events };
  return { ...content, hash: batchHash(content), signed };
}

function openWindow(draft: Draft, currency: Currency): Id {
  const window = draft.openWindow(currency);
  if (!window) throw new Error(`no open window for ${currency}`);
  return window;
}
