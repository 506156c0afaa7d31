// Questions about single objects: the proofs behind every removal.
import type { Attributes } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import { eachBatched, type InnerAnswer, type Job } from './batch.ts'
import { asRecord, parseJson } from './body.ts'
import { BadAnswer, GraphError } from './errors.ts'
import { unknownProperty } from './graphcode.ts'
import { isAbsence } from './memberships.ts'
import { eachPage } from './pages.ts'
import { compilePicker, selectOf } from './picker.ts'
import type { Requester } from './retry.ts'
import { markOf, PAGE } from './users.ts'
import { managerInExpand, objectIdOf, type Raw } from './wire.ts'

/** `absent` is Graph's word that the object is not there, never a guess from an error. */
export type Found = { readonly kind: 'found'; readonly attributes: Attributes } | { readonly kind: 'absent' }

export interface LookUpOptions {
  readonly select: readonly string[]
  readonly signal: AbortSignal
}

interface LookUpJob extends Job {
  readonly objectId: ObjectId
}

/**
 * Reads objects by id in batches. Every asked id is in the answer.
 *
 * @throws GraphError for anything but 200 and a 404 that says "not there"
 */
export async function lookUp(
  graph: Requester,
  ids: Iterable<ObjectId>,
  options: LookUpOptions & { readonly collection: 'users' | 'groups' },
): Promise<Map<ObjectId, Found>> {
  const { collection, select } = options
  const wantsManager = collection === 'users' && select.includes('manager')
  const pick = compilePicker(select, wantsManager ? managerInExpand : undefined)
  const query = `?$select=${selectOf(select, { without: ['manager', 'members'] })}`
  return askEach(graph, ids, {
    signal: options.signal,
    url: (id) => `/${collection}/${id}${query}${wantsManager ? '&$expand=manager($select=id)' : ''}`,
    found: (raw): Found => ({ kind: 'found', attributes: pick(raw) }),
    absent: { kind: 'absent' },
  })
}

/**
 * Which of the ids lie in the recycle bin.
 *
 * @see https://learn.microsoft.com/graph/api/directory-deleteditems-get
 */
export async function lookUpDeleted(
  graph: Requester,
  ids: Iterable<ObjectId>,
  options: { readonly signal: AbortSignal },
): Promise<Map<ObjectId, 'deleted' | 'absent'>> {
  return askEach(graph, ids, {
    signal: options.signal,
    url: (id) => `/directory/deletedItems/${id}?$select=id`,
    found: () => 'deleted' as const,
    absent: 'absent' as const,
  })
}

/**
 * The object id behind a user principal name; `undefined` when nobody has it.
 *
 * @see https://learn.microsoft.com/graph/api/user-get
 */
export async function findUserByName(
  graph: Requester,
  userPrincipalName: string,
  options: { readonly signal: AbortSignal },
): Promise<ObjectId | undefined> {
  // A name that begins with $ is no path segment for Graph; in the brackets it is, and quotes in it are doubled.
  const name = encodeURIComponent(userPrincipalName.replaceAll("'", "''"))
  const jobs: LookUpJob[] = [{ objectId: NOBODY, url: `/users('${name}')?$select=id`, cost: 1 }]
  const outputs = eachBatched<LookUpJob, ObjectId | undefined>(graph, {
    jobs,
    signal: options.signal,
    interpret(job, answer) {
      if (isAbsence(answer)) return { output: undefined }
      return { output: objectIdOf(requireBody(job, answer)) }
    },
  })
  for await (const ids of outputs) return ids[0]
  return undefined
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- names the question, not an answer
const NOBODY = '00000000-0000-0000-0000-000000000000' as ObjectId

/**
 * Groups that a user belongs to, directly or through others. Read without cast, because casts answer from an index that
 * lags (https://learn.microsoft.com/graph/aad-advanced-queries).
 *
 * @throws GraphError; `not-found` when there is no such user
 */
export async function transitiveGroupsOf(
  graph: Requester,
  userId: ObjectId,
  options: { readonly signal: AbortSignal; onRestart(): void },
): Promise<ObjectId[]> {
  const groups = new Set<ObjectId>()
  const pages = eachPage<{ objectId: ObjectId; isGroup: boolean }>(graph, {
    first: graph.url(`users/${userId}/transitiveMemberOf?$select=id&$top=${PAGE}`),
    cost: 1,
    isDelta: false,
    signal: options.signal,
    what: 'users/{id}/transitiveMemberOf',
    readEntries: (value) =>
      value.map((raw) => ({ objectId: objectIdOf(raw), isGroup: raw['@odata.type'] === '#microsoft.graph.group' })),
    mark: markOf,
    onRestart: () => options.onRestart(),
  })
  for await (const page of pages) for (const entry of page.entries) if (entry.isGroup) groups.add(entry.objectId)
  return [...groups]
}

/** So many groups Graph takes at once. */
const CHECKED_GROUPS = 20

/**
 * Which of these groups a user belongs to, directly or through others. Of groups with hidden membership Graph may say nothing.
 *
 * @throws GraphError; `not-found` when there is no such user
 * @see https://learn.microsoft.com/graph/api/directoryobject-checkmembergroups
 */
export async function groupsAmong(
  graph: Requester,
  userId: ObjectId,
  options: { readonly among: readonly ObjectId[]; readonly signal: AbortSignal },
): Promise<ObjectId[]> {
  const { among, signal } = options
  const found: ObjectId[] = []
  for (let from = 0; from < among.length; from += CHECKED_GROUPS) {
    const groupIds = among.slice(from, from + CHECKED_GROUPS)
    const { value } = await graph.ask({
      method: 'POST',
      url: graph.url(`users/${userId}/checkMemberGroups`),
      body: JSON.stringify({ groupIds }),
      cost: 4,
      accept: 'application/json',
      signal,
      read: readIds,
    })
    // What was not asked for is no answer.
    found.push(...groupIds.filter((id) => value.has(id)))
  }
  return found
}

async function askEach<T>(
  graph: Requester,
  ids: Iterable<ObjectId>,
  options: {
    readonly signal: AbortSignal
    readonly absent: T
    url(id: ObjectId): string
    found(raw: Raw): T
  },
): Promise<Map<ObjectId, T>> {
  const jobs: LookUpJob[] = [...new Set(ids)].map((objectId) => ({ objectId, url: options.url(objectId), cost: 1 }))
  const results = new Map<ObjectId, T>()
  const outputs = eachBatched<LookUpJob, readonly [ObjectId, T]>(graph, {
    jobs,
    signal: options.signal,
    interpret: (job, answer) => ({
      output: [job.objectId, isAbsence(answer) ? options.absent : options.found(requireObject(job, answer))],
    }),
  })
  for await (const pairs of outputs) for (const [id, result] of pairs) results.set(id, result)
  return results
}

function requireObject(job: LookUpJob, answer: InnerAnswer): Raw {
  const raw = requireBody(job, answer)
  if (objectIdOf(raw) !== job.objectId) throw new BadAnswer('another object was answered')
  return raw
}

function requireBody(job: LookUpJob, answer: InnerAnswer): Raw {
  const path = job.url.split('?', 1)[0] ?? ''
  if (answer.status === 404) throw new BadAnswer('an object answered 404 for another reason than not being there')
  if (answer.status >= 300) {
    const unknown = unknownProperty(answer.body, job.url)
    const attribute = unknown === undefined ? '' : `; it does not know the attribute ${unknown}`
    throw new GraphError(
      answer.status === 403 ? 'forbidden' : 'bad-request',
      `Cannot read ${path}: Graph answered ${answer.status} ${answer.code}${attribute}`,
      { status: answer.status, graphCode: answer.code, requestId: answer.requestId, path, retry: 'never' },
    )
  }
  const raw = asRecord(answer.body)
  if (raw === undefined) throw new BadAnswer('no object was answered')
  return raw
}

/** @throws BadAnswer unless it is a list of texts */
function readIds(body: Buffer): ReadonlySet<string> {
  const value = asRecord(parseJson(body))?.['value']
  if (!Array.isArray(value) || !value.every((id) => typeof id === 'string'))
    throw new BadAnswer('the answer has no list of ids')
  return new Set(value.map((id) => id.toLowerCase()))
}
