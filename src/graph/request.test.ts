import { type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { clientOptions, guid, httpAnswer, RAW_TOKEN, type RawServer, rawServer } from '../../test/support/graph.ts'
import type { UserEntry } from '../directory/change.ts'
import { GraphClient } from './client.ts'
import { GraphError } from './errors.ts'
import type { Limits } from './limits.ts'

/** Retries without waiting, so that a test of faults takes no time. */
const QUICK = { backoffMs: 0, maxBackoffMs: 0, minRetryAfterMs: 0 }
const PAGE = JSON.stringify({ value: [1, 2, 3].map((n) => ({ id: guid(n), displayName: `User ${n}` })) })
const { signal } = new AbortController()

/** A server whose `n`-th answer to Graph (from 1) is written by `answer`; tokens are always given. */
function graphServer(answer: (socket: Socket, n: number, head: string) => void): Promise<RawServer> {
  let n = 0
  return rawServer((socket, head) => {
    if (head.startsWith('POST /')) socket.write(RAW_TOKEN)
    else answer(socket, ++n, head)
  })
}

function clientOf(server: RawServer, limits: Partial<Limits> = {}): GraphClient {
  return new GraphClient(clientOptions({ graphUrl: server.origin, limits: { ...QUICK, ...limits } }))
}

async function readUsers(client: GraphClient): Promise<readonly UserEntry[]> {
  const first = await client.listUsers({ select: ['displayName'], signal }).next()
  return first.done === true ? [] : first.value.entries
}

const chunk = (bytes: Buffer) =>
  Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
const END = Buffer.from('0\r\n\r\n')
const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

/** Five ways to deliver a body; each cuts the bytes that follow the head after the given number. */
const FRAMINGS: Readonly<Record<string, (body: Buffer) => { head: string; bytes: Buffer }>> = {
  'content-length': (body) => ({ head: `${HEAD}content-length: ${body.length}\r\n\r\n`, bytes: body }),
  chunked: (body) => {
    const half = Math.floor(body.length / 2)
    const bytes = Buffer.concat([chunk(body.subarray(0, half)), chunk(body.subarray(half)), END])
    return { head: `${HEAD}transfer-encoding: chunked\r\n\r\n`, bytes }
  },
  close: (body) => ({ head: `${HEAD}connection: close\r\n\r\n`, bytes: body }),
  'gzip in content-length': (body) => {
    const bytes = gzipSync(body)
    return { head: `${HEAD}content-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`, bytes }
  },
  'gzip until close': (body) => ({
    head: `${HEAD}content-encoding: gzip\r\nconnection: close\r\n\r\n`,
    bytes: gzipSync(body),
  }),
}

describe('answers that break off', () => {
  for (const [framing, deliver] of Object.entries(FRAMINGS)) {
    it(`T7: ${framing}: cut at any of 12 places, the page is asked for again and comes whole`, async () => {
      const { head, bytes } = deliver(Buffer.from(PAGE))
      const cuts = Array.from({ length: 11 }, (_, i) => Math.floor((i * bytes.length) / 11))
      for (const cut of [...cuts, bytes.length - 1]) {
        await using server = await graphServer((socket, n) => {
          socket.write(head)
          socket.end(n === 1 ? bytes.subarray(0, cut) : bytes)
        })
        await using client = clientOf(server)

        const users = await readUsers(client)

        expect(
          users.map((u) => u.attributes['displayName']),
          `cut at ${cut}`,
        ).toEqual(['User 1', 'User 2', 'User 3'])
        expect(client.usage.retries).toBe(1)
      }
    })

    it(`T7: ${framing}: cut every time, nothing is taken for a page`, async () => {
      const { head, bytes } = deliver(Buffer.from(PAGE))
      await using server = await graphServer((socket) => {
        socket.write(head)
        socket.end(bytes.subarray(0, -1))
      })
      await using client = clientOf(server)

      await expect(readUsers(client)).rejects.toMatchObject({ name: 'GraphError', retry: 'later' })

      expect(client.usage.requests).toBe(6)
    })
  }

  it('T7: a gzip body that lacks only its trailer is refused, and so is one with a wrong checksum', async () => {
    const packed = gzipSync(PAGE)
    const spoilt = Buffer.from(packed)
    spoilt.writeUInt8(spoilt.readUInt8(spoilt.length - 6) ^ 1, spoilt.length - 6)
    for (const body of [packed.subarray(0, -8), packed.subarray(0, -1), spoilt]) {
      await using server = await graphServer((socket, n) => {
        const bytes = n === 1 ? body : packed
        socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: ${bytes.length}\r\n\r\n`)
        socket.write(bytes)
      })
      await using client = clientOf(server)

      expect(await readUsers(client)).toHaveLength(3)
      expect(client.usage.retries).toBe(1)
    }
  })

  it.each([
    ['before the head', (socket: Socket) => socket.resetAndDestroy()],
    ['in the head', (socket: Socket) => socket.write('HTTP/1.1 200 O', () => socket.resetAndDestroy())],
    [
      'in the body',
      (socket: Socket) => socket.write(`${HEAD}content-length: 900\r\n\r\n{"value"`, () => socket.resetAndDestroy()),
    ],
    ['by garbage', (socket: Socket) => socket.end('SSH-2.0-OpenSSH_9\r\n')],
  ])('T6: a connection lost %s costs one more request and repeats nothing', async (_, lose) => {
    await using server = await graphServer((socket, n) => {
      if (n === 1) lose(socket)
      else socket.write(httpAnswer(PAGE))
    })
    await using client = clientOf(server)

    expect(await readUsers(client)).toHaveLength(3)
    expect(client.usage).toMatchObject({ requests: 2, retries: 1 })
  })

  it('T1: a refusal whose body is lost still tells when to come back', async () => {
    const times: number[] = []
    await using server = await graphServer((socket, n) => {
      times.push(performance.now())
      if (n > 1) socket.write(httpAnswer(PAGE))
      else {
        const head = 'HTTP/1.1 429 Slow\r\nretry-after: 0.3\r\ncontent-length: 900\r\n\r\n{"error"'
        socket.write(head, () => socket.resetAndDestroy())
      }
    })
    await using client = clientOf(server)

    expect(await readUsers(client)).toHaveLength(3)

    expect(client.usage).toMatchObject({ throttled: 1, requests: 2 })
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(299)
  })

  it('T6: a keep-alive connection that was closed between two pages is no failure of the run', async () => {
    await using server = await graphServer((socket, n) => {
      const more = n < 5 ? { '@odata.nextLink': `${server.origin}/v1.0/users?$skiptoken=${n}` } : {}
      socket.write(httpAnswer(JSON.stringify({ value: [{ id: guid(n) }], ...more })), () => socket.destroy())
    })
    await using client = clientOf(server)

    const ids: string[] = []
    for await (const page of client.listUsers({ select: ['mail'], signal }))
      ids.push(...page.entries.map((e) => e.objectId))

    expect(ids).toEqual([1, 2, 3, 4, 5].map(guid))
  })
})

describe('answers without end or measure', () => {
  it('T8: a gzip bomb is refused before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024, ' '))
    await using server = await graphServer((socket) => {
      socket.write(`${HEAD}content-encoding: gzip\r\ncontent-length: ${bomb.length}\r\n\r\n`)
      socket.write(bomb)
    })
    await using client = clientOf(server, { maxTries: 2 })
    await client.checkToken(signal)
    const before = process.memoryUsage().rss

    await expect(readUsers(client)).rejects.toMatchObject({ code: 'bad-upstream' })

    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1024 * 1024)
  })

  it('T8: an endless body is cut off at the cap', async () => {
    const filler = Buffer.alloc(1024 * 1024, ' ')
    await using server = await graphServer((socket) => {
      socket.write(`${HEAD}\r\n{"value":[`)
      const pour = () => {
        while (!socket.destroyed && socket.write(filler));
      }
      socket.on('drain', pour)
      pour()
    })
    await using client = clientOf(server, { maxTries: 2 })

    await expect(readUsers(client)).rejects.toMatchObject({ code: 'bad-upstream' })

    expect(client.usage.requests).toBe(2)
  })

  it('T8: an encoding that nobody asked for is refused', async () => {
    await using server = await graphServer((socket) =>
      socket.write(httpAnswer(PAGE, { headers: 'content-encoding: br\r\n' })),
    )
    await using client = clientOf(server, { maxTries: 1 })

    await expect(readUsers(client)).rejects.toMatchObject({ code: 'bad-upstream' })
  })

  it('T9: a drip of single bytes ends at the deadline of the whole request', async () => {
    const drips: NodeJS.Timeout[] = []
    await using server = await graphServer((socket, n) => {
      if (n > 1) {
        socket.write(httpAnswer(PAGE))
        return
      }
      socket.write(`${HEAD}content-length: 100000\r\n\r\n`)
      drips.push(setInterval(() => socket.write(' '), 10))
    })
    await using client = clientOf(server, { requestTimeoutMs: 300 })

    const users = await readUsers(client)

    for (const drip of drips) clearInterval(drip)
    expect(users).toHaveLength(3)
    expect(client.usage.retries).toBeGreaterThanOrEqual(1)
  })

  it('T9: a server that accepts and never answers, handshake included, is a time-out', async () => {
    await using mute = await rawServer(() => undefined)
    const urls = [mute.origin, mute.origin.replace('http:', 'https:')]
    for (const graphUrl of urls) {
      const limits = { ...QUICK, maxTries: 2, requestTimeoutMs: 80, connectTimeoutMs: 80 }
      await using client = new GraphClient(clientOptions({ graphUrl, limits }))

      const failure = await client.checkToken(signal).catch((error: unknown) => error)

      expect(failure).toMatchObject({ code: 'unreachable', retry: 'later' })
    }
  })
})

describe('what is never done', () => {
  it.each([301, 302, 303, 307, 308])('T13: a redirect with %s is not followed and sends no token', async (status) => {
    await using elsewhere = await rawServer((socket) => socket.end(httpAnswer(PAGE)))
    await using server = await graphServer((socket) => {
      const headers = `location: ${elsewhere.origin}/v1.0/users\r\n`
      socket.write(httpAnswer('{}', { status: `${status} Moved`, headers }))
    })
    await using client = clientOf(server)

    await expect(readUsers(client)).rejects.toMatchObject({ code: 'bad-upstream', status, retry: 'never' })

    expect(elsewhere.received()).toBe('')
    expect(client.usage.requests).toBe(1)
  })

  it('T13: a redirect of the token service is not followed and sends no secret', async () => {
    await using elsewhere = await rawServer((socket) => socket.end(RAW_TOKEN))
    await using server = await rawServer((socket) =>
      socket.write(httpAnswer('{}', { status: '307 Moved', headers: `location: ${elsewhere.origin}/\r\n` })),
    )
    await using client = clientOf(server)

    await expect(client.checkToken(signal)).rejects.toMatchObject({ name: 'TokenError' })

    expect(elsewhere.received()).toBe('')
  })

  it('after 503 the next try comes on a new connection', async () => {
    const heads: string[] = []
    await using server = await graphServer((socket, n, head) => {
      heads.push(head)
      socket.write(n === 1 ? httpAnswer('{}', { status: '503 Busy' }) : httpAnswer(PAGE))
    })
    await using client = clientOf(server)

    await readUsers(client)

    expect(heads).toHaveLength(2)
    expect(heads[1]?.toLowerCase()).toContain('connection: close')
  })
})

describe('cancellation', () => {
  it('takes effect at once, in the middle of an answer', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by hand')
    await using server = await graphServer((socket) => {
      socket.write(`${HEAD}content-length: 1000\r\n\r\n{`)
      setImmediate(() => controller.abort(reason))
    })
    await using client = clientOf(server)

    const reading = client.listUsers({ select: ['mail'], signal: controller.signal }).next()

    await expect(reading).rejects.toBe(reason)
    expect(client.usage.requests).toBe(1)
  })

  it('a stopped client fails whatever is in flight', async () => {
    await using server = await graphServer(() => setImmediate(() => void client.stop()))
    const client = clientOf(server)

    await expect(readUsers(client)).rejects.toBeInstanceOf(GraphError)
    await expect(readUsers(client)).rejects.toBeInstanceOf(Error)
  })
})
