import { type Command, Option } from 'commander';
import { SECRET_VARIABLE } from '../server/authentication/cards/keystore-secret.ts';
import { startServer } from '../server/main.ts';
import { folders } from './folders.ts';
import { makeOutput } from './output.ts';
import { untilStopped } from './until-stopped.ts';

/** `handover server`: a carrier server by itself. */
export function serverCommand(program: Command): void {
  program
    .command('server')
    .description('run the carrier server')
    .option('--data <folder>', 'account database, keys and bank files')
    .addOption(
      new Option('--database <url>', 'postgres://…; several members of one cluster separated by commas. Left out: SQLite').env(
        'HANDOVER_DATABASE',
      ),
    )
    .option('--port <number>', 'port; 0 takes a free one', '7100')
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--public-url <url>', 'what buyers’ phones call this carrier, such as https://pay.example; else the address it listens on')
    .option('--tls-certificate <file>', 'PEM certificate chain')
    .option('--tls-key <file>', 'PEM key')
    .option('--carrier-name <name>', 'name on bank files')
    .option('--carrier-iban <iban>', 'account that pays the sellers')
    .option('--carrier-bic <bic>', 'its bank')
    .option('--schemas <folder>', 'ISO 20022 schemas to check bank files with')
    .option('--card-keystore <place>', 'master keys of cards: file:PATH or pkcs11:LIBRARY; left out: no cards')
    .option('--card-token <label>', 'label of the PKCS#11 token')
    .option('--card-secret-file <file>', `holds its passphrase or PIN; else ${SECRET_VARIABLE}`)
    .option('--log-level <level>', 'silent, error, warn, info or debug', 'warn')
    .option('--json', 'one JSON line when ready')
    .action(async (options: Record<string, string | true | undefined>) => {
      const output = makeOutput(options['json'] === true);
      const { json: _json, data, port, ...rest } = options;
      const server = await startServer({ ...rest, data: folders(data as string | undefined).carrier, port: Number(port) });
      output.result(
        { ready: true, url: server.url, data: server.config.data },
        `Carrier server at ${server.url}\nData in ${server.config.data}\nPress Ctrl-C to end.`,
      );
      await untilStopped([() => server.close()], server.died);
    });
}
