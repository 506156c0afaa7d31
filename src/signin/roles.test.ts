// What Graph is asked for while somebody waits in front of a browser.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { systemClock } from '../base/clock.ts'
import { ConfigError, RunError } from '../base/errors.ts'
import { type ObjectId, parseObjectId, parseTenantId } from '../directory/ids.ts'
import { findRole } from './roles.ts'

const [GROUP, VIEWERS, PERSON, TENANT] = [
  parseObjectId(randomUUID())!,
  parseObjectId(randomUUID())!,
  parseObjectId(randomUUID())!,
  parseTenantId(randomUUID())!,
]
let test: TestDatabase
let connectionId: number
beforeAll(async () => {
  test = await createTestDatabase()
  const made = await test.db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud) values ('contoso', $1, $1, 'global') returning id`,
    [TENANT],
  )
  connectionId = made.rows[0]!.id
  await test.db.query(
    `insert into role_mappings (connection_id, kind, value, role, created_at) values ($1, 'group', $2, 'operator', now()), ($1, 'group', $3, 'viewer', now())`,
    [connectionId, GROUP, VIEWERS],
  )
})
afterAll(() => test.drop())

type OpenGraph = Parameters<typeof findRole>[1]['openGraph']

function roleWith(
  openGraph: OpenGraph,
  clock = systemClock,
  signal = new AbortController().signal,
  groups: Parameters<typeof findRole>[1]['person']['groups'] = { kind: 'overage' },
) {
  const person = {
    tenantId: TENANT,
    objectId: PERSON,
    subject: 's',
    roles: [],
    groups,
    authenticatedAt: null,
  } as const
  return findRole({ db: test.db, clock }, { connectionId, person, openGraph, signal })
}

let stopped = 0
const graph =
  (ask: (signal: AbortSignal) => Promise<ObjectId[]>): OpenGraph =>
  () =>
    Promise.resolve({
      groupsAmong: (_id: string, { signal }: { readonly signal: AbortSignal }) => ask(signal),
      stop: async () => {
        stopped += 1
      },
    })
const never = (signal: AbortSignal) =>
  new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(new Error('aborted'))
    else signal.addEventListener('abort', () => reject(new Error('aborted')))
  })

describe('the role of somebody with too many groups for a token', () => {
  it('is that of the groups that Graph tells', async () => {
    expect(await roleWith(graph(() => Promise.resolve([GROUP])))).toMatchObject({ role: 'operator', problem: null })
  })

  it('is asked for where the token lists other groups: it leaves out Microsoft 365 groups, and what is not assigned', async () => {
    const asked: unknown[] = []
    const openGraph: OpenGraph = async () => ({
      groupsAmong: async (_id, { among }) => {
        asked.push(among)
        return [GROUP]
      },
      stop: async () => {},
    })
    const withListed = (ids: readonly ObjectId[]) =>
      roleWith(openGraph, systemClock, new AbortController().signal, { kind: 'listed', ids })

    expect(await withListed([VIEWERS])).toMatchObject({ role: 'operator', by: { value: GROUP }, problem: null })
    expect(await withListed([])).toMatchObject({ role: 'operator', problem: null })
    // Who is listed in the highest one is asked nothing.
    expect(await withListed([GROUP])).toMatchObject({ role: 'operator', problem: null })
    expect(asked).toEqual([[GROUP], expect.arrayContaining([GROUP, VIEWERS])])
  })

  it('is that of the groups in the token where Graph refuses, which says what may lack', async () => {
    const refusing = graph(() => Promise.reject(new RunError('graph-failed', 'Graph refused it')))
    const listed = { kind: 'listed', ids: [VIEWERS] } as const

    expect(await roleWith(refusing, systemClock, new AbortController().signal, listed)).toEqual({
      role: 'viewer',
      by: { kind: 'group', value: VIEWERS },
      problem: 'Graph refused it',
    })
  })

  it('is none, and says why, when Graph does not answer within ten seconds', async () => {
    const slept: number[] = []
    const clock = {
      ...systemClock,
      sleep: (ms: number) => {
        slept.push(ms)
        return Promise.resolve()
      },
    }
    stopped = 0
    expect(await roleWith(graph(never), clock)).toEqual({
      role: null,
      by: null,
      problem: 'Graph did not tell the groups within 10 s',
    })
    expect([slept, stopped]).toEqual([[10_000], 1])
  })

  it.each([
    ['Graph refuses', graph(() => Promise.reject(new RunError('graph-failed', 'Graph refused it')))],
    ['the connection cannot be opened', () => Promise.reject(new ConfigError([{ at: 'secret', message: 'is gone' }]))],
  ] satisfies [string, OpenGraph][])('is none, and says why, when %s', async (_why, openGraph) => {
    expect(await roleWith(openGraph)).toMatchObject({
      role: null,
      problem: expect.stringMatching(/refused it|is gone/),
    })
  })

  it('is not asked for any longer when the browser has gone', async () => {
    const gone = new AbortController()
    const asked = roleWith(graph(never), systemClock, gone.signal)
    setTimeout(() => gone.abort(new Error('the client has gone')), 5)

    await expect(asked).rejects.toThrow('the client has gone')
  })
})
