// People edited by hand between runs: what is kept, what is refused and naming whom, and what the audit and the history say.
import * as fc from 'fast-check'
import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource } from '../../test/support/planned.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { sourceSettings, type SourceSettingsInput } from '../contract/sources.ts'
import type { Vault } from '../vault/keys.ts'
import { verifyAudit } from './audit.ts'
import type { Edit } from './edit.ts'
import { addCard, removeCard, resetPin, revealCard } from './edit-credentials.ts'
import { changeGroup, createGroup, removeGroup } from './edit-groups.ts'
import { addMember, removeMember } from './edit-members.ts'
import { deactivateUser, restoreUser } from './edit-status.ts'
import { changeUser, createUser, removeUser } from './edit-users.ts'
import { requireGroup } from './group-list.ts'
import { listPersonHistory } from './person-history.ts'
import { requireUserView } from './user-view.ts'

let test: TestDatabase
let vault: Vault
let edit: Edit
beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
  edit = { vault, clock: systemClock, actor: { kind: 'account', name: 'helga', id: 1 } }
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.db.query('delete from users; delete from groups; delete from sources; delete from connections')
})

const lookup = (space: 'card' | 'pin', value: string) => vault.lookup(space, value)
const run = (source: HandSource) => source.run({ lookup })
/** Cards of a hand-written mirror are sealed by the test. */
const open = (sealed: Buffer, context: string) =>
  sealed.subarray(0, 7).toString() === 'sealed ' ? sealed.subarray(7).toString() : vault.open(sealed, context)
const view = (userId: number) => requireUserView(test.db, userId, { vault: { open } })
const local = (userName: string) => createUser(test.db, { ...edit, userName, fields: {} })
const change = async (userId: number, changes: Partial<Parameters<typeof changeUser>[1]['changes']>) => {
  const { version } = await view(userId)
  await changeUser(test.db, { ...edit, userId, version, changes: { fields: {}, own: {}, ...changes } })
}
const idOf = async (objectId: string) =>
  (await test.db.query<{ id: number }>('select id from users where object_id = $1', [objectId])).rows[0]!.id
const codeOf = (error: unknown) => (error instanceof ConflictError ? error.code : error)
const refusal = async (work: Promise<unknown>) =>
  codeOf(
    await work.then(
      () => 'done',
      (error: unknown) => error,
    ),
  )
const upn = (name: string) => ({ userPrincipalName: name, displayName: name, accountEnabled: true, mail: `${name}@x` })

/** A source whose settings are stored too: edits by hand ask them who decides. */
async function aStoredSource(settings: Omit<SourceSettingsInput, 'connection'>): Promise<HandSource> {
  const source = await aHandSource(test.db, settings)
  const parsed = sourceSettings.parse({ connection: 'c', ...settings })
  await test.db.query('update sources set settings = $2 where id = $1', [source.id, JSON.stringify(parsed)])
  return source
}

async function aSource() {
  const source = await aStoredSource({
    safeguard: 'off',
    users: {
      properties: {
        aliases: ['otherMails'],
        cards: ['employeeId'],
        personalNumber: { from: 'city', apply: 'whenCreated' },
      },
    },
  })
  const ann = anId(1)
  await source.user(ann, { ...upn('ann'), otherMails: ['a.given'] })
  await run(source)
  return { source, ann, userId: await idOf(ann) }
}

describe('a user of a source', () => {
  it('keeps what was added by hand through runs, and what the source decides about is refused naming it', async () => {
    const { source, ann, userId } = await aSource()

    await change(userId, { aliases: ['by.hand'], fields: { notes: 'left-handed' }, personalNumber: 'P1' })
    await addCard(test.db, { ...edit, userId, card: 'CARD-12345' })
    const refused = await refusal(change(userId, { fields: { fullName: 'Somebody' } }))
    await source.user(ann, { ...upn('ann2'), otherMails: [] })
    await run(source)

    const after = await view(userId)
    expect(refused).toBe('owned-by-source')
    expect(after.userName).toBe('ann2')
    expect(after.aliases.map((a) => [a.value, a.origin])).toEqual([
      ['ann', 'kept'],
      ['by.hand', 'registry'],
    ])
    expect(after.cards).toMatchObject([{ value: '••••2345', origin: 'registry', isHeld: true }])
    expect(after.fields).toContainEqual({ field: 'notes', value: 'left-handed', owner: null })
    expect(after.fields.find((f) => f.field === 'fullName')!.owner).not.toBeNull()
    expect(after.personalNumber).toBe('P1')
  })

  it('is left out of a plan that was made before the edit, and planned again', async () => {
    const { source, ann, userId } = await aSource()
    await source.user(ann, upn('other'))
    const made = await source.plan({ lookup })
    await change(userId, { fields: { notes: 'edited meanwhile' } })

    const item = await test.db.query<{ saw_version: number }>(
      'select saw_version from plan_items where run_id = $1 and user_id = $2',
      [made.runId, userId],
    )
    expect(item.rows[0]!.saw_version).toBeLessThan((await view(userId)).version)
    expect(
      await refusal(
        changeUser(test.db, { ...edit, userId, version: item.rows[0]!.saw_version, changes: { fields: {}, own: {} } }),
      ),
    ).toBe('changed-meanwhile')
  })

  it('whom an administrator deactivated no source reactivates; he comes back with what is free, and nobody is robbed', async () => {
    const { source, ann, userId } = await aSource()
    await change(userId, { aliases: ['wanted.by.two'] })
    await addCard(test.db, { ...edit, userId, card: 'CARD-12345' })
    await deactivateUser(test.db, { ...edit, userId, version: (await view(userId)).version, reason: 'on leave' })
    const other = await local('bob')
    await change(other, { aliases: ['Wanted.By.Two'] })
    await source.user(ann, upn('ann'))
    await run(source)
    expect((await view(userId)).deactivated).toMatchObject({ by: 'administrator', reason: 'on leave' })

    await restoreUser(test.db, { ...edit, userId, version: (await view(userId)).version })

    const after = await view(userId)
    expect(after.active).toBe(true)
    expect(after.aliases.find((a) => a.value === 'wanted.by.two')!.isHeld).toBe(false)
    expect(after.cards[0]!.isHeld).toBe(true)
    expect((await view(other)).aliases).toMatchObject([{ isHeld: true }])
  })
})

describe('values that somebody has', () => {
  it('are refused naming whom, never the card', async () => {
    const [bob, eve] = [await local('bob'), await local('eve')]
    await change(bob, { aliases: ['bobby'], personalNumber: '7' })
    await addCard(test.db, { ...edit, userId: bob, card: 'secret-card-1' })

    const card = await addCard(test.db, { ...edit, userId: eve, card: 'SECRET-CARD-1' }).catch(
      (error: unknown) => error,
    )

    expect(card).toMatchObject({ code: 'card-conflict', message: expect.stringContaining('"bob"') })
    expect(String(card)).not.toMatch(/secret-card/i)
    expect(await refusal(change(eve, { aliases: ['BOB'] }))).toBe('alias-conflict')
    expect(await refusal(change(eve, { userName: 'Bobby' }))).toBe('user-name-conflict')
    expect(await refusal(change(eve, { personalNumber: '7' }))).toBe('personal-number-conflict')
    expect(await refusal(local('Bob'))).toBe('user-name-conflict')
    expect((await view(eve)).aliases).toEqual([])
  })

  it('of a kept old name yield, and its owner is told in the history', async () => {
    const { source, ann, userId } = await aSource()
    await source.user(ann, { ...upn('ann2') })
    await run(source)

    const taker = await local('ANN')

    expect((await view(userId)).aliases.filter((a) => a.origin === 'kept')).toEqual([])
    expect((await view(taker)).userName).toBe('ANN')
    const { changes } = await listPersonHistory(test.db, { userId, limit: 1 })
    expect(changes[0]).toMatchObject({ run: null, by: 'helga', because: 'an old user name was given to somebody else' })
  })
})

it('cards, PINs: never in audit or history, a PIN is drawn anew, a card is revealed and that is audited', async () => {
  const userId = await local('carl')
  const draws = ['123123', '918273', '123123', '700112']
  const draw = () => draws.shift()
  await addCard(test.db, { ...edit, userId, card: 'CANARY-CARD-77' })
  const first = await resetPin(test.db, { ...edit, userId, draw })
  const other = await local('dan')
  const second = await resetPin(test.db, { ...edit, userId: other, draw: () => draws.shift() })
  const cardId = Number((await view(userId)).cards[0]!.id)

  const revealed = await revealCard(test.db, { ...edit, userId, cardId })
  await removeCard(test.db, { ...edit, userId, cardId })

  expect([first, second, revealed]).toEqual(['123123', '918273', 'CANARY-CARD-77'])
  const kept = await test.db.query<{ text: string }>(`select string_agg(a::text, '') as text from audit a`)
  expect(kept.rows[0]!.text).not.toMatch(/CANARY-CARD|123123|918273/)
  expect(kept.rows[0]!.text).toContain('card.reveal')
  const { changes } = await listPersonHistory(test.db, { userId, limit: 10 })
  expect(changes.map((c) => `${c.object} ${c.action}`)).toEqual([
    'credential remove',
    'credential add',
    'credential add',
    'user create',
  ])
  expect(await verifyAudit(test.db, vault)).toMatchObject({ isWhole: true })
})

it('local groups have paths of their own and move with what is below; members by hand come and go; whoever is local is removed', async () => {
  const top = await createGroup(test.db, { ...edit, name: 'A|B', under: '' })
  const below = await createGroup(test.db, { ...edit, name: 'Team', under: 'A\\|B' })
  const userId = await local('fay')
  await addMember(test.db, { ...edit, groupId: below, userId })

  await changeGroup(test.db, { ...edit, groupId: top, name: 'C' })

  expect((await requireGroup(test.db, below)).path).toBe('C|Team')
  expect((await requireGroup(test.db, below)).members).toBe(1)
  expect(await refusal(createGroup(test.db, { ...edit, name: 'TEAM', under: 'c' }))).toBe('path-taken')
  expect(await refusal(changeGroup(test.db, { ...edit, groupId: top, under: 'C|Team' }))).toBe('below-itself')
  expect(await refusal(removeGroup(test.db, { ...edit, groupId: top }))).toBe('has-children')
  await removeMember(test.db, { ...edit, groupId: below, userId })
  await removeGroup(test.db, { ...edit, groupId: below })
  await removeUser(test.db, { ...edit, userId })
  expect(await refusal(view(userId))).toBeInstanceOf(NotFoundError)
  const { changes } = await listPersonHistory(test.db, { userId, limit: 10 })
  expect(changes.map((c) => c.action)).toEqual(['delete', 'remove', 'add', 'create'])
})

it('whatever is edited between runs, active people share no name and no card, and each holds his own user name', async () => {
  const names = ['n1', 'n2', 'n3', 'N1', 'n4'] as const
  const step = fc.record({
    what: fc.constantFrom('entra', 'run', 'alias', 'card', 'off', 'on', 'local', 'rename', 'pin'),
    who: fc.nat(20),
    name: fc.constantFrom(...names),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      await test.db.query('delete from users; delete from groups; delete from sources; delete from connections')
      const source = await aStoredSource({
        safeguard: 'off',
        users: { properties: { aliases: ['otherMails'], cards: ['employeeId'] } },
      })
      const objects = [anId(1), anId(2), anId(3)]
      const byHand = new Map<number, Set<string>>()
      for (const { what, who, name } of steps) {
        if (what === 'entra') {
          await source.user(objects[who % 3]!, {
            ...upn(names[who % 5]!),
            otherMails: [name],
            employeeId: `card-${name}`,
          })
          continue
        }
        if (what === 'run') {
          await run(source)
          continue
        }
        const users = await test.db.query<{ id: number; version: number }>('select id, version from users order by id')
        const user = users.rows[who % Math.max(1, users.rows.length)]
        try {
          if (what === 'local') await local(name)
          else if (user === undefined) continue
          else if (what === 'alias') await change(user.id, { aliases: [name] })
          else if (what === 'card') {
            await addCard(test.db, { ...edit, userId: user.id, card: `card-${name}` })
            byHand.set(
              user.id,
              (byHand.get(user.id) ?? new Set()).add(
                vault.lookup('card', `card-${name}`.toLowerCase()).toString('hex'),
              ),
            )
          } else if (what === 'rename') await change(user.id, { userName: name })
          else if (what === 'pin')
            await resetPin(test.db, { ...edit, userId: user.id, draw: () => String(randomInt(100_000, 999_999)) })
          else if (what === 'off')
            await deactivateUser(test.db, { ...edit, userId: user.id, version: user.version, reason: 'x' })
          else await restoreUser(test.db, { ...edit, userId: user.id, version: user.version })
        } catch (error) {
          if (!(error instanceof ConflictError)) throw error
        }
      }
      await run(source)
      const wrong = await test.db.query(
        `select u.id from users u where u.active <> exists (select from user_names n where n.user_id = u.id and n.kind = 'n' and n.held)
           or (select count(*) from user_names n where n.user_id = u.id and n.kind = 'n') <> 1
           or (not u.active and exists (select from credentials c where c.user_id = u.id and c.held))`,
      )
      expect(wrong.rows).toEqual([])
      for (const [userId, lookups] of byHand) {
        const kept = await test.db.query<{ lookup: string }>(
          `select encode(lookup, 'hex') as lookup from credentials where user_id = $1 and kind = 'card'`,
          [userId],
        )
        expect(kept.rows.map((row) => row.lookup)).toEqual(expect.arrayContaining([...lookups]))
      }
    }),
    { numRuns: Number(process.env['RUNS'] ?? 15), endOnFailure: true },
  )
}, 300_000)
