// I16: people are identified and sign in while a run writes. Asked on a session of its own that waits for no lock: whatever would have
// to wait for the run fails.
import type { Database } from '../../src/database/connect.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import { joinHolder } from '../../src/registry/identify.ts'
import { judgeUser } from '../../src/registry/sign-in-rule.ts'

class TakenBack extends Error {}

/** @throws Error naming the invariant, where somebody is not found by what he holds, or could not get a session */
export async function checkAvailable(db: Database): Promise<void> {
  await withTransaction(db, async (tx) => {
    await tx.query(`set local lock_timeout = '1ms'`)
    for (const kind of ['card', 'pin'] as const) {
      const { rows } = await tx.query<{ holder: number }>(
        `select x.user_id as holder from credentials x ${joinHolder(kind, 'x.lookup')}
         where x.kind = '${kind}' and x.held and u.id is distinct from x.user_id`,
      )
      if (rows.length > 0) throw new Error(`I16: user ${rows[0]?.holder} is not found by his ${kind}`)
    }
    const people = await tx.query<{ id: number; connection_id: number }>(
      'select u.id, s.connection_id from users u join sources s on s.id = u.source_id where u.active order by u.id',
    )
    for (const { id, connection_id: connection } of people.rows) {
      const { judged } = await judgeUser(tx, id)
      if (judged.userId !== id) throw new Error(`I16: user ${id} is not found where he signs in`)
      await tx.query(
        `insert into sessions (digest, user_id, connection_id, created_at, last_seen_at, expires_at, address, user_agent)
         values (decode(lpad($1::text, 64, '0'), 'hex'), $1::int, $2, now(), now(), now(), 'none', 'none')`,
        [id, connection],
      )
    }
    throw new TakenBack()
  }).catch((error: unknown) => {
    if (error instanceof TakenBack) return
    throw error instanceof Error && !error.message.startsWith('I16') ? new Error(`I16: ${error.message}`) : error
  })
}
