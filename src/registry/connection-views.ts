// Connections as they are shown: without their secrets, with the sources that they feed.
import type { ConnectionView, CredentialView } from '../contract/api/connections.ts'
import { writeSettings } from '../contract/written-settings.ts'
import type { Queries } from '../database/connect.ts'
import {
  type Connection,
  type CredentialOnFile,
  listConnections,
  listCredentials,
  requireConnection,
} from './connections.ts'
import { getReading } from './expiry-readings.ts'
import { presentConnection } from './put-connection.ts'
import { listSources } from './sources.ts'

/** All connections by name. There are few. */
export async function listConnectionViews(db: Queries): Promise<ConnectionView[]> {
  const views: ConnectionView[] = []
  for (const connection of await listConnections(db)) views.push(await presentView(db, connection))
  return views
}

/** @throws NotFoundError */
export async function requireConnectionView(db: Queries, name: string): Promise<ConnectionView> {
  return presentView(db, await requireConnection(db, name))
}

async function presentView(db: Queries, connection: Connection): Promise<ConnectionView> {
  const { name, tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, passwordsAtTerminals } =
    connection
  const isCustom = cloud === 'custom'
  const credentials = await listCredentials(db, connection.id)
  const sources = (await listSources(db)).filter((source) => source.connection.id === connection.id)
  const reading = await getReading(db, connection.id)
  return {
    name,
    tenantId,
    clientId,
    cloud,
    authorityUrl: isCustom ? authorityUrl : null,
    graphUrl: isCustom ? graphUrl : null,
    signInWithMicrosoft,
    passwordsAtTerminals,
    credentials: credentials.map(presentCredential),
    expiryReadAt: reading.readAt?.toISOString() ?? null,
    expiryProblem: reading.problem,
    sources: sources.map((source) => source.name),
    updatedAt: connection.updatedAt.toISOString(),
  }
}

function presentCredential(credential: CredentialOnFile): CredentialView {
  const { id, kind, origin, thumbprint, detail, addedAt, expiresAt, expiryFrom } = credential
  const { workedAt, refusedAt, refusal, remedy } = credential
  return {
    id: String(id),
    kind,
    origin,
    thumbprint,
    detail,
    addedAt: addedAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    expiryFrom,
    state: refusedAt !== null ? 'refused' : workedAt !== null ? 'works' : 'untried',
    stateAt: (refusedAt ?? workedAt)?.toISOString() ?? null,
    reason: refusal,
    remedy,
  }
}

/** Connections and sources as a config file, without secrets: a connection that exists keeps those on file. */
export async function writeConfiguration(
  db: Queries,
): Promise<{ connections: Record<string, unknown>; sources: Record<string, unknown> }> {
  const connections = (await listConnections(db)).map((one) => [one.name, presentConnection(one)] as const)
  const sources = (await listSources(db)).map((one) => [one.name, writeSettings(one.settings)] as const)
  return { connections: Object.fromEntries(connections), sources: Object.fromEntries(sources) }
}
