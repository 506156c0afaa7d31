import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientOptions, rejectionOf, usersPage } from '../../test/support/graph.ts'
import { ConfigError } from '../base/errors.ts'
import { type Certificate, createCertificate } from '../emulator/certificate.ts'
import { GraphClient, type GraphClientOptions } from './client.ts'
import { TokenError } from './errors.ts'

const { signal } = new AbortController()
const DAY_MS = 86_400_000
/** Wall time of this machine: TLS judges certificates by it. */
const now = performance.timeOrigin + performance.now()

let folder = ''
let caFile = ''
let authority: Certificate

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-ca-'))
  caFile = join(folder, 'ca.pem')
  authority = createCertificate({
    commonName: 'Private authority',
    key: 'p256',
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + DAY_MS),
    authority: true,
  })
  await writeFile(caFile, authority.certificatePem)
})

afterAll(() => rm(folder, { recursive: true, force: true }))

interface Listening {
  readonly port: number
  readonly seen: string[]
  [Symbol.asyncDispose](): Promise<void>
}

type Listener = ReturnType<typeof createHttpServer> | ReturnType<typeof createHttpsServer>

async function listen(server: Listener, seen: string[]): Promise<Listening> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    seen,
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

/** Token service and Graph over TLS. */
function tlsServer(
  certificate: { validDays?: number; hosts?: readonly string[]; maxVersion?: 'TLSv1.1' } = {},
): Promise<Listening> {
  const { validDays = 1, hosts = ['127.0.0.1', 'localhost'] } = certificate
  const own = createCertificate({
    commonName: hosts[0] ?? '',
    key: 'p256',
    notBefore: new Date(now - 10 * DAY_MS),
    notAfter: new Date(now + validDays * DAY_MS),
    hosts,
    issuer: authority,
  })
  const seen: string[] = []
  const legacy =
    certificate.maxVersion === undefined
      ? {}
      : { maxVersion: certificate.maxVersion, minVersion: 'TLSv1' as const, ciphers: 'DEFAULT@SECLEVEL=0' }
  const server = createHttpsServer(
    { key: own.privateKeyPem, cert: own.certificatePem, ...legacy },
    (request, response) => {
      seen.push(`${request.method} ${request.url?.split('?')[0]}`)
      const token = { token_type: 'Bearer', expires_in: 3599, access_token: 'secret-token' }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(request.method === 'POST' ? token : usersPage([1])))
    },
  )
  return listen(server, seen)
}

/** A proxy for CONNECT. `answer` may refuse; hosts are mapped to loopback whatever they are called. */
function connectProxy(
  answer: (request: IncomingMessage) => string | undefined,
  target: () => number,
): Promise<Listening> {
  const seen: string[] = []
  const server = createHttpServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.end()
  })
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    seen.push(`CONNECT ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim())
    socket.on('error', () => undefined)
    const refusal = answer(request)
    if (refusal !== undefined) {
      socket.end(`HTTP/1.1 ${refusal}\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const upstream = connect(target(), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
  })
  return listen(server, seen)
}

function clientFor(graphUrl: string, options: Partial<GraphClientOptions> = {}): GraphClient {
  const limits = { backoffMs: 1, maxBackoffMs: 1, maxTries: 3 }
  return new GraphClient(clientOptions({ graphUrl, limits, ...options }))
}

const failureOf = (client: GraphClient) => rejectionOf(client.checkToken(signal), TokenError)

const readOne = (client: GraphClient) => client.listUsers({ select: ['mail'], signal }).next()

describe('certificates of servers', () => {
  it('T15: a private authority is trusted when its file is named', async () => {
    await using server = await tlsServer()
    await using client = clientFor(`https://127.0.0.1:${server.port}`, { caFile })

    await readOne(client)

    expect(server.seen).toHaveLength(2)
  })

  it.each([
    ['an unknown authority', {}, false],
    ['a certificate that has expired', { validDays: -1 }, true],
    ['a certificate for another host', { hosts: ['graph.example.org'] }, true],
    ['TLS 1.1', { maxVersion: 'TLSv1.1' as const }, true],
  ])('T17: %s ends the connection before anything is sent', async (_, certificate, isTrusted) => {
    await using server = await tlsServer(certificate)
    await using client = clientFor(`https://127.0.0.1:${server.port}`, isTrusted ? { caFile } : {})

    const failure = await failureOf(client)

    expect(failure).toMatchObject({ code: 'unreachable', retry: 'never' })
    expect(failure.message).toMatch(/TLS/)
    expect(server.seen).toEqual([])
  })

  it('T15: an authority file that cannot be read is a configuration error', async () => {
    const broken = join(folder, 'broken.pem')
    await writeFile(broken, 'not a certificate')

    expect(() => clientFor('https://127.0.0.1:1', { caFile: join(folder, 'missing.pem') })).toThrow(ConfigError)
    expect(() => clientFor('https://127.0.0.1:1', { caFile: broken })).toThrow(ConfigError)
  })
})

describe('a corporate proxy', () => {
  it('T15: https goes through it by CONNECT, with its user and password', async () => {
    await using server = await tlsServer({ hosts: ['graph.example.org', 'login.example.org'] })
    await using proxy = await connectProxy(
      () => undefined,
      () => server.port,
    )
    const httpsProxy = `http://user:pa%20ss@127.0.0.1:${proxy.port}`
    const authorityUrl = 'https://login.example.org'
    await using client = clientFor('https://graph.example.org', { authorityUrl, caFile, proxy: { httpsProxy } })

    await readOne(client)

    const login = `Basic ${Buffer.from('user:pa ss').toString('base64')}`
    expect(proxy.seen).toEqual([`CONNECT login.example.org:443 ${login}`, `CONNECT graph.example.org:443 ${login}`])
    expect(server.seen).toHaveLength(2)
  })

  it.each(['127.0.0.1', '*', 'example.org,127.0.0.1'])('T15: NO_PROXY %s goes directly', async (noProxy) => {
    await using server = await tlsServer()
    await using proxy = await connectProxy(
      () => '502 Bad Gateway',
      () => 0,
    )
    const settings = { httpsProxy: `http://127.0.0.1:${proxy.port}`, noProxy }
    await using client = clientFor(`https://127.0.0.1:${server.port}`, { caFile, proxy: settings })

    await readOne(client)

    expect(proxy.seen).toEqual([])
  })

  it('T15: plain http on loopback never goes through a proxy', async () => {
    const seen: string[] = []
    const plain = createHttpServer((request, response) => {
      seen.push(request.url ?? '')
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ token_type: 'Bearer', expires_in: 3599, access_token: 'x' }))
    })
    await using server = await listen(plain, seen)
    await using proxy = await connectProxy(
      () => undefined,
      () => server.port,
    )
    const settings = { httpsProxy: `http://127.0.0.1:${proxy.port}` }
    await using client = clientFor(`http://127.0.0.1:${server.port}`, { proxy: settings })

    await client.checkToken(signal)

    expect(proxy.seen).toEqual([])
    expect(seen).toHaveLength(1)
  })

  it.each([
    ['407 Proxy Authentication Required', /wants a user name and password/],
    ['403 Forbidden', /refused the connection with 403/],
  ])('T15: %s names the proxy, not its password, and is not tried again', async (answer, message) => {
    await using proxy = await connectProxy(
      () => answer,
      () => 0,
    )
    const settings = { httpsProxy: `http://user:hunter2@127.0.0.1:${proxy.port}` }
    await using client = clientFor('https://graph.example.org', { proxy: settings })

    const failure = await failureOf(client)

    expect(failure).toMatchObject({ code: 'unreachable', retry: 'never' })
    expect(failure.message).toMatch(message)
    expect(failure.message).toContain(`http://127.0.0.1:${proxy.port}`)
    expect(failure.message).not.toContain('hunter2')
    expect(proxy.seen).toHaveLength(1)
  })

  it('T15: a proxy that is not there is named', async () => {
    await using client = clientFor('https://graph.example.org', { proxy: { httpsProxy: 'http://127.0.0.1:1' } })

    const failure = await failureOf(client)

    expect(failure).toMatchObject({ code: 'unreachable', retry: 'later' })
    expect(failure.message).toContain('http://127.0.0.1:1')
  })

  it('T15: a proxy that opens TLS with an authority nobody trusts is refused', async () => {
    await using server = await tlsServer({ hosts: ['graph.example.org'] })
    await using proxy = await connectProxy(
      () => undefined,
      () => server.port,
    )
    await using client = clientFor('https://graph.example.org', {
      proxy: { httpsProxy: `http://127.0.0.1:${proxy.port}` },
    })

    expect(await failureOf(client)).toMatchObject({ code: 'unreachable', retry: 'never' })

    expect(server.seen).toEqual([])
  })

  it('T15: a proxy that is no URL is a configuration error', () => {
    expect(() => clientFor('https://graph.example.org', { proxy: { httpsProxy: 'proxy' } })).toThrow(ConfigError)
  })
})
