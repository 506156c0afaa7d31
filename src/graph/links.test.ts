import { describe, expect, it } from 'vitest'
import { httpAnswer, rawServer, RAW_TOKEN, clientOptions, guid } from '../../test/support/graph.ts'
import { GraphClient } from './client.ts'
import { GraphError } from './errors.ts'
import { DEFAULT_LIMITS } from './limits.ts'
import { graphRoot, pathOfLink, walkGuard } from './links.ts'

const PATH = '/v1.0/users?$skiptoken=RFNwdAIAAQ'

/** Forty ways to lead a token astray from `https://graph.example.org`. `other` is a host and port of the attacker's. */
function hostileLinks(other: string): string[] {
  const host = 'graph.example.org'
  const [otherHost = '', otherPort = ''] = other.split(':')
  return [
    `https://${other}${PATH}`,
    `http://${other}${PATH}`,
    `http://${host}${PATH}`,
    `https://${host}:444${PATH}`,
    `https://${host}:80${PATH}`,
    `https://${host}@${other}${PATH}`,
    `https://${host}:443@${other}${PATH}`,
    `https://user:password@${host}${PATH}`,
    `https://user@${host}${PATH}`,
    `https://${host}.${otherHost}:${otherPort}${PATH}`,
    `https://${host}.example.com${PATH}`,
    `https://evil-${host}${PATH}`,
    `https://graph.exаmple.org${PATH}`, // Cyrillic а
    'https://graph.example.org\u3002evil.example/v1.0/users',
    `https://xn--graph-example-x.org${PATH}`,
    `https://2130706433:${otherPort}${PATH}`,
    `https://0x7f.1:${otherPort}${PATH}`,
    `https://[::1]:${otherPort}${PATH}`,
    `https://169.254.169.254/v1.0/users`,
    `//${other}${PATH}`,
    `\\\\${other}${PATH}`,
    `https:\\\\${other}\\v1.0\\users`,
    `https:/${host}${PATH}`,
    `https:///${host}${PATH}`,
    `/v1.0/users?$skiptoken=x`,
    `users?$skiptoken=x`,
    '?$skiptoken=x',
    `https://${host}/beta/users?$skiptoken=x`,
    `https://${host}/v1.0`,
    `https://${host}/v1.0evil/users`,
    `https://${host}/V1.0/users`,
    `https://${host}/v1.0/../beta/users`,
    `https://${host}/v1.0/%2e%2e/beta/users`,
    `https://${host}/v1.0/..%2fbeta/users`,
    `https://${host}/v1.0/..%5cbeta/users`,
    `https://${host}/v1.0//${other}/users`,
    `https://${host}\t${PATH}`,
    `https://${host}${PATH}\r\nX-Injected: 1`,
    ` https://${host}${PATH}`,
    `https://${host}${PATH}#@${other}`,
    `javascript:alert(1)`,
    `data:application/json,{"value":[]}`,
    `ftp://${host}${PATH}`,
    'not a link at all',
  ]
}

describe('links that Graph gives', () => {
  const root = graphRoot('https://graph.example.org')

  it.each(hostileLinks('127.0.0.1:9'))('T12: %j is not followed', (link) => {
    expect(() => pathOfLink(root, link)).toThrow(GraphError)
    expect(() => pathOfLink(root, link)).toThrow(expect.objectContaining({ code: 'hostile-link', retry: 'never' }))
  })

  it.each([
    PATH,
    '/v1.0/users/delta?$deltatoken=a%2Fb%3D',
    '/v1.0/users/microsoft.graph.delta()?$skiptoken=x',
    "/v1.0/groups/00000000-0000-4000-8000-000000000001/members?$skiptoken=x&q='O''Brien'",
  ])('S17: %s below the configured root is followed verbatim', (path) => {
    expect(pathOfLink(root, `https://graph.example.org${path}`)).toBe(path)
    expect(pathOfLink(root, `https://GRAPH.example.org:443${path}`)).toBe(path)
  })

  it('a root below a path keeps its links below that path', () => {
    const proxied = graphRoot('https://gateway.example.org/graph')

    expect(pathOfLink(proxied, 'https://gateway.example.org/graph/v1.0/users')).toBe('/graph/v1.0/users')
    expect(() => pathOfLink(proxied, 'https://gateway.example.org/v1.0/users')).toThrow(GraphError)
  })

  it('T12, S17: a hostile next link or delta link ends the run, and no byte of the token reaches another host', async () => {
    await using attacker = await rawServer((socket) => socket.end(httpAnswer('{"value":[]}')))
    let link = ''
    await using graph = await rawServer((socket, head) => {
      if (head.startsWith('POST')) socket.write(RAW_TOKEN)
      else if (head.includes('/users/delta'))
        socket.write(httpAnswer(JSON.stringify({ value: [], '@odata.deltaLink': link })))
      else socket.write(httpAnswer(JSON.stringify({ value: [{ id: guid(1) }], '@odata.nextLink': link })))
    })
    await using client = new GraphClient(clientOptions({ graphUrl: graph.origin }))
    const { signal } = new AbortController()
    const local = hostileLinks(`127.0.0.1:${attacker.port}`).map((l) =>
      l.replaceAll('graph.example.org', new URL(graph.origin).host),
    )
    const links = [...local, attacker.origin + PATH, `http://localhost:${graph.port}${PATH}`]
    expect(links.length).toBeGreaterThanOrEqual(40)

    for (const hostile of links) {
      // what stands in the list for another scheme or port is the test server's own address here
      if (URL.parse(hostile)?.origin === graph.origin && URL.parse(hostile)?.pathname === '/v1.0/users') continue
      link = hostile
      const list = client.listUsers({ select: ['mail'], signal }).next()
      await expect(list).rejects.toMatchObject({ code: 'hostile-link' })
      const latest = client.latestUsersLink({ select: ['mail'], signal })
      await expect(latest).rejects.toMatchObject({ code: 'hostile-link' })
      const stored = client.usersDelta({ link: hostile, select: ['mail'], signal }).next()
      await expect(stored).rejects.toMatchObject({ code: 'hostile-link' })
    }

    expect(attacker.received()).not.toMatch(/authorization|secret-token/i)
    expect(attacker.received()).toBe('')
    expect(graph.received()).toContain('secret-token')
  })
})

describe('walks that do not end', () => {
  const limits = { ...DEFAULT_LIMITS, maxPages: 10, maxIdlePages: 3 }

  it('T14: a link that comes again ends the walk', () => {
    const guard = walkGuard(limits, 'users')
    guard.follow('a')
    guard.follow('b')

    expect(() => guard.follow('a')).toThrow(expect.objectContaining({ code: 'paging-loop' }))
  })

  it('T14: more pages than the cap end the walk, going back to the start included', () => {
    const guard = walkGuard(limits, 'users')
    for (let i = 0; i < 10; i++) {
      guard.follow('link')
      guard.restart()
    }

    expect(() => guard.follow('link')).toThrow(expect.objectContaining({ code: 'paging-loop' }))
  })

  it('T14: pages that bring nothing new end the walk, a few empty ones do not', () => {
    const guard = walkGuard(limits, 'users')
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) guard.saw(undefined)
      guard.saw(`page ${round}`)
    }
    for (let i = 0; i < 3; i++) guard.saw('page 2')

    expect(() => guard.saw('page 2')).toThrow(expect.objectContaining({ code: 'paging-loop' }))
  })
})
