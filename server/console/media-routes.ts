/** Media that identify and prove nothing, and their PINs. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { Result } from '#protocol/errors.ts';
import { type Id, IdText } from '#protocol/ids.ts';
import { MEDIUM_ROUTES, MediumAnswer, MediumBody, PinAnswer, PinBody } from '#protocol/medium-routes.ts';
import { type Door, operatorRoute } from './operator-route.ts';

/** What is asked of the composition. */
export interface MediumActs {
  readonly register: (buyerId: Id, body: MediumBody) => Promise<Result<MediumAnswer>>;
  readonly setPin: (credentialId: Id, body: PinBody) => Promise<Result<PinAnswer>>;
}

export function mediaRoutes(host: unknown, door: Door, acts: MediumActs): void {
  const route = operatorRoute(host as FastifyInstance, door);
  route(
    'POST',
    MEDIUM_ROUTES.operatorMedia,
    {
      summary: 'Register a buyer’s card, badge or stripe by its number',
      body: MediumBody,
      params: Type.Object({ buyerId: IdText }),
      answer: MediumAnswer,
    },
    (body, params) => acts.register(params.buyerId as Id, body),
  );
  route(
    'POST',
    MEDIUM_ROUTES.operatorPin,
    {
      summary: 'Set or replace its PIN, and lift a block',
      body: PinBody,
      params: Type.Object({ credentialId: IdText }),
      answer: PinAnswer,
    },
    (body, params) => acts.setPin(params.credentialId as Id, body),
  );
}
