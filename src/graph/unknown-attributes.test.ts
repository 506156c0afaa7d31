// Asking a tenant for attributes, against the emulator with each way that Graph may take with names that it does not know.
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientOptions, emulatedWorld, scriptedFetch, type World } from '../../test/support/graph.ts'
import { update } from '../emulator/operations.ts'
import { GraphClient } from './client.ts'

const extension = (name: string) => `extension_${'a'.repeat(32)}_${name}`
const [CARD, BADGE, TYPO, WRONG] = ['card', 'badge', 'bagde', 'crad'].map(extension) as [string, string, string, string]

let world: World
beforeEach(() => {
  world = emulatedWorld({ users: 5, groups: 0, memberships: 0 })
})
afterEach(() => world[Symbol.asyncDispose]())

const ask = (...names: string[]) => world.client.unknownAttributes({ names, signal: world.signal })
const asked = () => world.emulator.requests.filter(({ path }) => path.includes('/users')).length

describe.each(['ignored', 'refused'] as const)('G19: names that a tenant does not have, %s in $select', (how) => {
  beforeEach(() => {
    world.hosted.tenant.behaviour.unregisteredExtensions = how
    world.hosted.tenant.extensions.add(BADGE)
  })

  it('are told, all of them, and those that it has are not, whether or not anybody has a value', async () => {
    const [first] = [...world.hosted.tenant.live('user')]
    update(world.hosted.tenant, first!.id, { [CARD]: '04A2' })

    expect((await ask(TYPO, CARD, WRONG, BADGE)).toSorted()).toEqual([TYPO, WRONG].toSorted())
    expect(await ask(CARD, BADGE)).toEqual([])
  })

  it('are found by one row and one filter for each name that the row does not show', async () => {
    await ask(BADGE, TYPO)
    // `refused`: the row twice, without the name that was refused; `ignored`: the row, and a filter more.
    expect(asked()).toBe(3)
    expect(world.hosted.tenant.behaviour.fired.unregisteredExtensions).toBeGreaterThan(0)
  })

  it('are not read out of refusals for lack of a permission', async () => {
    world.hosted.app.roles.delete('User.Read.All')
    await expect(ask(BADGE)).rejects.toMatchObject({ code: 'forbidden' })
  })
})

it('G19: a tenant without users tells too', async () => {
  await world[Symbol.asyncDispose]()
  world = emulatedWorld({ users: 0, groups: 0, memberships: 0 })
  world.hosted.tenant.behaviour.unregisteredExtensions = 'ignored'
  world.hosted.tenant.extensions.add(BADGE)
  expect(await ask(BADGE, TYPO)).toEqual([TYPO])
})

it.each([
  ["A binary operator with incompatible types was detected. Found operand types 'Edm.Boolean' and 'Edm.String'.", []],
  [`Unsupported or invalid query filter clause specified for property '${BADGE}' of resource 'User'.`, []],
  [`Property '${BADGE}' does not exist as a declared property or extension property.`, [BADGE]],
])('G19: of refusals of $filter only one says that there is no such attribute: %s', async (message, told) => {
  const fetch = scriptedFetch((request) =>
    request.url.includes('filter')
      ? Response.json({ error: { code: 'Request_UnsupportedQuery', message } }, { status: 400 })
      : Response.json({ value: [{ id: '33333333-3333-4333-8333-333333333333' }] }),
  )
  const client = new GraphClient(clientOptions({ graphUrl: 'https://graph.test', fetch }))
  try {
    expect(await client.unknownAttributes({ names: [BADGE], signal: world.signal })).toEqual(told)
    expect(fetch.requests).toHaveLength(2)
  } finally {
    await client.stop()
  }
})

it('G19: a refusal that names what was not asked for is not asked again for ever', async () => {
  const message = "Could not find a property named 'id' on type 'microsoft.graph.user'."
  const fetch = scriptedFetch(() => Response.json({ error: { code: 'BadRequest', message } }, { status: 400 }))
  const client = new GraphClient(clientOptions({ graphUrl: 'https://graph.test', fetch }))
  try {
    await expect(client.unknownAttributes({ names: [BADGE], signal: world.signal })).rejects.toMatchObject({
      code: 'bad-request',
    })
    expect(fetch.requests).toHaveLength(1)
  } finally {
    await client.stop()
  }
})
