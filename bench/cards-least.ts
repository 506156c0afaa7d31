// The least that answering who has a card can cost: fastify and one indexed query, planned once in a session. Argument: home.
import { fastify } from 'fastify'
import { joinServer } from './postgres.ts'
import { serve } from './worker.ts'

const postgres = await joinServer(process.argv[2] ?? '')
const server = fastify()
server.post<{ Body: { lookup: string } }>('/', async ({ body }) => {
  const { rows } = await postgres.db.prepared<{ id: number; user_name: string }>(
    `select u.id, u.user_name from credentials c join users u on u.id = c.user_id
     where c.kind = 'card' and c.held and c.lookup = $1`,
    [Buffer.from(body.lookup, 'hex')],
  )
  return rows[0]
})
const url = await server.listen({ host: '127.0.0.1', port: 0 })

serve<object>({
  ready: { url },
  handle: () => Promise.resolve(undefined),
  async close() {
    await server.close()
    await postgres.stop()
  },
})
