// Attributes that a tenant registers for itself are asked for when settings that name them are saved.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import type { Impact, SourceView } from '../../contract/api/sources.ts'
import type { Problem } from '../../contract/api/endpoint.ts'
import { requireSource } from '../../registry/sources.ts'

const extension = (name: string) => `extension_${'a'.repeat(32)}_${name}`
const [BADGE, TYPO] = [extension('badge'), extension('bagde')]

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let connection: string
/** What stands between Muster and the tenant. */
let network: (inner: typeof fetch) => typeof fetch
/** True: whoever waits for five seconds has waited. */
let isLate: boolean

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, {
    users: 3,
    fetch: (inner) => (input, init) => network(inner)(input, init),
    clock: {
      ...systemClock,
      sleep: (ms, signal) => (isLate && ms === 5_000 ? Promise.resolve() : systemClock.sleep(ms, signal)),
    },
  })
  http = await aServer(world.engine, { openGraphWith: (access) => world.openGraphWith(access) })
  admin = await http.as('administrator')
  connection = world.source
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(() => {
  network = (inner) => inner
  isLate = false
  world.tenant.behaviour.unregisteredExtensions = 'ignored'
  world.tenant.extensions.add(BADGE)
})
afterEach(async () => {
  world.hosted.app.roles.add('User.Read.All')
  await test.db.query(`delete from sources where name like 'form%'`)
})

const reading = (attribute: string) => ({ connection, users: { properties: { own: { badge: attribute } } } })
const create = (settings: object) => admin('POST', '/api/v1/sources', { name: 'form', settings })
const change = (settings: object) => admin('PUT', '/api/v1/sources/form', { settings })
const problemsOf = (answer: Awaited<ReturnType<Ask>>) => answer.json<Problem>().problems
const uncheckedIn = ({ warnings }: Pick<SourceView, 'warnings'>) =>
  warnings.filter(({ message }) => message.includes('was not checked'))
const asked = async (work: () => Promise<unknown>) => {
  const before = world.emulator.requests.length
  await work()
  return world.emulator.requests.length - before
}

describe.each(['ignored', 'refused'] as const)(
  'settings with an attribute that the tenant does not have (%s)',
  (how) => {
    beforeEach(() => {
      world.tenant.behaviour.unregisteredExtensions = how
    })

    it('G19: are refused at every place that names it, with the place in a text, and nothing is saved', async () => {
      const answer = await create({
        connection,
        users: {
          filter: { any: [{ all: [{ attribute: TYPO, present: true }] }] },
          properties: {
            own: { badge: TYPO, fine: BADGE },
            cards: [BADGE, { from: TYPO }],
            notes: { template: `a %${TYPO}%` },
          },
        },
      })

      expect(answer.statusCode).toBe(400)
      expect(problemsOf(answer)?.map(({ at }) => at)).toEqual([
        'users.filter.any[0].all[0].attribute',
        'users.properties.cards[1]',
        'users.properties.notes.template',
        'users.properties.own.badge',
      ])
      expect(problemsOf(answer)?.[2]?.message).toMatch(new RegExp(`has no attribute "${TYPO}".*\\(at character 4\\)$`))
      await expect(requireSource(test.db, 'form')).rejects.toMatchObject({ code: 'not-found' })
    })

    it('G19: are refused when a source is changed to them, and before that where their impact is asked for', async () => {
      await create(reading(BADGE))
      const impact = await admin('POST', '/api/v1/sources/form/impact', { settings: reading(TYPO) })
      const changed = await change(reading(TYPO))

      expect([impact.statusCode, changed.statusCode]).toEqual([400, 400])
      expect(problemsOf(impact)).toEqual(problemsOf(changed))
      expect((await requireSource(test.db, 'form')).settings.users.properties.own['badge']).toMatchObject({
        from: BADGE,
      })
    })

    it('G19: are refused by a config file, by their place in it, applied or tried', async () => {
      const secret = world.hosted.app.secrets[0]!.secretText
      const file = {
        connections: {
          second: {
            tenantId: world.hosted.tenantId,
            clientId: world.hosted.clientId,
            clientSecret: { env: 'SECRET' },
            cloud: 'custom',
            authorityUrl: world.emulator.graphUrl,
            graphUrl: world.emulator.graphUrl,
          },
        },
        sources: { 'form file': { ...reading(TYPO), connection: 'second' } },
      }
      for (const dryRun of [true, false]) {
        const answer = await admin('POST', '/api/v1/configuration', { file, secrets: { second: { secret } }, dryRun })
        expect(answer.statusCode, answer.body).toBe(400)
        expect(problemsOf(answer)).toMatchObject([{ at: 'sources.form file.users.properties.own.badge' }])
      }
      const { rows } = await test.db.query(`select from connections where name = 'second'`)
      expect(rows).toEqual([])
    })
  },
)

describe('settings whose attributes cannot be asked for', () => {
  const down = (): typeof fetch => async () => {
    throw new TypeError('fetch failed', { cause: Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }) })
  }
  const silent = (): typeof fetch => (_input, init) =>
    new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)))

  it.each<[string, () => void, RegExp]>([
    [
      'a network that is down',
      () => {
        network = down
        isLate = true
      },
      /Microsoft did not answer within 5 s/,
    ],
    [
      'a server that never answers',
      () => {
        network = silent
        isLate = true
      },
      /Microsoft did not answer within 5 s/,
    ],
    [
      'a wrong secret',
      () => {
        network = () => async () =>
          Response.json(
            {
              error: 'invalid_client',
              error_description: 'AADSTS7000215: Invalid client secret provided.',
              error_codes: [7000215],
            },
            { status: 401 },
          )
      },
      /AADSTS7000215/,
    ],
    ['a permission that lacks', () => void world.hosted.app.roles.delete('User.Read.All'), /403/],
  ])(
    'G19: for %s are saved, with a warning why it was not checked and when it will be',
    async (_why, spoil, reason) => {
      spoil()
      const made = await create(reading(TYPO))
      const [warning] = uncheckedIn(made.json<SourceView>())

      expect(made.statusCode, made.body).toBe(201)
      expect(warning).toMatchObject({ at: 'users.properties.own.badge' })
      expect(warning?.message).toContain(TYPO)
      expect(warning?.message).toMatch(reason)
      expect(warning?.message).toMatch(/The next run asks for it$/)
    },
  )

  it('G19: show the warning with their impact and with a config file too', async () => {
    await create(reading(BADGE))
    world.hosted.app.roles.delete('User.Read.All')
    const impact = await admin('POST', '/api/v1/sources/form/impact', { settings: reading(TYPO) })
    const file = { sources: { form: reading(TYPO) } }
    const applied = await admin('POST', '/api/v1/configuration', { file })

    expect(uncheckedIn(impact.json<Impact>())).toMatchObject([{ at: 'users.properties.own.badge' }])
    expect(uncheckedIn(applied.json<SourceView>())).toMatchObject([{ at: 'sources.form.users.properties.own.badge' }])
    expect((await requireSource(test.db, 'form')).settings.users.properties.own['badge']).toMatchObject({ from: TYPO })
  })
})

describe('what is asked of Microsoft when settings are saved', () => {
  it('G19: nothing, where they name no attribute of a tenant’s own or are saved already', async () => {
    expect(await asked(() => create({ connection, users: { properties: { notes: 'companyName' } } }))).toBe(0)
    expect(await asked(() => change(reading(BADGE)))).toBeGreaterThan(0)
    expect(await asked(() => change(reading(BADGE)))).toBe(0)
  })

  it('G19: an attribute that is gone keeps nobody from switching its source off', async () => {
    await create(reading(BADGE))
    world.tenant.extensions.delete(BADGE)
    const off = await change({ ...reading(BADGE), enabled: false })

    expect(off.json()).toMatchObject({ enabled: false })
    expect(off.json<SourceView>().warnings).toContainEqual({
      at: 'users.properties.own.badge',
      message: expect.stringContaining('any more'),
    })
  })

  it('G19: of another connection every attribute is new', async () => {
    await create(reading(BADGE))
    await test.db.query(
      `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url)
         select 'other', tenant_id, client_id, cloud, authority_url, graph_url from connections where name = $1`,
      [connection],
    )
    world.tenant.extensions.delete(BADGE)
    const moved = await change({ ...reading(BADGE), connection: 'other' })

    expect(problemsOf(moved)).toMatchObject([{ at: 'users.properties.own.badge' }])
  })
})
