// What comes next for somebody, told so that it comes true: what the next run does, and what has to come before it.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { disable, enable, remove, update } from '../emulator/operations.ts'
import { approveRun, rejectRun } from './approve.ts'

const x = anExplainedWorld()
const OLGA = { kind: 'command line', name: 'olga' } as const

/** Ann, of whom the mirror knows a change that no run has applied: her department. */
async function changed(): Promise<DirectoryObject> {
  const ann = x.person('ann', { department: 'Sales' })
  await x.w.sync()
  update(x.w.tenant, ann.id, { department: 'IT' })
  await x.w.sync({ kind: 'plan' })
  return ann
}
const sentenceOf = async (ann: DirectoryObject) => (await x.source(ann.id)).next.sentence

/** A plan that waits: seven of 22 leave. */
async function held(more: (ann: DirectoryObject) => void = () => {}) {
  const ann = x.person('ann')
  const others = Array.from({ length: 20 }, (_, i) => x.person(`p${i}`))
  await x.w.sync()
  await x.w.configure({})
  more(ann)
  for (const leaver of others.slice(0, 7)) remove(x.w.tenant, leaver.id)
  return { ann, leaver: others[0]!, run: await x.w.sync() }
}

describe('what the next run does', () => {
  it('nothing', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()

    expect((await x.source(ann.id)).next).toEqual({ items: [], held: [], sentence: 'The next run changes nothing.' })
  })

  it('nothing, because of an issue', async () => {
    await x.begin({ users: { properties: { userName: 'employeeId' } } })
    const ann = x.person('ann')
    await x.w.sync()

    expect(await sentenceOf(ann)).toBe('The next run changes nothing; see the issues.')
  })

  it('one change, with old and new, and the run does just that', async () => {
    await x.begin()
    const ann = await changed()

    const { next } = await x.source(ann.id)

    expect(next.sentence).toBe('The next run makes one change to him.')
    expect(next.items).toMatchObject([
      { object: 'user', action: 'update', old: { department: 'Sales' }, new: { department: 'IT' } },
    ])
    await x.w.sync()
    expect((await x.why(ann.id)).history[0]).toMatchObject({ action: 'update', new: { department: 'IT' } })
    expect(await sentenceOf(ann)).toBe('The next run changes nothing.')
  })

  it('what settings that were just saved make of him: two targets, a new value each', async () => {
    await x.begin()
    const ann = x.person('ann', { department: 'Bern' })
    await x.w.sync()
    const properties = { office: 'department', userName: { template: 'u-%department%' } }
    await x.w.configure({ safeguard: 'off', users: { properties, options: { keepOldUserName: false } } })

    const { next } = await x.source(ann.id)

    expect(next.sentence).toBe('The next run makes 2 changes to him.')
    expect(next.items.map(({ action, new: to }) => [action, to])).toEqual([
      ['rename', { userName: 'u-Bern' }],
      ['update', { office: 'Bern' }],
    ])
    await x.w.sync()
    expect((await x.why(ann.id)).registry).toMatchObject({ userName: 'u-Bern' })
  })

  it('a change that would be held by itself', async () => {
    await x.begin({ safeguard: { removals: { percent: 0, count: 0 } } })
    await x.w.sync()
    const ann = x.person('ann')
    await x.local('ann@contoso.com')
    await x.w.sync({ kind: 'plan' })

    expect(await sentenceOf(ann)).toBe(
      'The next run makes one change to him, and by itself that would be held for approval.',
    )
  })
})

describe('what has to come before', () => {
  it('attributes that new settings name and nobody has read yet: nothing is said of what they make of him', async () => {
    await x.begin()
    const ann = x.person('ann', { city: 'Bern' })
    await x.w.sync()
    const filter = { any: [{ all: [{ attribute: 'city', eq: 'Bern' }] }] }
    await x.w.configure({ safeguard: 'off', users: { filter, properties: { userName: { template: 'u-%city%' } } } })

    const told = await x.source(ann.id)
    await x.w.sync()
    const read = await x.source(ann.id)

    expect(told.scope).toMatchObject({
      verdict: 'unknown',
      sentence: 'users.filter names attributes that were not read yet (city): the next run reads them first.',
    })
    expect(told.pairing.result).toBe('linked')
    expect(told.issues).toEqual([])
    expect(told.next).toEqual({
      items: [],
      held: [],
      sentence:
        'The settings name attributes that were not read yet (city): what the next run does depends on what it reads.',
    })
    expect(read.scope.verdict).toBe('wanted')
    expect((await x.why(ann.id)).registry).toMatchObject({ userName: 'u-Bern', active: true })
  })

  it('the source is disabled', async () => {
    await x.begin()
    const ann = await changed()
    await x.db.query('update sources set enabled = false')

    expect(await sentenceOf(ann)).toBe(
      'The source is disabled: no run changes anything. Enabled, its next run would make one change to him.',
    )
    await expect(x.w.sync()).rejects.toThrow('the source is disabled')
  })

  it('the source is quarantined: when its schedule tries again', async () => {
    await x.begin()
    const ann = await changed()
    x.w.emulator.setEnabled(x.w.hosted.app, false)
    await x.w.sync()
    await x.w.sync()

    expect(await sentenceOf(ann)).toMatch(
      /^The source is quarantined: its schedule tries again after \d{4}-\d\d-\d\d \d\d:\d\d UTC, a run by hand at any time\. That run makes one change to him\.$/,
    )
  })

  it('no schedule runs it', async () => {
    await x.begin({ schedule: { delta: 'none', full: 'none' } })
    const ann = await changed()

    expect(await sentenceOf(ann)).toBe('No schedule runs the source. The next run, by hand, makes one change to him.')
  })

  it('a plan waits for approval: his change is in it, the schedule leaves it, a run by hand replaces it', async () => {
    await x.begin()
    const { ann, leaver, run } = await held((who) => update(x.w.tenant, who.id, { department: 'IT' }))
    const waits = `The plan of run ${run.run} waits for approval: the schedule changes nothing while what held it still holds. Run by hand, the source makes a new plan, which would make one change to him`

    const told = await x.source(ann.id)
    const removed = await x.source(leaver.id)

    expect(told.next.sentence).toBe(`${waits}.`)
    expect(told.waiting).toMatchObject({
      run: run.run,
      reasons: [{ rule: 'removals.users', count: 7, limit: 5 }],
      items: [{ action: 'update', new: { department: 'IT' } }],
    })
    expect(removed.next.sentence).toBe(`${waits}.`)
    expect(removed.waiting!.items).toMatchObject([{ action: 'deactivate', reason: 'soft-deleted' }])
    // As it says: the schedule leaves the plan where it is.
    expect((await x.w.sync({ trigger: 'schedule' })).outcome).toBe('held')
    expect((await x.source(ann.id)).waiting!.run).toBe(run.run)
    expect((await x.why(ann.id)).history.map(({ action }) => action)).toEqual(['create'])
  })

  it('of a plan that waits, whose memberships are one item a group: his are told', async () => {
    await x.begin()
    const members = Array.from({ length: 30 }, (_, i) => x.person(`m${i}`))
    const leavers = Array.from({ length: 8 }, (_, i) => x.person(`l${i}`))
    const team = createGroup(x.w.tenant, { displayName: 'Team' })
    for (const { id } of members) addMember(x.w.tenant, team.id, id)
    await x.w.sync()
    await x.w.configure({})
    for (const { id } of members.slice(0, 25)) removeMember(x.w.tenant, team.id, id)
    for (const { id } of leavers) remove(x.w.tenant, id)
    const run = await x.w.sync()
    const stored = await x.db.query(
      `select from plan_items where run_id = $1 and object = 'membership' and user_id is null`,
      [Number(run.run)],
    )
    expect(stored.rowCount).toBe(1)

    const his = (await x.source(members[0]!.id)).waiting!.items
    const another = (await x.source(members[29]!.id)).waiting!.items

    expect(his).toMatchObject([
      { object: 'membership', action: 'remove', old: { group: 'Team', groupObjectId: team.id }, new: null },
    ])
    expect(another).toEqual([])
  })

  it('approved, it is in the history with who decided and why; rejected, the next run would do it again', async () => {
    await x.begin()
    const { leaver, run } = await held()
    await rejectRun(x.w.engine, { run: Number(run.run), reason: 'not yet', actor: OLGA })
    const rejected = await x.source(leaver.id)
    const again = await x.w.sync()
    await approveRun(x.w.engine, {
      run: Number(again.run),
      hash: again.planHash!,
      reason: 'they left',
      actor: OLGA,
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(rejected.waiting).toBeNull()
    expect(rejected.next.sentence).toBe('The next run makes one change to him.')
    const after = await x.why(leaver.id)
    expect(after.sources[0]!.waiting).toBeNull()
    expect(after.history[0]).toMatchObject({ action: 'deactivate', decidedBy: 'olga', decidedReason: 'they left' })
  })

  it('changes nothing by telling, and asks nothing of Microsoft', async () => {
    await x.begin()
    const ann = await changed()
    const count = async () =>
      (
        await x.db.query(
          `select (select count(*) from runs) as runs, (select count(*) from plan_items) as items, (select count(*) from issues) as issues,
             (select count(*) from mirror_marks) as marks, (select md5(string_agg(u::text, '|' order by id)) from users u) as users`,
        )
      ).rows
    const before = await count()
    const asked = x.w.emulator.requests.length

    await x.why(ann.id)

    expect(await count()).toEqual(before)
    expect(x.w.emulator.requests.length).toBe(asked)
  })
})

describe('why it does that', () => {
  const whyOf = async ({ id }: DirectoryObject) =>
    (await x.source(id)).next.items.map(({ object, action, rule, reason }) => `${object} ${action} ${rule} ${reason}`)
  const applied = async ({ id }: DirectoryObject) => {
    const { history } = await x.why(id)
    return history.filter(({ run }) => run === history[0]!.run).map(({ rule, reason }) => `${rule} ${reason}`)
  }

  it('because the mapping was changed, until that is applied; after that because of Entra', async () => {
    await x.begin({ users: { properties: { cards: ['department'] } } })
    const ann = x.person('ann', { department: 'Sales', mobilePhone: '123' })
    await x.w.sync()
    await x.w.configure({ safeguard: 'off', users: { properties: { cards: ['mobilePhone'], office: 'department' } } })

    const told = await whyOf(ann)
    await x.w.sync()
    const done = await applied(ann)
    update(x.w.tenant, ann.id, { department: 'IT', mobilePhone: '456' })
    await x.w.sync({ kind: 'plan' })

    expect(told).toEqual([
      'user update users.properties.office settings-changed',
      'credential add users.properties.cards settings-changed',
      'credential remove users.properties.cards settings-changed',
    ])
    expect(done.toSorted()).toEqual([
      'users.properties.cards settings-changed',
      'users.properties.cards settings-changed',
      'users.properties.office settings-changed',
    ])
    expect(await whyOf(ann)).toEqual([
      'user update users.properties changed-in-entra',
      'credential add users.properties.cards given-in-entra',
      'credential remove users.properties.cards withdrawn-in-entra',
    ])
  })

  it('because somebody else has his card now', async () => {
    await x.begin({ users: { properties: { cards: ['faxNumber'] } } })
    const ann = x.person('ann', { faxNumber: '1234567890' })
    await x.w.sync()
    disable(x.w.tenant, ann.id)
    await x.w.sync()
    x.person('bob', { faxNumber: '1234567890' })
    await x.w.sync()
    enable(x.w.tenant, ann.id)
    await x.w.sync()

    expect((await applied(ann)).toSorted()).toEqual([
      'users.import wanted-again',
      'users.properties.cards card-conflict',
    ])
  })
})
