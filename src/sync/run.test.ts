import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  aSyncWorld,
  impliedView,
  registryView,
  type SyncWorld,
  type SyncWorldOptions,
} from '../../test/support/world.ts'
import { runDocument } from '../contract/runs.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { hire, remove, rename, restore, setManager, update } from '../emulator/operations.ts'
import { approveRun, cancelRun, rejectRun } from './approve.ts'
import { cutAfterCommit } from '../../test/support/mortal.ts'
import { previewSettings } from './preview.ts'
import { runSource } from './run.ts'
import { requireSource } from '../registry/sources.ts'
import { sourceSettings } from '../contract/sources.ts'

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

async function world(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  const made = await aSyncWorld(test.db, options)
  worlds.push(made)
  return made
}

/** Everything in the registry's tables, to see that nothing was written. */
async function registryDump() {
  const tables = ['users', 'user_names', 'credentials', 'groups', 'memberships', 'claims', 'plan_memberships']
  const dump: Record<string, unknown> = {}
  for (const table of tables) dump[table] = (await test.db.query(`select * from ${table} t order by t::text`)).rows
  return dump
}

describe('a first run', () => {
  it('makes the registry what the tenant implies, and reports by the agreed document', async () => {
    const w = await world({ users: 300, groups: 30, memberships: 900 })

    const document = await w.sync()

    expect(runDocument.parse(document)).toEqual(document)
    expect(document).toMatchObject({ error: null, outcome: 'applied', mode: 'full', held: null })
    const implied = impliedView(w.tenant)
    const view = await registryView(test.db)
    expect(view.users).toEqual(implied.activeUsers)
    expect(view.groups).toEqual(implied.groups)
    expect(view.memberships).toEqual(implied.memberships)
    expect(document.users.created).toBe(Object.keys(implied.activeUsers).length)
    expect(document.memberships.added).toBe(implied.memberships.length)
  })

  it('that fails before it reads anything is a full one all the same, and after a first load a delta', async () => {
    const w = await world({ users: 3 })
    const [app] = w.tenant.apps.values()
    w.emulator.setEnabled(app!, false)
    expect(await w.sync()).toMatchObject({ outcome: 'failed', mode: 'full' })
    w.emulator.setEnabled(app!, true)
    await w.sync()

    w.emulator.setEnabled(app!, false)
    expect(await w.sync()).toMatchObject({ outcome: 'failed', mode: 'delta' })
    expect((await test.db.query('select mode from runs order by id')).rows).toEqual([
      { mode: 'full' },
      { mode: 'full' },
      { mode: 'delta' },
    ])
  })

  it('S4: is followed by an idle delta of exactly two requests that writes nothing', async () => {
    const w = await world({ users: 100, groups: 10, memberships: 200 })
    await w.sync()
    const before = await registryDump()

    const document = await w.sync()

    expect(document).toMatchObject({ outcome: 'no-change', mode: 'delta', graph: { requests: 2 } })
    expect(w.requests()).toHaveLength(2)
    expect(await registryDump()).toEqual(before)
  })

  it('S4: is followed by a full compare that writes nothing either', async () => {
    const w = await world({ users: 100, groups: 10, memberships: 200 })
    await w.sync()
    const before = await registryDump()

    const document = await w.sync({ mode: 'full' })

    expect(document).toMatchObject({ outcome: 'no-change', mode: 'full' })
    expect(document.users.unchanged).toBe(Object.keys(impliedView(w.tenant).activeUsers).length)
    expect(await registryDump()).toEqual(before)
  })
})

describe('changes', () => {
  it('come by delta: hires, renames, leavers, memberships', async () => {
    const w = await world({ users: 100, groups: 10, memberships: 200 })
    await w.sync()
    const [first, second] = [...w.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false)
    const hired = hire(w.tenant, { userPrincipalName: "zoë.o'brien@contoso.com", displayName: "Zoë O'Brien" })
    const group = createGroup(w.tenant, { displayName: 'New group' })
    addMember(w.tenant, group.id, hired.id)
    rename(w.tenant, first!.id, 'renamed@contoso.com')
    remove(w.tenant, second!.id)

    const document = await w.sync()

    expect(document).toMatchObject({ outcome: 'applied', mode: 'delta' })
    expect(document.users).toMatchObject({ created: 1, renamed: 1, deactivated: 1 })
    expect(document.groups).toMatchObject({ created: 1 })
    const view = await registryView(test.db)
    const implied = impliedView(w.tenant)
    expect(Object.fromEntries(Object.entries(view.users).filter(([, u]) => u.active))).toEqual(implied.activeUsers)
    expect(view.memberships).toEqual(implied.memberships)
  })

  it('L7: a changed mail address or user name is a change of that person and never a removal', async () => {
    const w = await world({ users: 20, groups: 0, memberships: 0 })
    await w.sync()
    const user = [...w.tenant.live('user')].find((u) => u.properties['accountEnabled'] !== false)!
    update(w.tenant, user.id, { mail: 'quite.new@contoso.com', userPrincipalName: 'quite.new@contoso.com' })

    const document = await w.sync()

    expect(document.users).toMatchObject({ renamed: 1, updated: 1, created: 0, deactivated: 0 })
  })

  it('a full compare while somebody is in the recycle bin, then a restore, brings back every membership', async () => {
    const w = await world({ users: 50, groups: 8, memberships: 200 })
    await w.sync()
    const before = await registryView(test.db)
    const user = [...w.tenant.live('user')]
      .filter((u) => u.properties['accountEnabled'] !== false)
      .sort((a, b) => b.memberOf.length - a.memberOf.length)[0]!
    expect(user.memberOf.length).toBeGreaterThan(0)
    remove(w.tenant, user.id)
    const away = await w.sync({ mode: 'full' })
    const awayView = await registryView(test.db)
    restore(w.tenant, user.id)

    const back = await w.sync()

    expect(away.users.deactivated).toBe(1)
    expect(awayView.users[user.id]!.active).toBe(false)
    expect(back.users.reactivated).toBe(1)
    expect(await registryView(test.db)).toEqual(before)
  })
})

describe('managers', () => {
  it('D20: are told by their user name, follow its changes, and go when the manager does, by delta as by full compare', async () => {
    const w = await world({ settings: { users: { properties: { manager: 'manager' } } } })
    const boss = hire(w.tenant, { userPrincipalName: 'boss@contoso.com' })
    const report = hire(w.tenant, { userPrincipalName: 'report@contoso.com' })
    setManager(w.tenant, report.id, boss.id)
    const managerOf = async () =>
      (await test.db.query<{ manager: string | null }>('select manager from users where object_id = $1', [report.id]))
        .rows[0]?.manager
    await w.sync()
    const first = await managerOf()
    rename(w.tenant, boss.id, 'chief@contoso.com')
    await w.sync()
    const renamed = await managerOf()
    remove(w.tenant, boss.id)
    await w.sync()
    const gone = await managerOf()

    const full = await w.sync({ mode: 'full' })

    expect([first, renamed, gone]).toEqual(['boss@contoso.com', 'chief@contoso.com', null])
    expect(full).toMatchObject({ outcome: 'no-change', error: null })
  })
})

describe('a preview', () => {
  it('shows the plan, changes nothing in the registry, and forgets nothing: the next run applies the same', async () => {
    const w = await world({ users: 40, groups: 4, memberships: 80 })
    await w.sync()
    hire(w.tenant, { userPrincipalName: 'new@contoso.com' })
    const before = await registryDump()

    const preview = await w.sync({ kind: 'plan' })
    const between = await registryDump()
    const document = await w.sync()

    expect(preview).toMatchObject({ outcome: 'planned', users: { created: 1 } })
    expect({ ...between, plan_memberships: null }).toEqual({ ...before, plan_memberships: null })
    expect(document).toMatchObject({ outcome: 'applied', users: { created: 1 }, planHash: preview.planHash })
  })

  it('of other settings asks Graph nothing and keeps nothing', async () => {
    const w = await world({ users: 40, groups: 4, memberships: 80 })
    await w.sync()
    const before = await registryDump()
    const requests = w.emulator.requests.length
    const source = await requireSource(test.db, w.source)
    const settings = sourceSettings.parse({
      connection: source.connection.name,
      users: { guests: 'ignore', properties: { userName: 'upnPrefix' } },
    })

    const preview = await previewSettings(w.engine, {
      source: w.source,
      settings,
      signal: new AbortController().signal,
    })

    expect(preview.document.users.renamed).toBeGreaterThan(10)
    expect(preview.document.held?.reasons.map((r) => r.rule)).toContain('rewrites.userName')
    expect(preview.items.some((item) => item.action === 'rename')).toBe(true)
    expect(w.emulator.requests.length).toBe(requests)
    expect(await registryDump()).toEqual(before)
    expect(preview.unreadAttributes).toEqual([])
  })

  it('of other settings names attributes that were never read, and leaves what is made of them as it is', async () => {
    const w = await world({
      users: 30,
      groups: 1,
      memberships: 5,
      settings: {
        users: {
          filter: { any: [{ all: [{ attribute: 'userPrincipalName', present: true }] }] },
          properties: { cards: ['mail'], aliases: ['upnPrefix'] },
        },
        groups: { fromAttributes: [{ template: '%department%' }] },
      },
    })
    await w.sync()
    const source = await requireSource(test.db, w.source)
    const settings = sourceSettings.parse({
      connection: source.connection.name,
      users: {
        filter: { any: [{ all: [{ attribute: 'employeeType', eq: 'Employee' }] }] },
        properties: {
          userName: 'mailNickname',
          department: 'city',
          notes: { template: '%country% %displayName%' },
          jobTitle: { template: 'Works in %department%' },
          aliases: ['upnPrefix', { expression: 'Left([faxNumber], 3)' }],
          cards: [{ from: 'employeeId', transform: 'dec2hex' }, 'mail'],
          pin: 'postalCode',
        },
      },
      groups: { fromAttributes: [{ template: '%companyName%' }] },
    })

    const preview = await previewSettings(w.engine, {
      source: w.source,
      settings,
      signal: new AbortController().signal,
    })

    const names = [
      'city',
      'companyName',
      'country',
      'employeeId',
      'employeeType',
      'faxNumber',
      'mailNickname',
      'postalCode',
    ]
    expect(preview).toMatchObject({ isUnread: false, unreadAttributes: names })
    expect(preview.document).toMatchObject({
      users: { created: 0, renamed: 0, deactivated: 0 },
      credentials: { added: 0, removed: 0 },
      memberships: { added: 0, removed: 0 },
      issuesTotal: 0,
    })
    expect(preview.document.users.updated).toBeGreaterThan(10)
    const changed = new Set(
      preview.items.flatMap((item) => (item.action === 'skip' ? [] : Object.keys(item.new ?? {}))),
    )
    expect([...changed]).toEqual(['jobTitle'])
  })
})

describe('a plan over the limits', () => {
  async function massLeave() {
    const w = await world({ users: 100, groups: 5, memberships: 200 })
    await w.sync()
    const leavers = [...w.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false).slice(0, 30)
    for (const user of leavers) remove(w.tenant, user.id)
    return { w, leavers }
  }

  it('S6: is held and writes nothing; the approval names its hash and applies it as shown, once', async () => {
    const { w } = await massLeave()
    const before = await registryDump()
    const held = await w.sync()
    const untouched = await registryDump()
    const approval = {
      run: Number(held.run),
      reason: 'site closed',
      actor: { kind: 'command line', name: 'admin' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    }

    await expect(approveRun(w.engine, { ...approval, hash: 'f'.repeat(64) })).rejects.toMatchObject({
      code: 'hash-mismatch',
    })
    const approved = await approveRun(w.engine, { ...approval, hash: held.planHash! })

    expect(held).toMatchObject({ outcome: 'held', users: { deactivated: 30 } })
    expect(held.held?.reasons[0]).toMatchObject({ rule: 'removals.users', count: 30 })
    expect({ ...untouched, plan_memberships: 0 }).toEqual({ ...before, plan_memberships: 0 })
    expect(approved).toMatchObject({ outcome: 'applied', users: { deactivated: 30 }, planHash: held.planHash })
    await expect(approveRun(w.engine, { ...approval, hash: held.planHash! })).rejects.toMatchObject({
      code: 'already-decided',
    })
    expect(await w.sync()).toMatchObject({ outcome: 'no-change' })
  })

  it('rejected, it is shown again by the next run; nothing is forgotten', async () => {
    const { w } = await massLeave()
    const held = await w.sync()
    await rejectRun(w.engine, {
      run: Number(held.run),
      reason: 'no',
      actor: { kind: 'command line', name: 'admin' } as const,
    })

    const again = await w.sync()

    expect(again).toMatchObject({ outcome: 'held', planHash: held.planHash })
    await expect(
      rejectRun(w.engine, {
        run: Number(held.run),
        reason: 'no',
        actor: { kind: 'command line', name: 'admin' } as const,
      }),
    ).rejects.toMatchObject({
      code: 'already-decided',
    })
  })

  it('O8: approved after the world changed, it is planned anew and waits again', async () => {
    const { w, leavers } = await massLeave()
    const held = await w.sync()
    restore(w.tenant, leavers[0]!.id)

    const answer = await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'a' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(answer).toMatchObject({ outcome: 'held', users: { deactivated: 29 } })
    const active = await test.db.query<{ n: number }>('select count(*) as n from users where not active')
    expect(active.rows[0]!.n).toBe(0)
  })

  it('proves memberships again: approved after somebody was put back into a group, the plan is made anew', async () => {
    const w = await world({ settings: { safeguard: { memberships: { count: 1 } } } })
    const group = createGroup(w.tenant, { displayName: 'g' })
    const users = ['a', 'b', 'c'].map((n) => hire(w.tenant, { userPrincipalName: `${n}@contoso.com` }))
    for (const user of users) addMember(w.tenant, group.id, user.id)
    await w.sync()
    for (const user of users.slice(0, 2)) removeMember(w.tenant, group.id, user.id)
    const held = await w.sync()
    addMember(w.tenant, group.id, users[0]!.id)
    const approval = {
      reason: 'r',
      actor: { kind: 'command line', name: 'a' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    }

    const answer = await approveRun(w.engine, { ...approval, run: Number(held.run), hash: held.planHash! })
    const applied = await approveRun(w.engine, { ...approval, run: Number(answer.run), hash: answer.planHash! })

    expect(held).toMatchObject({ outcome: 'held', memberships: { removed: 2 } })
    expect(answer).toMatchObject({ outcome: 'held', memberships: { removed: 1 } })
    expect(applied).toMatchObject({ outcome: 'applied', memberships: { removed: 1 } })
    expect((await registryView(test.db)).memberships).toEqual(impliedView(w.tenant).memberships)
  })

  it('proves groups again: approved after a deleted group was restored, the plan is made anew', async () => {
    const w = await world({ settings: { safeguard: { removals: { count: 0 } } } })
    hire(w.tenant, { userPrincipalName: 'a@contoso.com' })
    const group = createGroup(w.tenant, { displayName: 'g', groupTypes: ['Unified'], mailEnabled: true })
    await w.sync()
    remove(w.tenant, group.id)
    const held = await w.sync()
    restore(w.tenant, group.id)

    const answer = await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'a' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(held).toMatchObject({ outcome: 'held', groups: { deleted: 1 } })
    expect(answer).toMatchObject({ outcome: 'no-change', groups: { deleted: 0 } })
    expect((await registryView(test.db)).groups).toEqual({ [group.id]: 'g' })
  })

  it('applies the rest and leaves out whom somebody edited meanwhile; he is planned next time', async () => {
    const { w, leavers } = await massLeave()
    const held = await w.sync()
    await test.db.query('update users set version = version + 1 where object_id = $1', [leavers[0]!.id])

    const approved = await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'a' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })
    const next = await w.sync()

    expect(approved).toMatchObject({ outcome: 'applied', users: { deactivated: 29 } })
    expect(next).toMatchObject({ outcome: 'applied', users: { deactivated: 1 } })
  })
})

describe('two at once', () => {
  it('E3, S8: only one of several runs of a source runs; the others are told who does', async () => {
    const w = await world({ users: 60, groups: 5, memberships: 100 })

    const results = await Promise.allSettled([w.sync(), w.sync(), w.sync()])

    expect(results.filter((r) => r.status === 'fulfilled')).toHaveLength(1)
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'busy' })
  })

  it('S8: a run that lost its fence writes nothing more', async () => {
    const w = await world({
      users: 60,
      groups: 5,
      memberships: 100,
      fetch: (inner) => async (input, init) => {
        if (String(input instanceof Request ? input.url : input).includes('/groups'))
          await test.db.query('update sources set fence = fence + 1')
        return inner(input, init)
      },
    })

    const document = await w.sync()

    expect(document).toMatchObject({ outcome: 'failed', error: { code: 'fence-lost' } })
    expect((await registryView(test.db)).users).toEqual({})
  })

  it('takes over a run whose process is gone, and resumes it', async () => {
    const w = await world({ users: 60, groups: 5, memberships: 100 })
    await test.db.query(
      `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
       select id, name, 'sync', 'full', 'manual', 0, $1, 999999, 'long ago', 1 from sources`,
      [(await import('node:os')).hostname()],
    )

    const document = await w.sync()

    expect(document.outcome).toBe('applied')
    const old = await test.db.query('select outcome from runs order by id limit 1')
    expect(old.rows).toEqual([{ outcome: 'failed' }])
  })
})

describe('cancelling', () => {
  it('E20: during planning or applying rolls back and ends as cancelled; the next run does the whole work', async () => {
    const w = await world({ users: 200, groups: 10, memberships: 400 })
    for (const phase of ['users', 'planning', 'applying'] as const) {
      const cancel = new AbortController()

      const document = await w.sync({ signal: cancel.signal, onProgress: (p) => p.phase === phase && cancel.abort() })

      expect(document, phase).toMatchObject({ outcome: 'cancelled', error: { code: 'cancelled' } })
      expect((await registryView(test.db)).users).toEqual({})
    }

    const document = await w.sync()

    expect(document.outcome).toBe('applied')
    expect((await registryView(test.db)).memberships).toEqual(impliedView(w.tenant).memberships)
  })

  it('E20: by another process is noticed within seconds', async () => {
    const w = await world({
      users: 200,
      groups: 10,
      memberships: 400,
      fetch: (inner) => async (input, init) => {
        if (String(input instanceof Request ? input.url : input).includes('/groups')) {
          await new Promise((_, reject) =>
            (input instanceof Request ? input.signal : init?.signal)?.addEventListener('abort', () =>
              reject(new Error('aborted')),
            ),
          )
        }
        return inner(input, init)
      },
    })
    const running = w.sync()
    let id: number | undefined
    while (id === undefined)
      id = (await test.db.query<{ id: number }>(`select id from runs where state = 'running'`)).rows[0]?.id

    await cancelRun(w.engine, { run: id, actor: { kind: 'command line', name: 'a' } })

    expect(await running).toMatchObject({ outcome: 'cancelled' })
    await expect(cancelRun(w.engine, { run: id, actor: { kind: 'command line', name: 'a' } })).rejects.toMatchObject({
      code: 'not-running',
    })
  })
})

describe('a database that goes away', () => {
  it('E2: the line breaks right after the commit that applied: the run knows by its own row that it was applied', async () => {
    const w = await world({ users: 20, groups: 2, memberships: 20 })
    const broken = cutAfterCommit(test.db, /insert into users \(id/)

    const document = await runSource(
      { ...w.engine, db: broken.db },
      {
        source: w.source,
        kind: 'sync',
        mode: 'auto',
        trigger: 'manual',
        wait: false,
        signal: new AbortController().signal,
        onProgress: () => {},
      },
    )

    expect(broken.wasCut()).toBe(true)
    expect(document).toMatchObject({ outcome: 'applied', error: null })
    expect((await registryView(test.db)).users).toEqual(impliedView(w.tenant).activeUsers)
    expect(await w.sync()).toMatchObject({ outcome: 'no-change' })
  })

  it('E2: the server ends every session in the middle of applying: nothing is written, the next run does all of it', async () => {
    const w = await world({ users: 20, groups: 2, memberships: 20 })
    const document = await w.sync({
      onProgress(progress) {
        if (progress.phase !== 'applying') return
        void test.db
          .query(
            'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
          )
          .catch(() => undefined)
      },
    })
    const between = await registryView(test.db)
    await test.db.query(`update runs set process_started = 'dead' where state = 'running'`)

    const next = await w.sync()

    expect(document.outcome === 'applied' ? impliedView(w.tenant).activeUsers : {}).toEqual(between.users)
    expect(next.error).toBeNull()
    expect((await registryView(test.db)).memberships).toEqual(impliedView(w.tenant).memberships)
  })
})

describe('members', () => {
  it('who leave a group lose that membership and nothing else', async () => {
    const w = await world()
    const user = hire(w.tenant, { userPrincipalName: 'a@contoso.com' })
    const [g1, g2] = [createGroup(w.tenant, { displayName: 'one' }), createGroup(w.tenant, { displayName: 'two' })]
    addMember(w.tenant, g1.id, user.id)
    addMember(w.tenant, g2.id, user.id)
    await w.sync()
    removeMember(w.tenant, g1.id, user.id)

    const document = await w.sync()

    expect(document.memberships).toEqual({ added: 0, removed: 1 })
    expect((await registryView(test.db)).memberships).toEqual([`${g2.id} ${user.id}`])
  })
})
