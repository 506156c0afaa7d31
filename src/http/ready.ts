// Whether this server can work: database there, schema the one that this code knows, key the one that the database was filled with.
import type { FastifyInstance } from 'fastify'
import { type Migration, readMigrations, requireSchema } from '../database/migrate.ts'
import type { HttpParts } from './parts.ts'
import { presentProblem } from './problem.ts'

/** `/healthz`: the process answers. `/readyz`: it can work. Neither says more to whoever asks. */
export function registerHealth(server: FastifyInstance, { engine, checkKey }: HttpParts): void {
  let migrations: readonly Migration[] | undefined
  server.get('/healthz', { exposeHeadRoute: false }, () => ({ status: 'ok' }))
  server.get('/readyz', { exposeHeadRoute: false }, async (request, reply) => {
    try {
      migrations ??= await readMigrations()
      await requireSchema(engine.db, { migrations })
      await checkKey?.()
      return { status: 'ok' }
    } catch (error) {
      const { problem } = presentProblem(error, request.id)
      engine.log.warn('this server is not ready', { code: problem.code, requestId: request.id })
      return reply.code(503).send({ status: 'unready', code: problem.code })
    }
  })
}
