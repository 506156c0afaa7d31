// Provisioning on demand: one user, read anew and planned alone.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry } from '../../test/support/planned.ts'
import { aSyncWorld, registryView, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../emulator/memberships.ts'
import { disable, hire, purge, remove, rename, restore, update } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
let w: SyncWorld
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
  w = await aSyncWorld(test.db)
})
afterEach(async () => {
  await w.stop()
})

const person = (name: string) => hire(w.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name })

describe('sync of one user', () => {
  it('reads him and his groups anew and leaves everybody else for the next run', async () => {
    const ann = person('ann')
    const bob = person('bob')
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    await w.sync()
    update(w.tenant, ann.id, { department: 'Sales' })
    update(w.tenant, bob.id, { department: 'Sales' })
    addMember(w.tenant, staff.id, ann.id)
    addMember(w.tenant, staff.id, bob.id)

    const one = await w.sync({ user: 'Ann@contoso.com' })

    expect(one).toMatchObject({ outcome: 'applied', users: { updated: 1 }, memberships: { added: 1 } })
    const view = await registryView(test.db)
    expect(view.users[ann.id]?.department).toBe('Sales')
    expect(view.users[bob.id]?.department).toBeNull()
    expect(view.memberships).toEqual([`${staff.id} ${ann.id}`])
    expect(w.requests().some((request) => request.includes('delta'))).toBe(false)

    const rest = await w.sync()
    expect(rest).toMatchObject({ users: { updated: 1 }, memberships: { added: 1, removed: 0 } })
    const full = await w.sync({ mode: 'full' })
    expect(full.outcome).toBe('no-change')
  })

  it('G12: whom Graph shows nulls alone keeps what he has, also where he is the only one', async () => {
    await w.configure({ users: { properties: { cards: ['employeeId'] } } })
    const ann = hire(w.tenant, {
      userPrincipalName: 'ann@contoso.com',
      displayName: 'Ann',
      department: 'Sales',
      employeeId: '4711',
    })
    await w.sync()
    const before = await registryView(test.db)
    const fault = w.emulator.faults.add({ kind: 'null-storm', path: /^\/users/, where: 'both' })

    const one = await w.sync({ user: ann.id })

    expect(one).toMatchObject({ outcome: 'failed', error: { code: 'attributes-unreadable' } })
    expect(await registryView(test.db)).toEqual(before)
    fault.remove()
    expect(await w.sync({ user: ann.id })).toMatchObject({ outcome: 'no-change' })
  })

  it('G12: who alone has lost his values keeps them where the permission is lost', async () => {
    const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann', department: 'Sales' })
    await w.sync()
    update(w.tenant, ann.id, { department: null })
    const fault = w.emulator.faults.add({ kind: 'forbidden', path: /^\/users\/delta/ })

    const one = await w.sync({ user: ann.id })

    expect(one).toMatchObject({ outcome: 'failed', error: { code: 'attributes-unreadable' } })
    expect((await registryView(test.db)).users[ann.id]?.department).toBe('Sales')
    fault.remove()
    expect(await w.sync({ user: ann.id })).toMatchObject({ outcome: 'applied', users: { updated: 1 } })
  })

  it('notes what is wrong with a selected group once, however often somebody is asked for', async () => {
    const ann = person('ann')
    const [staff, gone] = [
      createGroup(w.tenant, { displayName: 'Staff' }),
      createGroup(w.tenant, { displayName: 'Gone' }),
    ]
    addMember(w.tenant, staff.id, ann.id)
    await w.configure({ users: { import: { groups: [staff.id, gone.id] } } })
    remove(w.tenant, gone.id)
    await w.sync()
    const opened = await test.db.query('select object_id, opened_at from issues')

    await w.sync({ user: ann.id })
    await w.sync({ user: ann.id })

    const after = await test.db.query<{ tries: number }>('select object_id, opened_at, tries from issues')
    expect(after.rows).toEqual(opened.rows.map((row) => ({ ...row, tries: 3 })))
    expect(after.rows).toHaveLength(1)
  })

  it('who brings a group with him: its other members follow in the next run', async () => {
    const [ann, bob] = [person('ann'), person('bob')]
    const staff = createGroup(w.tenant, { displayName: 'Temp staff' })
    for (const { id } of [ann, bob]) addMember(w.tenant, staff.id, id)
    await w.configure({ groups: { ignoreContaining: ['temp'] } })
    await w.sync()
    renameGroup(w.tenant, staff.id, 'Staff')
    await w.sync({ kind: 'plan' })
    await w.sync({ user: ann.id })
    expect((await registryView(test.db)).memberships).toEqual([`${staff.id} ${ann.id}`])
    await w.sync()
    expect((await registryView(test.db)).memberships).toHaveLength(2)
  })

  it('while a plan waits: what he was read for outlives its approval', async () => {
    const leavers = Array.from({ length: 6 }, (_, n) => person(`p${n}`))
    const ann = person('ann')
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    await w.sync()
    for (const { id } of leavers) remove(w.tenant, id)
    update(w.tenant, ann.id, { department: 'Sales' })
    addMember(w.tenant, staff.id, ann.id)
    const held = await w.sync()
    expect(held.outcome).toBe('held')
    update(w.tenant, ann.id, { department: null })
    removeMember(w.tenant, staff.id, ann.id)
    expect((await w.sync({ user: ann.id })).outcome).toBe('no-change')

    const [run, hash] = [Number(held.run), held.planHash!]
    const signal = new AbortController().signal
    await approveRun(w.engine, {
      run,
      hash,
      reason: 'r',
      actor: { kind: 'command line', name: 'b' } as const,
      signal,
      onProgress: () => {},
    })
    await w.sync()

    const view = await registryView(test.db)
    expect(view.users[ann.id]?.department).toBeNull()
    expect(view.memberships).toEqual([])
  })

  it('by object id, for somebody new', async () => {
    person('ann')
    await w.sync()
    const bob = person('bob')
    const one = await w.sync({ user: bob.id.toUpperCase() })
    expect(one).toMatchObject({ error: null, outcome: 'applied', users: { created: 1 } })
    expect((await w.sync()).outcome).toBe('no-change')
  })

  it('takes memberships that have ended', async () => {
    const ann = person('ann')
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    addMember(w.tenant, staff.id, ann.id)
    await w.sync()
    removeMember(w.tenant, staff.id, ann.id)
    const one = await w.sync({ user: ann.id })
    expect(one.memberships).toEqual({ added: 0, removed: 1 })
    expect((await w.sync()).outcome).toBe('no-change')
  })

  it.each([
    ['disabled', (id: string) => disable(w.tenant, id)],
    ['soft-deleted', (id: string) => remove(w.tenant, id)],
    [
      'gone',
      (id: string) => {
        remove(w.tenant, id)
        purge(w.tenant, id)
      },
    ],
  ])('proves that somebody is %s, also by the name that he had', async (_, leave) => {
    const ann = person('ann')
    person('bob')
    await w.sync()
    leave(ann.id)
    const one = await w.sync({ user: 'ann@contoso.com' })
    expect(one).toMatchObject({ outcome: 'applied', users: { deactivated: 1 } })
    expect((await w.sync()).outcome).toBe('no-change')
  })

  it('D3: restored, he is back with his groups', async () => {
    const ann = person('ann')
    person('bob')
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    addMember(w.tenant, staff.id, ann.id)
    await w.sync()
    remove(w.tenant, ann.id)
    await w.sync()
    restore(w.tenant, ann.id)
    const one = await w.sync({ user: ann.id })
    expect(one).toMatchObject({ outcome: 'applied', users: { reactivated: 1 } })
    expect((await registryView(test.db)).memberships).toEqual([`${staff.id} ${ann.id}`])
  })

  it('D1: under the new name', async () => {
    const ann = person('ann')
    await w.sync()
    rename(w.tenant, ann.id, 'ann.b@contoso.com')
    const one = await w.sync({ user: 'ann.b@contoso.com' })
    expect(one.users.renamed).toBe(1)
  })

  it('previewed, nothing is written and the change is not forgotten', async () => {
    const ann = person('ann')
    await w.sync()
    update(w.tenant, ann.id, { department: 'Sales' })
    const plan = await w.sync({ user: ann.id, kind: 'plan' })
    expect(plan).toMatchObject({ outcome: 'planned', users: { updated: 1 } })
    expect((await registryView(test.db)).users[ann.id]?.department).toBeNull()
    expect(await w.sync()).toMatchObject({ outcome: 'applied', users: { updated: 1 } })
  })

  it('nobody of that name: a clear error, and nothing changes', async () => {
    person('ann')
    await w.sync()
    const one = await w.sync({ user: "o'nobody@contoso.com" })
    expect(one.outcome).toBe('failed')
    expect(one.error?.message).toMatch(/There is no user "o'nobody@contoso.com"/)
  })

  it('D16: a name is one path segment, whatever is in it', async () => {
    person('ann')
    await w.sync()
    for (const name of ["x') or true('", '../groups', '$metadata', 'a/b?c#d']) {
      expect((await w.sync({ user: name })).outcome).toBe('failed')
      for (const request of w.requests())
        expect(request).toMatch(/^POST \S+\$batch$|^GET \/users\('.*'\)\?\$select=id$/)
    }
  })

  it('before the first run, and after settings that ask for more, the source has to be run first', async () => {
    const ann = person('ann')
    expect((await w.sync({ user: ann.id })).error?.code).toBe('never-synchronized')
    await w.sync()
    await w.configure({ users: { properties: { office: 'officeLocation' } } })
    expect((await w.sync({ user: ann.id })).error?.code).toBe('never-synchronized')
    await w.sync()
    expect((await w.sync({ user: ann.id })).outcome).toBe('no-change')
  })
})
