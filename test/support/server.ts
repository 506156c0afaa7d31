// The HTTP server over a world, asked in process as whoever it takes.
import { randomUUID } from 'node:crypto'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/base/clock.ts'
import { loadConfig, showSettings } from '../../src/config.ts'
import type { Role, Scope } from '../../src/contract/api/endpoint.ts'
import { WAYS } from '../../src/contract/api/terminals.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import { Flood, OWN_PIN_LIMIT } from '../../src/http/flood.ts'
import type { HttpParts } from '../../src/http/parts.ts'
import { KeptFigures } from '../../src/http/kept-figures.ts'
import { PasswordGate } from '../../src/http/password-gate.ts'
import { ProxyWatch } from '../../src/http/proxy-watch.ts'
import { RunFeeds } from '../../src/http/run-feed.ts'
import { createServer, type ServerOptions } from '../../src/http/server.ts'
import { openCredentials } from '../../src/registry/connections.ts'
import { CardLookUps } from '../../src/signin/card-look-ups.ts'
import { HomeRealms } from '../../src/signin/home-realms.ts'
import { createOidc, type Oidc } from '../../src/signin/oidc-exchange.ts'
import { createOidcSender } from '../../src/signin/oidc-transport.ts'
import { csrfOf, startSession } from '../../src/signin/sessions.ts'
import { TerminalMemory } from '../../src/signin/terminal-memory.ts'
import { createTerminal, type TerminalSettings } from '../../src/signin/terminals.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { plant, requireNoSecrets } from './secret-shapes.ts'
import type { Engine } from '../../src/sync/engine.ts'

const NO_QUEUE: HttpParts['queue'] = {
  send: () => Promise.reject(new Error('this test has no queue')),
  wake() {},
}

const noGraph: HttpParts['openGraphWith'] = () => {
  throw new Error('this test has no tenant')
}

/** Over the network of this machine, with the credentials of the database. */
function testOidc(engine: Engine): Oidc {
  return createOidc({
    ...engine,
    sender: createOidcSender({ clock: systemClock }),
    userAgent: 'muster/test',
    openCredentials: (connectionId) => openCredentials(engine.db, { connectionId, vault: engine.vault }),
  })
}

/** What answers give on purpose, once, where it is made. */
const GIVEN: readonly (readonly [asked: RegExp, kind: string])[] = [
  [/^POST \/api\/v1\/tokens$/, 'API token'],
  [/^POST \/api\/v1\/terminals(\/\d+\/token)?$/, 'terminal token'],
  [/^POST \/api\/v1\/session\/second-factor$/, 'second factor'],
]

/** Asks as one caller; `body` is sent as JSON. */
export type Ask = (
  method: NonNullable<InjectOptions['method']>,
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<LightMyRequestResponse>

export interface TestServer {
  readonly server: FastifyInstance
  readonly parts: HttpParts
  /** As a signed-in account of this role, made when first asked for; its name is the role's. */
  as(role: Role): Promise<Ask>
  /** As an API token with these scopes. */
  withToken(...scopes: readonly Scope[]): Promise<Ask>
  /** As a terminal: it may everything and is told nothing unless said otherwise. */
  asTerminal(settings?: Partial<TerminalSettings>): Promise<Ask>
  terminalToken(settings?: Partial<TerminalSettings>): Promise<string>
  readonly asNobody: Ask
  stop(): Promise<void>
}

/** What a page of ours sends. */
export const SAME_SITE = { 'sec-fetch-site': 'same-origin', origin: 'http://localhost', host: 'localhost' }

/** `engine` of `aSyncWorld`, or any other. Runs can be asked for where a queue is given. */
export async function aServer(
  engine: Engine,
  options: Partial<ServerOptions> & Partial<Pick<HttpParts, 'queue' | 'openGraphWith' | 'publicUrl'>> = {},
): Promise<TestServer> {
  const config = loadConfig({ MUSTER_HOME: '/nonexistent' })
  const openGraphWith = options.openGraphWith ?? noGraph
  const actions = createApp(engine, { config, close: () => Promise.resolve(), openGraphWith })
  const present = async (run: number) => (await actions.getRun(run)).line
  const parts: HttpParts = {
    engine,
    actions,
    version: '0.0.0-test',
    queue: options.queue ?? NO_QUEUE,
    openGraphWith,
    installation: {
      settings: showSettings(config),
      database: 'embedded',
      startedAt: engine.clock.now(),
      alertSilenceHours: config.alertSilenceHours,
    },
    terminals: new TerminalMemory(),
    cards: new CardLookUps(engine),
    passwords: new PasswordGate(engine.clock),
    ownPins: new Flood(engine.clock, OWN_PIN_LIMIT),
    figures: new KeptFigures(engine.db, engine.clock),
    microsoft: { oidc: testOidc(engine), realms: new HomeRealms(engine) },
    publicUrl: options.publicUrl,
    proxies: new ProxyWatch({ publicUrl: options.publicUrl, trustedProxies: options.trustedProxies ?? [] }, engine.log),
    feeds: new RunFeeds({ db: engine.db, clock: engine.clock, present }),
  }
  const server = await createServer(parts, { trustedProxies: [], ...options })
  const ask =
    (own: Readonly<Record<string, string>>): Ask =>
    async (method, url, body, headers) => {
      const answer = await server.inject({
        method,
        url,
        headers: { ...own, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
        ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
      })
      const asked = `${method} ${url}`
      const given = GIVEN.flatMap(([pattern, kind]) => (pattern.test(asked) ? [kind] : []))
      requireNoSecrets(`the answer to ${asked}`, answer.body, given)
      const [, registration] = /"registration":\{"code":"([\w-]+)"/.exec(answer.body) ?? []
      if (registration !== undefined) plant('code for registering a card', registration)
      return answer
    }
  const terminalToken = async (settings: Partial<TerminalSettings> = {}) =>
    (await createTerminal(engine, { ...aTerminal(), ...settings, days: null }, TEST)).token
  const accounts = new Map<Role, Promise<Ask>>()
  return {
    server,
    parts,
    asNobody: ask(SAME_SITE),
    as(role) {
      const made = accounts.get(role) ?? sessionOf(engine, role).then((token) => ask(sessionHeaders(token)))
      accounts.set(role, made)
      return made
    },
    async withToken(...scopes) {
      const now = engine.clock.now()
      const { token } = await createToken(engine.db, {
        name: scopes.join(' '),
        scopes,
        maker: TEST,
        now,
        expiresAt: null,
      })
      return ask({ authorization: `Bearer ${token}` })
    },
    asTerminal: async (settings) => ask({ authorization: `Bearer ${await terminalToken(settings)}` }),
    terminalToken,
    stop: () => server.close(),
  }
}

const TEST = { kind: 'command line', name: 'test' } as const

/** Settings of a terminal whose name nobody else has. */
function aTerminal(): TerminalSettings {
  return { name: `terminal ${randomUUID()}`, may: WAYS, tells: [], unknownCard: 'refuse', cardTransform: null }
}

/** What a browser with this session sends with everything. */
export function sessionHeaders(token: string): Record<string, string> {
  return { ...SAME_SITE, cookie: `muster-session=${token}`, 'x-muster-csrf': csrfOf(token) }
}

/** Makes an account that nobody can sign in with, and a session of it. */
export async function sessionOf(
  engine: Pick<Engine, 'db' | 'clock'>,
  role: Role,
  name: string = role,
): Promise<string> {
  const now = engine.clock.now()
  return withTransaction(engine.db, async (tx) => {
    const { rows } = await tx.query<{ id: number }>(
      `insert into administrators (name, name_key, role, password, created_at) values ($1, $1, $2, 'none', $3)
       on conflict (name_key) do update set name = excluded.name returning id`,
      [name, role, now],
    )
    const place = { address: '127.0.0.1', userAgent: 'test' }
    const { token } = await startSession(tx, { owner: { administratorId: rows[0]!.id }, now, place })
    plant('session', token)
    return token
  })
}
