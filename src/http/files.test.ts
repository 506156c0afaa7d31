import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { sendFile } from './files.ts'
import type { FileAnswer } from './handler.ts'

let server: FastifyInstance
let address: string
let file: FileAnswer
const uncaught: unknown[] = []
const noteUncaught = (error: unknown) => uncaught.push(error)

beforeEach(async () => {
  uncaught.length = 0
  process.on('uncaughtExceptionMonitor', noteUncaught)
  server = Fastify()
  server.get('/file', async (_request, reply) =>
    sendFile(reply, file, { types: ['text/csv'], signal: AbortSignal.timeout(30_000) }),
  )
  address = `${await server.listen({ host: '127.0.0.1', port: 0 })}/file`
})

afterEach(async () => {
  process.off('uncaughtExceptionMonitor', noteUncaught)
  await server.close()
})

/** What nobody caught, also a little after the answer. */
async function uncaughtSoon(): Promise<readonly unknown[]> {
  await new Promise((resolve) => setTimeout(resolve, 20))
  return uncaught
}

const csv = (write: FileAnswer['write']): FileAnswer => ({ type: 'text/csv', fileName: 'people.csv', write })

describe('a file that is sent while it is written', () => {
  test('arrives whole', async () => {
    file = csv(async (destination) => {
      destination.write('a,b\n')
      await new Promise((resolve) => setTimeout(resolve, 5))
      destination.write('1,2\n')
    })
    const response = await fetch(address)
    expect([response.status, response.headers.get('content-disposition')]).toEqual([
      200,
      'attachment; filename="people.csv"',
    ])
    expect(await response.text()).toBe('a,b\n1,2\n')
  })

  test('is empty when nothing was written', async () => {
    file = csv(async () => {})
    const response = await fetch(address)
    expect([response.status, await response.text()]).toEqual([200, ''])
  })

  test('E11: is an error, and the server stays, when nothing could be written', async () => {
    file = csv(async () => {
      await Promise.resolve()
      throw new Error('no key file')
    })
    const response = await fetch(address)
    expect(response.status).toBe(500)
    expect(await response.text()).toContain('no key file')
    expect(await uncaughtSoon()).toEqual([])
  })

  test('is an error too when its writer breaks the stream itself', async () => {
    file = csv(async (destination) => {
      const error = new Error('the rows could not be read')
      destination.destroy(error)
      throw error
    })
    expect((await fetch(address)).status).toBe(500)
    expect(await uncaughtSoon()).toEqual([])
  })

  test('breaks off when it could not be written to its end', async () => {
    const begun = Promise.withResolvers<void>()
    file = csv(async (destination) => {
      destination.write('a,b\n')
      await begun.promise
      throw new Error('the connection to the database ended')
    })
    const response = await fetch(address)
    expect(response.status).toBe(200)
    begun.resolve()
    await expect(response.text()).rejects.toThrow('terminated')
    expect(await uncaughtSoon()).toEqual([])
  })

  test('is given up when the reader goes', async () => {
    const ended = Promise.withResolvers<string>()
    file = csv(async (destination) => {
      destination.write('a,b\n')
      destination.once('close', () => ended.resolve('closed'))
      await ended.promise
      throw new Error('nobody reads')
    })
    const reader = new AbortController()
    const response = await fetch(address, { signal: reader.signal })
    reader.abort()
    await expect(response.text()).rejects.toThrow('aborted')
    expect(await ended.promise).toBe('closed')
    expect(await uncaughtSoon()).toEqual([])
  })
})
