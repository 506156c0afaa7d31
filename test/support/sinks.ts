// Where alerts of tests arrive: a mail server and a web server on loopback, real enough to be talked to.
import { createServer as createHttpServer, type IncomingHttpHeaders } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { FailedAlert, HeldAlert } from '../../src/alerts/alert.ts'

export interface ReceivedMail {
  readonly from: string
  readonly to: readonly string[]
  /** Headers and body as they were sent, lines ended by \n. */
  readonly source: string
}

export interface MailServer {
  readonly url: string
  readonly mails: readonly ReceivedMail[]
  /** Answers every recipient with this from now on, e.g. `451 later`; undefined: takes everything. */
  refuseWith(answer: string | undefined): void
  /** Takes connections and says nothing. */
  hang(): void
  stop(): Promise<void>
}

/** RFC 5321, as far as a client needs it that sends plain text over a plain line. */
export async function startMailServer(): Promise<MailServer> {
  const mails: ReceivedMail[] = []
  let refusal: string | undefined
  let isHanging = false
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.setEncoding('utf8'))
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
    if (isHanging) return
    let from = ''
    let to: string[] = []
    let data: string | undefined
    let pending = ''
    const say = (line: string) => socket.write(`${line}\r\n`)
    say('220 test ESMTP')
    const command = (line: string) => {
      const [, verb = ''] = /^(\w+)/.exec(line) ?? []
      const address = /<([^>]*)>/.exec(line)?.[1] ?? ''
      if (verb === 'EHLO' || verb === 'HELO') return say('250 test')
      if (verb === 'MAIL') {
        ;[from, to] = [address, []]
        return say('250 ok')
      }
      if (verb === 'RCPT' && refusal !== undefined) return say(refusal)
      if (verb === 'RCPT') return to.push(address) && say('250 ok')
      if (verb === 'DATA') {
        data = ''
        return say('354 go on')
      }
      if (verb === 'QUIT') return say('221 bye') && socket.end()
      return say(verb === 'RSET' || verb === 'NOOP' ? '250 ok' : '502 unknown')
    }
    socket.on('data', (chunk: string) => {
      pending += chunk
      for (let end = pending.indexOf('\r\n'); end >= 0; end = pending.indexOf('\r\n')) {
        const line = pending.slice(0, end)
        pending = pending.slice(end + 2)
        if (data === undefined) command(line)
        else if (line === '.') {
          mails.push({ from, to, source: data })
          data = undefined
          say('250 taken')
        } else data += `${line.replace(/^\.\./, '.')}\n`
      }
    })
  })
  const port = await listen(server)
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    refuseWith: (answer) => {
      refusal = answer
    },
    hang: () => {
      isHanging = true
    },
    async stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface Posted {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WebServer {
  readonly url: string
  readonly posted: readonly Posted[]
  /** From now on, with these headers. */
  answerWith(status: number, headers?: Readonly<Record<string, string>>): void
  stop(): Promise<void>
}

export async function startWebServer(): Promise<WebServer> {
  const posted: Posted[] = []
  let answer: { status: number; headers: Readonly<Record<string, string>> } = { status: 204, headers: {} }
  const server = createHttpServer((request, response) => {
    void (async () => {
      const body = await text(request)
      posted.push({ method: request.method ?? '', path: request.url ?? '', headers: request.headers, body })
      response.writeHead(answer.status, answer.headers).end()
    })()
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/alerts?key=hidden`,
    posted,
    answerWith: (status, headers = {}) => {
      answer = { status, headers }
    },
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return address.port
}

export const HELD: HeldAlert = {
  kind: 'held',
  source: 'contoso-staff',
  run: 12,
  planHash: 'ab'.repeat(32),
  reasons: [{ rule: 'users-removed', count: 1_200, limit: 5 }],
  approveBy: '2026-11-03T08:00:00.000Z',
}
export const FAILED: FailedAlert = {
  kind: 'failed',
  source: 'contoso-staff',
  run: 13,
  code: 'forbidden',
  reason: 'Cannot read /users: Graph answered 403 Authorization_RequestDenied',
  remedy: 'Grant User.Read.All.',
  requestId: 'req-1',
  failures: 1,
  nextTryAt: '2026-11-02T08:15:00.000Z',
}
