// Complete direct members of many groups, by batches.
import type { MemberType } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import { eachBatched, type InnerAnswer, type Job } from './batch.ts'
import { BadAnswer, GraphError } from './errors.ts'
import { pathOfLink, walkGuard, type WalkGuard } from './links.ts'
import type { Requester } from './retry.ts'
import { PAGE } from './users.ts'
import { memberTypeOf, objectIdOf, toEnvelope, type UnknownMembers } from './wire.ts'

export interface Member {
  readonly objectId: ObjectId
  readonly type: MemberType
}

/** One page of a group's members, or why there is none. `complete` is true on the group's last page only. */
export type MembersPage =
  | {
      readonly kind: 'page'
      readonly objectId: ObjectId
      readonly members: readonly Member[]
      readonly complete: boolean
      readonly nextLink?: string
      /** The group's listing began anew: its members may come again. */
      readonly restarted?: true
    }
  /** Graph says that the group does not exist. */
  | { readonly kind: 'missing'; readonly objectId: ObjectId }
  /** The app may not read the members, e.g. of a hidden group. Says nothing about who they are. */
  | { readonly kind: 'forbidden'; readonly objectId: ObjectId; readonly code: string }

export interface GroupToRead {
  readonly objectId: ObjectId
  /** Resumes at a next link of this group's members. */
  readonly link?: string | undefined
}

interface MembersJob extends Job {
  readonly objectId: ObjectId
  readonly first: string
  readonly guard: WalkGuard
  readonly restarts: number
  readonly restarted: boolean
}

/**
 * Reads `/groups/{id}/members` of every group that `groups` yields: in parallel batches of 20, pages of 999. Pages of one
 * group come in order, groups in any order. Service principals are left out by v1.0.
 *
 * @see https://learn.microsoft.com/graph/api/group-list-members
 * @throws GraphError
 */
export async function* eachMembersPage(
  graph: Requester,
  groups: AsyncIterable<GroupToRead> | Iterable<GroupToRead>,
  options: { readonly signal: AbortSignal; readonly unknown: UnknownMembers; onRestart(): void },
): AsyncGenerator<MembersPage, void> {
  const outputs = eachBatched<MembersJob, MembersPage>(graph, {
    jobs: toJobs(graph, groups),
    signal: options.signal,
    interpret(job, answer) {
      if (answer.status >= 200 && answer.status < 300) return readPage(graph, { job, answer, unknown: options.unknown })
      return refused(graph, { job, answer, onRestart: () => options.onRestart() })
    },
  })
  for await (const pages of outputs) yield* pages
}

async function* toJobs(
  graph: Requester,
  groups: AsyncIterable<GroupToRead> | Iterable<GroupToRead>,
): AsyncGenerator<MembersJob, void> {
  for await (const { objectId, link } of groups) {
    const first = `/groups/${objectId}/members?$select=id&$top=${PAGE}`
    yield {
      objectId,
      first,
      url: link === undefined ? first : innerUrl(graph, link),
      cost: COST,
      guard: walkGuard(graph.limits, `groups/${objectId}/members`),
      restarts: 0,
      restarted: false,
    }
  }
}

/** A members page costs 3 units, 2 with `$select`. @see https://learn.microsoft.com/graph/throttling-limits */
const COST = 2

/** Inside a batch URLs stand below the version; links are absolute. */
function innerUrl(graph: Requester, link: string): string {
  return `/${pathOfLink(graph.root, link).slice(graph.root.base.length)}`
}

interface Reading {
  readonly job: MembersJob
  readonly answer: InnerAnswer
}

function readPage(
  graph: Requester,
  reading: Reading & { readonly unknown: UnknownMembers },
): { output: MembersPage; follow?: MembersJob } {
  const { job, answer, unknown } = reading
  const { value, nextLink } = toEnvelope(answer.body)
  const members = value.map((raw) => ({ objectId: objectIdOf(raw), type: memberTypeOf(raw, unknown) }))
  const page = {
    kind: 'page',
    objectId: job.objectId,
    members,
    complete: nextLink === undefined,
    ...(job.restarted ? { restarted: true as const } : {}),
  } as const
  if (nextLink === undefined) return { output: page }
  const url = innerUrl(graph, nextLink)
  job.guard.follow(nextLink)
  job.guard.saw(members.length === 0 ? undefined : `${members[0]?.objectId} ${members.at(-1)?.objectId}`)
  return { output: { ...page, nextLink }, follow: { ...job, url, restarted: false } }
}

function refused(
  graph: Requester,
  reading: Reading & { onRestart(): void },
): { output?: MembersPage; follow?: MembersJob } {
  const { job, answer } = reading
  const { objectId } = job
  const code = answer.code ?? ''
  if (/^(Directory_ExpiredPageToken|DirectoryPageTokenNotFoundException)$/i.test(code)) {
    if (job.url !== job.first && job.restarts < graph.limits.maxRestarts) {
      job.guard.restart()
      reading.onRestart()
      return { follow: { ...job, url: job.first, restarts: job.restarts + 1, restarted: true } }
    }
  } else if (answer.status === 404) {
    if (isAbsence(answer)) return { output: { kind: 'missing', objectId } }
    throw new BadAnswer('a group answered 404 for another reason than not being there')
  } else if (answer.status === 403) return { output: { kind: 'forbidden', objectId, code } }
  throw new GraphError('bad-request', `Cannot read the members of a group: Graph answered ${answer.status} ${code}`, {
    status: answer.status,
    graphCode: answer.code,
    requestId: answer.requestId,
    path: `/groups/${objectId}/members`,
    retry: 'never',
  })
}

/**
 * True when a 404 really says that the object does not exist. Other codes under 404 are faults: a service bug answered
 * `UnknownError` for months (https://github.com/microsoftgraph/microsoft-graph-docs/issues/1000).
 */
export function isAbsence(answer: InnerAnswer): boolean {
  return answer.status === 404 && /^(Request_ResourceNotFound|ResourceNotFound)$/i.test(answer.code ?? '')
}
