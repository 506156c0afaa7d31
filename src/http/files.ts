// Files that are written while they are sent.
import { PassThrough } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { InvariantError } from '../base/errors.ts'
import type { FileAnswer } from './handler.ts'

/** What is no text. */
const BINARY = 'application/octet-stream'

/**
 * Sends a file. What fails before its first byte is thrown; what fails later breaks the connection off, so that nobody takes
 * half a file for a whole one.
 */
export async function sendFile(
  reply: FastifyReply,
  file: FileAnswer,
  { types, signal }: { readonly types: readonly string[]; readonly signal: AbortSignal },
): Promise<FastifyReply> {
  if (!types.includes(file.type)) throw new InvariantError(`a file of type ${file.type} was not declared`)
  const body = new PassThrough()
  // What breaks it before anybody reads it is told by what `write` rejects with; nobody listening would end the process.
  body.on('error', () => {})
  const written = file.write(body, signal).then(
    () => body.end(),
    (error: unknown) => {
      body.destroy(error instanceof Error ? error : new Error(String(error)))
      throw error
    },
  )
  // It is settled here or breaks the stream; nobody else waits for it.
  const settled = written.then(
    () => 'whole' as const,
    (error: unknown) => ({ error }),
  )
  const first = await Promise.race([
    settled,
    new Promise<'begun'>((resolve) => body.once('readable', () => resolve('begun'))),
  ])
  if (typeof first === 'object') throw first.error
  return reply
    .header('content-type', file.type === BINARY ? BINARY : `${file.type}; charset=utf-8`)
    .header('content-disposition', `attachment; filename="${file.fileName.replace(/[^\w.-]/g, '_')}"`)
    .send(body)
}
