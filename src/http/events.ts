// Server-sent events: written as they come, with comments in between so that no proxy takes the line for dead.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import type { z } from 'zod'

const HEARTBEAT_MS = 15_000
/** How long the first event is waited for before the headers are sent: until then a failure can be answered as a problem. */
const FIRST_MS = 1_000

/**
 * Sends events until there are no more, or the client has gone. An event with a numbered line carries that number as its id, so that
 * a browser that connects again says from where on it lacks them. `onHeartbeat` is called now and then while nothing comes.
 */
export async function sendEvents(
  reply: FastifyReply,
  events: AsyncIterable<unknown>,
  options: { readonly schema: z.ZodType; readonly signal: AbortSignal; readonly onHeartbeat: () => void },
): Promise<void> {
  const { schema, signal, onHeartbeat } = options
  const { raw } = reply
  const iterator = events[Symbol.asyncIterator]()
  const first = iterator.next()
  await Promise.race([first, new Promise((resolve) => setTimeout(resolve, FIRST_MS).unref())])
  reply.hijack()
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
  raw.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-accel-buffering': 'no' })
  raw.write('retry: 2000\n\n')
  const heartbeat = setInterval(() => {
    raw.write(':\n\n')
    onHeartbeat()
  }, HEARTBEAT_MS)
  try {
    for (let next = await first; next.done !== true && !signal.aborted; next = await iterator.next()) {
      const event: unknown = schema.parse(next.value)
      const isDrained = raw.write(`${idLine(event)}data: ${JSON.stringify(event)}\n\n`)
      if (!isDrained) await once(raw, 'drain', { signal })
    }
  } finally {
    clearInterval(heartbeat)
    await iterator.return?.()
    raw.end()
  }
}

function idLine(event: unknown): string {
  const line: unknown = typeof event === 'object' && event !== null ? Reflect.get(event, 'line') : undefined
  const seq: unknown = typeof line === 'object' && line !== null ? Reflect.get(line, 'seq') : undefined
  return typeof seq === 'number' ? `id: ${seq}\n` : ''
}
