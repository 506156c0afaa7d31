// A source whose mirror a test writes by hand, and the stages plan and apply on it: everything of a run but Graph.
import { randomInt, randomUUID } from 'node:crypto'
import { thisProcess } from '../../src/base/process.ts'
import type { Issue } from '../../src/contract/runs.ts'
import { sourceSettings, type SourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import type { Database, Queries } from '../../src/database/connect.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import type { TenantId } from '../../src/directory/ids.ts'
import { applyPlan, applyUnseen } from '../../src/registry/apply.ts'
import type { ApplyOptions } from '../../src/registry/applying.ts'
import { settleMarks } from '../../src/registry/settle.ts'
import { beginRun, endRun } from '../../src/registry/running.ts'
import { emptyDocument } from '../../src/sync/document.ts'
import { scopeGroupsOf } from '../../src/sync/scope.ts'
import type { MadePlan, Rival } from '../../src/sync/plan-input.ts'
import { releasesOf } from '../../src/sync/plan-terms.ts'
import { makePlan, PLANNER_VERSION } from '../../src/sync/planning.ts'

export interface PlanOverrides {
  readonly removalsAllowed?: boolean
  readonly noUsersWhereSome?: boolean
  readonly everybody?: boolean
  readonly issues?: readonly Issue[]
  readonly now?: Date
  readonly only?: readonly number[]
  readonly connectionChanged?: boolean
  readonly upgraded?: boolean
  /** Instead of one that leaves values readable. */
  readonly lookup?: (space: 'card' | 'pin', canonicalValue: string) => Buffer
  /** What PINs are drawn from. */
  readonly randomInt?: (below: number) => number
}

/** The other sources on the tenant, with the settings that they were last given. */
async function rivalsAt(db: Queries, id: number, tenantId: string): Promise<Rival[]> {
  const found = await db.query<{ id: number; name: string }>(
    'select s.id, s.name from sources s join connections c on c.id = s.connection_id where c.tenant_id = $1 and s.id <> $2',
    [tenantId, id],
  )
  return found.rows.map((row) => {
    const settings = SETTINGS.get(row.id) ?? sourceSettings.parse({ connection: row.name })
    return {
      ...row,
      priority: settings.priority,
      enabled: settings.enabled,
      settings,
      openMirror: (sealed) => JSON.parse(sealed.toString()),
    }
  })
}

/** The settings of the hand-made sources of this process. */
const SETTINGS = new Map<number, SourceSettings>()

export interface HandSource {
  readonly id: number
  readonly tenantId: string
  set(settings: Omit<SourceSettingsInput, 'connection'>): Promise<void>
  user(objectId: string, attributes: Record<string, unknown>, state?: string): Promise<void>
  /** As `user`, of many at once. */
  users(list: readonly { objectId: string; attributes: Record<string, unknown>; state?: string }[]): Promise<void>
  group(objectId: string, attributes: Record<string, unknown>, state?: string): Promise<void>
  member(groupId: string, memberId: string): Promise<void>
  noMember(groupId: string, memberId: string): Promise<void>
  nest(groupId: string, memberId: string): Promise<void>
  /** Plans and, unless told otherwise, applies. */
  run(overrides?: PlanOverrides): Promise<MadePlan & { readonly runId: number }>
  plan(overrides?: PlanOverrides): Promise<MadePlan & { readonly runId: number }>
}

/** A source on an own tenant, with nothing in its mirror. */
export async function aHandSource(
  db: Database,
  settings: Omit<SourceSettingsInput, 'connection'> = {},
  tenantId: string = randomUUID(),
): Promise<HandSource> {
  const name = randomUUID()
  const connection = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud) values ($1, $2, $2, 'global') returning id`,
    [name, tenantId],
  )
  const stored = await db.query<{ id: number }>(
    `insert into sources (name, connection_id, enabled, priority, settings) values ($1, $2, true, 100, '{}') returning id`,
    [name, connection.rows[0]!.id],
  )
  const id = stored.rows[0]!.id
  let parsed = sourceSettings.parse({ connection: name, ...settings })
  let plannedSettings: SourceSettings | undefined
  let fence = 0
  SETTINGS.set(id, parsed)

  const put = async (objectId: string, o: { kind: string; attributes: Record<string, unknown>; state: string }) => {
    const row = await db.query<{ key: number }>(
      `insert into mirror_objects (source_id, object_id, kind, state, attributes) values ($1, $2, $3, $4, $5)
       on conflict (source_id, object_id) do update set attributes = mirror_objects.attributes || excluded.attributes, state = excluded.state, kind = excluded.kind returning key`,
      [id, objectId, o.kind, o.state, JSON.stringify(o.attributes)],
    )
    await db.query(
      `insert into mirror_marks values ($1, $2, $3) on conflict (source_id, key) do update set at = excluded.at`,
      [id, row.rows[0]!.key, fence + 1],
    )
  }
  const key = async (objectId: string) => {
    const row = await db.query<{ key: number }>(
      'select key from mirror_objects where source_id = $1 and object_id = $2',
      [id, objectId],
    )
    return row.rows[0]!.key
  }
  const markMember = async (groupKey: number, memberKey: number, kind: 'u' | 'g') => {
    await db.query(
      'insert into mirror_member_marks values ($1, $2, $3, $4, $5) on conflict (source_id, group_key, member_key) do update set at = excluded.at',
      [id, groupKey, memberKey, kind, fence + 1],
    )
  }
  const plan = async (overrides: PlanOverrides = {}, isPreview = false) => {
    const begun = await beginRun(db, {
      sourceId: id,
      kind: 'sync',
      mode: 'delta',
      trigger: 'manual',
      holder: thisProcess(),
    })
    if (begun.kind !== 'begun') throw new Error('the source is busy')
    fence = begun.fence
    const made = await withTransaction(db, async (tx) => {
      const all = await tx.query<{ marked_all: boolean }>('select marked_all from sources where id = $1', [id])
      const everybody = overrides.everybody ?? all.rows[0]!.marked_all
      const result = await makePlan(tx, {
        runId: begun.runId,
        isPreview,
        source: {
          id,
          name,
          tenantId,
          priority: parsed.priority,
          settings: parsed,
          settingsVersion: 1,
          plannedSettings,
        },
        rivals: await rivalsAt(tx, id, tenantId),
        now: overrides.now ?? new Date(),
        only: overrides.only,
        everybody,
        removalsAllowed: overrides.removalsAllowed ?? true,
        noUsersWhereSome: overrides.noUsersWhereSome ?? false,
        connectionChanged: overrides.connectionChanged ?? false,
        upgraded: overrides.upgraded ?? false,
        clearedEverywhere: [],
        issues: overrides.issues ?? [],
        lookup: overrides.lookup ?? ((space, value) => Buffer.from(`${space}/${value}`)),
        sealCard: (value) => Buffer.from(`sealed ${value}`),
        randomInt: overrides.randomInt ?? ((below) => randomInt(below)),
        openMirror: (sealed) => JSON.parse(sealed.toString()),
        onProgress: () => {},
        signal: new AbortController().signal,
      })
      await tx.query('update runs set figures = $2 where id = $1', [begun.runId, JSON.stringify(result.spent)])
      return { ...result, everybody }
    })
    return { ...made, runId: begun.runId }
  }
  const end = async (runId: number, outcome: 'applied' | 'planned') => {
    await endRun(db, runId, { outcome, mode: 'delta', summary: emptyDocument(runId, name, 'delta'), approveBy: null })
  }
  return {
    id,
    tenantId,
    async set(next) {
      parsed = sourceSettings.parse({ connection: name, ...next })
      SETTINGS.set(id, parsed)
      await db.query('update sources set marked_all = true, marked_all_at = fence where id = $1', [id])
    },
    user: (objectId, attributes, state = 'l') => put(objectId, { kind: 'u', attributes, state }),
    async users(list) {
      const rows = list.map(({ state = 'l', ...one }) => ({ ...one, state }))
      await db.query(
        `with put as (
           insert into mirror_objects (source_id, object_id, kind, state, attributes)
           select $1, r."objectId", 'u', r.state, r.attributes
             from jsonb_to_recordset($2) as r("objectId" uuid, state text, attributes jsonb)
           on conflict (source_id, object_id) do update
             set attributes = mirror_objects.attributes || excluded.attributes, state = excluded.state
           returning key)
         insert into mirror_marks select $1, key, $3 from put
         on conflict (source_id, key) do update set at = excluded.at`,
        [id, JSON.stringify(rows), fence + 1],
      )
    },
    group: (objectId, attributes, state = 'l') => put(objectId, { kind: 'g', attributes, state }),
    async member(groupId, memberId) {
      const pair = [await key(groupId), await key(memberId)] as const
      await db.query('insert into mirror_members values ($1, $2)', [...pair])
      await markMember(...pair, 'u')
    },
    async noMember(groupId, memberId) {
      const pair = [await key(groupId), await key(memberId)] as const
      await db.query('delete from mirror_members where group_key = $1 and member_key = $2', [...pair])
      await markMember(...pair, 'u')
    },
    async nest(groupId, memberId) {
      const pair = [await key(groupId), await key(memberId)] as const
      await db.query('insert into mirror_nesting values ($1, $2)', [...pair])
      await markMember(...pair, 'g')
    },
    async plan(overrides) {
      const made = await plan(overrides, true)
      await end(made.runId, 'planned')
      return made
    },
    async run(overrides) {
      const made = await plan(overrides)
      await withTransaction(db, async (tx) => {
        const options: ApplyOptions = { runId: made.runId, sourceId: id, tenantId, now: overrides?.now ?? new Date() }
        const applied = await (made.isEmpty ? applyUnseen(tx, options) : applyPlan(tx, options))
        const { properties } = parsed.users
        await settleMarks(tx, {
          ...options,
          planFence: fence,
          everybody: made.everybody,
          only: overrides?.only,
          removalsAllowed: overrides?.removalsAllowed ?? true,
          madeWith: {
            tenantId: tenantId as TenantId,
            clientId: tenantId,
            plannerVersion: PLANNER_VERSION,
            clearedEverywhere: [],
            emptiedScopeGroups: made.emptiedScopeGroups,
          },
          scopeGroups: scopeGroupsOf(parsed),
          isWhole: (applied?.leftOut ?? 0) === 0,
          isEmpty: made.isEmpty,
          ...releasesOf(properties),
        })
      })
      await end(made.runId, 'applied')
      if (made.everybody) plannedSettings = parsed
      return made
    },
  }
}

/** Empties what tests write. Rows are few: deleting them is faster than truncating twenty tables, and than a new database. */
export async function emptyRegistry(db: Database): Promise<void> {
  for (const table of ['runs', 'users', 'groups', 'sources', 'connections', 'mirror_members', 'mirror_nesting'])
    await db.query(`delete from ${table}`)
}

/** A user of the registry in a form that is easy to compare. */
export async function people(
  db: Database,
): Promise<
  Record<
    string,
    { active: boolean; name: string; aliases: string[]; cards: string[]; groups: string[]; number: string | null }
  >
> {
  const found = await db.query<{
    object_id: string | null
    id: number
    active: boolean
    user_name: string
    aliases: string[]
    cards: string[]
    groups: string[]
    number: string | null
  }>(
    `select u.object_id, u.id, u.active, u.user_name, u.personal_number as number,
       array(select n.value from user_names n where n.user_id = u.id and n.kind = 'a' order by 1) as aliases,
       array(select convert_from(c.lookup, 'UTF8') from credentials c where c.user_id = u.id order by 1) as cards,
       array(select distinct g.name from memberships m join groups g on g.id = m.group_id where m.user_id = u.id order by 1) as groups
     from users u order by u.id`,
  )
  return Object.fromEntries(
    found.rows.map((r) => [
      r.object_id ?? `local-${r.user_name}`,
      { active: r.active, name: r.user_name, aliases: r.aliases, cards: r.cards, groups: r.groups, number: r.number },
    ]),
  )
}

/** A valid object id that sorts by its number. */
export function anId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`
}
