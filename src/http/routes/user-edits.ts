// Users of the registry changed by hand.
import { randomInt } from 'node:crypto'
import { ConfigError } from '../../base/errors.ts'
import { addCard, removeCard, removePin, resetPin, revealCard } from '../../registry/edit-credentials.ts'
import { deactivateUser, restoreUser } from '../../registry/edit-status.ts'
import { changeUser, createUser, removeUser, setProtected } from '../../registry/edit-users.ts'
import { requireUserView } from '../../registry/user-view.ts'
import { MAX_KEY_LENGTH, valueProblem } from '../../sync/map/value.ts'
import { drawPin, pinLength } from '../../sync/pin.ts'
import type { Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'

export const userEditRoutes = {
  createUser: async (parts, { body, actor }) => {
    requireKeepable({ userName: body.userName, personalNumber: body.personalNumber })
    return view(parts, await createUser(parts.engine.db, { ...parts.engine, actor, ...body }))
  },
  changeUser: async (parts, { params, body, actor }) => {
    const { version, ...changes } = body
    requireKeepable({ userName: body.userName, personalNumber: body.personalNumber, aliases: body.aliases })
    const userId = Number(params.user)
    await changeUser(parts.engine.db, { ...parts.engine, actor, userId, version, changes })
    return view(parts, userId)
  },
  setProtected: async (parts, { params, body, actor }) => {
    const edit = { ...parts.engine, actor, userId: Number(params.user), version: body.version }
    await setProtected(parts.engine.db, { ...edit, isProtected: body.protected })
    return view(parts, edit.userId)
  },
  removeUser: async ({ engine }, { params, actor }) => {
    await removeUser(engine.db, { ...engine, actor, userId: Number(params.user) })
    return undefined
  },
  deactivateUser: async (parts, { params, body, actor }) => {
    const edit = { ...parts.engine, actor, userId: Number(params.user), ...body }
    await deactivateUser(parts.engine.db, edit)
    return view(parts, edit.userId)
  },
  restoreUser: async (parts, { params, body, actor }) => {
    const edit = { ...parts.engine, actor, userId: Number(params.user), ...body }
    await restoreUser(parts.engine.db, edit)
    return view(parts, edit.userId)
  },
  addCard: async (parts, { params, body, actor }) => {
    requireKeepable({ card: body.card })
    const userId = Number(params.user)
    await addCard(parts.engine.db, { ...parts.engine, actor, userId, card: body.card })
    return view(parts, userId)
  },
  removeCard: async (parts, { params, actor }) => {
    const edit = { ...parts.engine, actor, userId: Number(params.user), cardId: Number(params.card) }
    await removeCard(parts.engine.db, edit)
    return view(parts, edit.userId)
  },
  revealCard: async ({ engine }, { params, actor }) => ({
    card: await revealCard(engine.db, {
      ...engine,
      actor,
      userId: Number(params.user),
      cardId: Number(params.card),
    }),
  }),
  resetPin: async (parts, { params, actor }) => {
    const userId = Number(params.user)
    const draw = (people: number) => drawPin(pinLength(people), (below) => randomInt(below))
    const pin = await resetPin(parts.engine.db, { ...parts.engine, actor, userId, draw })
    return { pin, user: await view(parts, userId) }
  },
  removePin: async (parts, { params, actor }) => {
    const userId = Number(params.user)
    await removePin(parts.engine.db, { ...parts.engine, actor, userId })
    return view(parts, userId)
  },
} satisfies Partial<Handlers>

function view({ engine }: HttpParts, userId: number) {
  return requireUserView(engine.db, userId, engine)
}

/** What no source could give, nobody gives by hand. @throws ConfigError, without the values */
function requireKeepable(values: Readonly<Record<string, string | readonly string[] | null | undefined>>): void {
  const problems = Object.entries(values).flatMap(([name, given]) =>
    [given ?? []].flat().flatMap((value) => {
      const message = valueProblem(value, MAX_KEY_LENGTH)
      return message === undefined ? [] : [{ at: `body.${name}`, message }]
    }),
  )
  if (problems.length > 0) throw new ConfigError(problems)
}
