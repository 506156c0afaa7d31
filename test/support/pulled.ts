// A source that is really pulled from an emulated tenant into a real database, and what its mirror then should be.
import { silentLog } from '../../src/base/log.ts'
import { sourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import type { Database } from '../../src/database/connect.ts'
import { parseTenantId } from '../../src/directory/ids.ts'
import type { EmulatorOptions } from '../../src/emulator/server.ts'
import type { DirectoryObject } from '../../src/emulator/object.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import { GraphClient } from '../../src/graph/client.ts'
import { openSecrets, sealContext } from '../../src/mirror/rows.ts'
import { type Needs, needsOf } from '../../src/sync/map/needs.ts'
import { pull, type PullEnv, type PullProgress, type PullResult } from '../../src/sync/pull.ts'
import type { Vault } from '../../src/vault/keys.ts'
import { clientOptions, emulatedWorld, type World } from './graph.ts'

/** Everything live: attributes without nulls and empty lists, secret ones opened, and who is in which group. */
export interface Picture {
  readonly users: Readonly<Record<string, unknown>>
  readonly groups: Readonly<Record<string, unknown>>
  /** `group > member`, sorted. */
  readonly members: readonly string[]
  readonly nesting: readonly string[]
}

export interface PullOptions {
  readonly mode?: 'auto' | 'full'
  readonly signal?: AbortSignal
  readonly fetch?: typeof fetch
  readonly onProgress?: (progress: PullProgress) => void
  readonly env?: Partial<PullEnv>
  /** What the connection says, where it is wrong. */
  readonly tenantId?: string
}

/** So that tests need no tenant of 20,000 to see its users read in parallel. */
const LIMITS = { plainUpTo: 2000 }

export interface PulledSource {
  readonly world: World
  readonly tenant: Tenant
  readonly id: number
  readonly needs: Needs
  set(settings: Omit<SourceSettingsInput, 'connection'>): void
  /** Takes the source over with a new fence, as a run does, and pulls. */
  pull(options?: PullOptions): Promise<PullResult>
  /** A second source of the same tenant that has read nothing. */
  sibling(): Promise<PulledSource>
  mirror(): Promise<Picture>
  /** State letter of an object; undefined when the mirror has no row. */
  state(objectId: string): Promise<string | undefined>
  /** Object ids that are marked. */
  marks(): Promise<readonly string[]>
  /** Marked memberships as `group > member`, sorted. */
  memberMarks(): Promise<readonly string[]>
  /** As if a plan for everything had been applied. */
  forgetMarks(): Promise<void>
  query<Row extends object>(sql: string, params?: readonly unknown[]): Promise<readonly Row[]>
  [Symbol.asyncDispose](): Promise<void>
}

export interface PulledOptions {
  readonly users?: number
  readonly groups?: number
  readonly memberships?: number
  readonly seed?: number
  readonly hiddenGroups?: number
  readonly emulator?: EmulatorOptions
  readonly settings?: Omit<SourceSettingsInput, 'connection'>
}

const SIGNING = createSigningCertificate(new Date('2026-11-02T08:00:00Z'))

/** Cards from extensionAttribute5, so that something is sealed. */
export const WITH_CARDS = {
  users: {
    properties: {
      cards: ['onPremisesExtensionAttributes.extensionAttribute5'],
      aliases: ['onPremisesSamAccountName'],
      personalNumber: 'employeeId',
    },
  },
} satisfies Omit<SourceSettingsInput, 'connection'>

export async function aPulledSource(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  options: PulledOptions = {},
): Promise<PulledSource> {
  const world = emulatedWorld({ ...options, emulator: { signingCertificate: SIGNING, ...options.emulator } })
  return await makeSource({ db, vault }, { world, settings: options.settings ?? WITH_CARDS, isOwner: true })
}

async function makeSource(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  options: { world: World; settings: Omit<SourceSettingsInput, 'connection'>; isOwner: boolean },
): Promise<PulledSource> {
  const { world } = options
  const name = crypto.randomUUID()
  const connection = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud) values ($1, $2, $3, 'global') returning id`,
    [name, world.hosted.tenantId, world.hosted.clientId],
  )
  const inserted = await db.query<{ id: number }>(
    `insert into sources (name, connection_id, enabled, priority, settings) values ($1, $2, true, 100, '{}') returning id`,
    [name, connection.rows[0]!.id],
  )
  const id = inserted.rows[0]!.id
  let settings = sourceSettings.parse({ connection: name, ...options.settings })
  const query = async <Row extends object>(sql: string, params: readonly unknown[] = []) =>
    (await db.query<Row & Record<string, unknown>>(sql, params)).rows
  const takeFence = async () => {
    const rows = await query<{ fence: number }>('update sources set fence = fence + 1 where id = $1 returning fence', [
      id,
    ])
    return rows[0]!.fence
  }
  return {
    world,
    tenant: world.hosted.tenant,
    id,
    get needs() {
      return needsOf(settings)
    },
    set(changed) {
      settings = sourceSettings.parse({ connection: name, ...changed })
    },
    async pull(pullOptions = {}) {
      const { mode = 'auto', signal = new AbortController().signal } = pullOptions
      const client = pullOptions.fetch === undefined ? world.client : clientWith(world, pullOptions.fetch)
      const env: PullEnv = {
        db,
        graph: client,
        seal: (plain, context) => vault.seal(plain, context),
        open: (sealed, context) => vault.open(sealed, context),
        clock: world.emulator.clock,
        log: silentLog,
        signal,
        onProgress: pullOptions.onProgress ?? (() => undefined),
        limits: LIMITS,
        ...pullOptions.env,
      }
      const roots = { authorityUrl: world.emulator.authorityUrl, graphUrl: world.emulator.graphUrl }
      const tenantId = parseTenantId(pullOptions.tenantId ?? world.hosted.tenantId)!
      const fence = await takeFence()
      try {
        return await pull(
          env,
          { id, name, settings, connection: { tenantId, clientId: world.hosted.clientId, ...roots }, fence },
          { mode },
        )
      } finally {
        if (client !== world.client) await client.stop()
      }
    },
    sibling: () => makeSource({ db, vault }, { world, settings: options.settings, isOwner: false }),
    mirror: () => pictureOf(query, vault, id),
    async state(objectId) {
      const rows = await query<{ state: string }>(
        'select state from mirror_objects where source_id = $1 and object_id = $2',
        [id, objectId],
      )
      return rows[0]?.state
    },
    async marks() {
      const rows = await query<{ object_id: string }>(
        `select object_id from mirror_marks m join mirror_objects o using (source_id, key) where source_id = $1 order by 1`,
        [id],
      )
      return rows.map((row) => row.object_id)
    },
    async memberMarks() {
      const rows = await query<{ pair: string }>(
        `select g.object_id || ' > ' || u.object_id as pair from mirror_member_marks m
         join mirror_objects g on g.key = m.group_key join mirror_objects u on u.key = m.member_key
         where m.source_id = $1 order by 1`,
        [id],
      )
      return rows.map((row) => row.pair)
    },
    async forgetMarks() {
      await query('delete from mirror_marks where source_id = $1', [id])
      await query('delete from mirror_member_marks where source_id = $1', [id])
      await query('update sources set marked_all = false where id = $1', [id])
    },
    query,
    async [Symbol.asyncDispose]() {
      if (options.isOwner) await world[Symbol.asyncDispose]()
    },
  }
}

function clientWith(world: World, fetch: typeof globalThis.fetch): GraphClient {
  return new GraphClient(
    clientOptions({
      tenantId: world.hosted.tenantId,
      clientId: world.hosted.clientId,
      credentials: [{ kind: 'secret', secret: world.hosted.clientSecret }],
      graphUrl: world.emulator.graphUrl,
      clock: world.emulator.clock,
      fetch,
      limits: { requestTimeoutMs: 1e9 },
    }),
  )
}

async function pictureOf(query: PulledSource['query'], vault: Vault, sourceId: number): Promise<Picture> {
  interface Row {
    readonly object_id: string
    readonly attributes: Record<string, unknown>
    readonly sealed: Buffer | null
    readonly manager: string | null
  }
  const objects = async (kind: 'u' | 'g') => {
    const rows = await query<Row>(
      `select object_id, attributes, sealed, manager from mirror_objects
       where source_id = $1 and kind = $2 and state = 'l' order by object_id`,
      [sourceId, kind],
    )
    return Object.fromEntries(
      rows.map((row) => {
        const secrets = openSecrets(vault, row.sealed, sealContext(sourceId, row.object_id))
        return [row.object_id, withoutNulls({ ...row.attributes, ...secrets, manager: row.manager })]
      }),
    )
  }
  const pairs = async (table: string) => {
    const rows = await query<{ pair: string }>(
      `select g.object_id || ' > ' || m.object_id as pair from ${table} p
       join mirror_objects g on g.key = p.group_key join mirror_objects m on m.key = p.member_key
       where g.source_id = $1 and g.state = 'l' and m.state = 'l' order by 1`,
      [sourceId],
    )
    return rows.map((row) => row.pair)
  }
  const users = await objects('u')
  // A manager in the recycle bin is kept for his return; for now there is none.
  for (const user of Object.values(users)) if (!(String(user['manager']) in users)) delete user['manager']
  return {
    users,
    groups: await objects('g'),
    members: await pairs('mirror_members'),
    nesting: await pairs('mirror_nesting'),
  }
}

/** What the mirror of a source should show of a tenant: read off the emulator's own state, past Graph. */
export function truthOf(tenant: Tenant, needs: Needs): Picture {
  const describe = (object: DirectoryObject, names: readonly string[]) => {
    const picked: Record<string, unknown> = {}
    for (const name of names) {
      const [outer = '', inner] = name.split('.')
      const value: unknown = object.properties[outer]
      picked[name] =
        inner === undefined || value === null || value === undefined ? value : (value as Record<string, unknown>)[inner]
    }
    if (names.includes('manager')) {
      const manager = object.managerNo === -1 ? undefined : tenant.at(object.managerNo)
      picked['manager'] = manager?.presence === 'live' ? manager.id : null
    }
    return [object.id, withoutNulls(picked)] as const
  }
  const groups = [...tenant.live('group')].sort((a, b) => (a.id < b.id ? -1 : 1))
  const pairs = (kind: 'user' | 'group') =>
    groups
      .flatMap((group) =>
        group.members
          .map((no) => tenant.at(no))
          .filter((m) => m.kind === kind && m.presence === 'live')
          .map((m) => `${group.id} > ${m.id}`),
      )
      .sort()
  return {
    users: Object.fromEntries(
      [...tenant.live('user')].sort((a, b) => (a.id < b.id ? -1 : 1)).map((u) => describe(u, needs.userAttributes)),
    ),
    groups: Object.fromEntries(groups.map((g) => describe(g, needs.groupAttributes))),
    members: pairs('user'),
    nesting: pairs('group'),
  }
}

function withoutNulls(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values)
      .filter(([, value]) => value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0))
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  )
}
