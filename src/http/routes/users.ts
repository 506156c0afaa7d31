// Users of the registry.
import { z } from 'zod'
import type { Asked } from '../../contract/api/endpoint.ts'
import type { USERS } from '../../contract/api/users.ts'
import { listUsers } from '../../registry/user-list.ts'
import { requireUserView } from '../../registry/user-view.ts'
import { listPersonHistory } from '../../registry/person-history.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import type { Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'

const userPlace = z.tuple([z.int().min(0), z.string(), z.int()]).transform(([way, key, id]) => ({ way, key, id }))
/** Run and item, 0 before the first; entry of the audit, 0 before the first. */
const historyPlace = z.tuple([z.int(), z.int(), z.int()]).transform(([run, seq, edit]) => ({
  run: run === 0 ? undefined : { run, seq },
  edit: edit === 0 ? undefined : edit,
}))

export const userRoutes = {
  listUsers: (parts, { query }) => pageOfUsers(parts, query),
  searchUsers: (parts, { body }) => pageOfUsers(parts, body),
  getUser: ({ engine }, { params }) => requireUserView(engine.db, Number(params.user), engine),
  listUserHistory: async ({ engine }, { params, query }) => {
    const { changes, next } = await listPersonHistory(engine.db, {
      userId: Number(params.user),
      before: readCursor(query.cursor, historyPlace),
      limit: query.limit,
    })
    // A record that was removed has its history still; a number that never was anybody's has none.
    if (changes.length === 0 && query.cursor === undefined)
      await requireUserView(engine.db, Number(params.user), engine)
    const items = changes.map((change) => ({
      ...change,
      run: change.run === null ? null : String(change.run),
      at: change.at.toISOString(),
      old: change.old === null ? null : { ...change.old },
      new: change.new === null ? null : { ...change.new },
    }))
    return {
      items,
      next: next === undefined ? null : writeCursor([next.run?.run ?? 0, next.run?.seq ?? 0, next.edit ?? 0]),
    }
  },
  explainUser: ({ actions }, { query, signal }) => actions.explain({ user: query.user, signal }),
} satisfies Partial<Handlers>

async function pageOfUsers({ engine }: HttpParts, wanted: Asked<typeof USERS.searchUsers>['body']) {
  const { local, group, cursor, ...query } = wanted
  const { users, next } = await listUsers(
    engine.db,
    {
      ...query,
      search: query.search,
      source: query.source,
      isLocal: local,
      group: group === undefined ? undefined : Number(group),
      after: readCursor(cursor, userPlace),
    },
    engine,
  )
  const items = users.map((user) => ({ ...user, id: String(user.id), updatedAt: user.updatedAt.toISOString() }))
  return { items, next: next === undefined ? null : writeCursor([next.way, next.key, next.id]) }
}
