// A pooler in transaction mode before PostgreSQL, as pgbouncer is one: many clients share few sessions, and each of a client's
// transactions may meet another one, with whatever the last client left in it.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

const STARTUP = 196_608
/** Of nobody: a client that wants to end the session of another one by its number ends none. */
const NO_PROCESS = 2_000_000_000
/** Kinds of messages after which the server says that it is ready. */
const ANSWERED = new Set(['Q', 'S', 'F'])

interface Session {
  readonly socket: Socket
  client: Client | undefined
}

interface Client {
  readonly socket: Socket
  session: Session | undefined
  /** What it sent while it had no session. */
  waiting: Buffer[]
  /** Messages that the server has not said to be ready after. */
  open: number
  last: Session | undefined
}

export class Pooler implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #host: string
  readonly #startup: Readonly<Record<string, string>>
  readonly #most: number
  /** Those that nobody uses, the one that rested longest first. */
  readonly #idle: Session[] = []
  readonly #queue: Client[] = []
  #sessions = 0
  #isClosing = false
  /** How often a client's transaction was in another session than its last one. */
  switches = 0

  private constructor(options: { host: string; user: string; database: string; most: number }) {
    this.#host = options.host
    this.#startup = { user: options.user, database: options.database, client_encoding: 'UTF8' }
    this.#most = options.most
    this.#server = createServer((socket) => this.#welcome(socket))
  }

  /** @param url of a database on a server that is reached by a socket in a folder, and lets everybody in */
  static async open(url: string, most: number): Promise<Pooler> {
    const [, user, host, database] = /^postgresql:\/\/([^@]+)@([^/]+)\/(\w+)$/.exec(url) ?? []
    if (user === undefined || host === undefined || database === undefined) throw new Error('no such address')
    const pooler = new Pooler({ host: decodeURIComponent(host), user, database, most })
    pooler.#server.listen(0, '127.0.0.1')
    await once(pooler.#server, 'listening')
    return pooler
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo
    return `postgresql://${this.#startup['user']}@127.0.0.1:${port}/${this.#startup['database']}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #welcome(socket: Socket): void {
    const client: Client = { socket, session: undefined, waiting: [], open: 0, last: undefined }
    this.#keep(socket)
    let isStarted = false
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      if (!isStarted) {
        if (rest.length < 8 || rest.length < rest.readInt32BE(0)) return
        // Nobody is asked for encryption here, and what is to be cancelled cannot be told.
        if (rest.readInt32BE(4) !== STARTUP) {
          socket.destroy()
          return
        }
        rest = rest.subarray(rest.readInt32BE(0))
        isStarted = true
        socket.write(GREETING)
      }
      for (let message = take(rest); message !== undefined; message = take(rest)) {
        rest = rest.subarray(message.length)
        const kind = String.fromCharCode(message[0] ?? 0)
        if (kind === 'X') {
          socket.end()
          return
        }
        if (ANSWERED.has(kind)) client.open += 1
        if (client.session === undefined) {
          client.waiting.push(message)
          if (client.waiting.length === 1) this.#serve(client)
        } else client.session.socket.write(message)
      }
    })
    socket.on('close', () => {
      const waits = this.#queue.indexOf(client)
      if (waits >= 0) this.#queue.splice(waits, 1)
      // In the middle of something: nobody else shall go on with it.
      client.session?.socket.destroy()
    })
  }

  #serve(client: Client): void {
    const session = this.#idle.shift()
    if (session !== undefined) this.#give(session, client)
    else {
      this.#queue.push(client)
      if (this.#sessions < this.#most) this.#open()
    }
  }

  #give(session: Session, client: Client): void {
    if (client.last !== undefined && client.last !== session) this.switches += 1
    client.last = session
    client.session = session
    session.client = client
    for (const message of client.waiting.splice(0)) session.socket.write(message)
  }

  #open(): void {
    this.#sessions += 1
    const socket = connect(`${this.#host}/.s.PGSQL.5432`)
    this.#keep(socket)
    const session: Session = { socket, client: undefined }
    let rest = Buffer.alloc(0)
    let isReady = false
    socket.write(startup(this.#startup))
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (let message = take(rest); message !== undefined; message = take(rest)) {
        rest = rest.subarray(message.length)
        const isDone = message[0] === 'Z'.charCodeAt(0)
        if (isReady) this.#answer(session, { message, isDone })
        else if (isDone) {
          isReady = true
          this.#release(session)
        }
      }
    })
    socket.on('close', () => {
      this.#sessions -= 1
      const rests = this.#idle.indexOf(session)
      if (rests >= 0) this.#idle.splice(rests, 1)
      session.client?.socket.destroy()
      if (!this.#isClosing && this.#queue.length > 0) this.#open()
    })
  }

  #answer(session: Session, { message, isDone }: { readonly message: Buffer; readonly isDone: boolean }): void {
    const { client } = session
    if (client === undefined) return
    client.socket.write(message)
    if (!isDone) return
    client.open -= 1
    if (client.open > 0 || message[5] !== 'I'.charCodeAt(0)) return
    client.session = undefined
    session.client = undefined
    this.#release(session)
  }

  #release(session: Session): void {
    const next = this.#queue.shift()
    if (next === undefined) this.#idle.push(session)
    else this.#give(session, next)
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** The first whole message: a letter, and a length that counts itself. */
function take(buffer: Buffer): Buffer | undefined {
  if (buffer.length < 5) return undefined
  const length = 1 + buffer.readInt32BE(1)
  return buffer.length < length ? undefined : buffer.subarray(0, length)
}

function message(kind: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.write(kind, 0, 'latin1')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

const texts = (...parts: readonly string[]) => Buffer.from(parts.map((part) => `${part}\0`).join(''))

function numbers(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length)
  for (const [n, value] of values.entries()) buffer.writeInt32BE(value, 4 * n)
  return buffer
}

function startup(parameters: Readonly<Record<string, string>>): Buffer {
  const body = Buffer.concat([numbers(STARTUP), texts(...Object.entries(parameters).flat()), Buffer.alloc(1)])
  return Buffer.concat([numbers(body.length + 4), body])
}

/** Everybody is let in, and told what a client of Muster's wants to know. */
const GREETING = Buffer.concat([
  message('R', numbers(0)),
  ...Object.entries({
    server_version: '18.0',
    client_encoding: 'UTF8',
    server_encoding: 'UTF8',
    DateStyle: 'ISO, MDY',
    TimeZone: 'UTC',
    integer_datetimes: 'on',
    standard_conforming_strings: 'on',
  }).map((parameter) => message('S', texts(...parameter))),
  message('K', numbers(NO_PROCESS, 0)),
  message('Z', Buffer.from('I')),
])
