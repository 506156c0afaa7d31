// A few real users of a source with their attributes, from its mirror or from Entra, for showing what settings make of them.
import { NotFoundError } from '../base/errors.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Attributes } from '../directory/change.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import type { GraphClient } from '../graph/client.ts'
import { findByUserPrincipalName, listSomeUsers } from '../mirror/people.ts'
import { getObjects } from '../mirror/objects.ts'
import { getRounds } from '../mirror/rounds.ts'
import { requireConnection } from '../registry/connections.ts'
import { mirrorUsersByKeys } from '../registry/planning.ts'
import { mirrorTenantOf, requireSource } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import { reachedGroups } from './explain-groups.ts'
import type { Needs } from './map/needs.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import { mirrorOpener } from './rivals.ts'

/** One user, as mappings and filters see him. */
export interface Sample {
  readonly objectId: ObjectId
  readonly attributes: Attributes
  /** Member of a selected group, nested ones counted; true where none is selected. */
  readonly inScope: boolean
}

export interface SampleRequest {
  readonly needs: Needs
  /** Object ids of the selected groups; empty: all users are imported. */
  readonly scope: readonly string[]
  /** Object ids or user principal names; empty: anybody. */
  readonly users: readonly string[]
  /** How many, where nobody is named. */
  readonly atMost: number
  readonly signal: AbortSignal
}

/**
 * Users out of the mirror of a source. Attributes that it lacks are asked of Entra.
 *
 * @returns undefined where Entra has to be asked: nothing was read yet, or of another tenant, or not somebody who is named
 * @throws NotFoundError
 */
export async function sampleMirror(
  engine: Engine,
  asked: SampleRequest & {
    readonly source: string
    readonly connection: string
    readonly withGraph: <T>(work: (graph: GraphClient) => Promise<T>) => Promise<T>
  },
): Promise<readonly Sample[] | undefined> {
  const { db } = engine
  const { id: sourceId } = await requireSource(db, asked.source)
  const { tenantId } = await requireConnection(db, asked.connection)
  const rounds = await getRounds(db, sourceId)
  if (rounds.lineage === undefined || (await mirrorTenantOf(db, sourceId)) !== tenantId) return undefined
  const ids = await idsInMirror(engine, sourceId, asked)
  const missing = asked.needs.userAttributes.filter((name) => !rounds.userAttributes.includes(name))
  const told =
    ids === undefined || missing.length === 0 ? undefined : await asked.withGraph((g) => lookUp(g, ids, missing, asked))
  return ids === undefined ? undefined : readMirror(engine, sourceId, { ...asked, ids, told })
}

async function idsInMirror(
  { db }: Engine,
  sourceId: number,
  { users, scope, atMost }: SampleRequest,
): Promise<readonly ObjectId[] | undefined> {
  if (users.length === 0) return listSomeUsers(db, sourceId, { groups: scope, atMost })
  const ids: ObjectId[] = []
  for (const user of users) {
    const id = parseObjectId(user) ?? (await findByUserPrincipalName(db, sourceId, user))
    if (id === undefined) return undefined
    ids.push(id)
  }
  const known = await getObjects(db, sourceId, ids)
  return ids.every((id) => known.get(id)?.kind === 'u' && known.get(id)?.state === 'l') ? ids : undefined
}

async function readMirror(
  engine: Engine,
  sourceId: number,
  asked: SampleRequest & {
    readonly ids: readonly ObjectId[]
    readonly told: ReadonlyMap<ObjectId, Attributes> | undefined
  },
): Promise<readonly Sample[]> {
  const { ids, needs, scope, told } = asked
  const keys = new Map([...(await getObjects(engine.db, sourceId, ids)).values()].map((o) => [o.key, o.objectId]))
  return withTransaction(
    engine.db,
    async (tx) => {
      const withManager = needs.userAttributes.includes('manager')
      const rows = await mirrorUsersByKeys(tx, [...keys.keys()], { sourceId, scoped: false, withManager })
      const samples = new Map<ObjectId, Sample>()
      for (const row of rows) {
        const objectId = keys.get(row.key)
        if (objectId === undefined) continue
        const attributes = mirrorAttributes(row, { needs, open: mirrorOpener(engine.vault, sourceId) })
        const groups = scope.length === 0 ? undefined : await reachedGroups(tx, row.key)
        samples.set(objectId, {
          objectId,
          attributes: { ...attributes, ...told?.get(objectId) },
          inScope: groups === undefined || scope.some((id) => groups.has(id)),
        })
      }
      return ids.flatMap((id) => samples.get(id) ?? [])
    },
    { isolation: 'repeatable read', readOnly: true },
  )
}

/** Users as Entra has them now. @throws NotFoundError for a named one whom it does not have; GraphError */
export async function sampleEntra(graph: GraphClient, asked: SampleRequest): Promise<readonly Sample[]> {
  const { users, scope, signal, needs } = asked
  const members = users.length === 0 && scope.length > 0 ? await membersOf(graph, asked) : []
  const isKnown = scope.length === 0 || members.length > 0
  const ids =
    users.length > 0
      ? await Promise.all(users.map((user) => requireUser(graph, user, signal)))
      : members.length > 0
        ? members
        : await anybody(graph, isKnown ? asked : { ...asked, atMost: ASKED_ALONE })
  const told = await lookUp(graph, ids, needs.userAttributes, asked)
  const samples: Sample[] = []
  for (const [index, objectId] of ids.entries()) {
    const attributes = told.get(objectId)
    if (attributes === undefined && users.length > 0) throw new NotFoundError('user', users[index] ?? objectId, HINT)
    if (attributes === undefined) continue
    const inScope =
      members.length > 0 ||
      scope.length === 0 ||
      (await graph.transitiveGroupsOf(objectId, { signal })).some((group) => scope.includes(group))
    samples.push({ objectId, attributes: needs.usesId ? { ...attributes, id: objectId } : attributes, inScope })
  }
  return samples
}

const HINT = 'give the user principal name or the object id that Entra shows'
/** Whose groups are asked for one by one: more would take too long for somebody who types. */
const ASKED_ALONE = 3

async function requireUser(graph: GraphClient, user: string, signal: AbortSignal): Promise<ObjectId> {
  const id = parseObjectId(user) ?? (await graph.findUserByName(user, { signal }))
  if (id === undefined) throw new NotFoundError('user', user, HINT)
  return id
}

async function anybody(graph: GraphClient, { atMost, signal }: SampleRequest): Promise<readonly ObjectId[]> {
  const hits = await graph.search({ kind: 'users', text: '', select: ['displayName'], signal })
  return hits.slice(0, atMost).map((hit) => hit.objectId)
}

/** Some direct members of the first selected group that has users. */
async function membersOf(graph: GraphClient, { scope, atMost, signal }: SampleRequest): Promise<readonly ObjectId[]> {
  for (const group of scope) {
    const objectId = parseObjectId(group)
    if (objectId === undefined) continue
    for await (const page of graph.members([{ objectId }], { signal })) {
      if (page.kind !== 'page') break
      const users = page.members.filter((member) => member.type === 'user').map((member) => member.objectId)
      if (users.length > 0) return users.slice(0, atMost)
    }
  }
  return []
}

/** Attributes of those that there are; managers by their names, as people know them. */
async function lookUp(
  graph: GraphClient,
  ids: readonly ObjectId[],
  select: readonly string[],
  { signal }: SampleRequest,
): Promise<ReadonlyMap<ObjectId, Attributes>> {
  const found = await graph.lookUpUsers(ids, { select, signal })
  const told = new Map([...found].flatMap(([id, one]) => (one.kind === 'found' ? [[id, one.attributes] as const] : [])))
  const managerIds = [...told.values()].flatMap(({ manager }) => (typeof manager === 'string' ? [manager] : []))
  const managers = await graph.lookUpUsers(
    managerIds.map(parseObjectId).filter((id) => id !== undefined),
    { select: ['userPrincipalName'], signal },
  )
  const names = new Map([...managers].map(([id, one]) => [String(id), one]))
  for (const [id, attributes] of told) {
    if (typeof attributes['manager'] !== 'string') continue
    const manager = names.get(attributes['manager'])
    const name = manager?.kind === 'found' ? (manager.attributes['userPrincipalName'] ?? null) : null
    told.set(id, { ...attributes, manager: name })
  }
  return told
}
