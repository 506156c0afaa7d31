// What changes under a source though nobody touched it: values and attributes of Graph, and Muster itself.
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry, people } from '../../test/support/planned.ts'
import { aSyncWorld, registryView, type SyncWorld, type SyncWorldOptions } from '../../test/support/world.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, update } from '../emulator/operations.ts'
import { getHealth } from '../registry/health.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
let w: SyncWorld
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
afterEach(async () => {
  await w.stop()
  await emptyRegistry(test.db)
})

async function world(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  w = await aSyncWorld(test.db, options)
  return w
}

const BADGE = 'extension_0123456789abcdef0123456789abcdef_badge'

/** A tenant that has lost an extension: whoever asks for it is refused, as Graph refuses an unknown property. */
const withoutBadge =
  (inner: typeof fetch): typeof fetch =>
  async (input, init) => {
    const url = input instanceof Request ? input.url : String(input)
    const body = typeof init?.body === 'string' ? init.body : ''
    if (!decodeURIComponent(url).includes(BADGE) && !body.includes(BADGE)) return inner(input, init)
    const message = `Could not find a property named '${BADGE}' on type 'microsoft.graph.user'.`
    return Response.json({ error: { code: 'BadRequest', message } }, { status: 400 })
  }

describe('a query that Graph refuses after a change of settings', () => {
  it('G19: fails the run by the name of the attribute with a remedy, changes nobody, and is over with the settings put right', async () => {
    await world({ fetch: withoutBadge })
    const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
    addMember(w.tenant, createGroup(w.tenant, { displayName: 'All' }).id, ann.id)
    await w.sync()
    const before = await registryView(test.db)

    await w.configure({ users: { properties: { notes: BADGE, jobTitle: 'jobTitle' } } })
    for (const mode of ['auto', 'full'] as const)
      expect(await w.sync({ mode })).toMatchObject({
        outcome: 'failed',
        error: {
          code: 'bad-request',
          message: expect.stringContaining(BADGE),
        },
      })

    expect(await registryView(test.db)).toEqual(before)
    const { id } = (await test.db.query<{ id: number }>('select id from sources where name = $1', [w.source])).rows[0]!
    expect((await getHealth(test.db, id))?.remedy).toContain('attribute')
    update(w.tenant, ann.id, { jobTitle: 'Nurse' })
    await w.configure({ users: { properties: { jobTitle: 'jobTitle' } } })
    expect(await w.sync()).toMatchObject({ outcome: 'applied', users: { updated: 1, deactivated: 0 } })
  })
})

describe('values that this version of Muster does not know', () => {
  it('G25: of any enumeration are taken as they are, in a first load, a delta and a full compare, and v1.0 alone is asked', async () => {
    const asked: string[] = []
    const remember =
      (inner: typeof fetch): typeof fetch =>
      (input, init) => {
        asked.push(new URL(input instanceof Request ? input.url : input).pathname)
        return inner(input, init)
      }
    await world({ fetch: remember })
    const future = 'unknownFutureValue'
    const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann', userType: future })
    const team = createGroup(w.tenant, { displayName: 'Team', groupTypes: [future, 'Unified'], visibility: future })
    addMember(w.tenant, team.id, ann.id)

    const first = await w.sync()
    update(w.tenant, ann.id, { userType: 'anotherFutureValue', ageGroup: future })
    update(w.tenant, team.id, { groupTypes: ['Unified', 'more', future] })
    const delta = await w.sync()
    const full = await w.sync({ mode: 'full' })

    expect([first, delta, full].map((run) => run.issuesTotal)).toEqual([0, 0, 0])
    expect([first, delta, full].map((run) => run.outcome)).toEqual(['applied', 'no-change', 'no-change'])
    expect((await people(test.db))[ann.id]).toMatchObject({ active: true, groups: ['Team'] })
    const graph = asked.filter((path) => !path.includes('/oauth2/'))
    expect(graph.length).toBeGreaterThan(5)
    expect(graph.filter((path) => !path.startsWith('/v1.0/'))).toEqual([])
  })
})

describe('O7: after an upgrade that makes other plans', () => {
  /** The first one that was handed out made plans otherwise. */
  const upgraded = () => test.db.query('update sources set planner_version = 1')

  it('O7: whatever the first run would change waits for approval, once', async () => {
    await world()
    const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
    await w.sync()
    await upgraded()
    update(w.tenant, ann.id, { displayName: 'Ann B' })

    const held = await w.sync()

    expect(held).toMatchObject({ outcome: 'held', held: { reasons: [{ rule: 'upgraded' }] } })
    await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'read',
      actor: { kind: 'command line', name: 'olga' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })
    update(w.tenant, ann.id, { displayName: 'Ann C' })
    expect(await w.sync()).toMatchObject({ outcome: 'applied', users: { updated: 1 } })
  })

  it('O7: it plans everybody, not only what changed in Entra, and a plan of nothing waits for nobody', async () => {
    await world()
    hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
    await w.sync()
    // As an older version would have left her.
    await test.db.query(`update users set department = 'left by an older version'`)
    await upgraded()

    const held = await w.sync()
    await test.db.query('update users set department = null')
    const same = await w.sync()

    expect(held).toMatchObject({ outcome: 'held', users: { updated: 1 } })
    expect(same).toMatchObject({ outcome: 'no-change', held: null })
  })
})
