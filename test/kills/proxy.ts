// A line to PostgreSQL that can be cut exactly at a COMMIT: before the server has it, while it works on it, or when it has
// answered and nobody was told.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'

export const CUTS = ['before it is sent', 'while it is carried out', 'before its answer arrives'] as const
export type Cut = (typeof CUTS)[number]

export class Proxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #aim: { readonly commit: number; readonly cut: Cut } | undefined
  #commits = 0
  #isCut = false

  private constructor(path: string, aim: { readonly commit: number; readonly cut: Cut } | undefined) {
    this.#aim = aim
    this.#server = createServer((near) => this.#join(near, connect(path)))
  }

  /** @param options.commit which of all COMMITs that pass is cut, from 1; none when not given */
  static async open(host: string, aim?: { readonly commit: number; readonly cut: Cut }): Promise<Proxy> {
    const proxy = new Proxy(join(host, '.s.PGSQL.5432'), aim)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many passed, the one that was cut included. */
  get commits(): number {
    return this.#commits
  }

  get isCut(): boolean {
    return this.#isCut
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #join(near: Socket, far: Socket): void {
    const reader = new MessageReader()
    let isMuted = false
    for (const socket of [near, far]) {
      this.#sockets.add(socket)
      // A line that is cut is the very thing that is tried.
      socket.on('error', () => socket.destroy())
    }
    near.on('data', (chunk: Buffer) => {
      const isCommit = reader.read(chunk).some((message) => message.type === 'Q' && /^commit\0$/i.test(message.body))
      if (isCommit) this.#commits += 1
      if (!isCommit || this.#aim?.commit !== this.#commits || this.#isCut) {
        far.write(chunk)
        return
      }
      this.#isCut = true
      if (this.#aim.cut === 'before it is sent') {
        near.destroy()
        far.destroy()
        return
      }
      isMuted = true
      far.write(chunk)
      if (this.#aim.cut === 'while it is carried out') {
        near.destroy()
        far.end()
      }
    })
    far.on('data', (chunk: Buffer) => {
      if (!isMuted) {
        near.write(chunk)
        return
      }
      near.destroy()
      far.destroy()
    })
    near.on('close', () => far.end())
    far.on('close', () => near.destroy())
  }
}

/** What a client says: https://www.postgresql.org/docs/current/protocol-message-formats.html */
class MessageReader {
  #rest = Buffer.alloc(0)
  #isStarted = false

  read(chunk: Buffer): readonly { readonly type: string; readonly body: string }[] {
    let bytes = Buffer.concat([this.#rest, chunk])
    const messages: { type: string; body: string }[] = []
    for (;;) {
      // Only the first one has no letter before its length.
      const head = this.#isStarted ? 1 : 0
      if (bytes.length < head + 4) break
      const end = head + bytes.readInt32BE(head)
      if (bytes.length < end) break
      const type = this.#isStarted ? String.fromCharCode(bytes[0]!) : 'startup'
      messages.push({ type, body: type === 'Q' ? bytes.toString('utf8', head + 4, end) : '' })
      this.#isStarted = true
      bytes = bytes.subarray(end)
    }
    this.#rest = bytes
    return messages
  }
}
