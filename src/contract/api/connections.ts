// Connections over the API: what is kept, what is asked of Microsoft through one.
import { z } from 'zod'
import { CLOUDS } from '../../directory/clouds.ts'
import { endpoint, name, time } from './endpoint.ts'

const credential = z.object({
  id: z.string(),
  kind: z.enum(['secret', 'certificate']),
  /** Certificates: SHA-1, as the Entra admin centre shows it. */
  thumbprint: z.string().nullable(),
  expiresAt: time.nullable(),
})

/** A connection as it is shown. Secrets are not. */
export const connectionView = z.object({
  name: z.string(),
  tenantId: z.string(),
  clientId: z.string(),
  cloud: z.enum(CLOUDS),
  authorityUrl: z.string().nullable(),
  graphUrl: z.string().nullable(),
  signInWithMicrosoft: z.boolean(),
  credentials: z.array(credential),
  /** Names of the sources that it feeds. */
  sources: z.array(z.string()),
})
export type ConnectionView = z.infer<typeof connectionView>

/**
 * A connection as the form sends it. Credentials that are left out stay as they are; a new one replaces the one of its kind.
 * Everything else is checked like the config file, with all mistakes at once.
 */
export const connectionForm = z.strictObject({
  name,
  tenantId: z.string(),
  clientId: z.string(),
  clientSecret: z.string().min(1).max(2000).optional(),
  /** PEM of certificate and key. */
  certificate: z.string().min(1).max(100_000).optional(),
  cloud: z.enum(CLOUDS).default('global'),
  authorityUrl: z.string().optional(),
  graphUrl: z.string().optional(),
  signInWithMicrosoft: z.boolean().default(false),
})
export type ConnectionForm = z.input<typeof connectionForm>

/** One answer of *Check connection*; `remedy` is empty when there is nothing to do. */
export const finding = z.object({ check: z.string(), ok: z.boolean(), message: z.string(), remedy: z.string() })
export type CheckFinding = z.infer<typeof finding>
const findings = z.object({ connection: z.string(), ok: z.boolean(), findings: z.array(finding) })

const directoryObject = z.object({
  objectId: z.string(),
  name: z.string(),
  /** Users: the user principal name; groups: the type. */
  detail: z.string(),
})
export type DirectoryObject = z.infer<typeof directoryObject>

const tag = 'Connections'
const one = z.object({ connection: name })

export const CONNECTIONS = {
  listConnections: endpoint({
    method: 'GET',
    path: '/api/v1/connections',
    tag,
    summary: 'All connections, by name.',
    role: 'viewer',
    scope: 'read',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(connectionView) }) },
    audit: null,
  }),
  getConnection: endpoint({
    method: 'GET',
    path: '/api/v1/connections/:connection',
    tag,
    summary: 'One connection.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'json', status: 200, body: connectionView },
    audit: null,
  }),
  createConnection: endpoint({
    method: 'POST',
    path: '/api/v1/connections',
    tag,
    summary: 'Makes a connection; its secrets are sealed and never shown again.',
    role: 'administrator',
    scope: 'configure',
    body: connectionForm,
    answer: { kind: 'json', status: 201, body: connectionView },
    audit: 'connection.create',
    isIdempotent: true,
  }),
  changeConnection: endpoint({
    method: 'PUT',
    path: '/api/v1/connections/:connection',
    tag,
    summary: 'Changes a connection. Credentials that are left out stay.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    body: connectionForm.omit({ name: true }),
    answer: { kind: 'json', status: 200, body: connectionView },
    audit: 'connection.change',
  }),
  removeConnection: endpoint({
    method: 'DELETE',
    path: '/api/v1/connections/:connection',
    tag,
    summary: 'Removes a connection that feeds no source.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    answer: { kind: 'nothing' },
    audit: 'connection.remove',
  }),
  checkConnection: endpoint({
    method: 'POST',
    path: '/api/v1/connections/:connection/check',
    tag,
    summary: 'Check connection: what works, what does not, and what to do about it.',
    role: 'operator',
    scope: 'runs',
    params: one,
    answer: { kind: 'json', status: 200, body: findings },
    audit: 'connection.check',
  }),
  checkConnectionForm: endpoint({
    method: 'POST',
    path: '/api/v1/connection-check',
    tag,
    summary:
      'Check connection before it is saved. With the name of one that exists, credentials left out are those on file.',
    role: 'administrator',
    scope: 'configure',
    body: connectionForm,
    answer: { kind: 'json', status: 200, body: findings },
    audit: 'connection.check',
  }),
  searchDirectory: endpoint({
    method: 'GET',
    path: '/api/v1/connections/:connection/directory/:kind',
    tag,
    summary: 'Searches users or groups of Entra, live, by the beginning of their names; at most 25.',
    role: 'operator',
    scope: 'configure',
    params: one.extend({ kind: z.enum(['users', 'groups']) }),
    query: z.object({ search: z.string().max(120).default('') }),
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(directoryObject) }) },
    audit: null,
  }),
  getDirectoryGroups: endpoint({
    method: 'POST',
    path: '/api/v1/connections/:connection/directory-groups',
    tag,
    summary: 'The names of groups whose object ids are known; those that Entra does not have are left out.',
    role: 'viewer',
    scope: 'read',
    params: one,
    body: z.object({ objectIds: z.array(z.string()).max(200) }),
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(directoryObject) }) },
    audit: null,
  }),
} as const
