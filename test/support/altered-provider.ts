// An emulator as a client sees it through somebody who alters what it answers: another discovery document, other keys, other tokens.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request as send, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'

/** What an answer becomes. `path` is without the query. */
export type Alteration = (answer: {
  readonly path: string
  /** The form that was sent. */
  readonly form: URLSearchParams
  readonly status: number
  readonly body: string
}) => { readonly status?: number; readonly body: string } | undefined

export interface AlteredProvider {
  /** In place of the emulator's own: issuers and endpoints are told with it. */
  readonly authorityUrl: string
  /** Undefined: everything as it is. */
  alter(alteration: Alteration | undefined): void
  /** Forms that came to the token endpoint, in order. */
  readonly forms: readonly URLSearchParams[]
  stop(): Promise<void>
}

export async function alteredProvider(emulatorUrl: string): Promise<AlteredProvider> {
  let alteration: Alteration | undefined
  const forms: URLSearchParams[] = []
  const { port } = new URL(emulatorUrl)

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const sent = await buffer(incoming)
    const path = (incoming.url ?? '').split('?')[0] ?? ''
    const form = new URLSearchParams(sent.toString())
    if (path.endsWith('/token')) forms.push(form)
    // The host stays: the emulator calls itself as it is called.
    const passed = send({
      port,
      host: '127.0.0.1',
      path: incoming.url,
      method: incoming.method,
      headers: incoming.headers,
    })
    passed.end(sent)
    const [response] = (await once(passed, 'response')) as [IncomingMessage]
    const status = response.statusCode ?? 502
    const body = await buffer(response)
    const altered = alteration?.({ path, form, status, body: body.toString() })
    if (altered === undefined) outgoing.writeHead(status, response.headers).end(body)
    else outgoing.writeHead(altered.status ?? status, { 'content-type': 'application/json' }).end(altered.body)
  }

  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    authorityUrl: `http://127.0.0.1:${address.port}`,
    alter(next) {
      alteration = next
    },
    forms,
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
