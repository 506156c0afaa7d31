// Where a random history takes place: two emulated tenants, the engine on real PostgreSQL, sources that come and go, and time
// that passes only when somebody waits.
import { randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { sourceSettings, type SourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import type { Database } from '../../src/database/connect.ts'
import { parseTenantId } from '../../src/directory/ids.ts'
import { createRandom } from '../../src/emulator/random.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { Tenant } from '../../src/emulator/tenant.ts'
import { GraphClient } from '../../src/graph/client.ts'
import { configure } from '../../src/registry/configuration.ts'
import type { Engine } from '../../src/sync/engine.ts'
import type { EntraGroup, EntraUser, TenantState } from '../support/model.ts'
import { watchPauses } from '../support/graph.ts'
import { SIGNING, testSealing } from '../support/world.ts'

export type Settings = Omit<SourceSettingsInput, 'connection'>

export interface Stage {
  readonly db: Database
  readonly emulator: Emulator
  readonly tenants: readonly Tenant[]
  readonly engine: Engine
  /** Parsed settings of the sources that there are, by name. */
  readonly sources: ReadonlyMap<string, SourceSettings>
  /** Requests that were sent before their Retry-After had passed. */
  readonly early: readonly string[]
  tenantOf(source: string): Tenant
  /** Tenant ids of the sources by name: what their connections name now. */
  tenantIds(): Readonly<Record<string, string>>
  /** Makes or changes a source; it has the connection with this number, or the one that it had. */
  configure(source: string, settings: Settings, connection?: number): Promise<void>
  /** Gives a source the other connection. */
  connect(source: string): Promise<void>
  /** The connection names the other tenant from now on. */
  lead(connection: number): Promise<void>
  /** Removes a source as `apply --prune` does. */
  removeSource(source: string): Promise<void>
  /** The tenants' time. */
  now(): number
  /** A moment passes in the tenants and for the engine, so that not everything is created at once. */
  tick(): void
  /** Time passes: in the tenants, and in the database by moving everything that is dated into the past. */
  wait(hours: number): Promise<void>
  stop(): Promise<void>
}

/** A request's own deadline never comes by itself: answers here are immediate or fail. */
const DEADLINE_MS = 60_000
const TICK_MS = 60_000

/**
 * Time for Graph: whoever waits moves it. Time for the engine is the same, but its heartbeat is not waited for. It begins
 * now, because the database has a clock too.
 */
function stageClock(): Clock {
  const start = systemClock.now().getTime()
  let nowMs = 0
  return {
    now: () => new Date(start + nowMs),
    monotonicMs: () => nowMs,
    async sleep(ms, signal) {
      if (ms >= DEADLINE_MS && signal !== undefined) {
        await new Promise((_resolve, reject) => {
          if (signal.aborted) reject(signal.reason)
          signal.addEventListener('abort', () => reject(signal.reason), { once: true })
        })
      }
      const until = nowMs + ms
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      signal?.throwIfAborted()
      nowMs = Math.max(nowMs, until)
    },
  }
}

export async function openStage(db: Database, seed: number): Promise<Stage> {
  await emptyTables(db)
  const clock = stageClock()
  const dice = createRandom(seed)
  const random = () => dice.next()
  const emulator = new Emulator({ seed, clock, signingCertificate: SIGNING })
  const hosted: HostedTenant[] = ['Contoso', 'Fabrikam'].map((displayName, n) =>
    emulator.host(
      new Tenant({ tenantId: randomUUID(), displayName, clock: emulator.clock, random: createRandom(seed * 2 + n) }),
    ),
  )
  const early: string[] = []
  let tickedMs = 0
  const engine: Engine = {
    db,
    vault: testSealing,
    clock: {
      now: () => new Date(clock.now().getTime() + tickedMs),
      monotonicMs: () => clock.monotonicMs(),
      sleep: (ms, signal) => systemClock.sleep(ms, signal),
    },
    random,
    log: silentLog,
    openGraph: async (to) =>
      new GraphClient({
        tenantId: to.tenantId,
        clientId: to.clientId,
        credentials: [{ kind: 'secret', secret: hosted.find((h) => h.tenantId === to.tenantId)!.clientSecret }],
        authorityUrl: to.authorityUrl,
        graphUrl: to.graphUrl,
        clock,
        random,
        log: silentLog,
        userAgent: 'muster/test',
        // Pauses are kept by a client; `sync` by hand always runs, so each run has its own.
        fetch: watchPauses(emulator.fetch, { clock: emulator.clock, early }),
      }),
  }
  const sources = new Map<string, SourceSettings>()
  /** By connection. */
  const leads = hosted.map((_, n) => n)
  const connectionOf = (source: string) => Number(sources.get(source)?.connection.replace('tenant-', '') ?? 0)
  const hostedFor = (source: string) => hosted[leads[connectionOf(source)]!]!
  const connections = () =>
    new Map(
      leads.map((tenant, n) => {
        const h = hosted[tenant]!
        return [
          `tenant-${n}`,
          {
            settings: {
              tenantId: parseTenantId(h.tenantId)!,
              clientId: parseTenantId(h.clientId)!,
              cloud: 'custom' as const,
              authorityUrl: emulator.authorityUrl,
              graphUrl: emulator.graphUrl,
              signInWithMicrosoft: false,
              passwordsAtTerminals: false,
            },
            credentials: [],
          },
        ]
      }),
    )
  const put = async () => {
    await configure(db, {
      vault: testSealing,
      wanted: { connections: connections(), sources },
      prune: true,
      dryRun: false,
      clock: systemClock,
      actor: { kind: 'command line', name: 'test' },
    })
  }
  return {
    db,
    emulator,
    tenants: hosted.map((h) => h.tenant),
    engine,
    sources,
    early,
    tenantOf: (source) => hostedFor(source).tenant,
    tenantIds: () => Object.fromEntries([...sources.keys()].map((name) => [name, hostedFor(name).tenantId])),
    async configure(source, settings, connection = connectionOf(source)) {
      sources.set(source, sourceSettings.parse({ connection: `tenant-${connection}`, ...settings }))
      await put()
    },
    async connect(source) {
      sources.set(source, { ...sources.get(source)!, connection: `tenant-${1 - connectionOf(source)}` })
      await put()
    },
    async lead(connection) {
      leads[connection] = 1 - leads[connection]!
      await put()
    },
    async removeSource(source) {
      sources.delete(source)
      await put()
    },
    now: () => emulator.clock.now().getTime(),
    tick() {
      emulator.clock.advance(TICK_MS)
      tickedMs += TICK_MS
    },
    async wait(hours) {
      emulator.clock.advance(hours * 3_600_000)
      await db.query(await agingOf(db, hours))
    },
    stop: () => emulator.stop(),
  }
}

/**
 * Moves everything that is dated into the past, as the owner of all tables may without waking triggers. When links were given
 * is compared with when people were created, which stays.
 */
async function agingOf(db: Database, hours: number): Promise<string> {
  dated ??= db.query<DatedTable>(
    `select table_name as table, array_agg(column_name::text) as columns from information_schema.columns
     where table_schema = 'public' and data_type = 'timestamp with time zone' and table_name not in ('schema_migrations', 'mirror_rounds') group by 1`,
  )
  const moves = (await dated).rows.map(({ table, columns }) => {
    const set = columns.map((column) => `${column} = ${column} - interval '${hours} hours'`)
    return `update ${table} set ${set.join(', ')};`
  })
  return `begin; set local session_replication_role = replica; ${moves.join(' ')} commit`
}

interface DatedTable {
  readonly table: string
  readonly columns: readonly string[]
}
/** The same in every database of these tests. */
let dated: Promise<{ readonly rows: readonly DatedTable[] }> | undefined

/** Rows are few: deleting them is faster than truncating thirty tables. */
async function emptyTables(db: Database): Promise<void> {
  await db.query(`do $$ declare t record; begin
    set local session_replication_role = replica;
    for t in select tablename from pg_tables where schemaname = 'public' and tablename not in ('schema_migrations', 'vault_state', 'look_up_key', 'audit_head') loop
      execute format('delete from %I', t.tablename);
    end loop;
  end $$`)
}

/** A tenant as the model is told of it. */
export function stateOf(tenant: Tenant): TenantState {
  const users = new Map<string, EntraUser>()
  const groups = new Map<string, EntraGroup>()
  for (const no of tenant.numbers('user')) {
    const { id, presence, properties } = tenant.at(no)
    if (presence !== 'gone') users.set(id, { id, isDeleted: presence === 'deleted', attributes: properties })
  }
  for (const group of tenant.live('group')) {
    const members = group.members.map((no) => tenant.at(no).id)
    groups.set(group.id, { id: group.id, attributes: group.properties, members })
  }
  return { tenantId: tenant.id, users, groups }
}
