// Connections: one Entra tenant and the app registration that Muster uses there, with its sealed credentials.
import { NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { CLOUD_ROOTS, type Cloud, type CloudRoots } from '../directory/clouds.ts'
import type { CredentialKind } from '../directory/credentials.ts'
import type { TenantId } from '../directory/ids.ts'
import type { Vault } from '../vault/keys.ts'

export interface Connection extends CloudRoots {
  readonly id: number
  readonly name: string
  readonly tenantId: TenantId
  readonly clientId: string
  readonly cloud: Cloud
  readonly signInWithMicrosoft: boolean
  /** Counts only together with `signInWithMicrosoft`. */
  readonly passwordsAtTerminals: boolean
  /** When somebody changed it last, or one of its credentials. */
  readonly updatedAt: Date
}

/** A credential as it is kept, without its value. */
export interface CredentialOnFile {
  readonly id: number
  readonly kind: CredentialKind
  /** `made`: key and certificate were made by Muster. */
  readonly origin: 'given' | 'made'
  /** Keyed digest of the value, lower-case hex: tells whether another one is the same. */
  readonly fingerprint: string
  /** SHA-1 of the certificate as the Entra admin centre shows it. */
  readonly thumbprint: string | null
  /** The file of a workload identity, the client id of a managed identity. */
  readonly detail: string | null
  readonly addedAt: Date
  readonly expiresAt: Date | null
  readonly expiryFrom: 'certificate' | 'entra' | 'entered' | null
  /** When Microsoft last took it, as far as noted: at most an hour behind. */
  readonly workedAt: Date | null
  /** Set where the latest try was refused, with what Microsoft said and what helps. */
  readonly refusedAt: Date | null
  readonly refusal: string | null
  readonly remedy: string | null
}

/** A credential opened for use. Never logged, printed or stored. */
export type OpenedCredential = {
  readonly id: number
  readonly addedAt: Date
  readonly expiresAt: Date | null
} & CredentialValue

/** What a credential is. The file of a workload identity and the client id of a managed one are no secrets; they are sealed all the same. */
type CredentialValue =
  | { readonly kind: 'secret'; readonly secret: string }
  | { readonly kind: 'certificate'; readonly pem: string }
  | { readonly kind: 'workloadIdentity'; readonly file: string }
  | { readonly kind: 'managedIdentity'; readonly clientId: string | undefined }

/** A row of `connections` as {@link CONNECTION_COLUMNS} select it. */
export interface ConnectionRow {
  readonly id: number
  readonly name: string
  readonly tenant_id: TenantId
  readonly client_id: string
  readonly cloud: Cloud
  readonly authority_url: string | null
  readonly graph_url: string | null
  readonly sign_in_with_microsoft: boolean
  readonly passwords_at_terminals: boolean
  readonly updated_at: Date
}

/** The columns of a {@link ConnectionRow}, for a query that calls the table `c`. */
export const CONNECTION_COLUMNS =
  'c.id, c.name, c.tenant_id, c.client_id, c.cloud, c.authority_url, c.graph_url, c.sign_in_with_microsoft, c.passwords_at_terminals, c.updated_at'

/** All connections by name. There are few: one for each tenant. */
export async function listConnections(db: Queries): Promise<readonly Connection[]> {
  const { rows } = await db.query<ConnectionRow>(`select ${CONNECTION_COLUMNS} from connections c order by c.name`)
  return rows.map(parseConnection)
}

/** @throws NotFoundError */
export async function requireConnection(db: Queries, name: string): Promise<Connection> {
  const { rows } = await db.query<ConnectionRow>(`select ${CONNECTION_COLUMNS} from connections c where c.name = $1`, [
    name,
  ])
  const [row] = rows
  if (row === undefined) {
    const names = (await listConnections(db)).map((connection) => connection.name)
    throw new NotFoundError('connection', name, hintOf(names, 'connections'))
  }
  return parseConnection(row)
}

/** @throws NotFoundError where it was removed meanwhile */
export async function requireConnectionById(db: Queries, id: number): Promise<Connection> {
  const { rows } = await db.query<ConnectionRow>(`select ${CONNECTION_COLUMNS} from connections c where c.id = $1`, [
    id,
  ])
  const [row] = rows
  if (row === undefined) throw new NotFoundError('connection', String(id))
  return parseConnection(row)
}

/** The credentials of a connection without their values, the newest first. */
export async function listCredentials(db: Queries, connectionId: number): Promise<readonly CredentialOnFile[]> {
  const { rows } = await db.query<CredentialOnFile>(
    `select id, kind, origin, encode(fingerprint, 'hex') as fingerprint, thumbprint, detail, created_at as "addedAt",
       expires_at as "expiresAt", expiry_from as "expiryFrom", worked_at as "workedAt", refused_at as "refusedAt",
       refusal, remedy
       from connection_credentials where connection_id = $1 order by id desc`,
    [connectionId],
  )
  return rows
}

/** A credential whose end is known and near. */
export interface ExpiringCredential {
  readonly id: number
  readonly connection: string
  readonly kind: CredentialKind
  readonly thumbprint: string | null
  readonly expiresAt: Date
}

/**
 * Credentials that end before `until`, but for those that another one of the same connection can stand in for: one that ends later,
 * or never, and that Microsoft took when it was last tried. One that was never tried has yet to be uploaded, for all that is known.
 */
export async function listExpiring(db: Queries, until: Date): Promise<readonly ExpiringCredential[]> {
  const { rows } = await db.query<ExpiringCredential>(
    `select x.id, c.name as connection, x.kind, x.thumbprint, x.expires_at as "expiresAt"
       from connection_credentials x join connections c on c.id = x.connection_id
      where x.expires_at <= $1
        and not exists (select from connection_credentials o where o.connection_id = x.connection_id and o.id <> x.id
          and o.worked_at is not null and o.refused_at is null
          and (o.expires_at > $1 or o.kind in ('workloadIdentity', 'managedIdentity')))
      order by c.name, x.id`,
    [until],
  )
  return rows
}

/** Opens the credentials of a connection for use, the newest first: the order in which they are to be tried. */
export async function openCredentials(
  db: Queries,
  options: { readonly connectionId: number; readonly vault: Pick<Vault, 'open'> },
): Promise<readonly OpenedCredential[]> {
  const { connectionId, vault } = options
  const { rows } = await db.query<{
    id: number
    kind: CredentialKind
    sealed: Buffer
    addedAt: Date
    expiresAt: Date | null
  }>(
    `select id, kind, sealed, created_at as "addedAt", expires_at as "expiresAt"
       from connection_credentials where connection_id = $1 order by id desc`,
    [connectionId],
  )
  return rows.map(({ sealed, kind, ...facts }) => ({
    ...facts,
    ...credentialOf(kind, vault.open(sealed, credentialContext(connectionId, kind))),
  }))
}

/** A credential of the value that is kept for it. */
export function credentialOf(kind: CredentialKind, value: string): CredentialValue {
  switch (kind) {
    case 'secret':
      return { kind, secret: value }
    case 'certificate':
      return { kind, pem: value }
    case 'workloadIdentity':
      return { kind, file: value }
    case 'managedIdentity':
      return { kind, clientId: value === '' ? undefined : value }
  }
}

/** What a credential is sealed for, so that a row copied to another connection cannot be opened. */
export function credentialContext(connectionId: number, kind: CredentialKind): string {
  return `connection:${connectionId}:${kind}`
}

/** A row as selected with {@link CONNECTION_COLUMNS}; resolves the roots of its cloud. */
export function parseConnection(row: ConnectionRow): Connection {
  const roots = row.cloud === 'custom' ? customRoots(row) : CLOUD_ROOTS[row.cloud]
  return {
    id: row.id,
    name: row.name,
    tenantId: row.tenant_id,
    clientId: row.client_id,
    cloud: row.cloud,
    authorityUrl: roots.authorityUrl,
    graphUrl: roots.graphUrl,
    signInWithMicrosoft: row.sign_in_with_microsoft,
    passwordsAtTerminals: row.passwords_at_terminals,
    updatedAt: row.updated_at,
  }
}

/** "; there are a, b" for people who mistyped a name. */
export function hintOf(names: readonly string[], kind: string): string {
  return names.length === 0
    ? `there are no ${kind} yet; make them with: muster apply -f muster.yaml`
    : `there is ${names
        .slice(0, 20)
        .map((n) => JSON.stringify(n))
        .join(', ')}`
}

function customRoots(row: ConnectionRow): CloudRoots {
  // The table's check constraint promises both for a custom cloud.
  return { authorityUrl: row.authority_url ?? '', graphUrl: row.graph_url ?? '' }
}
