// Makes a connection as it is wanted, and tells what that changes. Writing the same again writes nothing.
import { ConfigError } from '../base/errors.ts'
import type { ConfigurationChange, FieldChange } from '../contract/configuration.ts'
import type { PlainConnection } from '../contract/connection-settings.ts'
import type { Queries } from '../database/connect.ts'
import { CLOUD_ROOTS, type CloudRoots } from '../directory/clouds.ts'
import type { Vault } from '../vault/keys.ts'
import { type Connection, type CredentialOnFile, credentialContext, listCredentials } from './connections.ts'
import { differences } from './differences.ts'

/** A credential to keep for a connection. */
export interface WantedCredential {
  readonly kind: 'secret' | 'certificate'
  /** The secret, or PEM of certificate and key. */
  readonly value: string
  readonly thumbprint: string | null
  readonly expiresAt: Date | null
}

export interface WantedConnection {
  readonly settings: PlainConnection
  readonly credentials: readonly WantedCredential[]
}

export interface PutConnection {
  readonly vault: Pick<Vault, 'seal' | 'lookup'>
  readonly name: string
  readonly wanted: WantedConnection
  readonly current: Connection | undefined
  /** Whether credentials stay of which kind nothing is wanted. */
  readonly keep: 'unnamed' | 'none'
  /** Says what would change and writes nothing. */
  readonly dryRun: boolean
}

/**
 * Creates or changes a connection. Needs a transaction around it.
 *
 * @throws ConfigError where a client secret on file would be sent to an address that it was not given for
 */
export async function putConnection(db: Queries, put: PutConnection): Promise<ConfigurationChange> {
  const { name, wanted, current } = put
  const before = current === undefined ? {} : presentConnection(current)
  const changes = [...differences(before, presentConnection(wanted.settings))]
  const kept = current === undefined ? [] : await listCredentials(db, current.id)
  const credentials = compareCredentials(kept, put)
  const stays = kept.some(({ id, kind }) => kind === 'secret' && !credentials.obsolete.includes(id))
  const isNamed = wanted.credentials.some(({ kind }) => kind === 'secret')
  if (current !== undefined && stays && !isNamed && sendsElsewhere(current, wanted.settings))
    throw new ConfigError([{ at: 'clientSecret', message: SECRET_ELSEWHERE }])
  changes.push(...credentials.changes)
  const action = current === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged'
  if (action !== 'unchanged' && !put.dryRun) {
    const id = await writeConnection(db, { name, wanted, isCustom: wanted.settings.cloud === 'custom' })
    await writeCredentials(db, { connectionId: id, vault: put.vault, ...credentials })
  }
  return { kind: 'connection', name, action, changes, replans: false }
}

/** Nobody shall read a sealed secret by having it sent to himself. */
export const SECRET_ELSEWHERE =
  'give the client secret again: with another cloud or other addresses the one on file would be sent to where it was not given for'

/** Whether credentials go to other addresses than those of the connection on file. */
export function sendsElsewhere(current: Connection, wanted: PlainConnection): boolean {
  const roots = rootsOf(wanted)
  return roots.authorityUrl !== current.authorityUrl || roots.graphUrl !== current.graphUrl
}

/** The roots that a connection resolves to. */
export function rootsOf({ cloud, authorityUrl, graphUrl }: PlainConnection): CloudRoots {
  return cloud === 'custom' ? { authorityUrl: authorityUrl ?? '', graphUrl: graphUrl ?? '' } : CLOUD_ROOTS[cloud]
}

/** The keys of the config file, without credentials. */
export function presentConnection(connection: {
  readonly tenantId: string
  readonly clientId: string
  readonly cloud: string
  readonly authorityUrl?: string | undefined
  readonly graphUrl?: string | undefined
  readonly signInWithMicrosoft: boolean
}): Record<string, unknown> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = connection
  const roots = cloud === 'custom' ? { authorityUrl, graphUrl } : {}
  return { tenantId, clientId, cloud, ...roots, signInWithMicrosoft }
}

const CREDENTIAL_KEY = { secret: 'clientSecret', certificate: 'certificate' } as const

interface CredentialDifference {
  readonly obsolete: readonly number[]
  readonly added: readonly (WantedCredential & { readonly fingerprint: Buffer })[]
  readonly changes: readonly FieldChange[]
}

/** A credential of another value replaces the one of its kind. */
function compareCredentials(kept: readonly CredentialOnFile[], put: PutConnection): CredentialDifference {
  const wanted = put.wanted.credentials.map((credential) => ({
    ...credential,
    fingerprint: put.vault.lookup('connection-credential', `${credential.kind}:${credential.value}`),
  }))
  const isWanted = (row: CredentialOnFile) =>
    wanted.some((w) => w.kind === row.kind && w.fingerprint.toString('hex') === row.fingerprint)
  const isKept = (w: { kind: string; fingerprint: Buffer }) =>
    kept.some((row) => row.kind === w.kind && row.fingerprint === w.fingerprint.toString('hex'))
  const isNamed = (kind: string) => wanted.some((w) => w.kind === kind)
  const obsolete = kept.filter((row) => !isWanted(row) && (put.keep === 'none' || isNamed(row.kind)))
  const added = wanted.filter((w) => !isKept(w))
  const changes: FieldChange[] = []
  for (const kind of ['secret', 'certificate'] as const) {
    const old = obsolete.find((row) => row.kind === kind)
    const next = added.find((w) => w.kind === kind)
    if (old === undefined && next === undefined) continue
    changes.push({
      at: CREDENTIAL_KEY[kind],
      old: old === undefined ? undefined : describeCredential(old),
      new: next === undefined ? undefined : describeCredential(next),
    })
  }
  return { obsolete: obsolete.map((row) => row.id), added, changes }
}

function describeCredential(credential: {
  readonly thumbprint: string | null
  readonly expiresAt: Date | null
}): string {
  if (credential.thumbprint === null) return '(sealed)'
  return `thumbprint ${credential.thumbprint}, expires ${credential.expiresAt?.toISOString().slice(0, 10)}`
}

async function writeConnection(
  db: Queries,
  { name, wanted, isCustom }: { name: string; wanted: WantedConnection; isCustom: boolean },
): Promise<number> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = wanted.settings
  const { rows } = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (name) do update set tenant_id = excluded.tenant_id, client_id = excluded.client_id,
       cloud = excluded.cloud, authority_url = excluded.authority_url, graph_url = excluded.graph_url,
       sign_in_with_microsoft = excluded.sign_in_with_microsoft, updated_at = now()
     returning id`,
    [name, tenantId, clientId, cloud, isCustom ? authorityUrl : null, isCustom ? graphUrl : null, signInWithMicrosoft],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an upsert returned no row')
  return row.id
}

async function writeCredentials(
  db: Queries,
  options: Pick<CredentialDifference, 'obsolete' | 'added'> & {
    readonly connectionId: number
    readonly vault: Pick<Vault, 'seal'>
  },
): Promise<void> {
  const { connectionId, vault, obsolete, added } = options
  await db.query('delete from connection_credentials where id = any ($1)', [obsolete])
  for (const { kind, value, fingerprint, thumbprint, expiresAt } of added) {
    await db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint, thumbprint, expires_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        connectionId,
        kind,
        vault.seal(value, credentialContext(connectionId, kind)),
        fingerprint,
        thumbprint,
        expiresAt,
      ],
    )
  }
}
