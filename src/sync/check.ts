// Check connection, for one that is saved and for one that is about to be.
import { permissionsFor, type PermissionNeed } from '../contract/permissions.ts'
import { signedOutUriOf } from '../contract/registration.ts'
import { checkConnection, type Checked, type ReadRegistration } from '../graph/check.ts'
import type { CredentialReport } from '../graph/check-credentials.ts'
import type { NeededPermission } from '../graph/check-permissions.ts'
import type { TerminalWay } from '../graph/check-sign-in.ts'
import type { GraphClient } from '../graph/client.ts'
import type { CredentialOutcome } from '../graph/credential.ts'
import type { Finding } from '../graph/finding.ts'
import { listHiddenGroups } from '../mirror/hidden-groups.ts'
import type { Actor } from '../registry/audit.ts'
import { type CredentialNote, noteExpiry, noteOutcomes } from '../registry/connection-credentials.ts'
import { wayBackOf } from '../registry/consent.ts'
import { listConnections, requireConnection } from '../registry/connections.ts'
import { noteReading, takeReadingOf } from '../registry/expiry-readings.ts'
import { hasTerminalsWithCodes, rolesGivenByGroups } from '../registry/sign-in-rule.ts'
import { listSources } from '../registry/sources.ts'
import type { Engine } from './engine.ts'

export interface CheckRequest {
  readonly connection: string
  /** What must be registered at Microsoft where people sign in through the connection; undefined: not known. */
  readonly redirectUri?: string | undefined
  readonly actor: Actor
  readonly signal: AbortSignal
}

/** Also keeps what was learnt of the credentials: which one works, and when a secret ends. @throws NotFoundError */
export async function checkSaved(engine: Engine, request: CheckRequest): Promise<readonly Finding[]> {
  const { connection: name, redirectUri, actor, signal } = request
  const connection = await requireConnection(engine.db, name)
  const takenUntil = new Date(engine.clock.now().getTime() + READ_AGAIN_MS)
  await takeReadingOf(engine.db, connection.id, takenUntil)
  const client = await engine.openGraph(connection)
  const { findings, credentials, registration } = await checkWith(engine, {
    client,
    name,
    settings: connection,
    redirectUri,
    signal,
  })
  await noteOutcomes(engine.db, { notes: notesOf(client.outcomes), now: engine.clock.now() })
  await noteEnds(engine, { actor, connection: name, credentials })
  if (registration !== undefined)
    await noteRegistration(engine, { connectionId: connection.id, takenUntil, read: registration })
  return findings
}

/** Checks by a client, and stops it. */
export async function checkWith(
  engine: Engine,
  options: {
    readonly client: GraphClient
    readonly name: string
    readonly settings: { readonly signInWithMicrosoft: boolean; readonly passwordsAtTerminals: boolean }
    readonly redirectUri: string | undefined
    readonly signal: AbortSignal
  },
): Promise<Checked> {
  const { client, name, settings, redirectUri, signal } = options
  try {
    const signIn = settings.signInWithMicrosoft
      ? {
          redirectUri,
          signedOutUri: redirectUri === undefined ? undefined : signedOutUriOf(redirectUri),
          atTerminals: await waysAtTerminals(engine, settings),
        }
      : undefined
    const consent = wayBackOf({ ...engine, redirectUri }, client.tenantId)
    const { clock } = engine
    return await checkConnection(client, { needs: await neededBy(engine, name), signIn, consent, clock, signal })
  } finally {
    await client.stop()
  }
}

/** Passwords where the connection allows them, as terminals are made afterwards; codes where a terminal may use them. */
async function waysAtTerminals(
  { db, clock }: Engine,
  { passwordsAtTerminals }: { readonly passwordsAtTerminals: boolean },
): Promise<readonly TerminalWay[]> {
  const ways: TerminalWay[] = (await hasTerminalsWithCodes(db, clock.now())) ? ['deviceCode'] : []
  return passwordsAtTerminals ? [...ways, 'password'] : ways
}

/** Keeps when client secrets end, as the app registration says. */
export async function noteEnds(
  engine: Engine,
  known: {
    readonly actor: Actor
    readonly connection: string
    readonly credentials: readonly CredentialReport[]
  },
): Promise<void> {
  for (const { credential, expiresAt } of known.credentials) {
    if (credential.id === undefined || expiresAt === undefined) continue
    const { actor, connection } = known
    await noteExpiry(engine.db, { ...engine, actor, connection, credential: credential.id, expiresAt })
  }
}

const DAY_MS = 86_400_000
/** When nothing was learnt, because of the network or Microsoft: whoever ends tomorrow should still be told today. */
export const READ_AGAIN_MS = 3_600_000

/** Keeps whether the app registration told, and when it is asked next. */
export async function noteRegistration(
  { db, clock }: Engine,
  {
    connectionId,
    takenUntil,
    read,
  }: { readonly connectionId: number; readonly takenUntil: Date; readonly read: ReadRegistration },
): Promise<void> {
  const now = clock.now()
  const isOver = read.kind === 'read' || read.isLasting
  await noteReading(db, {
    connectionId,
    problem: read.kind === 'read' ? null : read.problem,
    now,
    takenUntil,
    nextAt: new Date(now.getTime() + (isOver ? DAY_MS : READ_AGAIN_MS)),
  })
}

/** What became of the credentials that were tried, as it is kept. */
export function notesOf(outcomes: readonly CredentialOutcome[]): readonly CredentialNote[] {
  return outcomes.flatMap(({ credential: { id }, refusal }) =>
    id === undefined
      ? []
      : [{ id, refusal: refusal === undefined ? null : { reason: refusal.reason, remedy: refusal.remedy } }],
  )
}

/** Groups with hidden membership that are asked for their members: one that is empty proves nothing. */
const HIDDEN_GROUPS_ASKED = 3

/** The permissions that a connection's sources need; undefined: those of nearly every source. @throws NotFoundError */
export async function permissionsOf(engine: Engine, name: string | undefined): Promise<readonly PermissionNeed[]> {
  if (name === undefined) return permissionsFor({ sources: [], hasHiddenGroups: false })
  await requireConnection(engine.db, name)
  return neededBy(engine, name)
}

/** What the sources of a connection need; without a source yet, what nearly every source will. */
async function neededBy(engine: Engine, name: string): Promise<readonly NeededPermission[]> {
  const connection = (await listConnections(engine.db)).find((one) => one.name === name)
  const hiddenGroups =
    connection === undefined
      ? []
      : await listHiddenGroups(engine.db, { connectionId: connection.id, limit: HIDDEN_GROUPS_ASKED })
  const sources = (await listSources(engine.db)).filter((source) => source.connection.name === name)
  const rolesByGroup =
    connection?.signInWithMicrosoft === true ? await rolesGivenByGroups(engine.db, connection.id) : []
  return permissionsFor({ sources, hasHiddenGroups: hiddenGroups.length > 0, rolesByGroup }).map((need) => ({
    ...need,
    hiddenGroups,
  }))
}
