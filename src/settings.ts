// The one declaration of settings. Environment names, flags and docs/configuration.md come from it.
import { LOG_LEVELS } from './base/setting-values.ts'

/** How a setting is named and explained. */
export interface Setting<Key extends string> {
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

const DECLARED = [
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
    description:
      'The least important messages that are logged, to standard error: as JSON lines, of commands on a terminal as sentences.',
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
] as const satisfies readonly Setting<string>[]

export type SettingKey = (typeof DECLARED)[number]['key']

export const SETTINGS: readonly Setting<SettingKey>[] = DECLARED

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

/** docs/configuration.md */
export function presentSettings(): string {
  return [
    '# Configuration',
    '',
    'Settings are given in the environment or as flags; a flag wins, an empty value counts as not given, and all mistakes',
    'are told at once. This page is generated from `src/settings.ts` by `npm run generate`.',
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
