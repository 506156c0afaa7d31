// What a plan did not do, for whatever reason, is in the next one: nothing is forgotten, and nothing is removed unproven.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aHandSource, anId, people } from '../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  aSyncWorld,
  impliedView,
  registryView,
  type SyncWorld,
  type SyncWorldOptions,
} from '../../test/support/world.ts'
import { withTransaction } from '../database/transaction.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { disable, hire, remove, update } from '../emulator/operations.ts'
import { detachSource } from '../registry/detach.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function aWorld(options: SyncWorldOptions): Promise<SyncWorld> {
  const made = await aSyncWorld(test.db, options)
  worlds.push(made)
  return made
}

const [A, B] = [anId(1), anId(2)] as const
const G = anId(91)
const APPROVAL = {
  reason: 'r',
  actor: { kind: 'command line', name: 'a' } as const,
  signal: new AbortController().signal,
  onProgress: () => {},
}

describe('a plan that was only shown', () => {
  it('D6: in which a card became free still gives it to the one who wanted it, in the next run', async () => {
    const source = await aHandSource(test.db, { users: { properties: { cards: ['employeeId'] } } })
    await source.user(A, { userPrincipalName: 'ann@x', employeeId: '1' })
    await source.run()
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '1' })
    await source.run()
    await source.user(A, { employeeId: '2' })

    const shown = await source.plan()
    await source.run()

    expect(shown.credentials).toEqual({ added: 2, removed: 1 })
    const registry = await people(test.db)
    expect([registry[A]!.cards, registry[B]!.cards]).toEqual([['card/2'], ['card/1']])
  })

  it('L1 G14: that everybody is gone is held in every run until it is approved, with the safeguard off', async () => {
    const w = await aWorld({ settings: { safeguard: false }, users: 4 })
    await w.sync()
    const everybody = [...w.tenant.live('user')]
    for (const user of everybody) remove(w.tenant, user.id)

    const shown = await w.sync({ kind: 'plan' })
    const first = await w.sync()
    const second = await w.sync()
    const approved = await approveRun(w.engine, { ...APPROVAL, run: Number(second.run), hash: second.planHash! })

    for (const document of [shown, first, second]) expect(document.held?.reasons[0]?.rule).toBe('no-users')
    expect([first.outcome, second.outcome, approved.outcome]).toEqual(['held', 'held', 'applied'])
    expect((await w.sync()).outcome).toBe('no-change')
  })
})

describe('memberships that a plan did not end', () => {
  it('O8: because the approval left removals out are in the next plan', async () => {
    const w = await aWorld({ settings: { safeguard: { memberships: { percent: 0, count: 3 } } } })
    const group = createGroup(w.tenant, { displayName: 'G' })
    const users = Array.from({ length: 60 }, (_, n) =>
      hire(w.tenant, { userPrincipalName: `u${n}@contoso.com`, displayName: `U${n}` }),
    )
    for (const user of users) addMember(w.tenant, group.id, user.id)
    await w.sync()
    for (const user of users.slice(0, 55)) removeMember(w.tenant, group.id, user.id)
    const held = await w.sync()

    const approved = await approveRun(w.engine, {
      ...APPROVAL,
      run: Number(held.run),
      hash: held.planHash!,
      without: 'removals',
    })

    expect(approved.memberships).toEqual({ added: 0, removed: 0 })
    expect(await w.sync()).toMatchObject({ outcome: 'held', memberships: { removed: 55 } })
  })

  it('because their group was frozen end when it is not any more', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'G' })
    await source.member(G, A)
    await source.run()
    await source.group(G, { displayName: null })
    await source.noMember(G, A)
    await source.run()
    const frozen = (await people(test.db))[A]!.groups

    await source.group(G, { displayName: 'G' })
    await source.run()

    expect(frozen).toEqual(['G'])
    expect((await people(test.db))[A]!.groups).toEqual([])
  })

  it('O6: of a source that was removed and made again end when Entra ends them', async () => {
    const w = await aWorld({ settings: { adoptions: 'automatic' } })
    const group = createGroup(w.tenant, { displayName: 'G' })
    const [ann, bo] = ['ann', 'bo'].map((name) =>
      hire(w.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name }),
    )
    for (const user of [ann!, bo!]) addMember(w.tenant, group.id, user.id)
    await w.sync()
    const { rows } = await test.db.query<{ id: number; connection_id: number; settings: unknown }>(
      'select * from sources',
    )
    await withTransaction(test.db, (tx) => detachSource(tx, rows[0]!.id))
    await test.db.query(
      'insert into sources (name, connection_id, enabled, priority, settings) values ($1, $2, true, 100, $3)',
      [w.source, rows[0]!.connection_id, JSON.stringify(rows[0]!.settings)],
    )
    removeMember(w.tenant, group.id, bo!.id)

    const linked = await w.sync()
    const afterLinking = await registryView(test.db)
    removeMember(w.tenant, group.id, ann!.id)
    await w.sync()

    expect(linked).toMatchObject({ users: { adopted: 2 }, memberships: { added: 0, removed: 1 } })
    expect(afterLinking.memberships).toEqual([`${group.id} ${ann!.id}`])
    expect((await registryView(test.db)).memberships).toEqual([])
  })
})

describe('a selected group', () => {
  it('G12: whose members may not be read proves nobody out of scope; later it does', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'G' })
    await source.run()
    const unknown = (value: boolean) =>
      test.db.query('update mirror_objects set members_unknown = $2 where object_id = $1', [G, value])
    await unknown(true)
    await source.set({ users: { import: { groups: [G] } } })

    const plan = await source.run()
    const kept = (await people(test.db))[A]!.active
    await unknown(false)
    await source.group(G, {})
    const later = await source.run()

    expect(plan.users).toMatchObject({ deactivated: 0, skipped: 1 })
    expect(kept).toBe(true)
    expect(later.users.deactivated).toBe(1)
  })

  it('G17: that is not imported itself and loses everybody holds the plan', async () => {
    const source = await aHandSource(test.db, { users: { import: { groups: [G] } }, groups: { import: false } })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'G' })
    await source.member(G, A)
    await source.run()
    await source.noMember(G, A)

    const plan = await source.plan()

    expect(plan.users.deactivated).toBe(1)
    expect(plan.held).toEqual([{ rule: 'groups-emptied', count: 1, limit: 0 }])
  })

  it('G17: a dynamic group that empties while it is worked out anew is held, and full again nothing has happened', async () => {
    const settings = { groups: { types: ['dynamic' as const] } }
    const w = await aWorld({ settings })
    const members = Array.from({ length: 60 }, (_, n) =>
      hire(w.tenant, { userPrincipalName: `p${n}@contoso.com`, displayName: `P${n}` }),
    )
    const all = createGroup(w.tenant, {
      displayName: 'All staff',
      groupTypes: ['DynamicMembership'],
      securityEnabled: true,
      mailEnabled: false,
    })
    for (const { id } of members) addMember(w.tenant, all.id, id)
    await w.sync()
    const before = await registryView(test.db)
    expect(before.memberships).toHaveLength(60)
    for (const { id } of members) removeMember(w.tenant, all.id, id)

    const held = await w.sync()
    const meanwhile = await registryView(test.db)
    for (const { id } of members) addMember(w.tenant, all.id, id)
    const refilled = await w.sync()

    expect(held).toMatchObject({ outcome: 'held', memberships: { removed: 60 } })
    expect(held.held!.reasons).toEqual([{ rule: 'groups-emptied', count: 1, limit: 0 }])
    expect(meanwhile).toEqual(before)
    expect(refilled.outcome).toBe('no-change')
    expect(await registryView(test.db)).toEqual(before)
  })

  it('G18: people frozen by its deletion are judged again when it is back, also who is not in it any more', async () => {
    const source = await aHandSource(test.db, { users: { import: { groups: [G] } } })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'G' })
    await source.member(G, A)
    await source.run()
    await source.group(G, {}, 'x')
    await source.noMember(G, A)
    const away = await source.run()
    await source.group(G, {}, 'l')

    const back = await source.run()

    expect(away.users.deactivated).toBe(0)
    expect(back.users.deactivated).toBe(1)
  })
})

describe('leavers', () => {
  it('O4: of the time while the connection named another tenant by mistake are found when it names the right one', async () => {
    const w = await aWorld({})
    const [ann, bo] = ['ann', 'bo'].map((name) =>
      hire(w.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name }),
    )
    createGroup(w.tenant, { displayName: 'stays' })
    const goes = createGroup(w.tenant, { displayName: 'goes' })
    await w.sync()
    await test.db.query('update connections set tenant_id = $1', [A])
    const wrong = await w.sync()
    await test.db.query('update connections set tenant_id = $1', [w.hosted.tenantId])
    remove(w.tenant, bo!.id)
    remove(w.tenant, goes.id)

    const right = await w.sync()

    expect(wrong.outcome).toBe('failed')
    expect(right).toMatchObject({ outcome: 'applied', users: { deactivated: 1 }, groups: { deleted: 1 } })
    const view = await registryView(test.db)
    expect([view.users[ann!.id]!.active, view.users[bo!.id]!.active]).toEqual([true, false])
    expect(view.groups).toEqual(impliedView(w.tenant).groups)
  })

  it('whom an administrator restored are deactivated again only after they were wanted once more', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()
    await test.db.query(
      'update users set active = true, deactivated_by = null, restored_by_administrator = true, version = version + 1',
    )
    await source.user(A, {}, 's')
    const protectedStill = await source.run()
    await source.user(A, {}, 'l')
    await source.run()
    await source.user(A, {}, 's')

    const leaves = await source.run()

    expect(protectedStill.users.deactivated).toBe(0)
    expect(leaves.users.deactivated).toBe(1)
  })
})

describe('managers', () => {
  it('are known to every target and in templates', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: { department: { template: 'of %manager%' }, office: 'manager' } },
    })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.user(B, { userPrincipalName: 'bo@x' })
    await test.db.query('update mirror_objects set manager = $1 where object_id = $2', [A, B])

    await source.run()

    const found = await test.db.query('select department, office from users where object_id = $1', [B])
    expect(found.rows).toEqual([{ department: 'of ann@x', office: 'ann@x' }])
  })
})

describe('a run in which Graph contradicts itself', () => {
  /** In lists of users and in their changes somebody is said to be gone who is there. */
  const lying =
    (leftOut: () => string | undefined) =>
    (inner: typeof fetch): typeof fetch =>
    async (input, init) => {
      const answer = await inner(input, init)
      const id = leftOut()
      const { pathname, searchParams } = new URL(new Request(input, init).url)
      if (id === undefined || answer.status !== 200) return answer
      if (pathname.endsWith('/users/$count'))
        return new Response(String(Number((await answer.text()).replace(/\D/g, '')) - 1))
      const body = async () => (await answer.json()) as { value: { id: string }[] }
      if (pathname.endsWith('/users/delta') && searchParams.get('$deltatoken') !== 'latest') {
        const changes = await body()
        const gone = { id, '@removed': { reason: 'deleted' } }
        return Response.json({ ...changes, value: [...changes.value, gone] }, { headers: answer.headers })
      }
      if (!pathname.endsWith('/users')) return answer
      const list = await body()
      return Response.json({ ...list, value: list.value.filter((user) => user.id !== id) }, { headers: answer.headers })
    }

  it.each(['auto', 'full'] as const)(
    'S1 R2: takes no membership, card, PIN or group from anybody; the next does (mode %s)',
    async (mode) => {
      let leftOut: string | undefined
      const w = await aWorld({
        settings: {
          users: { properties: { cards: ['employeeId'], pin: 'employeeType' } },
          groups: { ignoreContaining: ['ignored'] },
        },
        fetch: lying(() => leftOut),
      })
      const [red, blue] = [
        createGroup(w.tenant, { displayName: 'Red' }),
        createGroup(w.tenant, { displayName: 'Blue' }),
      ]
      const people = Array.from({ length: 12 }, (_, n) =>
        hire(w.tenant, {
          userPrincipalName: `u${n}@contoso.com`,
          displayName: `U${n}`,
          employeeId: `card${n}`,
          employeeType: `91827${n}`,
        }),
      )
      for (const { id } of people) addMember(w.tenant, red.id, id)
      addMember(w.tenant, blue.id, people[6]!.id)
      await w.sync()
      leftOut = people[0]!.id
      removeMember(w.tenant, red.id, people[1]!.id)
      remove(w.tenant, people[2]!.id)
      disable(w.tenant, people[3]!.id)
      update(w.tenant, people[4]!.id, { employeeId: null, department: 'Sales' })
      update(w.tenant, people[5]!.id, { employeeType: '5550001' })
      update(w.tenant, blue.id, { displayName: 'Blue, ignored' })
      const gone = createGroup(w.tenant, { displayName: 'Green' })
      addMember(w.tenant, gone.id, people[7]!.id)

      const doubtful = await w.sync({ mode })
      leftOut = undefined
      const sure = await w.sync()

      expect(new Set(doubtful.issues.map(({ code }) => code))).toEqual(new Set(['listing-contradicted']))
      expect(doubtful).toMatchObject({
        outcome: 'applied',
        mode: mode === 'full' ? 'full' : 'delta',
        users: { deactivated: 1, deleted: 0, updated: 1 },
        groups: { created: 1, deleted: 0 },
        memberships: { added: 1, removed: 0 },
        credentials: { added: 0, removed: 0 },
      })
      expect(sure).toMatchObject({
        outcome: 'applied',
        mode: 'delta',
        users: { deactivated: 1 },
        groups: { deleted: 1 },
        memberships: { removed: 2 },
        credentials: { added: 1, removed: 2 },
      })
      expect(await w.sync({ mode: 'full' })).toMatchObject({ outcome: 'no-change' })
    },
  )

  it('R2: leaves groups that are not imported any more to the next run', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.run()
    await source.set({ groups: { import: false } })

    const doubtful = await source.run({ removalsAllowed: false })
    const sure = await source.run()

    expect(doubtful.isEmpty).toBe(true)
    expect(sure).toMatchObject({ groups: { deleted: 1 }, memberships: { removed: 1 } })
  })

  it('R2: deletes nobody whose time has come', async () => {
    const source = await aHandSource(test.db, { users: { options: { deleteAfterDays: 1 } } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    await source.user(A, { accountEnabled: false })
    await source.run()
    await test.db.query(`update users set deactivated_at = now() - interval '3 days'`)

    const doubtful = await source.run({ removalsAllowed: false, everybody: true })
    const sure = await source.run({ everybody: true })

    expect(doubtful.isEmpty).toBe(true)
    expect(sure.users.deleted).toBe(1)
  })

  it('R2: moves no object id on, by which a record would be missing', async () => {
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { options: { pairByObjectId: false } } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    await test.db.query(
      `with u as (insert into users (user_name) values ('new@x') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'new@x', 'new@x', 'o', true from u`,
    )
    await source.user(A, { userPrincipalName: 'new@x' })

    const doubtful = await source.run({ removalsAllowed: false })
    const sure = await source.run()

    expect(doubtful.isEmpty).toBe(true)
    expect(sure.users).toMatchObject({ adopted: 1, deactivated: 1 })
  })
})
