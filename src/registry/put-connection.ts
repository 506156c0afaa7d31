// Makes a connection as it is wanted, and tells what that changes. Writing the same again writes nothing.
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { ConfigurationChange, FieldChange } from '../contract/configuration.ts'
import type { PlainConnection } from '../contract/connection-settings.ts'
import type { Queries } from '../database/connect.ts'
import { CLOUD_ROOTS, type CloudRoots } from '../directory/clouds.ts'
import { CREDENTIAL_KINDS, type CredentialKind } from '../directory/credentials.ts'
import type { Vault } from '../vault/keys.ts'
import type { ClientCertificate } from './certificates.ts'
import { type Connection, type CredentialOnFile, credentialContext, listCredentials } from './connections.ts'
import { differences } from './differences.ts'
import { readSoon } from './expiry-readings.ts'
import { makeCertificate } from './make-certificate.ts'
import { later } from './meanwhile.ts'

/** A credential to keep for a connection. */
export interface WantedCredential {
  readonly kind: CredentialKind
  /** The secret, PEM of certificate and key, the path of the file, the client id or nothing. */
  readonly value: string
  readonly thumbprint: string | null
  readonly expiresAt: Date | null
}

export interface WantedConnection {
  readonly settings: PlainConnection
  readonly credentials: readonly WantedCredential[]
  /** A certificate that Muster makes, where there is none of its own making. */
  readonly makesCertificate?: boolean
}

export interface PutConnection {
  readonly vault: Pick<Vault, 'seal' | 'lookup'>
  readonly clock: Clock
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
    const tenants = [current?.tenantId, wanted.settings.tenantId]
    if (current !== undefined && tenants[0] !== tenants[1]) await markTenants(db, tenants)
    await db.query('delete from connection_credentials where id = any ($1)', [credentials.obsolete])
    for (const { row, expiresAt } of credentials.redated) await redate(db, { id: row.id, expiresAt, from: 'entered' })
    // The one that is named first is tried first: they are tried from the newest on.
    for (const credential of credentials.added.toReversed())
      await insertCredential(db, { connectionId: id, ...put, credential })
    if (credentials.makes) {
      const made = await makeCertificate({ name, now: put.clock.now() })
      await insertCredential(db, { connectionId: id, ...put, credential: certificateCredential(made), origin: 'made' })
    }
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
  readonly passwordsAtTerminals: boolean
}): Record<string, unknown> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, passwordsAtTerminals } = connection
  const roots = cloud === 'custom' ? { authorityUrl, graphUrl } : {}
  return { tenantId, clientId, cloud, ...roots, signInWithMicrosoft, passwordsAtTerminals }
}

/** The keys of the config file. */
const CREDENTIAL_KEY = {
  secret: 'clientSecret',
  certificate: 'certificate',
  workloadIdentity: 'workloadIdentity',
  managedIdentity: 'managedIdentity',
} as const satisfies Record<CredentialKind, string>

interface CredentialDifference {
  readonly obsolete: readonly number[]
  readonly added: readonly WantedCredential[]
  /** A certificate is to be made. */
  readonly makes: boolean
  /** Secrets that stay and whose end is told anew. */
  readonly redated: readonly { readonly row: CredentialOnFile; readonly expiresAt: Date }[]
  readonly changes: readonly FieldChange[]
}

/** Credentials of other values replace those of their kind. One that Muster has made stays where one is wanted. */
function compareCredentials(kept: readonly CredentialOnFile[], put: PutConnection): CredentialDifference {
  const { makesCertificate = false } = put.wanted
  const wanted = put.wanted.credentials.map((credential) => ({
    ...credential,
    fingerprint: fingerprintOf(put.vault, credential).toString('hex'),
  }))
  const isMade = (row: CredentialOnFile) => row.kind === 'certificate' && row.origin === 'made'
  const isWanted = (row: CredentialOnFile) =>
    (makesCertificate && isMade(row)) || wanted.some((w) => w.kind === row.kind && w.fingerprint === row.fingerprint)
  const isKept = (w: { kind: string; fingerprint: string }) =>
    kept.some((row) => row.kind === w.kind && row.fingerprint === w.fingerprint)
  const isNamed = (kind: string) => wanted.some((w) => w.kind === kind)
  const obsolete = kept.filter((row) => !isWanted(row) && (put.keep === 'none' || isNamed(row.kind)))
  const added = wanted.filter((w) => !isKept(w))
  const makes = makesCertificate && !kept.some(isMade)
  // What Entra itself has said of the end is not overwritten.
  const redated = wanted.flatMap(({ kind, fingerprint, expiresAt }) => {
    const row = kept.find((one) => one.kind === kind && one.fingerprint === fingerprint && one.expiryFrom !== 'entra')
    const isOther = expiresAt !== null && expiresAt.getTime() !== row?.expiresAt?.getTime()
    return row === undefined || !isOther || kind !== 'secret' ? [] : [{ row, expiresAt }]
  })
  const changes: FieldChange[] = redated.map(({ row, expiresAt }) => ({
    at: CREDENTIAL_KEY.secret,
    old: describeCredential(row),
    new: describeCredential({ ...row, expiresAt }),
  }))
  for (const kind of CREDENTIAL_KINDS) {
    const old = obsolete.filter((row) => row.kind === kind).map(describeCredential)
    const next = added.filter((w) => w.kind === kind).map(describeCredential)
    if (makes && kind === 'certificate') next.push('(made by Muster)')
    if (old.length + next.length === 0) continue
    changes.push({ at: CREDENTIAL_KEY[kind], old: joined(old), new: joined(next) })
  }
  return { obsolete: obsolete.map((row) => row.id), added, makes, redated, changes }
}

function joined(texts: readonly string[]): string | undefined {
  return texts.length === 0 ? undefined : texts.join('; ')
}

/** What may be told of a credential; never its value, where that is a secret. */
export function describeCredential(credential: WantedCredential | CredentialOnFile): string {
  const { kind, thumbprint, expiresAt } = credential
  const day = expiresAt?.toISOString().slice(0, 10)
  if (kind === 'certificate') return `thumbprint ${thumbprint}, expires ${day}`
  if (kind === 'secret') return day === undefined ? '(sealed)' : `(sealed), expires ${day}`
  const detail = ('detail' in credential ? credential.detail : credential.value) ?? ''
  return detail === '' ? '(of this machine)' : detail
}

/** Tells whether two credentials are the same, without telling what they are. */
function fingerprintOf(vault: Pick<Vault, 'lookup'>, { kind, value }: WantedCredential): Buffer {
  return vault.lookup('connection-credential', `${kind}:${value}`)
}

/** @returns the id of the row */
export async function insertCredential(
  db: Queries,
  options: {
    readonly connectionId: number
    readonly vault: Pick<Vault, 'seal' | 'lookup'>
    readonly credential: WantedCredential
    readonly origin?: 'made'
  },
): Promise<number> {
  const { connectionId, vault, credential, origin = 'given' } = options
  const { kind, value, thumbprint, expiresAt } = credential
  const isOpen = kind === 'workloadIdentity' || kind === 'managedIdentity'
  const { rows } = await db.query<{ id: number }>(
    `insert into connection_credentials
       (connection_id, kind, origin, sealed, fingerprint, thumbprint, detail, expires_at, expiry_from)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    [
      connectionId,
      kind,
      origin,
      vault.seal(value, credentialContext(connectionId, kind)),
      fingerprintOf(vault, credential),
      thumbprint,
      isOpen && value !== '' ? value : null,
      expiresAt,
      expiresAt === null ? null : kind === 'certificate' ? 'certificate' : 'entered',
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an insert returned no row')
  if (kind === 'secret') await readSoon(db, connectionId)
  return row.id
}

/** Keeps when a credential ends, and who says so. */
export async function redate(
  db: Queries,
  { id, expiresAt, from }: { readonly id: number; readonly expiresAt: Date | null; readonly from: 'entra' | 'entered' },
): Promise<void> {
  const origin = expiresAt === null ? null : from
  await db.query('update connection_credentials set expires_at = $2, expiry_from = $3 where id = $1', [
    id,
    expiresAt,
    origin,
  ])
}

/** A certificate with its key, as a credential. */
export function certificateCredential({ pem, thumbprint, expiresAt }: ClientCertificate): WantedCredential {
  return { kind: 'certificate', value: pem, thumbprint, expiresAt }
}

/** Its sources leave one tenant and come to another: those that are there plan everybody anew, for somebody may be theirs now. */
async function markTenants(db: Queries, tenantIds: readonly unknown[]): Promise<void> {
  await db.query(
    `update sources s set marked_all = true, marked_all_at = s.fence from connections c
     where c.id = s.connection_id and c.tenant_id = any ($1::uuid[])`,
    [tenantIds],
  )
}

async function writeConnection(
  db: Queries,
  { name, wanted, isCustom }: { name: string; wanted: WantedConnection; isCustom: boolean },
): Promise<number> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, passwordsAtTerminals } =
    wanted.settings
  const { rows } = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft,
       passwords_at_terminals)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (name) do update set tenant_id = excluded.tenant_id, client_id = excluded.client_id,
       cloud = excluded.cloud, authority_url = excluded.authority_url, graph_url = excluded.graph_url,
       sign_in_with_microsoft = excluded.sign_in_with_microsoft,
       passwords_at_terminals = excluded.passwords_at_terminals, updated_at = ${later('connections')}
     returning id`,
    [
      name,
      tenantId,
      clientId,
      cloud,
      isCustom ? authorityUrl : null,
      isCustom ? graphUrl : null,
      signInWithMicrosoft,
      passwordsAtTerminals,
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an upsert returned no row')
  return row.id
}
