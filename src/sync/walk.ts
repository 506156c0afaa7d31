// Reads every user, group and membership of a tenant: users in parallel lists, groups beside them, members in batches
// as groups come. Every page is written with the link after it, so that an interrupted walk goes on there.
import { GraphError } from '../graph/errors.ts'
import type { GroupToRead } from '../graph/memberships.ts'
import { writeMirror } from '../mirror/fence.ts'
import { loadKeys, reserveKeys } from '../mirror/keys.ts'
import { type ListingProgress, writeBatch } from '../mirror/load.ts'
import { countListed } from '../mirror/merge.ts'
import { countGroups } from '../mirror/objects.ts'
import { addListings, listGroupsToList, listListings, setListings, type UnfinishedRound } from '../mirror/rounds.ts'
import { checkCanaries, requireNames } from './canary.ts'
import type { Pull } from './pull-env.ts'
import { filterOf, oddUserListings, userListings } from './shards.ts'
import { type Channel, createChannel, inPool, together } from './tasks.ts'
import { createWalkTarget, type WalkTarget } from './walk-target.ts'
import { createWriteQueue, type WriteQueue } from './write-queue.ts'

/** A walk that has come to its end. */
export interface Walked {
  /** Compares with the count, and reads the plain list where that differs. */
  judge(): Promise<WalkOutcome>
}

export interface WalkOutcome {
  readonly usersListed: number
  /** False: the lists and the tenant's count disagree, also after the plain list was read. */
  readonly isComplete: boolean
}

/** Lists of users read at a time; the client's limiter decides how many requests are on their way. */
const LISTINGS_AT_ONCE = 48
/** Members are read once so few lists of users are left; earlier their members would mostly be unknown yet. */
const TAIL = 3

interface Walk {
  readonly pull: Pull
  readonly target: WalkTarget
  readonly queue: WriteQueue
  readonly countBefore: number
  /** Groups that the source had before; none at the first load. */
  readonly groupsBefore: number
  /** Groups whose members are to be read, and whether no more will be found. */
  readonly toRead: { groups: number; isWhole: boolean }
}

/**
 * Walks the tenant, or goes on with an interrupted walk, into the mirror (first load) or beside it (full compare).
 * Completeness is judged against `/users/$count` before and after.
 *
 * @throws GraphError, and RunError `attributes-unreadable` when a user has no name, or a full compare's canaries lose their attributes
 */
export async function walkTenant(
  pull: Pull,
  options: { readonly round: UnfinishedRound; readonly countBefore: number },
): Promise<Walked> {
  const { env, source, owner } = pull
  const { round, countBefore } = options
  const queue = createWriteQueue((batch) =>
    writeMirror(env.db, owner, (tx) => writeBatch(tx, batch, { walk: round.kind, sourceId: source.id })),
  )
  const index = await loadKeys(env.db, source.id, { walk: round.kind })
  const usersListed = await countListed(env.db, source.id, { kind: 'u', walk: round.kind })
  const target = createWalkTarget(pull, { walk: round.kind, index, keys: reserveKeys(env.db), queue, usersListed })
  const groupsBefore = pull.needs.groups ? await countGroups(env.db, source.id) : 0
  const toRead = { groups: 0, isWhole: false }
  const walk: Walk = { pull, target, queue, countBefore, groupsBefore, toRead }
  const usersNearlyRead = createGate()
  const newGroups = createChannel<GroupToRead>()
  try {
    await together(env.signal, [
      async (signal) => {
        try {
          await readUsers(walk, { signal, onFewLeft: usersNearlyRead.open })
          if (round.kind === 'full') await checkCanaries(pull, pull.needs.userAttributes)
        } finally {
          usersNearlyRead.open()
        }
      },
      ...(pull.needs.groups
        ? [
            (signal: AbortSignal) => readGroups(walk, { signal, newGroups }),
            (signal: AbortSignal) => readMembers(walk, { signal, newGroups, start: usersNearlyRead.opened }),
          ]
        : []),
    ])
  } finally {
    // Also after a failure: what was fetched is written, and no writing goes on behind the caller's back.
    await queue.settled()
  }
  await queue.flush()
  return { judge: () => judgeCompleteness(walk) }
}

async function readUsers(
  walk: Walk,
  options: { readonly signal: AbortSignal; readonly onFewLeft: () => void },
): Promise<void> {
  const { pull, countBefore } = walk
  const { env, source, owner } = pull
  let listings = (await listListings(env.db, source.id)).filter((l) => l.listing.startsWith('users'))
  if (listings.length === 0) {
    const names = userListings(countBefore, env.limits?.plainUpTo)
    await writeMirror(env.db, owner, (tx) => setListings(tx, source.id, { prefix: 'users', names }))
    listings = names.map((listing) => ({ listing, link: undefined, done: false }))
  }
  try {
    await readUserLists(walk, { ...options, listings })
    tellAllUsers(walk)
    const isParted = listings.length > 1
    const odd = oddUserListings()
    if (!isParted || walk.target.usersListed === countBefore || listings.some((l) => l.listing === odd[0])) return
    await writeMirror(env.db, owner, (tx) => addListings(tx, source.id, odd))
    const oddListings = odd.map((listing) => ({ listing, link: undefined, done: false }))
    await readUserLists(walk, { ...options, listings: oddListings })
    tellAllUsers(walk)
  } catch (error) {
    const isRefused = error instanceof GraphError && error.code === 'bad-request' && listings.length > 1
    if (!isRefused) throw error
    env.log.warn('parted lists of users are refused, the plain list is read', { source: source.name, code: error.code })
    options.onFewLeft()
    await readPlainList(walk, options.signal)
  }
}

async function readUserLists(
  walk: Walk,
  options: {
    readonly signal: AbortSignal
    readonly onFewLeft: () => void
    readonly listings: readonly ListingProgress[]
  },
): Promise<void> {
  const open = options.listings.filter((l) => !l.done)
  let left = open.length
  if (left <= TAIL) options.onFewLeft()
  await inPool(options.signal, open, {
    width: LISTINGS_AT_ONCE,
    handle: async ({ listing, link }, signal) => {
      await readUserList(walk, { listing, link, signal })
      left -= 1
      if (left <= TAIL) options.onFewLeft()
    },
  })
}

/** @returns how many users the list named */
async function readUserList(
  walk: Walk,
  options: { readonly listing: string; readonly link: string | undefined; readonly signal: AbortSignal },
): Promise<number> {
  const { pull, target } = walk
  const { listing, link, signal } = options
  const pages = pull.env.graph.listUsers({
    select: pull.needs.userAttributes,
    filter: filterOf(listing),
    expandManager: pull.needs.userAttributes.includes('manager'),
    link,
    signal,
  })
  let named = 0
  for await (const page of pages) {
    requireNames(page.entries)
    const progress = { listing, link: page.nextLink, done: page.nextLink === undefined }
    named += await target.addUsers(page.entries, progress)
    pull.tally.users += page.entries.length
    const done = target.usersListed
    pull.env.onProgress({ phase: 'users', done, total: Math.max(done, walk.countBefore) })
  }
  return named
}

/** Reads all users in one list from its beginning. @returns how many it named */
async function readPlainList(walk: Walk, signal: AbortSignal): Promise<number> {
  const { env, source, owner } = walk.pull
  await walk.queue.flush()
  await writeMirror(env.db, owner, (tx) => setListings(tx, source.id, { prefix: 'users', names: ['users'] }))
  walk.target.countAnew()
  const named = await readUserList(walk, { listing: 'users', link: undefined, signal })
  tellAllUsers(walk)
  return named
}

/** People came and went since they were counted: there are as many as were listed. */
function tellAllUsers({ pull, target: { usersListed } }: Walk): void {
  pull.env.onProgress({ phase: 'users', done: usersListed, total: usersListed })
}

async function readGroups(
  walk: Walk,
  options: { readonly signal: AbortSignal; readonly newGroups: Channel<GroupToRead> },
): Promise<void> {
  const { pull, target } = walk
  const { env, source } = pull
  try {
    const waiting = await listGroupsToList(env.db, source.id)
    walk.toRead.groups += waiting.length
    options.newGroups.push(waiting)
    const listing = (await listListings(env.db, source.id)).find((l) => l.listing === 'groups')
    if (listing?.done === true) return
    const pages = env.graph.listGroups({
      select: pull.needs.groupAttributes,
      link: listing?.link,
      signal: options.signal,
    })
    for await (const page of pages) {
      const progress = { listing: 'groups', link: page.nextLink, done: page.nextLink === undefined }
      const met = await target.addGroups(page.entries, progress)
      walk.toRead.groups += met.length
      options.newGroups.push(met.map((group) => ({ objectId: group.objectId })))
      pull.tally.groups += page.entries.length
      const done = pull.tally.groups
      // Nobody counted them at Microsoft; about as many as before is close enough to tell how long it takes.
      const about = walk.groupsBefore === 0 ? undefined : Math.max(done, walk.groupsBefore)
      env.onProgress({ phase: 'groups', done, total: page.nextLink === undefined ? done : about })
    }
  } finally {
    walk.toRead.isWhole = true
    options.newGroups.end()
  }
}

async function readMembers(
  walk: Walk,
  options: {
    readonly signal: AbortSignal
    readonly newGroups: Channel<GroupToRead>
    readonly start: Promise<void>
  },
): Promise<void> {
  const { pull, target } = walk
  await options.start
  options.signal.throwIfAborted()
  let done = 0
  for await (const page of pull.env.graph.members(options.newGroups, { signal: options.signal })) {
    await target.addMembers(page)
    if (page.kind !== 'page' || page.complete) {
      done += 1
      const { groups, isWhole } = walk.toRead
      pull.env.onProgress({ phase: 'memberships', done, total: isWhole ? groups : undefined })
    }
  }
  if (done > 0) pull.env.onProgress({ phase: 'memberships', done, total: done })
}

async function judgeCompleteness(walk: Walk): Promise<WalkOutcome> {
  const { env, source } = walk.pull
  const listed = walk.target.usersListed
  const after = await env.graph.countUsers(env.signal)
  if (isBetween(listed, walk.countBefore, after)) return { usersListed: listed, isComplete: true }
  env.log.warn('the lists of users do not sum up to the count, the plain list is read', {
    source: source.name,
    count: listed - after,
  })
  const named = await readPlainList(walk, env.signal)
  await walk.queue.flush()
  const last = await env.graph.countUsers(env.signal)
  return { usersListed: Math.max(listed, named), isComplete: isBetween(named, after, last) }
}

function isBetween(value: number, one: number, other: number): boolean {
  return value >= Math.min(one, other) && value <= Math.max(one, other)
}

function createGate(): { readonly open: () => void; readonly opened: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { open: () => resolve(), opened: promise }
}
