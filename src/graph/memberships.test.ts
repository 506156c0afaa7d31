import { describe, expect, it } from 'vitest'
import { clientOptions, emulatedWorld, guid, json, scriptedFetch } from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import { purge, remove } from '../emulator/operations.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'
import type { MembersPage } from './memberships.ts'

const graphUrl = 'https://graph.example.org'
const { signal } = new AbortController()

interface Inner {
  readonly id: string
  readonly url: string
}
interface InnerAnswer {
  readonly status: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A Graph that knows $batch only; `answer` is asked for each inner request with the number of its visit. */
function batchOf(
  answer: (inner: Inner, visit: number) => InnerAnswer | undefined,
  options: Partial<GraphClientOptions> = {},
) {
  const clock = virtualClock()
  const visits = new Map<string, number>()
  const batches: { readonly at: number; readonly urls: string[] }[] = []
  const fetch = scriptedFetch(async (request) => {
    const { requests }: { requests: Inner[] } = JSON.parse(await request.text())
    batches.push({ at: clock.monotonicMs(), urls: requests.map((r) => r.url) })
    const responses = requests.flatMap((inner) => {
      const visit = (visits.get(inner.url) ?? 0) + 1
      visits.set(inner.url, visit)
      const given = answer(inner, visit)
      return given === undefined ? [] : [{ id: inner.id, ...given }]
    })
    return json({ responses: responses.reverse() })
  })
  const limits = { requestTimeoutMs: 1e9, ...options.limits }
  const client = new GraphClient(clientOptions({ graphUrl, clock, fetch, ...options, limits }))
  return { clock, fetch, client, batches }
}

function id(n: number): ObjectId {
  const parsed = parseObjectId(guid(n))
  if (parsed === undefined) throw new Error('not an id')
  return parsed
}

const groups = (count: number) => Array.from({ length: count }, (_, i) => ({ objectId: id(i + 1) }))
const user = (n: number) => ({ '@odata.type': '#microsoft.graph.user', id: guid(n) })
const members = (numbers: readonly number[], next?: string): InnerAnswer => ({
  status: 200,
  body: { value: numbers.map(user), ...(next === undefined ? {} : { '@odata.nextLink': next }) },
})
const refused = (status: number, code: string, headers: Record<string, string> = {}): InnerAnswer => ({
  status,
  headers,
  body: { error: { code, message: 'x' } },
})
const groupOf = (inner: Inner) => /groups\/([^/]+)/.exec(inner.url)?.[1] ?? ''

async function readAll(pages: AsyncIterable<MembersPage>): Promise<MembersPage[]> {
  const all: MembersPage[] = []
  for await (const page of pages) all.push(page)
  return all
}

describe('members of many groups', () => {
  it('are read twenty groups a request, answers in any order', async () => {
    const { client, batches } = batchOf((inner) => members([Number.parseInt(groupOf(inner).slice(-4), 16) + 1000]))

    const pages = await readAll(client.members(groups(45), { signal }))

    expect(batches.map((b) => b.urls.length)).toEqual([20, 20, 5])
    expect(batches[0]?.urls[0]).toBe(`/groups/${guid(1)}/members?$select=id&$top=999`)
    expect(pages).toHaveLength(45)
    for (const page of pages) {
      const n = Number.parseInt(page.objectId.slice(-4), 16)
      expect(page).toEqual({
        kind: 'page',
        objectId: guid(n),
        members: [{ objectId: guid(n + 1000), type: 'user' }],
        complete: true,
      })
    }
    expect(client.usage).toMatchObject({ requests: 3, resourceUnits: 90 })
  })

  it('come page by page, each group in order, complete on its last page only', async () => {
    const next = (n: number) => `${graphUrl}/v1.0/groups/${guid(1)}/members?$skiptoken=p${n}`
    const { client, batches } = batchOf((inner) => {
      const at = Number(/skiptoken=p(\d)/.exec(inner.url)?.[1] ?? 0)
      return at < 3 ? members(at === 1 ? [] : [at], next(at + 1)) : members([at])
    })

    const pages = await readAll(client.members(groups(1), { signal }))

    expect(
      pages.map((p) => (p.kind === 'page' ? [p.members.map((m) => m.objectId), p.complete, p.nextLink] : p)),
    ).toEqual([
      [[guid(0)], false, next(1)],
      [[], false, next(2)],
      [[guid(2)], false, next(3)],
      [[guid(3)], true, undefined],
    ])
    expect(batches.map((b) => b.urls[0])).toEqual([
      `/groups/${guid(1)}/members?$select=id&$top=999`,
      ...[1, 2, 3].map((n) => `/groups/${guid(1)}/members?$skiptoken=p${n}`),
    ])
  })

  it('are resumed at a link', async () => {
    const link = `${graphUrl}/v1.0/groups/${guid(1)}/members?$skiptoken=p7`
    const { client, batches } = batchOf(() => members([7]))

    await readAll(client.members([{ objectId: id(1), link }], { signal }))

    expect(batches[0]?.urls).toEqual([`/groups/${guid(1)}/members?$skiptoken=p7`])
  })

  it('T12 S17: a hostile link inside a batch ends the run', async () => {
    const { client } = batchOf(() => members([1], `https://evil.example/v1.0/groups/${guid(1)}/members?$skiptoken=x`))

    await expect(readAll(client.members(groups(3), { signal }))).rejects.toMatchObject({ code: 'hostile-link' })
  })

  it('T14: a link that repeats inside a batch ends the run', async () => {
    const { client } = batchOf(() => members([1], `${graphUrl}/v1.0/groups/${guid(1)}/members?$skiptoken=x`))

    await expect(readAll(client.members(groups(1), { signal }))).rejects.toMatchObject({ code: 'paging-loop' })
  })

  it('G18: a group that is not there is missing, one that may not be read is forbidden, the others are read', async () => {
    const { client } = batchOf((inner) => {
      if (groupOf(inner) === guid(2)) return refused(404, 'Request_ResourceNotFound')
      if (groupOf(inner) === guid(3)) return refused(403, 'Authorization_RequestDenied')
      return members([9])
    })

    const pages = await readAll(client.members(groups(4), { signal }))

    expect(new Map(pages.map((p) => [p.objectId, p.kind]))).toEqual(
      new Map([
        [guid(1), 'page'],
        [guid(2), 'missing'],
        [guid(3), 'forbidden'],
        [guid(4), 'page'],
      ]),
    )
    expect(client.usage.retries).toBe(0)
  })

  it('S1: a 404 that does not say "not there" is a fault and never an absence', async () => {
    const { client } = batchOf(() => refused(404, 'UnknownError'))

    await expect(readAll(client.members(groups(1), { signal }))).rejects.toMatchObject({
      code: 'bad-upstream',
      retry: 'later',
    })
    await expect(client.lookUpUsers([id(1)], { select: ['mail'], signal })).rejects.toMatchObject({
      code: 'bad-upstream',
    })
  })

  it('T1: a group that is throttled inside a batch waits for its own Retry-After, and so does everything else', async () => {
    const { client, batches } = batchOf((inner, visit) =>
      groupOf(inner) === guid(5) && visit === 1
        ? refused(429, 'TooManyRequests', { 'Retry-After': '12' })
        : members([9]),
    )

    const pages = await readAll(client.members(groups(30), { signal }))

    expect(pages).toHaveLength(30)
    expect(client.usage).toMatchObject({ throttled: 1, retries: 1 })
    const again = batches.filter((b) => b.urls.some((url) => url.includes(guid(5))))
    expect(again.map((b) => b.at)).toEqual([0, 12_000])
    for (const batch of batches) expect(batch.at === 0 || batch.at >= 12_000).toBe(true)
  })

  it.each([500, 502, 503, 504, 507, 429])(
    'T3: %s inside a batch is tried again alone, six times at most',
    async (status) => {
      const passing = batchOf((inner, visit) =>
        groupOf(inner) === guid(2) && visit < 6 ? refused(status, 'UnknownError') : members([9]),
      )
      expect(await readAll(passing.client.members(groups(3), { signal }))).toHaveLength(3)
      expect(passing.batches.map((b) => b.urls.length)).toEqual([3, 1, 1, 1, 1, 1])

      const lasting = batchOf((inner) => (groupOf(inner) === guid(2) ? refused(status, 'UnknownError') : members([9])))
      await expect(readAll(lasting.client.members(groups(3), { signal }))).rejects.toMatchObject({
        status,
        retry: 'later',
      })
    },
  )

  it.each([
    ['an answer that is missing', () => undefined],
    ['an answer without value', () => ({ status: 200, body: {} })],
    ['an answer that is text', () => ({ status: 200, body: 'eyJ2YWx1ZSI6W119' })],
    ['a member without id', () => ({ status: 200, body: { value: [{}] } })],
    ['a redirect', () => ({ status: 302, headers: { Location: 'https://evil.example' } })],
    ['an error without code', () => ({ status: 404, body: '<html></html>' })],
  ])('T10: %s inside a batch is tried again and never taken for an empty group', async (_, answer) => {
    const once = batchOf((__, visit) => (visit === 1 ? answer() : members([9])))
    expect(await readAll(once.client.members(groups(2), { signal }))).toMatchObject([
      { kind: 'page' },
      { kind: 'page' },
    ])

    const always = batchOf(() => answer())
    await expect(readAll(always.client.members(groups(2), { signal }))).rejects.toMatchObject({ retry: 'later' })
  })

  it('T4: five 401 in a row inside a batch fail the run as not authorized', async () => {
    const four = batchOf((_, visit) => (visit <= 4 ? refused(401, 'InvalidAuthenticationToken') : members([9])))
    expect(await readAll(four.client.members(groups(1), { signal }))).toHaveLength(1)

    const five = batchOf(() => refused(401, 'InvalidAuthenticationToken'))
    await expect(readAll(five.client.members(groups(1), { signal }))).rejects.toMatchObject({
      code: 'auth-failed',
      retry: 'never',
    })
  })

  it('G3: a dead page token begins that group anew, three times at most, and leaves the others alone', async () => {
    const next = (token: string) => `${graphUrl}/v1.0/groups/${guid(1)}/members?$skiptoken=${token}`
    const { client } = batchOf((inner, visit) => {
      if (groupOf(inner) !== guid(1)) return members([9])
      if (inner.url.includes('dead')) return refused(400, 'Directory_ExpiredPageToken')
      if (inner.url.includes('ok')) return members([3])
      return members([1], next(visit === 1 ? 'dead' : 'ok'))
    })

    const pages = await readAll(client.members(groups(2), { signal }))

    const first = pages.filter((p) => p.objectId === guid(1))
    expect(first).toMatchObject([{ complete: false }, { complete: false, restarted: true }, { complete: true }])
    expect(first.at(-1)).not.toHaveProperty('restarted')
    expect(client.restartedListings).toBe(1)

    const dead = batchOf((inner) =>
      inner.url.includes('dead') ? refused(400, 'Directory_ExpiredPageToken') : members([1], next('dead')),
    )
    await expect(readAll(dead.client.members(groups(1), { signal }))).rejects.toMatchObject({
      graphCode: 'Directory_ExpiredPageToken',
    })
    expect(dead.client.restartedListings).toBe(3)
  })

  it('G15: devices and others are members of type other, and counted', async () => {
    const { client } = batchOf(() => ({
      status: 200,
      body: { value: [user(1), { '@odata.type': '#microsoft.graph.device', id: guid(2), displayName: null }] },
    }))

    const [page] = await readAll(client.members(groups(1), { signal }))

    expect(page).toMatchObject({ members: [{ type: 'user' }, { type: 'other' }] })
    expect(client.unknownMembers).toEqual(new Map([['#microsoft.graph.device', 1]]))
  })

  it('groups are asked for as they are needed, and not after the reader has stopped', async () => {
    let asked = 0
    async function* endless() {
      for (;;) yield { objectId: id(++asked) }
    }
    const { client } = batchOf(() => members([9]), { limits: { startConcurrency: 2, maxConcurrency: 2 } })
    const pages = client.members(endless(), { signal })
    await pages.next()
    expect(asked).toBeLessThanOrEqual(60)

    const before = asked
    await pages.return(undefined)
    expect(asked).toBe(before)
  })

  it('a cancelled reader ends at once', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by hand')
    const { client } = batchOf((_, visit) => {
      if (visit === 1) controller.abort(reason)
      return refused(429, 'TooManyRequests', { 'Retry-After': '600' })
    })

    await expect(readAll(client.members(groups(3), { signal: controller.signal }))).rejects.toBe(reason)
  })
})

describe('look-ups', () => {
  it('tell found, deleted and absent apart, each id once', async () => {
    await using world = emulatedWorld({ users: 30, groups: 3, memberships: 30 })
    const { client, hosted } = world
    const live = await allUserIds(client)
    const [kept, soft, hard] = live
    if (kept === undefined || soft === undefined || hard === undefined) throw new Error('too few users')
    remove(hosted.tenant, soft)
    remove(hosted.tenant, hard)
    purge(hosted.tenant, hard)

    const found = await client.lookUpUsers([kept, soft, hard, kept, id(1)], { select: ['userPrincipalName'], signal })
    const deleted = await client.lookUpDeletedUsers([kept, soft, hard, id(1)], { signal })

    expect([...found].map(([key, value]) => [key, value.kind])).toEqual(
      expect.arrayContaining([
        [kept, 'found'],
        [soft, 'absent'],
        [hard, 'absent'],
        [id(1), 'absent'],
      ]),
    )
    expect(found.size).toBe(4)
    expect(found.get(kept)).toMatchObject({ attributes: { userPrincipalName: expect.stringContaining('@') } })
    expect(deleted).toEqual(
      new Map([
        [kept, 'absent'],
        [soft, 'deleted'],
        [hard, 'absent'],
        [id(1), 'absent'],
      ]),
    )
  })

  it('G12: 403 is an error, not an absence', async () => {
    const { client } = batchOf(() => refused(403, 'Authorization_RequestDenied'))

    await expect(client.lookUpUsers([id(1)], { select: ['mail'], signal })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(client.lookUpGroups([id(1)], { select: ['displayName'], signal })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(client.lookUpDeletedUsers([id(1)], { signal })).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('an answer about another object is a fault', async () => {
    const { client } = batchOf(() => ({ status: 200, body: { id: guid(2) } }))

    await expect(client.lookUpUsers([id(1)], { select: ['mail'], signal })).rejects.toMatchObject({
      code: 'bad-upstream',
    })
  })

  it('nobody asked for is nobody asked about', async () => {
    const { client, fetch } = batchOf(() => undefined)

    expect((await client.lookUpUsers([], { select: ['mail'], signal })).size).toBe(0)
    expect(fetch.requests).toEqual([])
  })
})

async function allUserIds(client: GraphClient): Promise<ObjectId[]> {
  const ids: ObjectId[] = []
  for await (const page of client.listUsers({ select: ['mail'], signal }))
    ids.push(...page.entries.map((e) => e.objectId))
  return ids
}
