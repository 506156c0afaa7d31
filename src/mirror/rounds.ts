// Where reading of a source stands: the links of its two feeds, and the unfinished first load or full compare.
import type { Queries } from '../database/connect.ts'
import { sqlState } from '../database/unavailable.ts'
import type { ObjectId } from '../directory/ids.ts'
import type { ListingProgress, WalkKind } from './load.ts'

/** The two delta feeds of a tenant. */
export type Feed = 'users' | 'groups'

export interface FeedLinks {
  /** Of the last complete round. */
  readonly deltaLink: string | undefined
  /** Where an interrupted round goes on. */
  readonly pageLink: string | undefined
  /** When `deltaLink` was given. */
  readonly linkAt: Date | undefined
}

/** A first load or full compare that has begun and not ended. */
export interface UnfinishedRound {
  readonly kind: WalkKind
  /** `walk`: reading lists. `replay`: the mirror holds them; the changes since are being folded in. */
  readonly phase: 'walk' | 'replay'
  readonly lineage: string
  readonly startedAt: Date
  /** Links taken when it began, for feeds whose stored link cannot be used. */
  readonly usersLink: string | undefined
  readonly groupsLink: string | undefined
  /** Whatever the reader wants to find again. */
  readonly state: unknown
}

export interface Rounds {
  readonly users: FeedLinks
  readonly groups: FeedLinks
  /** What mirror and links belong to; undefined: the mirror was never read completely. */
  readonly lineage: string | undefined
  /** Attributes that the mirror holds of users, and those of them that are sealed. */
  readonly userAttributes: readonly string[]
  readonly secretAttributes: readonly string[]
  readonly unfinished: UnfinishedRound | undefined
}

/** Where reading of a source stands; that of a source never read is empty. */
export async function getRounds(db: Queries, sourceId: number): Promise<Rounds> {
  const found = await db.query<RoundsRow>('select * from mirror_rounds where source_id = $1', [sourceId])
  const row = found.rows[0]
  if (row === undefined) {
    const none: FeedLinks = { deltaLink: undefined, pageLink: undefined, linkAt: undefined }
    return {
      users: none,
      groups: none,
      lineage: undefined,
      userAttributes: [],
      secretAttributes: [],
      unfinished: undefined,
    }
  }
  return {
    users: links(row.users_delta_link, row.users_page_link, row.users_link_at),
    groups: links(row.groups_delta_link, row.groups_page_link, row.groups_link_at),
    lineage: row.lineage ?? undefined,
    userAttributes: row.user_attributes,
    secretAttributes: row.secret_attributes,
    unfinished: unfinishedOf(row),
  }
}

/** Begins a first load or full compare and forgets a walk before it. `expired` feeds lose their links. */
export async function startRound(
  tx: Queries,
  sourceId: number,
  round: Omit<UnfinishedRound, 'phase'> & { readonly expired: readonly Feed[] },
): Promise<void> {
  await clearWalk(tx, sourceId)
  await tx.query('delete from mirror_doubtful_members where source_id = $1', [sourceId])
  await tx.query('insert into mirror_rounds (source_id) values ($1) on conflict do nothing', [sourceId])
  await tx.query(
    `update mirror_rounds set round_kind = $2, round_phase = 'walk', round_lineage = $3, round_started_at = $4,
       round_users_link = $5, round_groups_link = $6, round_state = $7
     where source_id = $1`,
    [
      sourceId,
      round.kind,
      round.lineage,
      round.startedAt,
      round.usersLink ?? null,
      round.groupsLink ?? null,
      JSON.stringify(round.state),
    ],
  )
  for (const feed of round.expired) await setLinks(tx, sourceId, { feed, deltaLink: undefined, linkAt: undefined })
  if (round.kind === 'first') {
    // Objects of a first load are not marked one by one, so the next plan, this run's own, is for everybody.
    await tx.query(
      'update sources set marked_all = true, marked_all_at = greatest(marked_all_at, fence - 1) where id = $1',
      [sourceId],
    )
  }
}

/** Replaces what the reader keeps with the unfinished round. */
export async function setRoundState(tx: Queries, sourceId: number, state: unknown): Promise<void> {
  await tx.query('update mirror_rounds set round_state = $2 where source_id = $1', [sourceId, JSON.stringify(state)])
}

/** The mirror now holds what the walk read. Links taken at the start take the place of the stored ones. */
export async function startReplay(
  tx: Queries,
  sourceId: number,
  holds: {
    readonly lineage: string
    readonly userAttributes: readonly string[]
    readonly secretAttributes: readonly string[]
    readonly readsGroups: boolean
  },
): Promise<void> {
  await tx.query(
    `update mirror_rounds set round_phase = 'replay', lineage = $2, user_attributes = $3, secret_attributes = $4,
       users_delta_link = coalesce(round_users_link, users_delta_link), users_page_link = null,
       users_link_at = case when round_users_link is null then users_link_at else round_started_at end,
       groups_delta_link = case when $5 then coalesce(round_groups_link, groups_delta_link) end,
       groups_page_link = null,
       groups_link_at = case when not $5 then null when round_groups_link is null then groups_link_at
         else round_started_at end
     where source_id = $1`,
    [sourceId, holds.lineage, holds.userAttributes, holds.secretAttributes, holds.readsGroups],
  )
  await clearWalk(tx, sourceId)
}

/** The round has ended, or is given up. */
export async function finishRound(tx: Queries, sourceId: number): Promise<void> {
  await clearWalk(tx, sourceId)
  await tx.query('delete from mirror_doubtful_members where source_id = $1', [sourceId])
  await tx.query(
    `update mirror_rounds set round_kind = null, round_phase = null, round_lineage = null, round_started_at = null,
       round_users_link = null, round_groups_link = null, round_state = '{}'
     where source_id = $1`,
    [sourceId],
  )
}

/** A page of a delta round has entered the mirror: the round goes on at `link`, or over from the start if undefined. */
export async function setPageLink(
  tx: Queries,
  sourceId: number,
  at: { readonly feed: Feed; readonly link: string | undefined },
): Promise<void> {
  await tx.query(`update mirror_rounds set ${at.feed}_page_link = $2 where source_id = $1`, [sourceId, at.link ?? null])
}

/** The last page of a delta round has entered the mirror: its link becomes current with it, never earlier (SPEC S3). */
export async function setDeltaLink(
  tx: Queries,
  sourceId: number,
  at: { readonly feed: Feed; readonly deltaLink: string; readonly linkAt: Date },
): Promise<void> {
  await setLinks(tx, sourceId, at)
}

async function setLinks(
  tx: Queries,
  sourceId: number,
  at: { readonly feed: Feed; readonly deltaLink: string | undefined; readonly linkAt: Date | undefined },
): Promise<void> {
  const { feed } = at
  await tx.query(
    `update mirror_rounds set ${feed}_delta_link = $2, ${feed}_page_link = null, ${feed}_link_at = $3
     where source_id = $1`,
    [sourceId, at.deltaLink ?? null, at.linkAt ?? null],
  )
}

/** The seal of attributes was changed to fit `names`. */
export async function setSecretAttributes(tx: Queries, sourceId: number, names: readonly string[]): Promise<void> {
  await tx.query('update mirror_rounds set secret_attributes = $2 where source_id = $1', [sourceId, names])
}

/** How far each listing of the unfinished walk has come. */
export async function listListings(db: Queries, sourceId: number): Promise<readonly ListingProgress[]> {
  const found = await db.query<{ listing: string; link: string | null; done: boolean }>(
    'select listing, link, done from mirror_listings where source_id = $1 order by listing',
    [sourceId],
  )
  return found.rows.map((row) => ({ listing: row.listing, link: row.link ?? undefined, done: row.done }))
}

/** Replaces the listings whose names begin with `prefix`, none of them begun. */
export async function setListings(
  tx: Queries,
  sourceId: number,
  listings: { readonly prefix: string; readonly names: readonly string[] },
): Promise<void> {
  await tx.query('delete from mirror_listings where source_id = $1 and starts_with(listing, $2)', [
    sourceId,
    listings.prefix,
  ])
  await addListings(tx, sourceId, listings.names)
}

/** Adds listings, none of them begun. */
export async function addListings(tx: Queries, sourceId: number, names: readonly string[]): Promise<void> {
  await tx.query('insert into mirror_listings (source_id, listing) select $1, unnest($2::text[])', [sourceId, names])
}

/** Groups whose members the unfinished walk still has to read, and where. */
export async function listGroupsToList(
  db: Queries,
  sourceId: number,
): Promise<readonly { readonly objectId: ObjectId; readonly link: string | undefined }[]> {
  const found = await db.query<{ object_id: ObjectId; link: string | null }>(
    'select object_id, link from mirror_groups_to_list where source_id = $1 and outcome is null order by group_key',
    [sourceId],
  )
  return found.rows.map((row) => ({ objectId: row.object_id, link: row.link ?? undefined }))
}

async function clearWalk(tx: Queries, sourceId: number): Promise<void> {
  for (const table of ['mirror_listings', 'mirror_groups_to_list']) {
    await tx.query(`delete from ${table} where source_id = $1`, [sourceId])
  }
  for (const table of ['mirror_staged_objects', 'mirror_staged_members']) await clearStaged(tx, { table, sourceId })
}

/** From so many rows on they are worth a moment of sole use of the table. */
const TRUNCATE_FROM = 10_000

/** Also of sources that were removed in the middle of a walk; their numbers are never given out again. */
async function clearStaged(tx: Queries, staged: { readonly table: string; readonly sourceId: number }): Promise<void> {
  const { table, sourceId } = staged
  const many = await tx.query(`select 1 from ${table} limit 1 offset $1`, [TRUNCATE_FROM])
  if (many.rowCount === 1 && (await truncateUnlessShared(tx, staged))) return
  await tx.query(`delete from ${table} where source_id = $1 or source_id not in (select id from sources)`, [sourceId])
}

/** @returns false when another walk is writing to the table, or has rows in it */
async function truncateUnlessShared(
  tx: Queries,
  staged: { readonly table: string; readonly sourceId: number },
): Promise<boolean> {
  const { table, sourceId } = staged
  await tx.query('savepoint clear_staged')
  try {
    await tx.query(`lock table ${table} in access exclusive mode nowait`)
  } catch (error) {
    if (sqlState(error) !== '55P03') throw error
    await tx.query('rollback to savepoint clear_staged')
    return false
  }
  const others = await tx.query(
    `select 1 from ${table} where source_id <> $1 and source_id in (select id from sources) limit 1`,
    [sourceId],
  )
  if (others.rowCount === 0) await tx.query(`truncate ${table}`)
  return others.rowCount === 0
}

/**
 * Forgets everything that was read of a source: objects, memberships, marks, links and the unfinished round. For a
 * first load that starts over, and when another tenant stands behind the connection. Needs a transaction around it.
 */
export async function clearMirror(tx: Queries, sourceId: number): Promise<void> {
  for (const table of ['mirror_members', 'mirror_nesting']) {
    await tx.query(
      `delete from ${table} where group_key in (select key from mirror_objects where source_id = $1 and kind <> 'u')`,
      [sourceId],
    )
  }
  await clearWalk(tx, sourceId)
  const owned = ['objects', 'marks', 'member_marks', 'doubtful_members', 'rereads', 'rounds']
  for (const table of owned) await tx.query(`delete from mirror_${table} where source_id = $1`, [sourceId])
}

function unfinishedOf(row: RoundsRow): UnfinishedRound | undefined {
  if (row.round_kind === null || row.round_phase === null) return undefined
  if (row.round_lineage === null || row.round_started_at === null) return undefined
  return {
    kind: row.round_kind,
    phase: row.round_phase,
    lineage: row.round_lineage,
    startedAt: row.round_started_at,
    usersLink: row.round_users_link ?? undefined,
    groupsLink: row.round_groups_link ?? undefined,
    state: row.round_state,
  }
}

function links(deltaLink: string | null, pageLink: string | null, linkAt: Date | null): FeedLinks {
  return { deltaLink: deltaLink ?? undefined, pageLink: pageLink ?? undefined, linkAt: linkAt ?? undefined }
}

interface RoundsRow {
  readonly users_delta_link: string | null
  readonly users_page_link: string | null
  readonly users_link_at: Date | null
  readonly groups_delta_link: string | null
  readonly groups_page_link: string | null
  readonly groups_link_at: Date | null
  readonly lineage: string | null
  readonly user_attributes: readonly string[]
  readonly secret_attributes: readonly string[]
  readonly round_kind: WalkKind | null
  readonly round_phase: 'walk' | 'replay' | null
  readonly round_lineage: string | null
  readonly round_started_at: Date | null
  readonly round_users_link: string | null
  readonly round_groups_link: string | null
  readonly round_state: unknown
}
