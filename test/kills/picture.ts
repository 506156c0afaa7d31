// Everything that must be right after a kill, read in one snapshot: rows of the registry as they are, the same by content,
// the mirror by content, how far reading has come, and the runs.
import type { Outcome } from '../../src/contract/runs.ts'
import type { Database, Queries } from '../../src/database/connect.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import { openSecrets, sealContext } from '../../src/mirror/rows.ts'
import type { Sealing } from '../../src/sync/engine.ts'
import { registryState } from '../support/history.ts'

export interface RunRow {
  readonly id: number
  readonly kind: string
  readonly state: 'running' | 'ended'
  readonly outcome: Outcome | null
  readonly fence: number
  readonly hash: string | null
  readonly decision: string | null
  readonly items: number
  readonly error: string | null
}

/** Where reading stands. */
export interface Reading {
  readonly users: string | null
  readonly groups: string | null
  /** A round or a reading-again that is not over. */
  readonly isUnderWay: boolean
}

export interface Picture {
  /** Digest of the registry's rows, every column, by table. */
  readonly rows: Readonly<Record<string, string>>
  /** The registry by content: ids that PostgreSQL gives out are left out. */
  readonly registry: Awaited<ReturnType<typeof registryState>>
  readonly mirror: MirrorPicture
  readonly reading: Reading
  readonly runs: readonly RunRow[]
  readonly fence: number
  /** Rows that a run needs only while it reads. */
  readonly staged: Readonly<Record<string, number>>
}

export interface MirrorPicture {
  /** By object id. */
  readonly objects: Readonly<Record<string, unknown>>
  /** `group > member` */
  readonly members: readonly string[]
}

const REGISTRY = ['users', 'user_names', 'credentials', 'groups', 'memberships']
const STAGING = ['staged_objects', 'staged_members', 'listings', 'groups_to_list', 'doubtful_members', 'rereads']

/** Reads all of it in one snapshot, whatever goes on meanwhile. */
export async function takePicture(db: Database, vault: Sealing): Promise<Picture> {
  return withTransaction(
    db,
    async (tx) => ({
      rows: await digestRows(tx),
      registry: await registryState({ ...db, query: (sql, params) => tx.query(sql, params) }),
      mirror: await mirrorPicture(tx, vault),
      reading: await readingOf(tx),
      runs: await listRuns(tx),
      fence: (await tx.query<{ fence: number }>('select fence from sources')).rows[0]!.fence,
      staged: await countRows(
        tx,
        STAGING.map((name) => `mirror_${name}`),
      ),
    }),
    { isolation: 'repeatable read', readOnly: true },
  )
}

async function digestRows(db: Queries): Promise<Record<string, string>> {
  const digests: Record<string, string> = {}
  for (const table of REGISTRY) {
    const found = await db.query<{ digest: string }>(
      `select coalesce(md5(string_agg(t::text, E'\\n' order by t::text)), '') as digest from ${table} t`,
    )
    digests[table] = found.rows[0]!.digest
  }
  return digests
}

async function mirrorPicture(db: Queries, vault: Sealing): Promise<MirrorPicture> {
  const objects = await db.query<{
    source_id: number
    object_id: string
    kind: string
    state: string
    attributes: Record<string, unknown> | null
    sealed: Buffer | null
    manager: string | null
    members_unknown: boolean
  }>('select * from mirror_objects order by object_id')
  const members = await db.query<{ pair: string }>(
    `select g.object_id || ' > ' || m.object_id as pair
     from (select * from mirror_members union all select * from mirror_nesting) p
       join mirror_objects g on g.key = p.group_key join mirror_objects m on m.key = p.member_key order by 1`,
  )
  return {
    objects: Object.fromEntries(
      objects.rows.map((row) => {
        const { kind, state, attributes, manager, members_unknown } = row
        const secrets = openSecrets(vault, row.sealed, sealContext(row.source_id, row.object_id))
        return [row.object_id, { kind, state, attributes, secrets, manager, members_unknown }]
      }),
    ),
    members: members.rows.map((row) => row.pair),
  }
}

async function readingOf(db: Queries): Promise<Reading> {
  const found = await db.query<{ users: string | null; groups: string | null; under_way: boolean }>(
    `select users_delta_link as users, groups_delta_link as groups,
       users_page_link is not null or groups_page_link is not null or round_kind is not null
         or exists (select from mirror_doubtful_members) or exists (select from mirror_rereads)
         or exists (select from mirror_objects where state = 'a') as under_way
     from mirror_rounds`,
  )
  const [row] = found.rows
  return { users: row?.users ?? null, groups: row?.groups ?? null, isUnderWay: row?.under_way ?? true }
}

async function listRuns(db: Queries): Promise<readonly RunRow[]> {
  const found = await db.query<RunRow>(
    `select id, kind, state, outcome, fence, plan_hash as hash, decision, summary #>> '{error,code}' as error,
       (select count(*) from plan_items i where i.run_id = r.id)
         + (select count(*) from plan_memberships m where m.run_id = r.id) as items
     from runs r order by id`,
  )
  return found.rows
}

async function countRows(db: Queries, tables: readonly string[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const table of tables) {
    const found = await db.query<{ n: number }>(`select count(*) as n from ${table}`)
    if (found.rows[0]!.n > 0) counts[table] = found.rows[0]!.n
  }
  return counts
}

/** Tables that a run with nothing to do must not write to, the ones that note the run itself apart. */
const QUIET = [
  ...REGISTRY,
  'claims',
  'plan_items',
  'plan_memberships',
  'issues',
  'mirror_objects',
  'mirror_members',
  'mirror_nesting',
  'mirror_marks',
  'mirror_member_marks',
]

/** By table; changes with every write, also with one that leaves a row as it was. */
export async function digestVersions(db: Queries): Promise<Readonly<Record<string, string>>> {
  const digests: Record<string, string> = {}
  for (const table of QUIET) {
    const found = await db.query<{ digest: string }>(
      `select coalesce(md5(string_agg(ctid::text || xmin::text, ',' order by ctid)), '') as digest from ${table}`,
    )
    digests[table] = found.rows[0]!.digest
  }
  return digests
}
