import { describe, expect, it } from 'vitest'
import { clientOptions, collect, graphError, guid, json, scriptedFetch, usersPage } from '../../test/support/graph.ts'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'
import type { DeltaEnding, DeltaPage } from './delta.ts'

const graphUrl = 'https://graph.example.org'
const { signal } = new AbortController()
const link = (token: string) => `${graphUrl}/v1.0/users?$skiptoken=${token}`
const delta = (token: string) => `${graphUrl}/v1.0/users/delta?$deltatoken=${token}`
const more = (token: string) => `${graphUrl}/v1.0/users/delta?$skiptoken=${token}`

function setUp(graph: Parameters<typeof scriptedFetch>[0], options: Partial<GraphClientOptions> = {}) {
  const clock = virtualClock()
  const fetch = scriptedFetch(graph)
  const limits = { requestTimeoutMs: 1e9, ...options.limits }
  return { clock, fetch, client: new GraphClient(clientOptions({ graphUrl, clock, fetch, ...options, limits })) }
}

/** Answers by the token in the URL; the first page has none. A function is asked with the number of the visit. */
type Script = Readonly<Record<string, Response | ((visit: number) => Response)>>

function byToken(script: Script): Parameters<typeof scriptedFetch>[0] {
  const visits = new Map<string, number>()
  return (request) => {
    const token = /\$(?:skip|delta)token=([^&]+)/.exec(request.url)?.[1] ?? 'first'
    const visit = (visits.get(token) ?? 0) + 1
    visits.set(token, visit)
    const answer = script[token]
    if (answer === undefined) throw new Error(`not in the script: ${request.url}`)
    return typeof answer === 'function' ? answer(visit) : answer.clone()
  }
}

const page = (numbers: readonly number[], next?: string) =>
  json(usersPage(numbers, next === undefined ? {} : { '@odata.nextLink': link(next) }))
const expired = () => graphError(400, 'Directory_ExpiredPageToken')
const unknown = () => graphError(400, 'DirectoryPageTokenNotFoundException')

function readIds(client: GraphClient): Promise<string[]> {
  return collect(client.listUsers({ select: ['displayName'], signal })).then((users) => users.map((u) => u.objectId))
}

async function readRound<T>(
  pages: AsyncGenerator<DeltaPage<T>, DeltaEnding>,
): Promise<{ entries: T[]; ending: DeltaEnding; restarted: number }> {
  const entries: T[] = []
  let restarted = 0
  for (;;) {
    const next = await pages.next()
    if (next.done === true) return { entries, ending: next.value, restarted }
    entries.push(...next.value.entries)
    if (next.value.restarted === true) restarted++
  }
}

describe('listings', () => {
  it('G13: empty pages are followed to the end', async () => {
    const { client } = setUp(byToken({ first: page([], 'a'), a: page([1], 'b'), b: page([], 'c'), c: page([2]) }))

    expect(await readIds(client)).toEqual([guid(1), guid(2)])
  })

  it('S2: a next link is followed verbatim and alone, headers again', async () => {
    const odd = `${graphUrl}/v1.0/users?$skiptoken=a%2Bb'c%7E&$select=id`
    const { client, fetch } = setUp((_, n) => json(usersPage([n], n === 1 ? { '@odata.nextLink': odd } : {})))

    await readIds(client)

    expect(fetch.requests[1]?.url).toBe(new URL(odd).href)
    expect(fetch.requests[1]?.headers.get('x-ms-throttle-priority')).toBe('Low')
  })

  it('T14: the same next link again ends the run', async () => {
    const { client, fetch } = setUp(byToken({ first: page([1], 'a'), a: page([2], 'a') }))

    await expect(readIds(client)).rejects.toMatchObject({ code: 'paging-loop', retry: 'later' })

    expect(fetch.requests).toHaveLength(2)
  })

  it('T14: a cycle of links ends the run', async () => {
    const { client } = setUp(byToken({ first: page([1], 'a'), a: page([2], 'b'), b: page([3], 'a') }))

    await expect(readIds(client)).rejects.toMatchObject({ code: 'paging-loop' })
  })

  it('T14: ever new links to empty pages end the run', async () => {
    const { client } = setUp((_, n) => page([], `t${n}`), { limits: { maxIdlePages: 20 } })

    await expect(readIds(client)).rejects.toMatchObject({ code: 'paging-loop' })
  })

  it('L15: ever new links to the same page end the run', async () => {
    const { client } = setUp((_, n) => page([1, 2, 3], `t${n}`), { limits: { maxIdlePages: 20 } })

    await expect(readIds(client)).rejects.toMatchObject({ code: 'paging-loop' })
  })

  it('L16: fields that only the first page has are absent afterwards, not null', async () => {
    const second = json({ value: [{ id: guid(2), mail: null }] })
    const { client } = setUp(byToken({ first: page([1], 'a'), a: second }))

    const users = await collect(client.listUsers({ select: ['displayName', 'mail'], signal }))

    expect(users.map((u) => ({ ...u.attributes }))).toEqual([{ displayName: 'User 1' }, { mail: null }])
  })

  it('G3: an expired page token begins the listing anew and says so', async () => {
    const { client } = setUp(
      byToken({
        first: (visit) => page([1], visit === 1 ? 'a' : 'b'),
        a: page([2], 'dead'),
        b: page([2], 'c'),
        c: page([3]),
        dead: expired,
      }),
    )

    const pages = []
    for await (const one of client.listUsers({ select: ['displayName'], signal }))
      pages.push({ ids: one.entries.map((e) => e.objectId), restarted: one.restarted ?? false })

    expect(pages).toEqual([
      { ids: [guid(1)], restarted: false },
      { ids: [guid(2)], restarted: false },
      { ids: [guid(1)], restarted: true },
      { ids: [guid(2)], restarted: false },
      { ids: [guid(3)], restarted: false },
    ])
    expect(client.restartedListings).toBe(1)
  })

  it('G3: a resumed listing whose link has died begins anew', async () => {
    const { client } = setUp(byToken({ stale: expired, first: page([1]) }))

    const pages = []
    for await (const one of client.listUsers({ select: ['displayName'], link: link('stale'), signal })) pages.push(one)

    expect(pages).toMatchObject([{ restarted: true, entries: [{ objectId: guid(1) }] }])
  })

  it('G3: a listing is begun anew three times at most', async () => {
    const { client, fetch } = setUp(
      byToken({
        first: (visit) => page([1], `dead${visit}`),
        dead1: expired,
        dead2: expired,
        dead3: expired,
        dead4: expired,
      }),
    )

    await expect(readIds(client)).rejects.toMatchObject({ graphCode: 'Directory_ExpiredPageToken' })

    expect(fetch.requests).toHaveLength(8)
    expect(client.restartedListings).toBe(3)
  })

  it('G3: a link from a retried answer that Graph does not know is fetched again from the last sound one', async () => {
    const { client, fetch } = setUp(
      byToken({
        first: page([1], 'a'),
        a: (visit) => (visit === 1 ? graphError(503, 'x') : visit === 2 ? page([2], 'bad') : page([2], 'good')),
        bad: unknown,
        good: page([3]),
      }),
    )

    const ids = await readIds(client)

    expect([...new Set(ids)]).toEqual([1, 2, 3].map(guid))
    expect(fetch.requests.map((r) => /token=(\w+)/.exec(r.url)?.[1] ?? 'first')).toEqual([
      'first',
      'a',
      'a',
      'bad',
      'a',
      'good',
    ])
    expect(client.restartedListings).toBe(0)
  })

  it('a refused page size is tried once with a smaller one', async () => {
    const { client, fetch } = setUp((request) =>
      request.url.includes('$top=999') ? graphError(400, 'Request_UnsupportedQuery') : page([1]),
    )

    expect(await readIds(client)).toEqual([guid(1)])

    expect(fetch.requests.map((r) => new URL(r.url).searchParams.get('$top'))).toEqual(['999', '100'])
  })

  it('S14: a refused filter is an error, never a list of everybody', async () => {
    const { client, fetch } = setUp(() => graphError(400, 'Request_UnsupportedQuery'))

    const list = collect(client.listUsers({ select: ['mail'], filter: "startsWith(x,'O''Brien')", signal }))

    await expect(list).rejects.toMatchObject({ code: 'bad-request', graphCode: 'Request_UnsupportedQuery' })
    for (const request of fetch.requests)
      expect(new URL(request.url).searchParams.get('$filter')).toBe("startsWith(x,'O''Brien')")
  })

  it('the next page is on its way while the present one is worked on, and no more than that', async () => {
    const { client, fetch } = setUp((_, n) => page([n], `t${n}`))
    const pages = client.listUsers({ select: ['mail'], signal })
    await pages.next()
    await new Promise(setImmediate)

    expect(fetch.requests).toHaveLength(2)

    await pages.return(undefined)
    expect(fetch.requests).toHaveLength(2)
  })

  it('managers: none where Graph is seen to tell managers, unknown where it is not', async () => {
    const told = { value: [{ id: guid(1), manager: { id: guid(9) } }, { id: guid(2) }, { id: guid(3), manager: null }] }
    const silent = { value: [{ id: guid(1) }, { id: guid(2) }] }
    const read = async (body: unknown) => {
      const { client } = setUp(() => json(body))
      const users = await collect(client.listUsers({ select: ['mail'], expandManager: true, signal }))
      return users.map((u) => u.attributes['manager'])
    }

    expect(await read(told)).toEqual([guid(9), null, null])
    expect(await read(silent)).toEqual([undefined, undefined])
  })
})

describe('deltas', () => {
  it('a round ends with its delta link', async () => {
    const { client, fetch } = setUp(
      byToken({
        d1: json(usersPage([], { '@odata.nextLink': more('p1') })),
        p1: json({
          value: [
            { id: guid(1), mail: null, '@removed': { reason: 'changed' } },
            { id: guid(2), 'manager@delta': [{ id: guid(3) }] },
          ],
          '@odata.deltaLink': delta('d2'),
        }),
      }),
    )

    const { entries, ending } = await readRound(
      client.usersDelta({ link: delta('d1'), select: ['mail', 'manager'], signal }),
    )

    expect(ending).toEqual({ kind: 'complete', deltaLink: delta('d2') })
    expect(entries.map((e) => ({ ...e, attributes: { ...e.attributes } }))).toEqual([
      { objectId: guid(1), attributes: { mail: null }, removed: 'changed' },
      { objectId: guid(2), attributes: { manager: guid(3) } },
    ])
    expect(fetch.requests).toHaveLength(2)
  })

  it.each([
    [400, 'syncStateNotFound'],
    [404, 'SyncStateNotFound'],
    [400, 'resyncRequired'],
    [410, 'resyncRequired'],
    [410, 'anything'],
    [400, 'Directory_ExpiredPageToken'],
  ])('S13: %s %s is the ending "read everything anew"', async (status, code) => {
    const { client, fetch } = setUp(() => graphError(status, code))

    const { ending } = await readRound(client.usersDelta({ link: delta('old'), select: ['mail'], signal }))

    expect(ending).toEqual({ kind: 'resyncRequired', code })
    expect(fetch.requests).toHaveLength(1)
  })

  it('S13: the code may hide in an inner error, and 410 needs no body; its Location is not followed', async () => {
    const inner = { error: { code: 'BadRequest', message: 'x', innerError: { code: 'syncStateNotFound' } } }
    const hidden = setUp(() => json(inner, { status: 400 }))
    expect((await readRound(hidden.client.usersDelta({ link: delta('x'), select: [], signal }))).ending).toEqual({
      kind: 'resyncRequired',
      code: 'syncStateNotFound',
    })

    const headers = { location: 'https://evil.example/v1.0/users/delta?$deltatoken=' }
    const gone = setUp(() => new Response('', { status: 410, headers }))
    expect((await readRound(gone.client.usersDelta({ link: delta('x'), select: [], signal }))).ending.kind).toBe(
      'resyncRequired',
    )
    expect(gone.fetch.requests).toHaveLength(1)
  })

  it.each([
    [400, 'Request_BadRequest'],
    [403, 'Authorization_RequestDenied'],
    [404, 'Request_ResourceNotFound'],
  ])('S13: %s %s is a failure, not a reason to read everything', async (status, code) => {
    const { client } = setUp(() => graphError(status, code))

    await expect(readRound(client.usersDelta({ link: delta('x'), select: [], signal }))).rejects.toMatchObject({
      graphCode: code,
    })
  })

  it.each([
    ['both links', { '@odata.nextLink': more('a'), '@odata.deltaLink': delta('b') }],
    ['no link', {}],
  ])('T7: a page with %s is asked for again and never ends a round', async (_, links) => {
    const { client, fetch } = setUp(() => json({ value: [], ...links }))

    const round = readRound(client.usersDelta({ link: delta('x'), select: [], signal }))

    await expect(round).rejects.toMatchObject({ code: 'bad-upstream', retry: 'later' })
    expect(fetch.requests).toHaveLength(6)
  })

  it('G3: a page token that dies within a round begins the round anew from its delta link', async () => {
    const { client } = setUp(
      byToken({
        d1: (visit) => json(usersPage([1], { '@odata.nextLink': more(visit === 1 ? 'dead' : 'ok') })),
        dead: expired,
        ok: json(usersPage([2], { '@odata.deltaLink': delta('d2') })),
      }),
    )

    const round = await readRound(client.usersDelta({ link: delta('d1'), select: [], signal }))

    expect(round.entries.map((e) => e.objectId)).toEqual([guid(1), guid(1), guid(2)])
    expect(round.restarted).toBe(1)
    expect(round.ending).toEqual({ kind: 'complete', deltaLink: delta('d2') })
  })

  it('G3: an unfinished round whose link has died begins anew where it is told to, else everything must be read', async () => {
    const script = { dead: expired, d1: json(usersPage([1], { '@odata.deltaLink': delta('d2') })) }
    const told = setUp(byToken(script))
    const resumed = told.client.usersDelta({ link: more('dead'), restartFrom: delta('d1'), select: [], signal })
    expect((await readRound(resumed)).ending.kind).toBe('complete')

    const untold = setUp(byToken(script))
    const alone = untold.client.usersDelta({ link: more('dead'), select: [], signal })
    expect((await readRound(alone)).ending).toEqual({ kind: 'resyncRequired', code: 'Directory_ExpiredPageToken' })
  })

  it('L15: a groups delta that gives one page for ever ends the run; slices of one large group do not', async () => {
    const members = (from: number) =>
      [0, 1].map((i) => ({ '@odata.type': '#microsoft.graph.user', id: guid(from + i) }))
    const group = (n: number, isEndless: boolean) =>
      json({
        value: [{ id: guid(1), displayName: 'All', 'members@delta': members(isEndless ? 10 : 10 + 2 * n) }],
        ...(n < 60
          ? { '@odata.nextLink': `${graphUrl}/v1.0/groups/delta?$skiptoken=t${n}` }
          : { '@odata.deltaLink': delta('end') }),
      })
    const limits = { maxIdlePages: 20 }
    const start = { link: `${graphUrl}/v1.0/groups/delta?$deltatoken=x`, select: ['displayName'], signal }

    const endless = setUp((_, n) => group(n, true), { limits })
    await expect(readRound(endless.client.groupsDelta(start))).rejects.toMatchObject({ code: 'paging-loop' })

    const large = setUp((_, n) => group(n, false), { limits })
    const round = await readRound(large.client.groupsDelta(start))
    expect(round.entries.flatMap((e) => e.members.map((m) => m.objectId))).toHaveLength(120)
    expect(round.ending.kind).toBe('complete')
  })

  it('the latest link is taken for the same attributes, with members for groups, and reads nothing', async () => {
    const { client, fetch } = setUp(() => json({ value: [], '@odata.deltaLink': delta('now') }))

    expect(await client.latestUsersLink({ select: ['mail', 'employeeOrgData.costCenter', 'manager'], signal })).toBe(
      delta('now'),
    )
    expect(await client.latestGroupsLink({ select: ['displayName'], signal })).toBe(delta('now'))

    expect(fetch.requests.map((r) => r.url.slice(graphUrl.length))).toEqual([
      '/v1.0/users/delta?$deltatoken=latest&$select=id,mail,employeeOrgData,manager',
      '/v1.0/groups/delta?$deltatoken=latest&$select=id,displayName,members',
    ])
  })
})
