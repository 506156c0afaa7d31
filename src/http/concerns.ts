// What an administrator should look at now, the worst first, each with what to do. Decided from what the overview has read anyway.
import type { Overview } from '../contract/api/installation.ts'
import type { SourceLine } from '../contract/api/sources.ts'
import type { TerminalEnd } from '../registry/terminal-ends.ts'
import type { Identity } from '../signin/identity.ts'
import type { SilentProxy, UntrustedProxy } from './proxy-watch.ts'

type Concern = Overview['concerns'][number]

const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
/** A credential that ends so soon is urgent. */
const URGENT_DAYS = 7

export interface Facts extends Pick<Overview, 'sources' | 'waiting' | 'expiring' | 'undelivered'> {
  /** Terminals at which somebody was guessing within a day; null: over all of them. */
  readonly guessing: readonly { readonly terminal: string | null; readonly tried: 'card' | 'secret' }[]
  /** Local accounts whose password somebody has who tried codes of their second factor within a day, by name. */
  readonly codesTried: readonly string[]
  /** What schedules and programs asked for and no run came of, within a month. */
  readonly refused: readonly { readonly raisedAt: Date; readonly source: string; readonly reason: string }[]
  /** Terminals whose tokens end within a month or have ended, the soonest first. */
  readonly terminalEnds: readonly TerminalEnd[]
  /** What was made by somebody who may not administer any more. */
  readonly orphans: readonly {
    readonly kind: 'token' | 'terminal'
    readonly name: string
    readonly createdBy: string
  }[]
  /** Whoever forwards requests of https and is not believed. */
  readonly untrustedProxy: UntrustedProxy | undefined
  /** Whoever is believed and does not say that people come by https. */
  readonly silentProxy: SilentProxy | undefined
  readonly now: Date
  /** It was restored or copied, and nobody has taken over. */
  readonly isCopy: boolean
  /** Open issues. */
  readonly issues: number
  /** A source that has not brought the registry up to date for so long is told of. */
  readonly silenceHours: number
}

/** Pages of administrators; what is dealt with there names tokens, terminals, accounts and who made them. */
const FOR_ADMINISTRATORS: ReadonlySet<string | null> = new Set([
  '/settings/administrators',
  '/settings/tokens',
  '/settings/terminals',
])
const OF_INSTALLATION = '/settings/installation'

/** Those that somebody is told. How the installation is everybody is told, though only administrators can do something about it. */
export function concernsFor(identity: Identity, facts: Facts): Concern[] {
  const concerns = concernsOf(facts)
  if (isAdministrator(identity)) return concerns
  return concerns
    .filter(({ at }) => !FOR_ADMINISTRATORS.has(at))
    .map((concern) => (concern.at === OF_INSTALLATION ? { ...concern, at: null } : concern))
}

function isAdministrator(identity: Identity): boolean {
  if (identity.kind === 'token') return identity.scopes.has('administer') && identity.role === 'administrator'
  return (identity.kind === 'account' || identity.kind === 'person') && identity.role === 'administrator'
}

export function concernsOf(facts: Facts): Concern[] {
  const { sources, waiting, expiring, undelivered, guessing, issues } = facts
  const concerns = [
    ...(facts.isCopy ? [COPIED] : []),
    ...sources.flatMap((source) => ofSource(source, facts)),
    ...waiting.map(
      (run): Concern => ({
        level: 'warning',
        code: 'held',
        message: `Run ${run.run} of ${run.source} waits for approval`,
        remedy: 'Review its plan, then approve or reject it. Nothing is changed until then.',
        at: `/runs/${run.run}`,
      }),
    ),
    ...expiring.map(
      ({ connection, kind, days }): Concern => ({
        level: days <= URGENT_DAYS ? 'error' : 'warning',
        code: days < 0 ? 'credential-expired' : 'credential-expiring',
        message:
          days < 0 ? `The ${kind} of ${connection} has ended` : `The ${kind} of ${connection} ends in ${inDays(days)}`,
        remedy:
          'Make a new one in the Entra admin centre and add it to the connection. The one before may stay until then.',
        at: '/settings/connections',
      }),
    ),
    ...guessing.map(
      ({ terminal, tried }): Concern => ({
        level: 'warning',
        code: 'terminal-guessed',
        message: `Somebody was guessing ${tried === 'card' ? 'cards' : 'PINs or passwords'} at ${terminal ?? 'many terminals'} within the last day`,
        remedy:
          'See who stands there, and look into the audit (terminal.identify.refused). If a token may be in other hands, give that terminal a new one.',
        at: '/settings/terminals',
      }),
    ),
    ...facts.codesTried.map(
      (name): Concern => ({
        level: 'error',
        code: 'second-factor-guessed',
        message: `Somebody has the password of ${name} and was trying codes of the second factor within the last day`,
        remedy:
          'If it was not the owner, give the account another password at once. The audit (session.start.refused) tells where it came from.',
        at: '/settings/administrators',
      }),
    ),
    ...ofTerminalEnds(facts),
    ...facts.orphans.map(ofOrphan),
    ...(facts.untrustedProxy === undefined ? [] : [notTrusted(facts.untrustedProxy)]),
    ...(facts.silentProxy === undefined ? [] : [saysHttp(facts.silentProxy)]),
    ...undelivered.map(
      ({ sink, count, problem }): Concern => ({
        level: 'warning',
        code: 'alerts-undelivered',
        message: `${count} ${count === 1 ? 'alert' : 'alerts'} could not be delivered by ${sink}: ${problem}`,
        remedy: 'Check the settings of alerts where this server is started. What waits is tried again.',
        at: OF_INSTALLATION,
      }),
    ),
    ...(issues === 0 ? [] : [openIssues(issues)]),
  ]
  return concerns.toSorted((a, b) => rank(a) - rank(b))
}

const COPIED: Concern = {
  level: 'error',
  code: 'copied',
  message: 'This installation was restored or copied: nothing is synchronized and nobody is alerted',
  remedy:
    'Make sure that the original is stopped, then take over, here or with muster take-over. Previews can be made until then; two that synchronize would disagree.',
  at: OF_INSTALLATION,
}

function ofTerminalEnds({ terminalEnds, now }: Facts): Concern[] {
  const ended = terminalEnds.filter(({ expiresAt }) => expiresAt <= now)
  const ending = terminalEnds.slice(ended.length)
  const [last, first] = [ended.at(-1), ending[0]]
  const common = {
    remedy: 'Give it a new token and put that into the device, or revoke it where it is not needed any more.',
    at: '/settings/terminals',
  }
  const concerns: Concern[] = []
  if (last !== undefined)
    concerns.push({
      level: 'error',
      code: 'terminal-expired',
      message:
        ended.length === 1
          ? `The token of the terminal ${last.name} has ended: it identifies nobody any more`
          : `The tokens of ${ended.length} terminals have ended, that of ${last.name} last: they identify nobody any more`,
      ...common,
    })
  if (first !== undefined) {
    const days = Math.floor((first.expiresAt.getTime() - now.getTime()) / DAY_MS)
    const when = days === 0 ? 'within a day' : `in ${inDays(days)}`
    concerns.push({
      level: days <= URGENT_DAYS ? 'error' : 'warning',
      code: 'terminal-expiring',
      message:
        ending.length === 1
          ? `The token of the terminal ${first.name} ends ${when}`
          : `The tokens of ${ending.length} terminals end soon, that of ${first.name} first, ${when}`,
      ...common,
    })
  }
  return concerns
}

function ofOrphan({ kind, name, createdBy }: Facts['orphans'][number]): Concern {
  if (kind === 'token') {
    return {
      level: 'warning',
      code: 'token-suspended',
      message: `The API token ${name} does nothing any more: ${createdBy}, who made it, may not use this installation now`,
      remedy:
        'Revoke it. Where a program still needs it, make another one, best with a local account that stays. Somebody whose role comes from Entra has to sign in once in 30 days.',
      at: '/settings/tokens',
    }
  }
  return {
    level: 'warning',
    code: 'terminal-without-maker',
    message: `The terminal ${name} was made by ${createdBy}, who may not administer this installation now; it goes on`,
    remedy: 'Who made it may have kept its token. Give it a new one.',
    at: '/settings/terminals',
  }
}

function notTrusted({ address }: UntrustedProxy): Concern {
  const from = address === undefined ? '' : ` Requests that say they were forwarded come from ${address}.`
  return {
    level: 'warning',
    code: 'proxy-not-trusted',
    message: `People reach Muster by https, but the proxy in front of it is not trusted: limits and the audit see one address for everybody.${from}`,
    remedy: `Set MUSTER_TRUSTED_PROXIES of this server to the address of the proxy${address === undefined ? '' : `, ${address} if that is it`}, have the proxy set X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Proto itself, and start the server anew.`,
    at: OF_INSTALLATION,
  }
}

function saysHttp({ address }: SilentProxy): Concern {
  return {
    level: 'warning',
    code: 'proxy-says-http',
    message: `People reach Muster by https, but the proxy at ${address} does not say so: what is opened under another name than that of MUSTER_PUBLIC_URL is taken for http.`,
    remedy:
      'Have the proxy set X-Forwarded-Proto (nginx: proxy_set_header X-Forwarded-Proto $scheme), and load this page anew.',
    at: OF_INSTALLATION,
  }
}

function openIssues(count: number): Concern {
  return {
    level: 'info',
    code: 'issues',
    message: count === 1 ? '1 issue is open' : `${count} issues are open`,
    remedy: 'Each says what could not be done for one person or group, and what helps. The others do not wait for it.',
    at: '/issues',
  }
}

function ofSource(source: SourceLine, facts: Facts): Concern[] {
  const at = '/settings/user-synchronization'
  const lastSuccessAt = new Date(source.health.lastSuccessAt ?? 0)
  const refused = facts.refused.find((one) => one.source === source.name && one.raisedAt > lastSuccessAt)
  const { state, reason, remedy } = source.health
  if (!source.enabled) {
    return [
      {
        level: 'info',
        code: 'disabled',
        message: `${source.name} is disabled: its people stay as they are, whatever changes in Entra`,
        remedy: 'Enable it to go on, or remove it where it is not needed any more; its people stay then too.',
        at,
      },
    ]
  }
  if (state !== 'healthy') {
    return [
      {
        level: state === 'quarantined' ? 'error' : 'warning',
        code: `source-${state}`,
        message: `${source.name} is ${state}: ${reason ?? 'its last run failed'}`,
        remedy: remedy ?? 'Look at its last run.',
        at,
      },
    ]
  }
  if (refused !== undefined) {
    return [
      {
        level: 'error',
        code: 'run-refused',
        message: `No run came of what was asked for of ${source.name}: ${refused.reason}`,
        remedy: 'Synchronize now tries it at once and says what is wrong.',
        at,
      },
    ]
  }
  if (source.awaitsFirstRun) {
    return [
      {
        level: 'warning',
        code: 'never-run',
        message: `${source.name} was never synchronized`,
        remedy:
          'Preview shows what the first synchronization will do. Synchronize now does it; its schedule begins then.',
        at,
      },
    ]
  }
  const since = silenceOf(source, facts)
  if (since === undefined) return []
  const isByHand = source.next === null
  return [
    {
      level: isByHand ? 'info' : 'warning',
      code: 'no-success',
      message: `${source.name} has not brought the registry up to date for ${since}`,
      remedy: isByHand
        ? 'It has no schedule, so it knows nothing of what changed in Entra since. Synchronize now, or give it a schedule.'
        : 'Look at its last runs, and whether a plan waits for approval. Synchronize now tries it at once.',
      at,
    },
  ]
}

/** How long ago a source was last in step with Entra, where that is too long. */
function silenceOf({ health }: SourceLine, { now, silenceHours }: Facts): string | undefined {
  if (health.lastSuccessAt === null) return undefined
  const silentMs = now.getTime() - new Date(health.lastSuccessAt).getTime()
  if (silentMs < silenceHours * HOUR_MS) return undefined
  return silentMs >= 2 * DAY_MS ? inDays(Math.floor(silentMs / DAY_MS)) : `${Math.floor(silentMs / HOUR_MS)} hours`
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`
}

function rank({ level }: Concern): number {
  return ['error', 'warning', 'info'].indexOf(level)
}
