// Taking runs back: what returns, what is left and why, what needs a confirmation, and what is not done again unasked.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource, people } from '../../test/support/planned.ts'
import { everything, showTakingBack, storeSettings, takeBack } from '../../test/support/reverted.ts'
import { withTransaction } from '../database/transaction.ts'
import { systemClock } from '../base/clock.ts'
import { applyPlan } from '../registry/apply.ts'
import { type Edit, holdRegistry } from '../registry/edit.ts'
import { addCard, listRegisteredCards } from '../registry/edit-credentials.ts'
import { removeEnded } from '../signin/upkeep.ts'
import { detachSource } from '../registry/detach.ts'

let test: TestDatabase
let source: HandSource
const SETTINGS = { users: { properties: { cards: ['employeeId'], aliases: ['mailNickname'] } } }
const [ann, bob, staff] = [anId(1), anId(2), anId(91)]

beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await test.empty()
  source = await aHandSource(test.db, SETTINGS)
  await storeSettings(test.db, source, SETTINGS)
  await source.user(ann, { userPrincipalName: 'ann@x', displayName: 'Ann', employeeId: '11', accountEnabled: true })
  await source.user(bob, { userPrincipalName: 'bob@x', displayName: 'Bob', employeeId: '22', accountEnabled: true })
  await source.group(staff, { displayName: 'Staff' })
  await source.member(staff, ann)
})
afterAll(() => test.drop())

const itemsOf = async (run: string) => {
  const found = await test.db.query<{ what: string }>(
    `select object || ' ' || action || ' ' || rule || ' ' || reason as what from plan_items where run_id = $1 order by 1`,
    [Number(run)],
  )
  return found.rows.map((row) => row.what)
}

describe('taking a run back', () => {
  it('a first load goes altogether, and what it took comes back with the next approval', async () => {
    const { runId } = await source.run()

    const reverted = await takeBack(test.db, runId)

    expect(reverted).toMatchObject({ outcome: 'applied', reverts: String(runId), left: [], error: null })
    expect(reverted.users.deleted).toBe(2)
    expect(await everything(test.db)).toEqual([])
    const again = await source.run()
    expect(again.held).toEqual([{ rule: 'reverted', count: 3, limit: 0 }])
    expect((await people(test.db))[ann]).toMatchObject({ name: 'ann@x', cards: ['card/11'], groups: ['Staff'] })
    expect((await source.plan()).isEmpty).toBe(true)
  })

  it('leaves told which cards somebody registered himself, and where', async () => {
    await source.run()
    const vault = {
      seal: (plain: string) => Buffer.from(plain),
      lookup: (_: string, value: string) => Buffer.from(value),
    }
    const found = await test.db.query<{ id: number }>('select id from users where object_id = $1', [ann])
    const userId = found.rows[0]!.id
    const edit = { vault, clock: systemClock, actor: { kind: 'terminal', name: 'Door' } } as unknown as Edit
    await addCard(test.db, { ...edit, userId, card: '77', atTerminal: { name: 'Door', most: 1 } })
    await source.user(ann, { displayName: 'Anna' })
    const { runId } = await source.run()
    expect(await takeBack(test.db, runId)).toMatchObject({ outcome: 'applied', users: { updated: 1 }, left: [] })
    await removeEnded(test.db, systemClock.now())

    expect([...(await listRegisteredCards(test.db, userId)).values()]).toEqual(['Door'])
    await expect(
      addCard(test.db, { ...edit, userId, card: '78', atTerminal: { name: 'Door', most: 1 } }),
    ).rejects.toMatchObject({ code: 'too-many-cards' })
  })

  it('is a plan of its own: items with the rule and the run, a hash, who and why', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna', employeeId: '12' })
    await source.noMember(staff, ann)
    const { runId } = await source.run()

    const reverted = await takeBack(test.db, runId)

    const because = `revert run-${runId}`
    expect(await itemsOf(reverted.run)).toEqual([
      `credential add ${because}`,
      `credential remove ${because}`,
      `membership add ${because}`,
      `user update ${because}`,
    ])
    const run = await test.db.query(
      `select kind, outcome, reverts, plan_hash as hash, decided_by as by, decided_reason as reason from runs where id = $1`,
      [Number(reverted.run)],
    )
    expect(run.rows).toEqual([
      {
        kind: 'revert',
        outcome: 'applied',
        reverts: runId,
        hash: reverted.planHash,
        by: 'test',
        reason: 'it was wrong',
      },
    ])
    expect((await people(test.db))[ann]).toMatchObject({ cards: ['card/11'], groups: ['Staff'] })
  })

  it('tells fields that people read, and none that is made of another one', async () => {
    await source.set({ users: { properties: { personalNumber: 'employeeId' } } })
    await source.run()
    await source.user(ann, { employeeId: '12' })
    const { runId } = await source.run()

    const reverted = await takeBack(test.db, runId)

    const found = await test.db.query<{ old: object; new: object }>(
      `select old, new from plan_items where run_id = $1 and object = 'user'`,
      [Number(reverted.run)],
    )
    expect(found.rows).toEqual([{ old: { personalNumber: '12' }, new: { personalNumber: '11' } }])
  })

  it('D6: a sealed card comes back, and swapped names go back to where they were', async () => {
    await source.run()
    const before = await everything(test.db)
    await source.user(ann, { userPrincipalName: 'bob@x', employeeId: '22' })
    await source.user(bob, { userPrincipalName: 'ann@x', employeeId: null })
    const { runId } = await source.run()

    await takeBack(test.db, runId)

    expect(await everything(test.db)).toEqual(before)
    const cards = await test.db.query<{ card: string }>(
      `select convert_from(sealed, 'UTF8') as card from credentials order by 1`,
    )
    expect(cards.rows.map((row) => row.card)).toEqual(['sealed 11', 'sealed 22'])
  })

  it('O8: whoever was changed since is left whole and listed; the others go back', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna' })
    await source.user(bob, { displayName: 'Bobby' })
    const { runId } = await source.run()
    await source.user(ann, { mail: 'ann@x' })
    await source.run()

    const reverted = await takeBack(test.db, runId)

    expect(reverted.left).toEqual([
      expect.objectContaining({ object: 'user', name: 'ann@x', objectId: ann, reason: 'changed-since', count: 1 }),
    ])
    expect(reverted.users.updated).toBe(1)
    const names = await test.db.query<{ name: string }>('select full_name as name from users order by 1')
    expect(names.rows.map((row) => row.name)).toEqual(['Anna', 'Bob'])
  })

  it('once the later run is taken back, the earlier one can be, too', async () => {
    await source.run()
    const before = await everything(test.db)
    await source.user(ann, { displayName: 'Anna' })
    const first = await source.run()
    await source.user(ann, { mail: 'ann@x' })
    const second = await source.run()

    await takeBack(test.db, second.runId)
    const reverted = await takeBack(test.db, first.runId)

    expect(reverted.left).toEqual([])
    expect(await everything(test.db)).toEqual(before)
  })

  it('an old value that somebody else has by now is left and listed', async () => {
    await source.run()
    await source.user(ann, { employeeId: '12' })
    const { runId } = await source.run()
    await source.user(bob, { employeeId: '11' })
    await source.run()

    const reverted = await takeBack(test.db, runId)

    expect(reverted.left.map((l) => [l.name, l.reason])).toEqual([['ann@x', 'value-taken']])
    expect((await people(test.db))[ann]!.cards).toEqual(['card/12'])
  })

  it('a card that comes back, and that the source as it is set now would never take back, stays whatever is set later', async () => {
    await source.run()
    await source.user(ann, { employeeId: '12' })
    const { runId } = await source.run()
    const once = { users: { properties: { cards: [{ from: 'employeeId', apply: 'whenCreated' as const }] } } }
    await source.set(once)
    await storeSettings(test.db, source, once)
    await source.run()

    await takeBack(test.db, runId)
    await source.set(SETTINGS)
    const after = await source.run()

    expect(after.held.map((h) => h.rule)).toEqual(['reverted'])
    expect((await people(test.db))[ann]!.cards).toEqual(['card/11', 'card/12'])
  })

  it('O8: a plan that makes again what was taken back is left out where it is back by then, also where there is nobody yet', async () => {
    await source.user(ann, {}, 's')
    await source.user(bob, {}, 's')
    const { runId } = await source.run()
    const reverted = await takeBack(test.db, runId)
    const waiting = await source.plan()
    await takeBack(test.db, reverted.run)
    const before = await everything(test.db)

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: waiting.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }),
    )

    expect(waiting.held.map((h) => h.rule)).toEqual(['reverted'])
    expect(applied.leftOut).toBe(1)
    expect(await everything(test.db)).toEqual(before)
    expect((await source.plan()).isEmpty).toBe(true)
  })

  it('a person to whom something was added by hand is deactivated instead of removed', async () => {
    const { runId } = await source.run()
    await test.db.query(
      `insert into user_names (user_id, kind, value, key, origin, held) select id, 'a', 'own', 'own', 'o', true from users where object_id = $1`,
      [ann],
    )

    const reverted = await takeBack(test.db, runId)

    expect(reverted.users).toMatchObject({ deactivated: 1, deleted: 1 })
    expect(await people(test.db)).toEqual({ [ann]: expect.objectContaining({ active: false, aliases: ['own'] }) })
    const again = await source.run()
    expect(again.held.map((h) => h.rule)).toEqual(['reverted'])
    expect((await people(test.db))[ann]).toMatchObject({ active: true, aliases: ['own'] })
  })

  it('a person who goes out of a group that is left takes his membership and his card with him, and both are told', async () => {
    const { runId } = await source.run()
    await source.group(staff, { displayName: 'Personnel' })
    await source.run()

    const reverted = await takeBack(test.db, runId)

    expect(reverted.left.map((l) => [l.object, l.name, l.reason])).toEqual([['group', 'Personnel', 'changed-since']])
    expect(reverted).toMatchObject({
      users: { deleted: 2 },
      memberships: { added: 0, removed: 1 },
      credentials: { added: 0, removed: 2 },
    })
    const because = `revert run-${runId}`
    expect(await itemsOf(reverted.run)).toEqual([
      `credential remove ${because}`,
      `credential remove ${because}`,
      'group skip revert changed-since',
      `membership remove ${because}`,
      `user delete ${because}`,
      `user delete ${because}`,
    ])
    const again = await takeBack(test.db, reverted.run)
    expect(again).toMatchObject({ memberships: { added: 1, removed: 0 }, credentials: { added: 2, removed: 0 } })
  })

  it('a group with members by hand is hidden and keeps them', async () => {
    const { runId } = await source.run()
    await test.db.query(`insert into users (user_name) values ('local')`)
    await test.db.query(
      `insert into memberships select g.id, u.id, 0, 0 from groups g, users u where u.user_name = 'local'`,
    )

    const reverted = await takeBack(test.db, runId)

    expect(reverted.groups.deleted).toBe(1)
    const kept = await test.db.query(
      'select g.hidden, m.source_id from groups g join memberships m on m.group_id = g.id',
    )
    expect(kept.rows).toEqual([{ hidden: true, source_id: 0 }])
  })

  it('a protected or administrator record is never touched', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna' })
    const { runId } = await source.run()
    await test.db.query('update users set administrator = true where object_id = $1', [ann])

    const reverted = await takeBack(test.db, runId)

    expect(reverted).toMatchObject({ outcome: 'no-change', left: [{ reason: 'protected' }] })
  })

  it('one user alone, named by object id, user name or user principal name; the others stay', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna', userPrincipalName: 'anna@x' })
    await source.user(bob, { displayName: 'Bobby' })
    await source.noMember(staff, ann)
    const { runId } = await source.run()

    const reverted = await takeBack(test.db, runId, { user: 'ANNA@x' })

    expect(reverted.users).toMatchObject({ renamed: 1, updated: 0 })
    expect(await people(test.db)).toMatchObject({
      [ann]: { name: 'ann@x', groups: ['Staff'] },
      [bob]: { name: 'bob@x' },
    })
    await expect(takeBack(test.db, runId, { user: 'nobody@x' })).rejects.toThrow(/nobody@x/)
    expect((await takeBack(test.db, runId, { user: bob })).users.updated).toBe(1)
  })

  it('an adopted local user is local again with his old values', async () => {
    await test.db.query(
      `insert into users (user_name, full_name, notes) values ('carl@x', 'Carl the local', 'keeps his notes')`,
    )
    await test.db.query(
      `insert into user_names select id, 'n', 'carl@x', 'carl@x', 'o', true from users where user_name = 'carl@x'`,
    )
    await source.run()
    const before = await everything(test.db)
    await source.user(anId(3), { userPrincipalName: 'carl@x', displayName: 'Carl', employeeId: '33' })
    const { runId } = await source.run()

    await takeBack(test.db, runId)

    expect(await everything(test.db)).toEqual(before)
    expect((await source.plan()).held.map((h) => h.rule)).toEqual(['adoptions', 'reverted'])
  })

  describe('an adopted user who is local again', () => {
    const carl = anId(3)
    const groupsOfCarl = async () => (await people(test.db))['local-carl@x']?.groups
    beforeEach(async () => {
      await test.db.query(`insert into users (user_name) values ('carl@x')`)
      await test.db.query(`insert into user_names select id, 'n', 'carl@x', 'carl@x', 'o', true from users`)
      await source.user(carl, { userPrincipalName: 'carl@x', displayName: 'Carl' })
    })

    it('is in no group of the source, also where the group is left for somebody who stays', async () => {
      await source.member(staff, carl)
      const { runId } = await source.run()
      await test.db.query(
        `insert into user_names select id, 'a', 'own', 'own', 'o', true from users where object_id = $1`,
        [ann],
      )

      const reverted = await takeBack(test.db, runId)

      expect(reverted.left.map((l) => [l.name, l.reason])).toEqual([['Staff', 'changed-since']])
      expect(reverted.memberships).toEqual({ added: 0, removed: 1 })
      expect(await groupsOfCarl()).toEqual([])
      await source.set({ ...SETTINGS, groups: { import: false } })
      expect(await itemsOf(String((await source.run()).runId))).not.toContainEqual(expect.stringContaining('carl'))
    })

    it('nor in one that a later run, another source or one removed since gave him; those by hand stay', async () => {
      const { runId } = await source.run()
      await source.member(staff, carl)
      await source.run()
      const other = await aHandSource(test.db, { priority: 200 }, source.tenantId)
      const third = await aHandSource(test.db, { priority: 200 }, source.tenantId)
      await storeSettings(test.db, other, { priority: 200 })
      for (const one of [other, third]) {
        await one.group(staff, { displayName: 'Staff' })
        await one.user(carl, { userPrincipalName: 'carl@x', displayName: 'Carl' })
        await one.member(staff, carl)
        await one.run()
      }
      await withTransaction(test.db, (tx) => detachSource(tx, third.id))
      await test.db.query(`insert into groups (name) values ('Chess')`)
      await test.db.query(
        `insert into memberships select g.id, u.id, 0, 0 from groups g, users u where g.name = 'Chess' and u.object_id = $1`,
        [carl],
      )
      const before = await everything(test.db)

      const reverted = await takeBack(test.db, runId, { user: carl })

      expect(reverted).toMatchObject({ left: [], memberships: { added: 0, removed: 1 } })
      expect(await groupsOfCarl()).toEqual(['Chess'])
      expect((await takeBack(test.db, reverted.run)).left).toEqual([])
      await other.run({ everybody: false })
      expect(await everything(test.db)).toEqual(before)
    })

    it('is claimed by nobody, and whoever else wanted him adopts him anew', async () => {
      const { runId } = await source.run()
      const other = await aHandSource(test.db, { priority: 200 }, source.tenantId)
      await other.user(carl, { userPrincipalName: 'carl@x', displayName: 'Carl' })
      await other.run()

      await takeBack(test.db, runId, { user: carl })

      const claims = await test.db.query(
        `select from claims c join users u on u.id = c.user_id where u.user_name = 'carl@x'`,
      )
      expect(claims.rowCount).toBe(0)
      const next = await other.plan({ everybody: false })
      expect(next.held.map((h) => h.rule)).toEqual(['adoptions', 'reverted'])
      await other.set({ adoptions: 'automatic' })
      expect((await other.run()).held).toEqual([{ rule: 'reverted', count: 1, limit: 0 }])
      expect((await other.plan()).isEmpty).toBe(true)
    })
  })

  it('a deleted record is made again with its id, values, cards and memberships', async () => {
    await source.run()
    await source.user(ann, {}, 's')
    await source.run()
    const before = await everything(test.db)
    // As a plan of a source with deletion after some days has it.
    await test.db.query(`update users set deactivated_at = now() - interval '90 days' where object_id = $1`, [ann])
    const aged = await everything(test.db)
    await source.set({ ...SETTINGS, users: { ...SETTINGS.users, options: { deleteAfterDays: 30 } } })
    const { runId, users } = await source.run()
    expect(users.deleted).toBe(1)

    const reverted = await takeBack(test.db, runId)

    expect(reverted.users.created).toBe(1)
    expect(await everything(test.db)).toEqual(aged)
    expect(before).toHaveLength(aged.length)
    expect((await source.plan()).held.map((h) => h.rule)).toContain('reverted')
  })

  it('groups from attributes and default groups go with whoever they were made for, and are held like the rest', async () => {
    await source.run()
    const before = await everything(test.db)
    await source.set({
      ...SETTINGS,
      groups: { fromAttributes: [{ template: '%companyName%|%department%', makeDefault: true }] },
    })
    await source.user(ann, { companyName: 'Contoso', department: 'Sales' })
    const { runId } = await source.run()
    const after = await everything(test.db)

    const reverted = await takeBack(test.db, runId)

    expect(reverted).toMatchObject({ left: [], error: null })
    expect(reverted.groups.deleted).toBeGreaterThan(0)
    expect(await everything(test.db)).toEqual(before)
    expect((await source.plan()).held.map((h) => h.rule)).toContain('reverted')
    expect((await takeBack(test.db, reverted.run)).left).toEqual([])
    expect(await everything(test.db)).toEqual(after)
  })

  it('S16: a group above one that stays does not go: the next run by delta would not make it again', async () => {
    await source.set({ ...SETTINGS, groups: { fromAttributes: [{ template: '%companyName%|%department%' }] } })
    await source.user(ann, { companyName: 'A|B', department: 'Sales' })
    const { runId } = await source.run()
    await source.user(bob, { companyName: 'A|B', department: 'Sales' })
    await source.run()

    const reverted = await takeBack(test.db, runId)

    expect(reverted.left.map((left) => [left.object, left.name, left.reason])).toContainEqual([
      'group',
      'A|B',
      'changed-since',
    ])
    const groups = await test.db.query('select name, under from groups where object_id is null order by under')
    expect(groups.rows).toEqual([
      { name: 'A|B', under: '' },
      { name: 'Sales', under: 'A\\|B' },
    ])
  })

  describe('S16: memberships beside those of another source are looked at again by delta', () => {
    const settings = { ...SETTINGS, priority: 200 }
    let second: HandSource
    const givers = async () => {
      const found = await test.db.query<{ source: number }>('select source_id as source from memberships order by 1')
      return found.rows.map((row) => row.source)
    }

    beforeEach(async () => {
      second = await aHandSource(test.db, settings, source.tenantId)
      await storeSettings(test.db, second, settings)
      await second.user(ann, { userPrincipalName: 'ann@x', accountEnabled: true })
      await second.group(staff, { displayName: 'Staff' })
      await second.member(staff, ann)
    })

    it('one that the source has ended meanwhile ends again', async () => {
      await source.run()
      await second.run()
      await second.noMember(staff, ann)
      await second.group(anId(92), { displayName: 'Crew' })
      const { runId } = await second.run()
      await takeBack(test.db, runId)
      expect(await givers()).toEqual([source.id, second.id])

      await second.run({ everybody: false })

      expect(await givers()).toEqual([source.id])
      expect((await second.run({ everybody: true })).isEmpty).toBe(true)
      expect(await givers()).toEqual([source.id])
    })

    it('one that the source gives still is given again, and outlives the other’s', async () => {
      await source.run()
      await second.group(anId(92), { displayName: 'Crew' })
      const { runId } = await second.run()
      await takeBack(test.db, runId)
      expect(await givers()).toEqual([source.id])

      await second.run({ everybody: false })
      await source.noMember(staff, ann)
      await source.run()

      expect(await givers()).toEqual([second.id])
    })

    it('one of another source that comes back with a deleted record ends with that source’s next run', async () => {
      await source.set({ ...SETTINGS, users: { ...SETTINGS.users, options: { deleteAfterDays: 30 } } })
      await source.run()
      await second.run()
      await source.user(ann, {}, 's')
      await source.run()
      await test.db.query(`update users set deactivated_at = now() - interval '90 days' where object_id = $1`, [ann])
      const { runId, users } = await source.run({ everybody: true })
      expect(users.deleted).toBe(1)
      await second.user(ann, {}, 'x')
      await second.run()

      await takeBack(test.db, runId)

      expect(await givers()).toEqual([source.id, second.id])
      await second.run({ everybody: false })
      expect(await givers()).toEqual([source.id])
    })
  })

  describe('S16: a group that another source gives by now', () => {
    const settings = { ...SETTINGS, priority: 200 }
    let second: HandSource
    const ofStaff = async () => {
      const found = await test.db.query('select source_id, hidden from groups where object_id = $1', [staff])
      return found.rows
    }

    beforeEach(async () => {
      second = await aHandSource(test.db, settings, source.tenantId)
      await storeSettings(test.db, second, settings)
      await second.group(staff, { displayName: 'Staff' })
    })

    it('stays where the run created it, and passes to the other one when its owner drops it', async () => {
      await source.noMember(staff, ann)
      const { runId } = await source.run()
      await second.run()

      const reverted = await takeBack(test.db, runId)

      expect(reverted.left).toEqual([
        {
          object: 'group',
          name: 'Staff',
          objectId: staff,
          reason: 'claimed-by-another-source',
          message: 'It came with the run, and another source wants it as well.',
          count: 1,
        },
      ])
      expect(await ofStaff()).toEqual([{ source_id: source.id, hidden: false }])
      await source.set({ ...SETTINGS, groups: { ignore: [staff] } })
      await source.run({ everybody: true })
      expect(await ofStaff()).toEqual([{ source_id: second.id, hidden: false }])
      expect((await second.run({ everybody: true })).isEmpty).toBe(true)
    })

    it('stays where the run showed it again', async () => {
      await source.run()
      await source.group(staff, {}, 'x')
      await source.run()
      expect(await ofStaff()).toEqual([{ source_id: source.id, hidden: true }])
      await source.group(staff, { displayName: 'Staff' })
      const { runId } = await source.run()
      await second.run()

      const reverted = await takeBack(test.db, runId)

      expect(reverted.left.map(({ object, reason }) => [object, reason])).toEqual([
        ['group', 'claimed-by-another-source'],
      ])
      expect(await ofStaff()).toEqual([{ source_id: source.id, hidden: false }])
    })

    it('goes where the other one had given it only before it was hidden', async () => {
      await source.run()
      await second.run()
      await second.set({ ...settings, groups: { import: false } })
      await source.group(staff, {}, 'x')
      await source.run()
      await source.group(staff, { displayName: 'Staff' })
      const { runId } = await source.run()

      const reverted = await takeBack(test.db, runId)

      expect(reverted.left).toEqual([])
      expect(await ofStaff()).toEqual([{ source_id: source.id, hidden: true }])
    })
  })

  describe('S16: a group that had passed to another source and goes back', () => {
    const settings = { ...SETTINGS, priority: 200 }
    let second: HandSource
    /** Who owned it, and who claimed it, before the run was taken back. */
    let passed: readonly [owner: number, claims: readonly number[]]
    const givers = async () => {
      const found = await test.db.query<{ told: string }>(
        `select u.user_name || ' ' || case m.source_id when $1 then 'first' else 'second' end as told
         from memberships m join users u on u.id = m.user_id order by 1`,
        [source.id],
      )
      return found.rows.map((row) => row.told)
    }
    const claims = async () =>
      (await test.db.query<{ source_id: number }>('select source_id from group_claims')).rows.map(
        (row) => row.source_id,
      )
    const ownerOf = async () => {
      const found = await test.db.query<{ source_id: number }>('select source_id from groups where object_id = $1', [
        staff,
      ])
      return found.rows[0]!.source_id
    }

    beforeEach(async () => {
      second = await aHandSource(test.db, settings, source.tenantId)
      await storeSettings(test.db, second, settings)
      for (const id of [ann, bob]) await second.user(id, { userPrincipalName: `${id}@x`, accountEnabled: true })
      await second.group(staff, { displayName: 'Staff' })
      await second.member(staff, ann)
      await source.run()
      await second.run()
      await source.set({ ...SETTINGS, groups: { ignore: [staff] } })
      const { runId } = await source.run({ everybody: true })
      passed = [await ownerOf(), await claims()]
      await takeBack(test.db, runId)
    })

    it('is given still by the one that had it meanwhile, as before', async () => {
      expect(passed).toEqual([second.id, []])
      expect([await ownerOf(), await claims()]).toEqual([source.id, [second.id]])
      await source.set(SETTINGS)
      await second.member(staff, bob)
      const made = await second.run({ everybody: false })

      expect(made.isEmpty).toBe(false)
      expect(await givers()).toEqual(['ann@x first', 'ann@x second', 'bob@x second'])
      expect((await second.plan({ everybody: true })).isEmpty).toBe(true)
    })

    it('passes to it again, and is not deleted', async () => {
      const again = await source.run({ everybody: true })

      expect(again.held).toEqual([expect.objectContaining({ rule: 'reverted' })])
      expect([await ownerOf(), await claims()]).toEqual([second.id, []])
    })

    it('is let go by the one that had it meanwhile where it wants it no more', async () => {
      await second.group(staff, { displayName: 'Staff' }, 'x')
      await second.run({ everybody: false })

      expect(await claims()).toEqual([])
      expect(await givers()).toEqual(['ann@x first'])
    })
  })

  it('more than the removal limits needs a confirmation; a dry run shows all of it and writes nothing', async () => {
    for (let n = 10; n < 17; n += 1) await source.user(anId(n), { userPrincipalName: `u${n}@x` })
    const { runId } = await source.run()
    const before = await everything(test.db)

    const shown = await showTakingBack(test.db, runId)
    const refused = await takeBack(test.db, runId, { confirmed: false })

    expect(shown).toMatchObject({ run: '', outcome: 'planned', users: { deleted: 9 }, itemsTotal: 13 })
    expect(shown.items).toHaveLength(13)
    expect(shown.confirm).toEqual(refused.confirm)
    expect(refused).toMatchObject({
      outcome: 'planned',
      planHash: shown.planHash,
      confirm: [{ rule: 'removals.users', count: 9, limit: 5 }],
    })
    expect(await everything(test.db)).toEqual(before)
    expect((await source.plan()).isEmpty).toBe(true)
    expect((await takeBack(test.db, runId)).outcome).toBe('applied')
    const audit = await test.db.query<{ details: string }>(`select details from audit where action = 'run.revert'`)
    expect(audit.rows.map(({ details }) => JSON.parse(details))).toEqual([
      expect.objectContaining({ confirmed: true, exceeded: shown.confirm }),
    ])
  })

  it('more new names than a run may write need one as well where they go with bringing people back', async () => {
    const ids = Array.from({ length: 11 }, (_, n) => anId(200 + n))
    for (const [n, id] of ids.entries()) await source.user(id, { userPrincipalName: `p${n}@x`, accountEnabled: true })
    await source.run()
    for (const id of ids) await source.user(id, { accountEnabled: false })
    await source.run()
    for (const [n, id] of ids.entries()) await source.user(id, { userPrincipalName: `q${n}@x`, accountEnabled: true })
    const { runId } = await source.run()
    const reverted = await takeBack(test.db, runId)

    const refused = await takeBack(test.db, Number(reverted.run), { confirmed: false })

    expect(refused).toMatchObject({ outcome: 'planned', users: { reactivated: 11 } })
    expect(refused.confirm).toContainEqual({ rule: 'rewrites.userName', count: 11, limit: 10 })
  })

  describe('more than a run may rewrite or empty needs a confirmation, too', () => {
    const STAFF = anId(8_000)
    const many = (count: number) => Array.from({ length: count }, (_, n) => anId(100 + n))
    const each = async (ids: readonly string[], attributes: (n: number) => Record<string, unknown>) => {
      await source.users(ids.map((objectId, n) => ({ objectId, attributes: attributes(n) })))
    }
    const named = (n: number) => ({ userPrincipalName: `many${n}@x` })

    it.each([
      ['rewrites.userName', {}, (n: number) => ({ userPrincipalName: `other${n}@x` })],
      ['rewrites.email', { mail: 'old@x' }, () => ({ mail: 'new@x' })],
      ['cleared.department', {}, () => ({ department: 'Sales' })],
    ] as const)('%s', async (rule, before, after) => {
      await each(many(11), (n) => ({ ...named(n), ...before }))
      await source.run()
      await each(many(11), after)
      const { runId } = await source.run()
      const stood = await everything(test.db)

      const shown = await showTakingBack(test.db, runId)
      const refused = await takeBack(test.db, runId, { confirmed: false })

      // The old user name that was kept as an alias goes when it is the user name again.
      expect(shown.confirm).toContainEqual({ rule, count: 11, limit: 10 })
      expect(refused).toMatchObject({ outcome: 'planned', confirm: shown.confirm })
      expect(await everything(test.db)).toEqual(stood)
      expect((await takeBack(test.db, runId)).outcome).toBe('applied')
    })

    it('groups-emptied', async () => {
      await each(many(50), named)
      await source.group(STAFF, { displayName: 'Staff' })
      await source.run()
      for (const id of many(50)) await source.member(STAFF, id)
      const { runId } = await source.run()

      const refused = await takeBack(test.db, runId, { confirmed: false })

      expect(refused).toMatchObject({
        outcome: 'planned',
        confirm: [{ rule: 'groups-emptied', count: 1, limit: 0 }],
      })
    })

    it('not what the limits let a run do', async () => {
      await each(many(10), named)
      await source.run()
      await each(many(10), (n) => ({ userPrincipalName: `other${n}@x`, department: 'Sales' }))
      const { runId } = await source.run()

      expect((await takeBack(test.db, runId, { confirmed: false })).outcome).toBe('applied')
    })
  })

  it('shown only, it is no run, and neither waits for one nor keeps one waiting', async () => {
    const { runId } = await source.run()
    const runs = async () => (await test.db.query('select id, state from runs order by id')).rows
    const before = await runs()
    // As a run does that applies: it holds the registry and its source.
    const shown = await withTransaction(test.db, async (tx) => {
      await holdRegistry(tx, 'alone')
      await tx.query('update sources set fence = fence + 1')
      return showTakingBack(test.db, runId)
    })

    expect(shown).toMatchObject({ outcome: 'planned', users: { deleted: 2 } })
    expect(await runs()).toEqual(before)
  })

  it('a run of a removed source: refused, with the reason and the way to the old values', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna' })
    const { runId } = await source.run()
    await withTransaction(test.db, (tx) => detachSource(tx, source.id))
    const before = await everything(test.db)

    await expect(takeBack(test.db, runId)).rejects.toMatchObject({
      code: 'source-removed',
      message: expect.stringContaining(`muster runs ${runId} --items`),
    })

    expect(await everything(test.db)).toEqual(before)
    const items = await test.db.query('select old, new from plan_items where run_id = $1', [runId])
    expect(items.rows).toEqual([{ old: { fullName: 'Ann' }, new: { fullName: 'Anna' } }])
  })

  it('only what changed the registry can be taken back', async () => {
    const planned = await source.plan()

    await expect(takeBack(test.db, planned.runId)).rejects.toMatchObject({ code: 'not-applied' })
    await expect(takeBack(test.db, 4711)).rejects.toMatchObject({ code: 'not-found' })
  })
})

describe('O4: what was taken back is not done again unasked', () => {
  const wrong = { ...SETTINGS, users: { properties: { ...SETTINGS.users.properties, fullName: 'mail' } } }

  beforeEach(async () => {
    await source.user(ann, { mail: 'ann@mail' })
    await source.user(bob, { mail: 'bob@mail' })
    await source.run()
  })

  it('a mapping mistake: held as long as the setting is wrong, silent once it is right', async () => {
    await source.set(wrong)
    const { runId } = await source.run()
    await takeBack(test.db, runId)

    expect((await source.plan()).held).toEqual([{ rule: 'reverted', count: 2, limit: 0 }])

    await source.set(SETTINGS)
    expect(await source.run()).toMatchObject({ isEmpty: true, held: [] })
    await source.user(ann, { displayName: 'ann@mail' })
    expect((await source.run()).held).toEqual([])
  })

  it('another value from Entra is applied; the same is held, also when only the marked are planned', async () => {
    await source.user(ann, { displayName: 'Wrong' })
    await source.user(bob, { displayName: 'Wrong too' })
    const { runId } = await source.run()
    await takeBack(test.db, runId)
    await source.user(ann, { displayName: 'Right' })

    expect((await source.plan({ everybody: false })).held).toEqual([{ rule: 'reverted', count: 1, limit: 0 }])

    await source.user(bob, { displayName: 'Bob' })
    expect((await source.run({ everybody: false })).held).toEqual([])
    const names = await test.db.query<{ name: string }>('select full_name as name from users order by 1')
    expect(names.rows.map((row) => row.name)).toEqual(['Bob', 'Right'])
    expect((await test.db.query('select from reverted_changes')).rowCount).toBe(0)
  })

  it('a PIN that is drawn, whatever its digits are the next time', async () => {
    await source.set({ users: { properties: { ...SETTINGS.users.properties, pin: 'generate' } } })
    const { runId } = await source.run()
    await takeBack(test.db, runId)
    expect((await source.plan()).held).toEqual([{ rule: 'reverted', count: 2, limit: 0 }])
    expect((await source.plan({ everybody: false })).held).toEqual([{ rule: 'reverted', count: 2, limit: 0 }])
  })

  it('memberships, cards, leavers and groups alike', async () => {
    const steps: (readonly [() => Promise<unknown>, number])[] = [
      [() => source.member(staff, bob), 1],
      [() => source.user(bob, { employeeId: '99' }), 1],
      [() => source.user(bob, { accountEnabled: false }), 1],
      [() => source.group(staff, { displayName: 'Personnel' }), 1],
      [() => source.user(anId(3), { userPrincipalName: 'new@x' }), 1],
    ]
    for (const [change, count] of steps) {
      await change()
      const { runId } = await source.run()
      await takeBack(test.db, runId)
      const again = await source.run({ everybody: false })
      expect(again.held).toEqual([{ rule: 'reverted', count, limit: 0 }])
    }
  })
})
