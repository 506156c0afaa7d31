// Once a day the app registrations are asked when their client secrets end, so that the warnings come without anybody pressing
// Check connection. Several servers share the work: who takes a connection has it for an hour.
import { CancelledError, ConfigError, RunError } from '../base/errors.ts'
import { reportCredentials } from '../graph/check-credentials.ts'
import { type ReadRegistration, readRegistration } from '../graph/check.ts'
import { TokenError } from '../graph/errors.ts'
import type { Actor } from '../registry/audit.ts'
import { noteOutcomes } from '../registry/connection-credentials.ts'
import type { Connection } from '../registry/connections.ts'
import { takeReading } from '../registry/expiry-readings.ts'
import { isCopy } from '../registry/installation.ts'
import { noteEnds, noteRegistration, notesOf, READ_AGAIN_MS } from './check.ts'
import type { Engine } from './engine.ts'

const ACTOR: Actor = { kind: 'schedule', name: 'schedule' }

/**
 * Reads the ends of all connections that are due. What goes wrong with one is written down there and does not stop the others; it is
 * no alarm, because many an application may not read its own registration.
 *
 * @returns how many connections were asked
 */
export async function readExpiries(engine: Engine, signal: AbortSignal): Promise<number> {
  // With the secrets of the original, whose sign-in log these requests would stand in.
  if (await isCopy(engine.db, engine.local)) return 0
  for (let asked = 0; ; asked += 1) {
    signal.throwIfAborted()
    const now = engine.clock.now()
    const takenUntil = new Date(now.getTime() + READ_AGAIN_MS)
    const connection = await takeReading(engine.db, { now, until: takenUntil })
    if (connection === undefined) return asked
    const read = await ask(engine, { connection, signal })
    await noteRegistration(engine, { connectionId: connection.id, takenUntil, read })
  }
}

async function ask(
  engine: Engine,
  { connection, signal }: { readonly connection: Connection; readonly signal: AbortSignal },
): Promise<ReadRegistration> {
  try {
    return await askRegistration(engine, { connection, signal })
  } catch (error) {
    if (signal.aborted || error instanceof CancelledError) throw error
    if (error instanceof TokenError) return { kind: 'unread', problem: error.reason, isLasting: false }
    // A secret that cannot be opened, a connection that cannot be right.
    if (error instanceof RunError || error instanceof ConfigError)
      return { kind: 'unread', problem: `${error.message}.`, isLasting: false }
    throw error
  }
}

/** With each credential, as a check does: which one works is learnt on the way. */
async function askRegistration(
  engine: Engine,
  { connection, signal }: { readonly connection: Connection; readonly signal: AbortSignal },
): Promise<ReadRegistration> {
  const client = await engine.openGraph(connection)
  try {
    await client.tryCredentials(signal)
    const read = await readRegistration(client, signal)
    const credentials = reportCredentials(client, read.kind === 'read' ? read.registration : undefined)
    await noteEnds(engine, { actor: ACTOR, connection: connection.name, credentials })
    return read
  } finally {
    await noteOutcomes(engine.db, { notes: notesOf(client.outcomes), now: engine.clock.now() })
    await client.stop()
  }
}
