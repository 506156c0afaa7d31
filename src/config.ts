// The one declaration of settings. Environment names, flags and docs/configuration.md come from it.
import { homedir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type ConfigProblem } from './base/errors.ts'
import { Secret } from './base/secret.ts'
import {
  parsePath,
  parseUrl,
  parseUser,
  parseListen,
  parseNetworks,
  parseLogLevel,
  parseSmtpUrl,
  parseAddress,
  parseAddresses,
  parseWebhook,
  parsePublicUrl,
  parseSigningSecret,
  parseHours,
  parseDays,
  LOG_LEVELS,
  Mistake,
  type LogLevel,
} from './base/setting-values.ts'

/** Frozen; handed on in parts, never imported by features. */
export interface Config {
  /** Absolute path of MUSTER_HOME. */
  readonly home: string
  /** A PostgreSQL server; absent means the embedded one. Secret because it may carry a password. */
  readonly databaseUrl: Secret | undefined
  readonly databaseUser: string | undefined
  readonly listen: { readonly host: string; readonly port: number }
  /** Without a slash at its end; undefined: as browsers on this machine see it. */
  readonly publicUrl: string | undefined
  /** Addresses and networks of proxies whose X-Forwarded-* headers are believed. */
  readonly trustedProxies: readonly string[]
  readonly keyFile: string
  readonly logLevel: LogLevel
  /** Secret because it may carry a password. */
  readonly httpsProxy: Secret | undefined
  /** Comma separated, as given. */
  readonly noProxy: string | undefined
  readonly caFile: string | undefined
  /** Where alerts are mailed through. Secret because it may carry a password. */
  readonly smtpUrl: Secret | undefined
  readonly alertFrom: string | undefined
  readonly alertTo: readonly string[] | undefined
  /** Secret because services put their key into the address. */
  readonly alertWebhook: Secret | undefined
  readonly alertWebhookSecret: Secret | undefined
  readonly alertSilenceHours: number
  /** How long the items of applied runs are kept, in days. */
  readonly historyDays: number
}

export type SettingKey = keyof Config

/** How a setting is named and explained. */
export interface Setting<Key extends string = SettingKey> {
  readonly key: Key
  /** Environment names; the first one that is set counts. */
  readonly env: readonly [string, ...string[]]
  /** Command line flag, where there is one. */
  readonly flag?: string
  /** The kind of value, for people. */
  readonly type: string
  /** The default, for people. */
  readonly fallback: string
  readonly description: string
  readonly isSecret?: true
}

export const SETTINGS: readonly Setting[] = [
  {
    key: 'home',
    env: ['MUSTER_HOME'],
    flag: '--home',
    type: 'path',
    fallback: '`.muster` in the home folder of the user',
    description: 'Where Muster keeps its key and, unless a server is named, its database. Made when missing.',
  },
  {
    key: 'databaseUrl',
    env: ['MUSTER_DATABASE_URL'],
    flag: '--database-url',
    type: 'URL postgresql://…',
    fallback: 'the embedded database',
    description: 'A PostgreSQL server (15 or newer, UTF-8) to use instead of the embedded one.',
    isSecret: true,
  },
  {
    key: 'databaseUser',
    env: ['MUSTER_DATABASE_USER'],
    type: 'user name',
    fallback: '`nobody`',
    description:
      'Under root only: the unprivileged user that the embedded PostgreSQL runs as. Other programs of that user can ' +
      'reach the database, so give it one of its own where such programs exist.',
  },
  {
    key: 'listen',
    env: ['MUSTER_LISTEN'],
    flag: '--listen',
    type: 'host:port',
    fallback: '`127.0.0.1:8080`',
    description: 'Where the server listens. An IPv6 address stands in brackets.',
  },
  {
    key: 'publicUrl',
    env: ['MUSTER_PUBLIC_URL'],
    type: 'URL https://…',
    fallback: 'the address in the browser, on loopback only',
    description:
      'Where people reach the server, e.g. `https://muster.contoso.com`. Sign in with Microsoft needs it: the redirect URI to be registered ' +
      'is this with `/signin/microsoft` behind it. Plain http is taken on loopback only, and a number of it (`http://127.0.0.1:8080`) as `localhost`, which Microsoft takes.',
  },
  {
    key: 'trustedProxies',
    env: ['MUSTER_TRUSTED_PROXIES'],
    type: 'comma separated addresses and networks',
    fallback: 'none',
    description:
      'Proxies in front of the server, e.g. `10.0.0.7,fd00::/64`: only from them the client’s address, host and https are taken ' +
      'from X-Forwarded-For, -Host and -Proto. Whatever others send in these headers is not looked at.',
  },
  {
    key: 'keyFile',
    env: ['MUSTER_KEY_FILE'],
    flag: '--key-file',
    type: 'path',
    fallback: '`key` in MUSTER_HOME',
    description:
      'The key that secrets and cards are sealed with. Made at first start, readable by its owner only. Back it up apart ' +
      'from the database: without it sealed values are lost.',
  },
  {
    key: 'logLevel',
    env: ['MUSTER_LOG_LEVEL'],
    flag: '--log-level',
    type: LOG_LEVELS.join(', '),
    fallback: '`info`',
    description: 'The least important messages that are logged, to standard error as JSON lines.',
  },
  {
    key: 'httpsProxy',
    env: ['HTTPS_PROXY', 'https_proxy'],
    type: 'URL http://… or https://…',
    fallback: 'none',
    description: 'The proxy for requests to Microsoft.',
    isSecret: true,
  },
  {
    key: 'noProxy',
    env: ['NO_PROXY', 'no_proxy'],
    type: 'comma separated hosts',
    fallback: 'none',
    description: 'Hosts and domains that are reached without the proxy; `*` means all.',
  },
  {
    key: 'caFile',
    env: ['MUSTER_CA_FILE', 'NODE_EXTRA_CA_CERTS'],
    flag: '--ca-file',
    type: 'path of a PEM file',
    fallback: 'none',
    description: 'Certificate authorities to trust beside the public ones, e.g. that of an inspecting proxy.',
  },
  {
    key: 'smtpUrl',
    env: ['MUSTER_SMTP_URL'],
    type: 'URL smtp://… or smtps://…',
    fallback: 'no mails',
    description:
      'The mail server that alerts are sent through, with user and password where it asks for them. A password is sent over ' +
      'an encrypted line only.',
    isSecret: true,
  },
  {
    key: 'alertFrom',
    env: ['MUSTER_ALERT_FROM'],
    type: 'mail address',
    fallback: 'none; needed with MUSTER_SMTP_URL',
    description: 'The sender of alerts.',
  },
  {
    key: 'alertTo',
    env: ['MUSTER_ALERT_TO'],
    type: 'comma separated mail addresses',
    fallback: 'none; needed with MUSTER_SMTP_URL',
    description: 'Who is mailed alerts.',
  },
  {
    key: 'alertWebhook',
    env: ['MUSTER_ALERT_WEBHOOK'],
    type: 'URL https://…',
    fallback: 'none',
    description:
      'Where alerts are posted to as JSON. Plain http is taken on loopback only, redirects are not followed, link-local ' +
      'addresses are refused.',
    isSecret: true,
  },
  {
    key: 'alertWebhookSecret',
    env: ['MUSTER_ALERT_WEBHOOK_SECRET'],
    type: 'text of 16 characters or more',
    fallback: 'not signed',
    description: 'Signs what is posted, so that the receiver can tell who sent it.',
    isSecret: true,
  },
  {
    key: 'alertSilenceHours',
    env: ['MUSTER_ALERT_SILENCE_HOURS'],
    type: 'whole number from 1 to 8760',
    fallback: '24',
    description: 'An alert is raised for a source that has not brought the registry up to date for so many hours.',
  },
  {
    key: 'historyDays',
    env: ['MUSTER_HISTORY_DAYS'],
    type: 'whole number from 1 to 36500',
    fallback: '365',
    description:
      'For so many days it is kept what a run changed and overwrote; after that the run cannot be taken back any more. ' +
      'Plans that were never applied are kept for 30 days.',
  },
]

/** Of a command that lets a server do its work; `cli/remote.ts` reads them. A token is never a flag: every process could read it. */
export const CLIENT_SETTINGS: readonly Setting<'url' | 'token' | 'tokenFile'>[] = [
  {
    key: 'url',
    env: ['MUSTER_URL'],
    flag: '--url',
    type: 'URL https://…',
    fallback: 'the command does its work itself',
    description:
      'Let this server do the work instead of this process. Plain http is taken on loopback only. `serve`, `demo` and `emulator` are ' +
      'the server themselves; `restore`, `sign-in-link`, `keys rotate` and `keys retire` are for the host of the server.',
  },
  {
    key: 'token',
    env: ['MUSTER_TOKEN'],
    type: 'API token',
    fallback: 'none; needed with MUSTER_URL unless a file is named',
    description:
      'An API token for that server. There is no flag for it, because every process can read the flags of others.',
    isSecret: true,
  },
  {
    key: 'tokenFile',
    env: ['MUSTER_TOKEN_FILE'],
    flag: '--token-file',
    type: 'path',
    fallback: 'none',
    description: 'A file with the API token for that server; it wins over MUSTER_TOKEN.',
  },
]

/** The first makes no sense without the second. */
const NEEDED_TOGETHER: readonly (readonly [SettingKey, SettingKey])[] = [
  ['smtpUrl', 'alertFrom'],
  ['smtpUrl', 'alertTo'],
  ['alertTo', 'smtpUrl'],
  ['alertWebhookSecret', 'alertWebhook'],
]

/** Values by setting, as given in flags; they win over the environment. */
export type Overrides = Partial<Record<SettingKey, string>>

/**
 * Reads all settings. An empty value counts as not given.
 *
 * @param env the process's environment by default
 * @throws ConfigError with every mistake found
 */
export function loadConfig(
  env: Readonly<Record<string, string | undefined>> = process.env,
  overrides: Overrides = {},
): Config {
  const problems: ConfigProblem[] = []
  const read = <T>(key: SettingKey, parse: (text: string) => T): T | undefined => {
    const given = findValue(key, { env, overrides })
    if (given === undefined) return undefined
    try {
      return parse(given.text)
    } catch (error) {
      if (!(error instanceof Mistake)) throw error
      problems.push({ at: given.at, message: error.message })
      return undefined
    }
  }
  const home = read('home', parsePath) ?? join(homedir(), '.muster')
  const config: Config = {
    home,
    databaseUrl: read('databaseUrl', (text) => new Secret(parseUrl(text, ['postgresql:', 'postgres:']))),
    databaseUser: read('databaseUser', parseUser),
    listen: Object.freeze(read('listen', parseListen) ?? { host: '127.0.0.1', port: 8080 }),
    trustedProxies: read('trustedProxies', parseNetworks) ?? Object.freeze([]),
    publicUrl: read('publicUrl', parsePublicUrl),
    keyFile: read('keyFile', parsePath) ?? join(home, 'key'),
    logLevel: read('logLevel', parseLogLevel) ?? 'info',
    httpsProxy: read('httpsProxy', (text) => new Secret(parseUrl(text, ['http:', 'https:']))),
    noProxy: read('noProxy', (text) => text),
    caFile: read('caFile', parsePath),
    smtpUrl: read('smtpUrl', (text) => new Secret(parseSmtpUrl(text))),
    alertFrom: read('alertFrom', parseAddress),
    alertTo: read('alertTo', parseAddresses),
    alertWebhook: read('alertWebhook', (text) => new Secret(parseWebhook(text))),
    alertWebhookSecret: read('alertWebhookSecret', (text) => new Secret(parseSigningSecret(text))),
    alertSilenceHours: read('alertSilenceHours', parseHours) ?? 24,
    historyDays: read('historyDays', parseDays) ?? 365,
  }
  const isGiven = (key: SettingKey) => findValue(key, { env, overrides }) !== undefined
  for (const [key, needed] of NEEDED_TOGETHER) {
    const at = SETTINGS.find((setting) => setting.key === needed)?.env[0] ?? needed
    const of = SETTINGS.find((setting) => setting.key === key)?.env[0] ?? key
    if (isGiven(key) && !isGiven(needed)) problems.push({ at, message: `is needed where ${of} is given` })
  }
  for (const name of Object.keys(env)) {
    const meant = findMisspelt(name)
    if (meant !== undefined) problems.push({ at: name, message: `there is no such setting; did you mean ${meant}?` })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.freeze(config)
}

/**
 * The process's environment, for what a configuration file reads from it by name (`{ env: NAME }`).
 * Settings are read by {@link loadConfig} alone.
 */
export function environment(): Readonly<Record<string, string | undefined>> {
  return process.env
}

/** One setting as administrators are shown it. */
export interface ShownSetting {
  readonly name: string
  readonly env: string
  readonly description: string
  /** Secrets as `set` or `not set`. */
  readonly value: string
  readonly isDefault: boolean
}

/** All settings with their values, in the order of {@link SETTINGS}. Nothing of a secret is in it. */
export function showSettings(config: Config): readonly ShownSetting[] {
  const defaults = loadConfig({})
  return SETTINGS.map(({ key, env, description, isSecret }) => {
    const value = config[key]
    return {
      name: key,
      env: env[0],
      description,
      value: isSecret === true ? (value === undefined ? 'not set' : 'set') : showValue(value),
      isDefault: showValue(value) === showValue(defaults[key]),
    }
  })
}

function showValue(value: Config[SettingKey]): string {
  if (value === undefined) return 'not set'
  if (value instanceof Secret) return 'set'
  if (typeof value === 'object') return 'port' in value ? `${value.host}:${value.port}` : value.map(String).join(', ')
  return String(value)
}

/** docs/configuration.md */
export function presentSettings(): string {
  return [
    '# Configuration',
    '',
    'Settings are given in the environment or as flags; a flag wins, an empty value counts as not given, and all mistakes',
    'are told at once. This page is generated from `src/config.ts` by `npm run generate`.',
    '',
    ...tableOf(SETTINGS),
    '',
    '## Commands on a server',
    '',
    'With an address every command that works on data lets that server do it: [the API](api.md#the-command-line-on-a-server).',
    'Of the settings above only those count then that are read where the command runs, such as `MUSTER_CA_FILE`.',
    '',
    ...tableOf(CLIENT_SETTINGS),
    '',
  ].join('\n')
}

function tableOf(settings: readonly Setting<string>[]): string[] {
  const rows = settings.map((setting) => {
    const names = setting.env.map((name) => `\`${name}\``).join(' or ')
    const flag = setting.flag === undefined ? '' : `\`${setting.flag}\``
    const secret = setting.isSecret ? ' Never printed.' : ''
    return `| ${names} | ${flag} | ${setting.type} | ${setting.fallback} | ${setting.description}${secret} |`
  })
  return ['| environment | flag | value | default | meaning |', '|---|---|---|---|---|', ...rows]
}

function findValue(
  key: SettingKey,
  { env, overrides }: { env: Readonly<Record<string, string | undefined>>; overrides: Overrides },
): { text: string; at: string } | undefined {
  const setting = SETTINGS.find((candidate) => candidate.key === key)
  const flag = overrides[key]
  if (flag !== undefined && flag !== '') return { text: flag, at: setting?.flag ?? key }
  for (const name of setting?.env ?? []) {
    const text = env[name]
    if (text !== undefined && text !== '') return { text, at: name }
  }
  return undefined
}

/** Other names are nobody's mistake: secrets of the configuration file may be called anything. */
function findMisspelt(name: string): string | undefined {
  const names = [...SETTINGS, ...CLIENT_SETTINGS]
    .flatMap(({ env }) => env)
    .filter((known) => known.startsWith('MUSTER_'))
  const letters = (text: string) => text.toUpperCase().replace(/[^A-Z]/g, '')
  return names.includes(name) ? undefined : names.find((known) => letters(known) === letters(name))
}
