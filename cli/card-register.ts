import type { Command } from 'commander';
import { type AlertsAnswer, CARD_ROUTES, type CardAnswer } from '#protocol/card-routes.ts';
import { ROUTES } from '#protocol/routes.ts';
import { type CarrierClient, carrierClient, tokenIn } from './carrier-client.ts';
import { folders } from './folders.ts';
import { makeOutput, table } from './output.ts';

/** Where the carrier is, and in what words it keeps the card. */
export interface RegisterOptions {
  readonly server: string;
  readonly data?: string;
  readonly currency: string;
  readonly name?: string;
}

export interface CardToRegister {
  readonly buyerId: string;
  readonly uid: string;
  readonly keyId: number;
  readonly counter: number;
}

/** For a command that speaks to a running carrier of this machine. */
export function atCarrier(command: Command): Command {
  return command
    .option('--server <url>', 'carrier server', 'http://127.0.0.1:7100')
    .option('--data <folder>', 'data folder of that server, for its operator token');
}

/** Throws HandoverError: CARRIER_UNREACHABLE, OPERATOR_TOKEN_REFUSED, and those of the carrier. */
export function registerCard(options: RegisterOptions, card: CardToRegister): Promise<CardAnswer> {
  const { buyerId, uid, keyId, counter } = card;
  const { currency, name } = options;
  const body = { uid: uid.toUpperCase(), keyId, counter, currency, ...(name !== undefined && { name }) };
  return client(options).post<CardAnswer>(CARD_ROUTES.operatorCards.replace(':buyerId', buyerId), body);
}

/** `handover card register` and `handover card alerts`. */
export function registerCommands(card: Command): void {
  const registering = card.command('register <uid>').description('make a personalised card a buyer’s, as "card personalise" told it');
  atCarrier(registering)
    .requiredOption('--buyer <id>', 'whose it is')
    .requiredOption('--key <id>', 'master key that it was personalised under')
    .requiredOption('--counter <number>', 'taps up to there are used')
    .option('--currency <code>', 'of the buyer', 'EUR')
    .option('--name <name>', 'what operators call it')
    .option('--json', 'for machines')
    .action(async (uid: string, options: RegisterOptions & { buyer: string; key: string; counter: string; json?: true }) => {
      const { buyer: buyerId, key, counter, json } = options;
      const done = await registerCard(options, { buyerId, uid, keyId: Number(key), counter: Number(counter) });
      makeOutput(json === true).result(done, registeredText(done));
    });
  atCarrier(card.command('alerts').description('what cards did that a person should look at, newest first'))
    .option('--json', 'for machines')
    .action(async (options: { server: string; data?: string; json?: true }) => {
      const { alerts } = await client(options).get<AlertsAnswer>(CARD_ROUTES.operatorAlerts);
      const rows = alerts.map((one) => [
        new Date(one.raisedAt).toISOString(),
        one.kind,
        `credential ${one.credentialId}`,
        `tap ${one.tap}`,
        `request ${one.requestId}`,
        one.firstRequestId === undefined ? '' : `first shown for ${one.firstRequestId}`,
      ]);
      makeOutput(options.json === true).result({ alerts }, rows.length === 0 ? 'Nothing.' : table(rows));
    });
}

export function registeredText({ credentialId }: CardAnswer): string {
  const route = ROUTES.operatorCredentialState.replace(':credentialId', credentialId);
  return `Registered as credential ${credentialId}. Lost or found: POST ${route}`;
}

function client({ server, data }: { readonly server: string; readonly data?: string }): CarrierClient {
  return carrierClient(server, tokenIn(folders(data).carrier));
}
