// Users and groups of Entra to pick from, as lists show them.
import type { DirectoryObject } from '../contract/api/connections.ts'
import { GROUP_TYPES, type GroupType } from '../contract/sources.ts'
import type { Attributes } from '../directory/change.ts'
import { parseObjectId } from '../directory/ids.ts'
import { namesInMirrors } from '../mirror/people.ts'
import { requireConnection } from '../registry/connections.ts'
import type { Engine } from './engine.ts'
import { groupTypesOf } from './map/groups.ts'

const SELECT = {
  users: ['displayName', 'userPrincipalName', 'mail'],
  groups: ['displayName', 'groupTypes', 'mailEnabled', 'securityEnabled'],
} as const

/**
 * Searches Entra live.
 *
 * @throws NotFoundError; GraphError
 */
export async function searchEntra(
  engine: Engine,
  asked: {
    readonly connection: string
    readonly kind: 'users' | 'groups'
    readonly text: string
    readonly signal: AbortSignal
  },
): Promise<readonly DirectoryObject[]> {
  const { kind, text, signal } = asked
  const graph = await engine.openGraph(await requireConnection(engine.db, asked.connection))
  try {
    const hits = await graph.search({ kind, text, select: SELECT[kind], signal })
    const present = kind === 'users' ? presentUser : presentGroup
    return hits.map(({ objectId, attributes }) => present(objectId, attributes))
  } finally {
    await graph.stop()
  }
}

/**
 * The groups of these object ids, in their order: as the mirrors of the connection know them, else as Entra does.
 *
 * @throws NotFoundError; GraphError
 */
export async function namesOfGroups(
  engine: Engine,
  asked: { readonly connection: string; readonly objectIds: readonly string[]; readonly signal: AbortSignal },
): Promise<readonly DirectoryObject[]> {
  const connection = await requireConnection(engine.db, asked.connection)
  const ids = [...new Set(asked.objectIds.map(parseObjectId).filter((id) => id !== undefined))]
  const known = new Map(await namesInMirrors(engine.db, connection.tenantId, ids))
  const missing = ids.filter((id) => !known.has(id))
  if (missing.length > 0) {
    const graph = await engine.openGraph(connection)
    try {
      const found = await graph.lookUpGroups(missing, { select: SELECT.groups, signal: asked.signal })
      for (const [id, group] of found) if (group.kind === 'found') known.set(id, group.attributes)
    } finally {
      await graph.stop()
    }
  }
  return ids.flatMap((id) => {
    const attributes = known.get(id)
    return attributes === undefined ? [] : [presentGroup(id, attributes)]
  })
}

function presentUser(objectId: string, attributes: Attributes): DirectoryObject {
  const detail = textOf(attributes, 'userPrincipalName') ?? ''
  return { objectId, name: textOf(attributes, 'displayName') ?? detail, detail }
}

const TYPE_WORDS: Readonly<Record<GroupType, string>> = {
  security: 'Security',
  microsoft365: 'Microsoft 365',
  mailEnabledSecurity: 'Mail-enabled security',
  distribution: 'Distribution',
  dynamic: 'Dynamic',
}

function presentGroup(objectId: string, attributes: Attributes): DirectoryObject {
  const types = groupTypesOf(attributes)
  // Of a group of no known type every type is said; to people that tells nothing.
  const words = types.size === GROUP_TYPES.length ? [] : GROUP_TYPES.filter((type) => types.has(type))
  const detail = words.map((type) => TYPE_WORDS[type]).join(', ')
  return { objectId, name: textOf(attributes, 'displayName') ?? '', detail }
}

function textOf(attributes: Attributes, name: string): string | undefined {
  const value = attributes[name]
  return typeof value === 'string' ? value : undefined
}
