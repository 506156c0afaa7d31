// What is held against a whole history and not one state of it: what was asked of whom, who is who over time, who may what, and
// where a secret has been.
import type { Tenant } from '../../src/emulator/tenant.ts'
import { ask } from './ask.ts'
import type { Stage } from './stage.ts'
import { PINS, type History, type Step } from './steps.ts'

export interface Watch {
  /**
   * @param misled sources whose mirror was told something false that nothing gave away
   * @throws Error naming the invariant
   */
  afterStep(step: Step, misled: ReadonlySet<string>): Promise<void>
  /** @throws Error naming the invariant */
  atEnd(): Promise<void>
}

/** Watches a history from its first step on. Plants an administrator, whom nothing in it may touch. */
export async function watchHistory(stage: Stage, history: History): Promise<Watch> {
  const { db, emulator } = stage
  await db.query(
    `insert into administrators (name, name_key, role, password, created_at) values ('root', 'root', 'administrator', 'never', now())`,
  )
  let powers = await powersIn(stage)
  /** The record of each object id, as long as both were there. */
  const records = new Map<string, number>()
  const movesAllowed = mayMove(history)
  const asked = new Set<string>()
  let requests = 0
  let judged = 0

  function noteRequests(): void {
    // Whatever was answered instead is no evidence.
    for (const { path, status } of emulator.requests.slice(requests))
      if (status === 200 || status === 404)
        for (const [id] of path.matchAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g)) asked.add(id)
    requests = emulator.requests.length
  }

  async function checkEvidence(): Promise<void> {
    noteRequests()
    const { rows } = await db.query<{ run: number; object_id: string; reason: string }>(
      `select r.id as run, i.object_id, i.reason from plan_items i join runs r on r.id = i.run_id and r.outcome = 'applied'
        where r.id > $1 and i.object = 'user' and i.action in ('deactivate', 'delete') and i.reason in ('gone', 'soft-deleted')`,
      [judged],
    )
    for (const { run, object_id: id, reason } of rows) {
      if (!asked.has(id))
        throw new Error(`I2: run ${run} removes ${id} as ${reason}, and nobody has asked for him by id`)
    }
    const newest = await ask<{ id: number }>(
      db,
      'newest run',
      `select coalesce(max(id), 0)::int as id from runs where outcome = 'applied'`,
    )
    judged = newest.rows[0]?.id ?? judged
  }

  async function checkRecords(): Promise<void> {
    const { rows } = await ask<{ id: number; object_id: string | null; tenant_id: string | null }>(
      db,
      'records',
      'select id, tenant_id, object_id from users',
    )
    const present = new Set(rows.map(({ id }) => id))
    for (const { id, object_id: objectId, tenant_id: tenantId } of rows) {
      if (objectId === null) continue
      const key = `${tenantId} ${objectId}`
      const before = records.get(key)
      if (before !== undefined && before !== id && present.has(before) && !movesAllowed)
        throw new Error(`I5: ${objectId} was record ${before}, which is there, and is record ${id} now`)
      records.set(key, id)
    }
  }

  return {
    async afterStep(step, misled) {
      const [stray] = emulator.strayRequests
      if (stray !== undefined) throw new Error(`I14: ${new URL(stray.url).origin} was asked, which is nobody's host`)
      const now = await powersIn(stage)
      if (step.do !== 'hand' && now !== powers) throw new Error(`I12: who may what was ${powers} and is ${now}`)
      powers = now
      await checkRecords()
      await checkEvidence()
      await checkCursors(stage, misled)
    },
    atEnd: () => checkSecrets(stage),
  }
}

/** What a stored delta link says was read is in the mirror: whoever has not changed since it was given is there as he is. */
async function checkCursors(stage: Stage, misled: ReadonlySet<string>): Promise<void> {
  const { rows } = await ask<{
    source: string
    tenant_id: string | null
    link: string
    people: Readonly<Record<string, string>> | null
  }>(
    stage.db,
    'cursors',
    `select s.name as source, s.mirror_tenant_id as tenant_id, r.users_delta_link as link,
       (select jsonb_object_agg(o.object_id, o.attributes ->> 'userPrincipalName') from mirror_objects o
         where o.source_id = s.id and o.kind = 'u' and o.state = 'l') as people
       from mirror_rounds r join sources s on s.id = r.source_id where r.users_delta_link is not null`,
  )
  for (const { source, tenant_id: tenantId, link, people } of rows) {
    if (misled.has(source) || !stage.sources.has(source)) continue
    const tenant = stage.tenantOf(source)
    // It was given by the tenant that the connection named before.
    if (tenantId !== tenant.id) continue
    const covered = coveredBy(tenant, link)
    if (covered === undefined) continue
    const changed = new Set(tenant.log.between(covered, tenant.log.lastSeq).map(({ no }) => no))
    for (const no of tenant.numbers('user')) {
      const { id, presence, properties } = tenant.at(no)
      if (changed.has(no)) continue
      const expected = presence === 'live' ? String(properties['userPrincipalName']) : undefined
      const found = people?.[id]
      if (found !== expected)
        throw new Error(
          `I4: the link of ${source} is past ${id}, who is ${expected ?? 'not there'} and is kept as ${found ?? 'not there'}`,
        )
    }
  }
}

/** Up to which change of the tenant a delta link was given; undefined for one whose state Graph has dropped. */
function coveredBy(tenant: Tenant, link: string): number | undefined {
  const token = tenant.seal.open(new URL(link).searchParams.get('$deltatoken') ?? '')
  if (typeof token !== 'object' || token === null || !('to' in token) || !('g' in token)) return undefined
  return typeof token.to === 'number' && token.g === tenant.deltaGeneration ? token.to : undefined
}

/** Without *Pair by Object ID* the object id moves to the record that the next key finds. */
function mayMove({ settings, steps }: History): boolean {
  const all = [...settings, ...steps.flatMap((step) => (step.do === 'settings' ? [step.settings] : []))]
  return all.some(({ users }) => users?.options?.pairByObjectId === false)
}

async function powersIn({ db }: Stage): Promise<string> {
  const { rows } = await ask<{ powers: string }>(
    db,
    'powers',
    `select jsonb_build_array(
       (select jsonb_agg(to_jsonb(a) - 'created_at' - 'last_sign_in_at' order by a.id) from administrators a),
       (select jsonb_agg(to_jsonb(m) order by m.id) from role_mappings m),
       (select jsonb_agg(u.id order by u.id) from users u where u.administrator),
       (select jsonb_agg(u.id order by u.id) from users u where u.protected))::text as powers`,
  )
  return rows[0]?.powers ?? ''
}

/** PINs come from an attribute of their own, kept as look-ups and sealed: in the open they stand nowhere. */
async function checkSecrets({ db }: Stage): Promise<void> {
  tables ??= db.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'schema_migrations'`,
  )
  // Digits of a time or of an id are none of a PIN's.
  const pattern = `(^|[^0-9a-f.-])(${PINS.filter((pin) => pin !== null).join('|')})([^0-9a-f-]|$)`
  const each = (await tables).rows.map(
    ({ name }) => `select '${name}' as place, count(*)::int as n from "${name}" t where t::text ~ '${pattern}'`,
  )
  const { rows } = await db.query<{ place: string; n: number }>(
    `select place, n from (${each.join(' union all ')}) found where n > 0`,
  )
  if (rows.length > 0)
    throw new Error(`I10: a PIN stands in the open in ${rows.map(({ place, n }) => `${place} (${n})`).join(', ')}`)
}

/** The same in every database of these tests. */
let tables: Promise<{ readonly rows: readonly { readonly name: string }[] }> | undefined
