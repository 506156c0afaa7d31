// Why a membership ends: what the plan says of it is true in Entra and in the settings.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource } from '../../test/support/planned.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

const [A, G, H] = [anId(1), anId(91), anId(92)] as const
type Groups = NonNullable<NonNullable<Parameters<typeof aHandSource>[1]>['groups']>

const GROUP = { securityEnabled: true, mailEnabled: false, groupTypes: [] }

/** Ann is in Sales, and Sales is nested in All. */
async function aSource(settings: Parameters<typeof aHandSource>[1] = {}): Promise<HandSource> {
  const source = await aHandSource(test.db, settings)
  await source.user(A, { userPrincipalName: 'ann@x' })
  await source.group(G, { displayName: 'Sales', ...GROUP })
  await source.group(H, { displayName: 'All', ...GROUP })
  await source.member(G, A)
  await source.nest(H, G)
  await source.run()
  return source
}

/** What the plan says of the memberships that end. */
async function endings(runId: number): Promise<readonly string[]> {
  const found = await test.db.query<{ told: string }>(
    `select rule || ' ' || reason as told from plan_items
     where run_id = $1 and object = 'membership' and action = 'remove' order by 1`,
    [runId],
  )
  return found.rows.map((row) => row.told)
}

describe('a membership ends', () => {
  it('because he is no direct member any more', async () => {
    const source = await aSource()
    await source.noMember(G, A)

    expect(await endings((await source.run()).runId)).toEqual(['groups.membership not-direct-member-in-entra'])
  })

  it('because he is no member any more, directly or through others', async () => {
    const source = await aSource({ groups: { membership: 'transitive' } })
    await source.noMember(G, A)

    expect(await endings((await source.run()).runId)).toEqual([
      'groups.membership not-member-in-entra',
      'groups.membership not-member-in-entra',
    ])
  })

  it('because only direct members count from now on', async () => {
    const source = await aSource({ groups: { membership: 'transitive' } })
    await source.set({ groups: { membership: 'direct' } })

    expect(await endings((await source.run({ everybody: true })).runId)).toEqual([
      'groups.membership not-direct-member-in-entra',
    ])
  })

  it.each([
    ['groups.ignore', { ignore: [G] }],
    ['groups.ignoreContaining', { ignoreContaining: ['sales'] }],
    ['groups.types', { types: ['distribution'] }],
    ['groups.import', { import: false }],
  ] satisfies [string, Groups][])(
    'because the group is left out by %s, while he is a member in Entra',
    async (rule, groups) => {
      const source = await aSource()
      await source.set({ groups })

      expect(await endings((await source.run({ everybody: true })).runId)).toEqual([`${rule} group-not-imported`])
    },
  )

  it('because the group is deleted', async () => {
    const source = await aSource()
    await source.group(G, { displayName: 'Sales' }, 'x')

    expect(await endings((await source.run({ everybody: true })).runId)).toEqual(['groups group-gone'])
  })

  it('because the group is deleted, where it is another source’s', async () => {
    const owner = await aSource({ priority: 1 })
    const other = await aHandSource(test.db, { priority: 2 }, owner.tenantId)
    await other.user(anId(2), { userPrincipalName: 'bob@x' })
    await other.group(G, { displayName: 'Sales', ...GROUP })
    await other.member(G, anId(2))
    await other.run()
    await other.group(G, { displayName: 'Sales' }, 'x')

    expect(await endings((await other.run({ everybody: true })).runId)).toEqual(['groups group-gone'])
  })

  it('because the source does not want him any more, and the next one does', async () => {
    const source = await aSource({ priority: 1 })
    const heir = await aHandSource(test.db, { priority: 2 }, source.tenantId)
    await heir.user(A, { userPrincipalName: 'ann@x' })
    await heir.run()
    await source.set({ priority: 1, users: { filter: { any: [{ all: [{ attribute: 'department', eq: 'IT' }] }] } } })

    expect(await endings((await source.run({ everybody: true })).runId)).toEqual(['groups.membership user-not-wanted'])
  })

  it('is no part of the plan’s hash: for another reason the same ends', async () => {
    const source = await aHandSource(test.db, { priority: 1 })
    const heir = await aHandSource(test.db, { priority: 2 }, source.tenantId)
    await source.group(G, { displayName: 'Sales', ...GROUP })
    const people = Array.from({ length: 30 }, (_, n) => anId(n + 1))
    for (const [n, person] of people.entries()) {
      await source.user(person, { userPrincipalName: `p${n}@x` })
      await source.member(G, person)
    }
    await source.run()
    await heir.user(people[0]!, { userPrincipalName: 'p0@x' })
    await heir.run()
    for (const person of people) await source.noMember(G, person)
    const { runId: before } = await source.plan({ everybody: true })
    await source.set({
      priority: 1,
      users: { filter: { any: [{ all: [{ attribute: 'userPrincipalName', ne: 'p0@x' }] }] } },
    })
    const { runId: after } = await source.plan({ everybody: true })
    await source.set({ priority: 1, groups: { ignore: [G] } })
    const { runId: ignored } = await source.plan({ everybody: true })

    expect([await endings(before), await endings(after), await endings(ignored)]).toEqual([
      ['groups.membership not-direct-member-in-entra'],
      ['groups.membership not-given'],
      ['groups.ignore group-not-imported'],
    ])
    const digests = await test.db.query<{ digest: string }>(
      `select distinct encode(digest, 'hex') as digest from plan_items where run_id = any($1) and object = 'membership' and action = 'remove'`,
      [[before, after, ignored]],
    )
    expect(digests.rows).toHaveLength(1)
  })

  it('is told in one item for many, too', async () => {
    const source = await aHandSource(test.db)
    await source.group(G, { displayName: 'Sales', ...GROUP })
    for (let n = 1; n <= 30; n += 1) {
      await source.user(anId(n), { userPrincipalName: `p${n}@x` })
      await source.member(G, anId(n))
    }
    await source.run()
    await source.set({ groups: { ignore: [G] } })

    expect(await endings((await source.run({ everybody: true })).runId)).toEqual(['groups.ignore group-not-imported'])
  })
})
