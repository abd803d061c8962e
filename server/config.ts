import { type Static, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { isValidBIC, isValidIBAN } from 'ibantools';
import { ok, refuse, type Result } from '#protocol/errors.ts';

/** Configuration of a carrier server: a closed set of keys. An unknown or wrong one is named, never ignored. */
export const ServerConfig = Type.Object(
  {
    /** Folder of the account database, keys and bank files. */
    data: Type.String({ minLength: 1 }),
    /** `postgres://user:password@host/database`, several members of one cluster separated by commas. Left out: SQLite in `data`. */
    database: Type.Optional(Type.String({ pattern: '^postgres(ql)?://' })),
    host: Type.String({ minLength: 1, default: '127.0.0.1' }),
    /** 0 takes any free port. */
    port: Type.Integer({ minimum: 0, maximum: 65_535 }),
    /** PEM files; both or none. Without them the server speaks plain HTTP and belongs behind a proxy or on loopback. */
    tlsCertificate: Type.Optional(Type.String()),
    tlsKey: Type.Optional(Type.String()),
    /** Address under which buyers' phones reach this carrier, such as https://pay.example. Left out: its own, with the name localhost. */
    publicUrl: Type.Optional(Type.String({ pattern: '^https?://[A-Za-z0-9.-]+(:[0-9]+)?$' })),
    /** The carrier's own account, from which sellers are paid. */
    carrierName: Type.String({ minLength: 1, maxLength: 70 }),
    carrierIban: Type.String({ maxLength: 34 }),
    carrierBic: Type.String({ maxLength: 11 }),
    /** Folder with the ISO 20022 schemas; when given, every bank file is checked against them before it leaves. */
    schemas: Type.Optional(Type.String()),
    /** Where the master keys of cards are: `file:PATH` or `pkcs11:LIBRARY`. Left out: this carrier takes no cards (class C). */
    cardKeystore: Type.Optional(Type.String({ pattern: '^(file|pkcs11):.+$' })),
    /** Label of the PKCS#11 token. */
    cardToken: Type.Optional(Type.String({ minLength: 1 })),
    /** Holds its passphrase or PIN. Left out: the environment variable HANDOVER_CARD_KEYS_SECRET does. */
    cardSecretFile: Type.Optional(Type.String({ minLength: 1 })),
    logLevel: Type.Union([
      Type.Literal('silent'),
      Type.Literal('error'),
      Type.Literal('warn'),
      Type.Literal('info'),
      Type.Literal('debug'),
    ]),
  },
  { additionalProperties: false },
);
export type ServerConfig = Static<typeof ServerConfig>;

export const DEFAULTS: Omit<ServerConfig, 'data'> = {
  host: '127.0.0.1',
  port: 7100,
  carrierName: 'Handover Carrier',
  carrierIban: 'NL91ABNA0417164300',
  carrierBic: 'ABNANL2A',
  logLevel: 'info',
};

const shape = Compile(ServerConfig);

/** Completes and checks a configuration. Refusal: CONFIG_BAD with the key and what is wrong with it. */
export function readConfig(input: Readonly<Record<string, unknown>>): Result<ServerConfig> {
  const known = Object.keys(ServerConfig.properties);
  const stranger = Object.keys(input).find((key) => !known.includes(key));
  if (stranger) return refuse('CONFIG_BAD', `"${stranger}" is not a key; known keys: ${known.join(', ')}`);
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const config: unknown = { ...DEFAULTS, ...given };
  if (!shape.Check(config)) {
    const first = shape.Errors(config)[0];
    return refuse('CONFIG_BAD', `"${(first?.instancePath ?? '').slice(1)}" ${first?.message ?? 'is wrong'}`);
  }
  if ((config.tlsCertificate === undefined) !== (config.tlsKey === undefined)) {
    return refuse('CONFIG_BAD', '"tlsCertificate" and "tlsKey" go together');
  }
  if (config.cardKeystore === undefined && (config.cardToken ?? config.cardSecretFile) !== undefined) {
    return refuse('CONFIG_BAD', '"cardToken" and "cardSecretFile" belong to "cardKeystore"');
  }
  if (!isValidIBAN(config.carrierIban)) return refuse('CONFIG_BAD', '"carrierIban" is not a valid IBAN');
  if (!isValidBIC(config.carrierBic)) return refuse('CONFIG_BAD', '"carrierBic" is not a valid BIC');
  return ok(config);
}
