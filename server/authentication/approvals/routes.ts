import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Static, TObject } from 'typebox';
import { CarrierSigned, SignedText } from '#protocol/envelope.ts';
import type { Refusal, Result } from '#protocol/errors.ts';
import {
  ApprovalAnswer,
  ApprovalBody,
  PasskeyAnswer,
  PasskeyBody,
  PasskeyOptionsAnswer,
  PasskeyOptionsBody,
  RequestAnswer,
  RequestBody,
  WALLET_ROUTES,
} from '#protocol/wallet-routes.ts';
import { type ApprovalParts, approve, readRequest } from './approve.ts';
import { answerHub } from './hub-approval.ts';
import { passkeyOptions, registerPasskey } from './passkeys.ts';

/** Routes of the buyer's own phone, and the hub's question about it. */
export function approvalRoutes(
  host: unknown,
  parts: ApprovalParts,
  problem: (reply: FastifyReply, refusal: Refusal) => FastifyReply,
): void {
  const app = host as FastifyInstance;
  const post = <B extends TObject>(
    url: string,
    schema: { summary: string; body: B; answer: TObject },
    run: (body: Static<B>) => Promise<Result<unknown>>,
  ): void => {
    const { summary, body, answer } = schema;
    app.post(url, { schema: { summary, body, response: { 200: answer } } }, async (request, reply) => {
      const result = await run(request.body as Static<B>);
      return result.ok ? result.value : problem(reply, result);
    });
  };
  post(WALLET_ROUTES.request, { summary: 'What a counter asks for', body: RequestBody, answer: RequestAnswer }, ({ link }) =>
    readRequest(parts, link),
  );
  post(
    WALLET_ROUTES.passkeyOptions,
    { summary: 'Begin to register a passkey', body: PasskeyOptionsBody, answer: PasskeyOptionsAnswer },
    ({ code }) => passkeyOptions(parts, code),
  );
  post(WALLET_ROUTES.passkeys, { summary: 'Register a passkey', body: PasskeyBody, answer: PasskeyAnswer }, (body) =>
    registerPasskey(parts, body),
  );
  post(WALLET_ROUTES.approvals, { summary: 'Approve a counter’s request', body: ApprovalBody, answer: ApprovalAnswer }, (body) =>
    approve(parts, body),
  );
  post(
    WALLET_ROUTES.hubApproval,
    { summary: 'A hub asks whether a request was approved', body: SignedText, answer: CarrierSigned },
    (body) => answerHub(parts, body),
  );
}
