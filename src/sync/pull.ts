// Makes the mirror of a source equal to Entra: by the changes since last time, or by reading everything.
import { createHash } from 'node:crypto'
import { CancelledError, RunError } from '../base/errors.ts'
import { writeMirror } from '../mirror/fence.ts'
import { hasMarkedRemovals } from '../mirror/marks.ts'
import { countLiveUsers } from '../mirror/objects.ts'
import { finishRound, getRounds, type Rounds } from '../mirror/rounds.ts'
import { resealUsers } from '../mirror/reseal.ts'
import { settleDoubtful } from '../mirror/doubtful.ts'
import { askAgain } from './ask-again.ts'
import { settleUnproven } from './absent.ts'
import { type Expired, drainFeeds } from './feeds.ts'
import { type Needs, needsOf } from './map/needs.ts'
import type { Pull, PullEnv, PullResult, PullSource } from './pull-env.ts'
import { rereadMemberships } from './reread.ts'
import { beginRound, isResumable, readRound, roundToBegin, stateOf } from './rounds.ts'

export type { PullEnv, PullProgress, PullResult, PullSource } from './pull-env.ts'

/**
 * Reads a source into its mirror. Interrupted at any point, also by a kill, the next pull goes on at the last stored
 * page; until a round is complete nothing of it counts as a removal (SPEC S1). Writes nothing but the mirror.
 *
 * `auto` goes on with an unfinished round, else reads the changes, else everything; expired delta state becomes a full
 * round by name, no other failure does (SPEC S13).
 *
 * @throws GraphError, TokenError; RunError `fence-lost`, `tenant-mismatch`, `tenant-unsupported`,
 * `attributes-unreadable`, `listing-contradicted`, `resync-loop`; CancelledError
 */
export async function pull(
  env: PullEnv,
  source: PullSource,
  options: { readonly mode: 'auto' | 'full' },
): Promise<PullResult> {
  try {
    return await pullRounds(env, source, options.mode)
  } catch (error) {
    if (!env.signal.aborted || isVerdict(error)) throw error
    throw isVerdict(env.signal.reason) ? env.signal.reason : new CancelledError()
  }
}

/** Whoever aborts a pull may say what it died of. */
function isVerdict(error: unknown): boolean {
  return error instanceof CancelledError || (error instanceof RunError && error.code === 'fence-lost')
}

/** Delta state that expires again right after a full round is not Muster's to cure. */
const MOST_ROUNDS = 3

async function pullRounds(env: PullEnv, source: PullSource, mode: 'auto' | 'full'): Promise<PullResult> {
  const current = preparePull(env, source)
  const { tally, owner } = current
  await resealIfNeeded(current)
  let result: Pick<PullResult, 'mode' | 'resync'> = { mode: 'delta', resync: undefined }
  let expired: readonly Expired[] = []
  for (let round = 1; ; round += 1) {
    env.signal.throwIfAborted()
    const rounds = await getRounds(env.db, source.id)
    const isFull = (mode === 'full' && round === 1) || expired.length > 0
    const full = await readFullRound(current, { rounds, isFull, expired })
    if (full !== undefined) result = { mode: 'full', resync: full.resync ?? result.resync }
    expired = await drainFeeds(current, { isReplay: full !== undefined })
    if (expired.length === 0) break
    if (round === MOST_ROUNDS)
      throw new RunError('resync-loop', 'Microsoft Graph drops its delta state again and again')
  }
  await settleUnproven(current)
  await writeMirror(env.db, owner, (tx) => settleDoubtful(tx, owner))
  await rereadMemberships(current)
  await askAgain(current, { isFull: result.mode === 'full' })
  if (result.mode === 'full') await writeMirror(env.db, owner, (tx) => finishRound(tx, source.id))
  // Also where an earlier run found it out and its plan was only shown, held or rejected.
  const hasUsers = (await countLiveUsers(env.db, source.id, { atMost: 1 })) > 0
  return {
    ...result,
    usersRead: tally.users,
    groupsRead: tally.groups,
    issues: tally.issues,
    removals: tally.removals,
    noUsersWhereSome: !hasUsers && (await hasMarkedRemovals(env.db, source.id)),
  }
}

interface RoundChoice {
  readonly rounds: Rounds
  readonly isFull: boolean
  readonly expired: readonly Expired[]
}

/** Reads everything, where that is asked for or needed, up to the point from which the changes are replayed. */
async function readFullRound(
  current: Pull,
  choice: RoundChoice,
): Promise<{ readonly resync: string | undefined } | undefined> {
  const { rounds } = choice
  const isGoingOn = rounds.unfinished !== undefined && choice.expired.length === 0 && isResumable(current, rounds)
  const unfinished = isGoingOn ? rounds.unfinished : undefined
  const next = unfinished === undefined ? roundToBegin(current, choice) : undefined
  if (unfinished === undefined && next === undefined) {
    if (rounds.unfinished !== undefined) await giveUp(current)
    return undefined
  }
  const round = unfinished ?? (next === undefined ? undefined : await beginRound(current, next))
  if (round === undefined) return undefined
  await readRound(current, round)
  return { resync: stateOf(round).resync }
}

/** A round that cannot be gone on with, over a mirror that is whole. */
async function giveUp(current: Pull): Promise<void> {
  await writeMirror(current.env.db, current.owner, (tx) => finishRound(tx, current.source.id))
}

/** What the parts of a pull share. */
export function preparePull(env: PullEnv, source: PullSource): Pull {
  const needs = needsOf(source.settings)
  return {
    env,
    source,
    needs,
    owner: { sourceId: source.id, fence: source.fence },
    lineage: lineageOf(source, needs),
    tally: { users: 0, groups: 0, issues: [], removals: 'allowed', provenUsers: 0 },
  }
}

/** What a delta link, and so the mirror, depends on. Which attributes are secret is not part of it. */
function lineageOf(source: PullSource, needs: Needs): string {
  const { tenantId, clientId, authorityUrl, graphUrl } = source.connection
  const parts = [
    [tenantId, clientId, authorityUrl, graphUrl],
    needs.userAttributes,
    needs.groups ? needs.groupAttributes : null,
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}

/** An attribute that is now mapped to a card or PIN, or no longer, changes its place in the mirror first. */
export async function resealIfNeeded(current: Pull): Promise<void> {
  const { env, source, needs, owner } = current
  const rounds = await getRounds(env.db, source.id)
  const held = new Set(rounds.userAttributes)
  const wanted = [...needs.secretAttributes].filter((name) => held.has(name))
  const sealed = new Set(rounds.secretAttributes)
  const opened = [...sealed].filter((name) => needs.userAttributes.includes(name) && !needs.secretAttributes.has(name))
  if (wanted.every((name) => sealed.has(name)) && opened.length === 0) return
  const obsolete = [...sealed].filter((name) => !needs.userAttributes.includes(name))
  await resealUsers(env.db, owner, { names: new Set([...wanted, ...obsolete]), sealer: env })
}
