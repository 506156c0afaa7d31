// Groups of the registry.
import { z } from 'zod'
import type { GroupLine } from '../../contract/api/groups.ts'
import { changeGroup, createGroup, removeGroup } from '../../registry/edit-groups.ts'
import { addMember, removeMember } from '../../registry/edit-members.ts'
import { type ListedGroup, listLevel, requireGroup, searchGroups } from '../../registry/group-list.ts'
import { listMembers } from '../../registry/member-list.ts'
import { memberChains } from '../../sync/member-chains.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import type { Handlers } from '../handler.ts'

const groupPlace = z.tuple([z.int().min(0), z.string(), z.int()]).transform(([way, key, id]) => ({ way, key, id }))
const memberPlace = z.tuple([z.string(), z.int()]).transform(([key, id]) => ({ key, id }))

export const groupRoutes = {
  listGroups: async ({ engine }, { query }) => {
    const paging = { after: readCursor(query.cursor, groupPlace), limit: query.limit }
    const { search, under = '' } = query
    const { groups, next } =
      search === undefined || search.trim() === ''
        ? await listLevel(engine.db, { ...paging, under })
        : await searchGroups(engine.db, { ...paging, search })
    return {
      items: groups.map((group) => ({ ...group, id: group.id === null ? null : String(group.id) })),
      next: next === undefined ? null : writeCursor([next.way, next.key, next.id]),
    }
  },
  getGroup: async ({ engine }, { params }) => presentGroup(await requireGroup(engine.db, Number(params.group))),
  listMembers: async ({ engine: { db } }, { params, query }) => {
    const group = await requireGroup(db, Number(params.group))
    const { members, next } = await listMembers(db, {
      groupId: Number(params.group),
      search: query.search,
      after: readCursor(query.cursor, memberPlace),
      limit: query.limit,
    })
    const objectIds = members.flatMap((member) => member.objectId ?? [])
    const chains = new Map<number, Awaited<ReturnType<typeof memberChains>>>()
    for (const sourceId of new Set(members.flatMap((member) => member.givenBy.map((source) => source.id)))) {
      const { objectId } = group
      if (objectId !== null) chains.set(sourceId, await memberChains(db, { sourceId, objectId }, objectIds))
    }
    const items = members.map(({ userId, objectId, givenBy, ...member }) => ({
      ...member,
      userId: String(userId),
      sources: givenBy.map((source) => source.name),
      chain: [...(givenBy.map((source) => chains.get(source.id)?.get(objectId ?? '')).find(Boolean) ?? [])],
    }))
    return { items, next: next === undefined ? null : writeCursor([next.key, next.id]) }
  },
  createGroup: async ({ engine }, { body, actor }) => {
    const groupId = await createGroup(engine.db, { ...engine, actor, name: body.name, under: body.under })
    return presentGroup(await requireGroup(engine.db, groupId))
  },
  changeGroup: async ({ engine }, { params, body, actor }) => {
    const groupId = Number(params.group)
    await changeGroup(engine.db, { ...engine, ...body, actor, groupId })
    return presentGroup(await requireGroup(engine.db, groupId))
  },
  removeGroup: async ({ engine }, { params, actor }) => {
    await removeGroup(engine.db, { ...engine, actor, groupId: Number(params.group) })
    return undefined
  },
  addMember: async ({ engine }, { params, actor }) => {
    await addMember(engine.db, { ...engine, actor, groupId: Number(params.group), userId: Number(params.user) })
    return undefined
  },
  removeMember: async ({ engine }, { params, actor }) => {
    await removeMember(engine.db, { ...engine, actor, groupId: Number(params.group), userId: Number(params.user) })
    return undefined
  },
} satisfies Partial<Handlers>

function presentGroup(group: ListedGroup): GroupLine {
  return { ...group, id: String(group.id) }
}
