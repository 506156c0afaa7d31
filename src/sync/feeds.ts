// Reads the changes since the stored links and folds them into the mirror, page by page, both feeds side by side.
import type { GroupEntry, UserEntry } from '../directory/change.ts'
import type { DeltaEnding, DeltaPage } from '../graph/delta.ts'
import type { Transaction } from '../database/transaction.ts'
import { addRereads, rereadUnknown, touchDoubtful } from '../mirror/doubtful.ts'
import { writeMirror } from '../mirror/fence.ts'
import { changeMemberships, type MemberChange, setMembersUnknown } from '../mirror/memberships.ts'
import { getObjects, type MirrorObject, requireKeys, writeObjects } from '../mirror/objects.ts'
import { type Feed, type FeedLinks, getRounds, setDeltaLink, setPageLink } from '../mirror/rounds.ts'
import { InvariantError } from '../base/errors.ts'
import { checkCleared, requireNames } from './canary.ts'
import { type FoldedGroups, foldGroups, foldUsers } from './fold.ts'
import type { Pull } from './pull-env.ts'
import { createTurns, together } from './tasks.ts'

/** A feed whose state Graph has dropped. */
export interface Expired {
  readonly feed: Feed
  readonly code: string
}

/** Links older than this are about to be forgotten by Graph (7 days): a round is not gone on with, but begun anew. */
const RESUMABLE_MS = 6 * 24 * 3_600_000

/**
 * Reads both feeds to their ends. Each page enters the mirror in one transaction with the link after it; with the last
 * page the new delta link becomes current (SPEC S3).
 *
 * @returns the feeds whose state has expired; the others are complete
 */
export async function drainFeeds(pull: Pull, options: { readonly isReplay: boolean }): Promise<readonly Expired[]> {
  const rounds = await getRounds(pull.env.db, pull.source.id)
  const inTurn = createTurns()
  const expired: Expired[] = []
  const readFeed = (feed: Feed, links: FeedLinks) => async (signal: AbortSignal) => {
    const ending = await drain(pull, { feed, links, signal, inTurn, isReplay: options.isReplay })
    if (ending.kind === 'resyncRequired') expired.push({ feed, code: ending.code })
  }
  await together(pull.env.signal, [
    readFeed('users', rounds.users),
    ...(pull.needs.groups ? [readFeed('groups', rounds.groups)] : []),
  ])
  return expired
}

interface DrainOptions {
  readonly feed: Feed
  readonly links: FeedLinks
  readonly signal: AbortSignal
  /** Pages of the two feeds are folded one after the other: both may meet the same object for the first time. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>
  readonly isReplay: boolean
}

async function drain(pull: Pull, options: DrainOptions): Promise<DeltaEnding> {
  const { feed, links, signal } = options
  if (links.deltaLink === undefined) throw new InvariantError(`no delta link of ${feed}`)
  const { graph, clock } = pull.env
  const ageMs = clock.now().getTime() - (links.linkAt?.getTime() ?? 0)
  const link = ageMs < RESUMABLE_MS && links.pageLink !== undefined ? links.pageLink : links.deltaLink
  const request = { link, restartFrom: links.deltaLink, signal }
  if (feed === 'users') {
    const pages = graph.usersDelta({ ...request, select: pull.needs.userAttributes })
    return each(pages, (page) => options.inTurn(() => foldUsersPage(pull, page, options)))
  }
  const pages = graph.groupsDelta({ ...request, select: pull.needs.groupAttributes })
  return each(pages, (page) => options.inTurn(() => foldGroupsPage(pull, page, options)))
}

async function each<Entry>(
  pages: AsyncGenerator<DeltaPage<Entry>, DeltaEnding>,
  handle: (page: DeltaPage<Entry>) => Promise<void>,
): Promise<DeltaEnding> {
  try {
    for (;;) {
      const next = await pages.next()
      if (next.done === true) return next.value
      await handle(next.value)
    }
  } finally {
    // After a failure of ours: the generator lets go of the page that it fetches ahead. After its end: nothing.
    await pages.return({ kind: 'resyncRequired', code: '' })
  }
}

async function foldUsersPage(pull: Pull, page: DeltaPage<UserEntry>, options: DrainOptions): Promise<void> {
  const { env, source, owner } = pull
  requireNames(page.entries)
  const ids = [...new Set(page.entries.map((e) => e.objectId))]
  const known = await getObjects(env.db, source.id, ids)
  const folded = foldUsers(page.entries, known, {
    sourceId: source.id,
    secretNames: pull.needs.secretAttributes,
    sealer: env,
    linkAt: options.links.linkAt,
  })
  await checkCleared(pull, { cleared: folded.cleared, known })
  await writeMirror(env.db, owner, async (tx) => {
    await writeObjects(tx, owner, folded.changes)
    if (pull.needs.groups) await addRereads(tx, source.id, folded.rereads)
    if (options.isReplay) await touchDoubtful(tx, source.id, keysOf(known))
    await setLink(tx, pull, { feed: 'users', page })
  })
  pull.tally.users += page.entries.length
  report(pull)
}

async function foldGroupsPage(pull: Pull, page: DeltaPage<GroupEntry>, options: DrainOptions): Promise<void> {
  const { env, source, owner } = pull
  const ids = [...new Set(page.entries.map((e) => e.objectId))]
  const known = await getObjects(env.db, source.id, ids)
  const folded = foldGroups(page.entries, known, { sourceId: source.id, sealer: env, linkAt: options.links.linkAt })
  await writeMirror(env.db, owner, async (tx) => {
    await writeObjects(tx, owner, folded.changes)
    await addRereads(tx, source.id, folded.rereads)
    if (options.isReplay) await touchDoubtful(tx, source.id, keysOf(known))
    await writeMembers(tx, pull, folded)
    await setLink(tx, pull, { feed: 'groups', page })
  })
  pull.tally.groups += ids.length
  report(pull)
}

async function writeMembers(tx: Transaction, pull: Pull, folded: FoldedGroups): Promise<void> {
  const { owner, source } = pull
  const { members, unreadable } = folded
  if (members.length > 0) {
    const ids = [...new Set(members.flatMap((m) => [m.groupId, m.memberId]))]
    const keys = await requireKeys(tx, source.id, ids)
    const changeOf = (m: FoldedGroups['members'][number]): MemberChange => ({
      groupKey: keys.get(m.groupId) ?? 0,
      memberKey: keys.get(m.memberId) ?? 0,
      kind: m.type === 'group' ? 'g' : 'u',
    })
    const added = members.filter((m) => !m.removed).map(changeOf)
    await changeMemberships(tx, owner, { added, removed: members.filter((m) => m.removed).map(changeOf) })
    // Who comes into a group of unknown members shows that they can be read, and is not all of them.
    await rereadUnknown(tx, source.id, [...new Set(added.map((m) => m.groupKey))])
  }
  if (unreadable.length > 0) {
    const keys = await requireKeys(tx, source.id, unreadable)
    await setMembersUnknown(tx, owner, { groupKeys: [...keys.values()], unknown: true })
  }
}

async function setLink(
  tx: Transaction,
  pull: Pull,
  at: { readonly feed: Feed; readonly page: DeltaPage<unknown> },
): Promise<void> {
  const { feed, page } = at
  if (page.deltaLink === undefined) await setPageLink(tx, pull.source.id, { feed, link: page.nextLink })
  else {
    await setDeltaLink(tx, pull.source.id, { feed, deltaLink: page.deltaLink, linkAt: pull.env.clock.now() })
  }
}

function keysOf(known: ReadonlyMap<string, MirrorObject>): number[] {
  return [...known.values()].map((row) => row.key)
}

function report(pull: Pull): void {
  pull.env.onProgress({ phase: 'changes', done: pull.tally.users + pull.tally.groups, total: undefined })
}
