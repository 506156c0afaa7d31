// A server: answers over HTTP, takes jobs from the queue, fires schedules, does what has to be done regularly. Any number of them
// share one database.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { CancelledError } from './base/errors.ts'
import { type ProcessIdentity, thisProcess } from './base/process.ts'
import { type Config, showSettings } from './config.ts'
import type { Actions } from './http/actions.ts'
import { type CountedRun, Metrics } from './http/metrics.ts'
import type { HttpParts } from './http/parts.ts'
import { ProxyWatch } from './http/proxy-watch.ts'
import { RunFeeds } from './http/run-feed.ts'
import { createServer } from './http/server.ts'
import { Queue } from './jobs/queue.ts'
import { Repeated, type RepeatedWork } from './jobs/repeated.ts'
import { listOpenJobs, removeOldJobs, type StoredJob } from './registry/jobs.ts'
import { Flood, OWN_PIN_LIMIT } from './http/flood.ts'
import { KeptFigures } from './http/kept-figures.ts'
import { PasswordGate } from './http/password-gate.ts'
import { notePeopleToday } from './registry/overview.ts'
import { removeOldHistory } from './registry/retention.ts'
import { forgetServer, noteServer } from './registry/servers.ts'
import { takeTurn } from './registry/turns.ts'
import { CardLookUps } from './signin/card-look-ups.ts'
import { issueSetupCode } from './signin/codes.ts'
import { issueAdministratorCode, localUrl, setupLink, signInLink, terminalLink } from './signin/console.ts'
import { HomeRealms } from './signin/home-realms.ts'
import type { Oidc } from './signin/oidc-exchange.ts'
import { setUpShowcase, type Showcase } from './signin/showcase.ts'
import { TerminalMemory } from './signin/terminal-memory.ts'
import { removeEnded, removeSoon, requireStillAllowed } from './signin/upkeep.ts'
import type { Engine } from './sync/engine.ts'
import { doJob } from './sync/job.ts'
import { readExpiries } from './sync/read-expiry.ts'
import { fireDue } from './sync/scheduling.ts'

/** Runs at once in one server; each may take a few hundred megabytes. */
const RUNS_AT_ONCE = 4
/** From the signal to the end; what has not ended by then is given to another server. */
const STOP_MS = 9_000
const SECOND_MS = 1_000
const HOUR_MS = 3_600_000
/** Jobs that are over are kept so long, for whoever asks what became of them. */
const JOB_DAYS = 30
const DEMO = { kind: 'command line', name: 'demo' } as const
/** Open jobs looked after at once. */
const MOST_OPEN = 1_000

export interface Serving {
  /** e.g. http://127.0.0.1:8080 */
  readonly url: string
  /** Makes the first administrator, where there is none; or signs in the one that was asked for. Works once, for 30 minutes. */
  readonly link: string | undefined
  /** Opens the terminal page with the token of the showcase's terminal. */
  readonly terminalLink: string | undefined
  /** Takes no more work, ends what is going on at its next page, and gives back its jobs; within 10 s. */
  stop(): Promise<void>
}

export interface ServeOptions {
  /** Signs in an administrator of this name by a link, making him where there is none. For the demo, whose console is its owner. */
  readonly administrator?: string | undefined
  /** What is there to be tried at once. For the demo. */
  readonly showcase?: Showcase | undefined
}

/**
 * Starts everything, then listens.
 *
 * @throws ConfigError where it cannot listen
 */
export async function startServing(
  engine: Engine,
  options: Pick<HttpParts, 'actions' | 'version' | 'openGraphWith' | 'checkKey'> & {
    readonly config: Config
    /** Learns which version of the key is in use now. */
    readonly refreshKeys: () => Promise<void>
    readonly oidc: Oidc
  } & ServeOptions,
): Promise<Serving> {
  const { actions, config, oidc, version, openGraphWith, checkKey } = options
  const { db, clock, log } = engine
  const queue = new Queue(db, { log, clock })
  await queue.start()
  const metrics = new Metrics()
  const feeds = new RunFeeds({ db, clock, present: async (run) => (await actions.getRun(run)).line })
  const installation = {
    settings: showSettings(config),
    database: config.databaseUrl === undefined ? 'embedded' : serverOf(config.databaseUrl.reveal()),
    startedAt: clock.now(),
    alertSilenceHours: config.alertSilenceHours,
  }
  const terminals = new TerminalMemory()
  const parts: HttpParts = {
    engine,
    terminals,
    cards: new CardLookUps(engine),
    passwords: new PasswordGate(clock),
    ownPins: new Flood(clock, OWN_PIN_LIMIT),
    actions,
    version,
    openGraphWith,
    queue,
    feeds,
    installation,
    figures: new KeptFigures(db, clock),
    microsoft: { oidc, realms: new HomeRealms(engine) },
    publicUrl: config.publicUrl,
    proxies: new ProxyWatch(config, log),
    ...(checkKey === undefined ? {} : { checkKey }),
  }
  const server = await createServer(parts, {
    trustedProxies: config.trustedProxies,
    webFolder: join(import.meta.dirname, '../dist/web'),
    metrics,
  })
  const noted = async <T extends CountedRun>(kind: string, running: Promise<T>) => {
    const document = await running
    metrics.noteRun(kind, document)
    return document
  }
  const doing = {
    run: (request: Parameters<Actions['run']>[0]) => noted(request.kind, actions.run(request)),
    approve: (request: Parameters<Actions['approve']>[0]) => noted('approve', actions.approve(request)),
    revert: (request: Parameters<Actions['revert']>[0]) => noted('revert', actions.revert(request)),
    requireStillAllowed: ({ actor, user }: StoredJob) =>
      requireStillAllowed(db, {
        actor,
        role: user === undefined ? 'operator' : 'helpdesk',
        scope: user === undefined ? 'runs' : 'people',
        now: clock.now(),
      }),
  }
  const presence: Presence = { id: randomUUID(), place: thisProcess(), url: config.publicUrl }
  await noteServer(db, presence.id, presence.place)
  const { refreshKeys } = options
  const repeated = upkeepOf({ engine, actions, config, queue, terminals, refreshKeys, presence }).map(
    (work) => new Repeated({ ...work, clock, log }),
  )
  await server.listen({ host: config.listen.host, port: config.listen.port })
  await queue.work((id, signal) => doJob(engine, doing, { id, signal }), { atOnce: RUNS_AT_ONCE })
  const url = urlOf(config.listen.host, server.server.address())
  presence.url ??= url
  await noteServer(db, presence.id, { ...presence.place, url: presence.url })
  for (const work of repeated) work.start()
  return {
    url,
    link: await linkOf(engine, { url, administrator: options.administrator }),
    terminalLink: options.showcase && terminalLink(url, await setUpShowcase(engine, options.showcase, DEMO)),
    async stop() {
      const reason = new CancelledError(
        'the server that ran it was stopped; another one goes on with it',
        'server-stopped',
      )
      await Promise.all([
        server.close(),
        queue.stop({ reason, withinMs: STOP_MS }),
        ...repeated.map((work) => work.stop()),
      ])
      await terminals.flush(db)
      await forgetServer(db, presence.id)
    },
  }
}

interface Presence {
  readonly id: string
  readonly place: ProcessIdentity
  /** Where people reach it; without MUSTER_PUBLIC_URL known once it listens. */
  url: string | undefined
}

function upkeepOf(parts: {
  readonly engine: Engine
  readonly actions: Actions
  readonly config: Config
  readonly queue: Queue
  readonly terminals: TerminalMemory
  readonly refreshKeys: () => Promise<void>
  readonly presence: Presence
}): readonly RepeatedWork[] {
  const { engine, actions, config, queue, terminals, refreshKeys, presence } = parts
  const { db, clock } = engine
  const inTurn = (name: string, everyMs: number, work: RepeatedWork['work']): RepeatedWork => ({
    name,
    pauseMs: Math.min(everyMs, 60 * SECOND_MS),
    work: async (signal) => {
      if (await takeTurn(db, { name, everyMs })) await work(signal)
    },
  })
  return [
    {
      name: 'presence',
      pauseMs: 5 * SECOND_MS,
      // Whole each time: the row may have been lost, e.g. because the database was restored.
      work: () => noteServer(db, presence.id, { ...presence.place, url: presence.url }),
    },
    {
      name: 'schedules',
      pauseMs: 10 * SECOND_MS,
      work: async () => {
        await fireDue({ engine, queue })
      },
    },
    {
      // A delivery that was lost, e.g. because the database was restored.
      name: 'open jobs',
      pauseMs: 15 * SECOND_MS,
      work: async () => {
        for (const id of await listOpenJobs(db, MOST_OPEN)) await queue.send(db, id)
      },
    },
    // Each server writes down its own.
    { name: 'terminals', pauseMs: 10 * SECOND_MS, work: () => terminals.flush(db) },
    // In every server, not in one of them: each has its own copy of the key file in memory.
    { name: 'keys', pauseMs: 30 * SECOND_MS, work: refreshKeys },
    inTurn('people of today', HOUR_MS / 4, () => notePeopleToday(db, clock.now())),
    inTurn('alerts', 15 * SECOND_MS, (signal) => actions.deliverAlerts({ signal })),
    // Each connection once a day; this only looks whether one is due.
    inTurn('ends of credentials', 60 * SECOND_MS, async (signal) => {
      await readExpiries(engine, signal)
    }),
    inTurn('sessions of people', 15 * SECOND_MS, () => removeSoon(db, clock.now())),
    inTurn('history', HOUR_MS, async (signal) => {
      await removeOldHistory(db, { now: clock.now(), historyDays: config.historyDays, signal })
      await removeOldJobs(db, { now: clock.now(), days: JOB_DAYS })
      await removeEnded(db, clock.now())
    }),
  ]
}

/** Host and database of a connection string, without user and password. */
function serverOf(url: string): string {
  if (!URL.canParse(url)) return 'a server'
  const { hostname, pathname } = new URL(url)
  return `${decodeURIComponent(hostname)}${pathname}`
}

async function linkOf(
  engine: Engine,
  { url, administrator }: { readonly url: string; readonly administrator: string | undefined },
): Promise<string | undefined> {
  if (administrator !== undefined) {
    return signInLink(url, await issueAdministratorCode(engine, { name: administrator, actor: DEMO }))
  }
  const code = await issueSetupCode(engine)
  // Until there is an administrator only this machine is answered.
  return code === undefined ? undefined : setupLink(localUrl(url), code)
}

function urlOf(host: string, address: AddressInfo | string | null): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0
  // Every address of the machine: one of them to try it with.
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`
}
