// Check connection, for one that is saved and for one that is about to be.
import { checkConnection, type Finding, type NeededPermission } from '../graph/check.ts'
import type { GraphClient } from '../graph/client.ts'
import { requireConnection } from '../registry/connections.ts'
import { listSources } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import { needsOf } from './map/needs.ts'

/** @throws NotFoundError */
export async function checkSaved(
  engine: Engine,
  { connection: name, signal }: { readonly connection: string; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  const connection = await requireConnection(engine.db, name)
  return checkWith(engine, { client: await engine.openGraph(connection), name, signal })
}

/** Checks by a client, and stops it. */
export async function checkWith(
  engine: Engine,
  { client, name, signal }: { readonly client: GraphClient; readonly name: string; readonly signal: AbortSignal },
): Promise<readonly Finding[]> {
  try {
    return await checkConnection(client, { needs: await neededBy(engine, name), clock: engine.clock, signal })
  } finally {
    await client.stop()
  }
}

/** What the sources of a connection need; without a source yet, what nearly every source will. */
async function neededBy(engine: Engine, connection: string): Promise<readonly NeededPermission[]> {
  const sources = (await listSources(engine.db)).filter((source) => source.connection.name === connection)
  const groups = sources.length === 0 || sources.some((source) => needsOf(source.settings).groups)
  return groups ? ['User.Read.All', 'GroupMember.Read.All'] : ['User.Read.All']
}
