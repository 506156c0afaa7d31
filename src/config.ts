// Reads the settings that settings.ts declares, from the environment and flags, and shows them.
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
  Mistake,
  type LogLevel,
} from './base/setting-values.ts'
import { CLIENT_SETTINGS, type SettingKey, SETTINGS } from './settings.ts'

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
