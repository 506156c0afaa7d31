// First loads and full compares: when one is due, how it begins, and how what it read becomes the mirror.
import { RunError } from '../base/errors.ts'
import { z } from 'zod'
import { issue } from '../contract/runs.ts'
import { rereadMissed } from '../mirror/doubtful.ts'
import { writeMirror } from '../mirror/fence.ts'
import type { WalkKind } from '../mirror/load.ts'
import { analyzeMirror, publishMembers } from '../mirror/publish.ts'
import { mergeWalk, noteUnreadableGroups } from '../mirror/merge.ts'
import {
  clearMirror,
  type Feed,
  finishRound,
  type Rounds,
  setRoundState,
  startReplay,
  startRound,
  type UnfinishedRound,
} from '../mirror/rounds.ts'
import { addUnlisted } from '../registry/unlisted.ts'
import { NOTHING_REMOVED, proveAbsences } from './absent.ts'
import { checkCanaries, checkWalked } from './canary.ts'
import type { Expired } from './feeds.ts'
import type { Pull } from './pull-env.ts'
import { together } from './tasks.ts'
import { walkTenant } from './walk.ts'

/** A round that is due. */
export interface RoundPlan {
  readonly kind: WalkKind
  /** Feeds whose stored link cannot be replayed from. */
  readonly unusable: readonly Feed[]
  readonly expired: readonly Feed[]
  /** Why the stored delta state is not used; undefined where a full compare was asked for, or nothing is stored. */
  readonly resync: string | undefined
}

/** What a round keeps for the pull that goes on with it; `removals` and `issues` are set when it is merged. */
const roundState = z.object({
  resync: z.string().optional(),
  countBefore: z.number(),
  removals: z.enum(['allowed', 'contradicted', 'incomplete']).default('allowed'),
  issues: z.array(issue).default([]),
})
type RoundState = z.output<typeof roundState>

/** Graph forgets delta links after 7 days. */
const RESUMABLE_MS = 6 * 24 * 3_600_000

/** Whether the unfinished round may be gone on with: connection, attributes and scope as at its start, and young. */
export function isResumable(pull: Pull, rounds: Rounds): boolean {
  const { unfinished } = rounds
  if (unfinished === undefined) return false
  const ageMs = pull.env.clock.now().getTime() - unfinished.startedAt.getTime()
  return unfinished.lineage === roundLineage(pull) && ageMs >= 0 && ageMs < RESUMABLE_MS
}

/** The round to begin; undefined where the changes since the stored links are enough. */
export function roundToBegin(
  pull: Pull,
  choice: { readonly rounds: Rounds; readonly isFull: boolean; readonly expired: readonly Expired[] },
): RoundPlan | undefined {
  const { rounds, expired } = choice
  const feeds: readonly Feed[] = pull.needs.groups ? ['users', 'groups'] : ['users']
  if (rounds.lineage === undefined) return { kind: 'first', unusable: feeds, expired: [], resync: undefined }
  const isOther = rounds.lineage !== pull.lineage
  const expiredFeeds = expired.map((e) => e.feed)
  const unusable = feeds.filter(
    (feed) => isOther || rounds[feed].deltaLink === undefined || expiredFeeds.includes(feed),
  )
  if (unusable.length === 0 && !choice.isFull) return undefined
  const resync = expired[0]?.code ?? (unusable.length > 0 ? 'settings-changed' : undefined)
  return { kind: 'full', unusable, expired: expiredFeeds, resync }
}

/** Takes the links from which the changes will be replayed, before anything is listed. */
export async function beginRound(pull: Pull, plan: RoundPlan): Promise<UnfinishedRound> {
  const { env, source, owner, needs } = pull
  const { graph, signal } = env
  const latest = async (feed: Feed) => {
    if (!plan.unusable.includes(feed)) return undefined
    return feed === 'users'
      ? graph.latestUsersLink({ select: needs.userAttributes, signal })
      : graph.latestGroupsLink({ select: needs.groupAttributes, signal })
  }
  const startedAt = env.clock.now()
  const [usersLink, groupsLink, countBefore] = await Promise.all([
    latest('users'),
    latest('groups'),
    graph.countUsers(signal),
    requireTenant(pull),
  ])
  const state: z.input<typeof roundState> = {
    countBefore,
    ...(plan.resync === undefined ? {} : { resync: plan.resync }),
  }
  const begun = { kind: plan.kind, lineage: roundLineage(pull), startedAt, usersLink, groupsLink, state }
  await writeMirror(env.db, owner, async (tx) => {
    // Of a first load that cannot be gone on with.
    if (plan.kind === 'first') await clearMirror(tx, source.id)
    await startRound(tx, source.id, { ...begun, expired: plan.expired })
  })
  return { ...begun, phase: 'walk' }
}

/** Reads a round, or the rest of it, until the mirror holds what was read and only the changes since are missing. */
export async function readRound(pull: Pull, round: UnfinishedRound): Promise<void> {
  const state = stateOf(round)
  if (round.phase === 'replay') {
    pull.tally.removals = state.removals
    pull.tally.issues.push(...state.issues)
    return
  }
  try {
    if (round.kind === 'first') await readFirst(pull, round)
    else await readAndCompare(pull, round)
  } catch (error) {
    // What was read cannot be trusted, so that nothing of it may be gone on with.
    if (error instanceof RunError && ['attributes-unreadable', 'listing-contradicted'].includes(error.code)) {
      await discard(pull, round.kind)
    }
    throw error
  }
}

async function readFirst(pull: Pull, round: UnfinishedRound): Promise<void> {
  const { env, source, owner } = pull
  const walk = await walkTenant(pull, { round, countBefore: stateOf(round).countBefore })
  await together(env.signal, [
    async () => {
      const { isComplete } = await walk.judge()
      if (!isComplete) noteIncomplete(pull)
    },
    () => checkWalked(pull, 'first'),
  ])
  await writeMirror(env.db, { ...owner, signal: env.signal }, async (tx) => {
    await publishMembers(tx, source.id)
    // Also for the plan that follows: a table filled a moment ago passes for empty.
    await analyzeMirror(tx)
    await noteUnreadableGroups(tx, source.id)
    const { tenantId } = source.connection
    await addUnlisted(tx, source.id, { tenantId, withGroups: pull.needs.groups })
    await rereadMissed(tx, source.id)
    await keepOutcome(tx, pull, round)
    await startReplay(tx, source.id, holds(pull))
  })
}

async function readAndCompare(pull: Pull, round: UnfinishedRound): Promise<void> {
  const { env, source, owner, needs } = pull
  await checkCanaries(pull, needs.userAttributes)
  const walk = await walkTenant(pull, { round, countBefore: stateOf(round).countBefore })
  const walked = await walk.judge()
  await checkCanaries(pull, needs.userAttributes)
  await checkWalked(pull, 'full')
  // The feeds tell who leaves the recycle bin, unless they begin anew.
  const provesDeleted = round.usersLink !== undefined
  if (walked.isComplete) await proveAbsences(pull, { ...walked, provesDeleted })
  else noteIncomplete(pull)
  await writeMirror(env.db, { ...owner, signal: env.signal }, async (tx) => {
    const before = await tx.query<{ name: string }>(
      'select unnest(user_attributes) as name from mirror_rounds where source_id = $1',
      [source.id],
    )
    const obsolete = before.rows.map((row) => row.name).filter((name) => !needs.userAttributes.includes(name))
    await mergeWalk(tx, owner, { obsolete, mayRemove: pull.tally.removals === 'allowed' })
    await rereadMissed(tx, source.id)
    await keepOutcome(tx, pull, round)
    await startReplay(tx, source.id, holds(pull))
  })
}

async function keepOutcome(tx: Parameters<typeof setRoundState>[0], pull: Pull, round: UnfinishedRound): Promise<void> {
  const { removals, issues } = pull.tally
  const state: RoundState = { ...stateOf(round), removals, issues }
  await setRoundState(tx, pull.source.id, state)
}

async function discard(pull: Pull, kind: WalkKind): Promise<void> {
  const { env, source, owner } = pull
  await writeMirror(env.db, owner, (tx) => (kind === 'first' ? clearMirror(tx, source.id) : finishRound(tx, source.id)))
}

function holds(pull: Pull) {
  const { needs, lineage } = pull
  return {
    lineage,
    userAttributes: needs.userAttributes,
    secretAttributes: [...needs.secretAttributes].sort(),
    readsGroups: needs.groups,
  }
}

function noteIncomplete(pull: Pull): void {
  pull.tally.removals = 'incomplete'
  pull.tally.issues.push({
    code: 'listing-incomplete',
    objectId: null,
    message: `The users that Microsoft Graph listed and the number that it counts differ, also after a second reading; ${NOTHING_REMOVED} The next full run compares again.`,
  })
}

async function requireTenant(pull: Pull): Promise<void> {
  const { graph, signal } = pull.env
  const { tenantId } = pull.source.connection
  const organization = await graph.getOrganization(signal)
  if (organization.id !== tenantId) {
    throw new RunError(
      'tenant-mismatch',
      `The connection names the tenant ${tenantId}, but Microsoft Graph answers for ${organization.id}; correct the connection's tenantId`,
    )
  }
  if (organization.tenantType !== null && organization.tenantType !== 'AAD') {
    throw new RunError(
      'tenant-unsupported',
      `The tenant is of type ${organization.tenantType}, for which Microsoft Graph has no change tracking; only AAD tenants can be synchronized`,
    )
  }
}

/** As the pull's, and which attributes are sealed: what is staged is sealed already. */
function roundLineage(pull: Pull): string {
  return `${pull.lineage} ${[...pull.needs.secretAttributes].sort().join(' ')}`.trim()
}

/** What the round keeps. */
export function stateOf(round: UnfinishedRound): RoundState {
  return roundState.parse(round.state)
}
