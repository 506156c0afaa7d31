// Finding users and groups by what somebody types, for people who pick them. Never for judging who is there: what is found by
// words comes from an index that lags.
import type { Attributes } from '../directory/change.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import { lookUp } from './lookups.ts'
import { compilePicker, selectOf } from './picker.ts'
import type { Requester } from './retry.ts'
import { objectIdOf, readEnvelope } from './wire.ts'

export interface SearchOptions {
  readonly kind: 'users' | 'groups'
  /** A beginning of a name, words of it, or an object id. Empty: some objects, whichever Graph lists first. */
  readonly text: string
  readonly select: readonly string[]
  readonly signal: AbortSignal
}

export interface SearchHit {
  readonly objectId: ObjectId
  readonly attributes: Attributes
}

/** More than anybody reads in a list to pick from. */
const MOST = 25

/** What is compared from its beginning, all of it without advanced query. */
const BEGINNINGS = { users: ['displayName', 'userPrincipalName', 'mail'], groups: ['displayName', 'mail'] } as const

/**
 * At most 25 objects: those whose name begins with the text, then those that have its words anywhere in their name.
 *
 * @throws GraphError
 * @see https://learn.microsoft.com/graph/search-query-parameter and /graph/filter-query-parameter
 */
export async function searchDirectory(graph: Requester, options: SearchOptions): Promise<readonly SearchHit[]> {
  const text = options.text
    .toWellFormed()
    .replace(/\p{Cc}/gu, ' ')
    .trim()
  const id = parseObjectId(text)
  if (id !== undefined) return byId(graph, id, options)
  if (text === '') return ask(graph, options, { query: '', headers: {} })
  const literal = `'${text.replaceAll("'", "''")}'`
  const filter = BEGINNINGS[options.kind].map((name) => `startsWith(${name},${literal})`).join(' or ')
  const [begin, have] = await Promise.all([
    ask(graph, options, { query: `&$filter=${encodeURIComponent(filter)}`, headers: {} }),
    byWords(graph, text, options),
  ])
  const hits = new Map([...begin, ...have].map((hit) => [hit.objectId, hit]))
  return [...hits.values()].slice(0, MOST)
}

/** Graph compares words, so that whatever parts them need not be sent, and nothing has to be escaped in the quotes. */
async function byWords(graph: Requester, text: string, options: SearchOptions): Promise<readonly SearchHit[]> {
  const words = text.match(/[\p{L}\p{N}\p{M}]+/gu)
  if (words === null) return []
  const search = encodeURIComponent(`"displayName:${words.join(' ')}"`)
  return ask(graph, options, { query: `&$search=${search}`, headers: { ConsistencyLevel: 'eventual' } })
}

async function ask(
  graph: Requester,
  { kind, select, signal }: SearchOptions,
  { query, headers }: { readonly query: string; readonly headers: Readonly<Record<string, string>> },
): Promise<readonly SearchHit[]> {
  const pick = compilePicker(select)
  const { value } = await graph.ask({
    url: graph.url(`${kind}?$select=${selectOf(select, { without: ['manager', 'members'] })}&$top=${MOST}${query}`),
    headers,
    cost: 1,
    accept: 'application/json',
    signal,
    read: (body) => readEnvelope(body).value.map((raw) => ({ objectId: objectIdOf(raw), attributes: pick(raw) })),
  })
  return value
}

async function byId(graph: Requester, id: ObjectId, options: SearchOptions): Promise<readonly SearchHit[]> {
  const { kind, select, signal } = options
  const found = (await lookUp(graph, [id], { collection: kind, select, signal })).get(id)
  return found?.kind === 'found' ? [{ objectId: id, attributes: found.attributes }] : []
}
