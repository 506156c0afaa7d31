// What the routes work with. The composition root makes it.
import type { Queue } from '../jobs/queue.ts'
import type { GraphClient, GraphClientOptions } from '../graph/client.ts'
import type { Engine } from '../sync/engine.ts'
import type { HomeRealms } from '../signin/home-realms.ts'
import type { MicrosoftParts } from '../signin/microsoft.ts'
import type { Oidc } from '../signin/oidc-exchange.ts'
import type { Actions } from './actions.ts'
import type { Flood } from './flood.ts'
import type { CardLookUps } from '../signin/card-look-ups.ts'
import type { TerminalMemory } from '../signin/terminal-memory.ts'
import type { KeptFigures } from './kept-figures.ts'
import type { PasswordGate } from './password-gate.ts'
import type { ProxyWatch } from './proxy-watch.ts'
import type { RunFeeds } from './run-feed.ts'

/** What it takes to read a tenant. */
export type GraphAccess = Pick<
  GraphClientOptions,
  'tenantId' | 'clientId' | 'authorityUrl' | 'graphUrl' | 'credentials'
>

/** What this server was started with, as it may be shown: secrets are not among it. */
export interface Installation {
  readonly settings: readonly {
    readonly name: string
    readonly env: string
    readonly description: string
    readonly value: string
    readonly isDefault: boolean
  }[]
  /** `embedded`, or where the server is, without user and password. */
  readonly database: string
  readonly startedAt: Date
  readonly alertSilenceHours: number
}

export interface HttpParts {
  readonly engine: Engine
  /** What the command line can do too. */
  readonly actions: Actions
  readonly version: string
  /** A client for a connection that is not saved; the caller stops it. @throws ConfigError for roots that cannot be used */
  readonly openGraphWith: (access: GraphAccess) => GraphClient
  /** Delivers what is asked for to whichever server does it. */
  readonly queue: Pick<Queue, 'send' | 'wake'>
  readonly feeds: RunFeeds
  /** What this process has not written down yet of who was identified where. */
  readonly terminals: TerminalMemory
  /** Looks up the cards that terminals show. */
  readonly cards: CardLookUps
  /** How many Microsoft passwords terminals may ask. */
  readonly passwords: PasswordGate
  /** How many PINs people may draw themselves. */
  readonly ownPins: Flood
  readonly installation: Installation
  readonly figures: KeptFigures
  /** What signing in with Microsoft keeps in this process. */
  readonly microsoft: { readonly oidc: Oidc; readonly realms: HomeRealms }
  /** MUSTER_PUBLIC_URL. */
  readonly publicUrl: string | undefined
  readonly proxies: ProxyWatch
  /** Throws where the key of this process is not the one that the database was filled with. */
  readonly checkKey?: () => Promise<void>
}

/** For the functions of `signin/microsoft.ts`. */
export function microsoftParts({ engine, microsoft }: HttpParts): MicrosoftParts {
  return { ...engine, ...microsoft, openGraph: (connection) => engine.openGraph(connection) }
}
