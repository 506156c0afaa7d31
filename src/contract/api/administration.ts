// Who may use this installation: other accounts and their sessions, API tokens, and the audit of what was changed.
import { z } from 'zod'
import { accountId, accountName, openSessions, password } from './access.ts'
import { endpoint, id, pageOf, paging, ROLES, SCOPES, time } from './endpoint.ts'

/** Somebody who may use the web or the API, as others see him. */
export const account = z.object({
  id,
  name: z.string(),
  role: z.enum(ROLES),
  enabled: z.boolean(),
  createdAt: time,
  lastSignInAt: time.nullable(),
  /** How many sessions are open. */
  sessions: z.int(),
  /** A code is asked for beside the password. */
  secondFactor: z.boolean(),
})
export type Account = z.infer<typeof account>

/** Somebody of the registry to whom Entra gave a role at the last sign-in. */
export const personWithRole = z.object({
  /** Of the user. */
  id,
  userName: z.string(),
  role: z.enum(ROLES),
  connection: z.string(),
  /** Mappings of the connection that give this role; which of several it was stands in the audit of the sign-in. */
  mappedBy: z.array(z.object({ kind: z.enum(['appRole', 'group']), value: z.string() })),
  signedInAt: time,
  /** False: deactivated since, or no more allowed to by source or connection. */
  maySignIn: z.boolean(),
  /** How many sessions are open. */
  sessions: z.int(),
})
export type PersonWithRole = z.infer<typeof personWithRole>

/** An API token as it is listed; the token itself is shown once, when it is made. */
export const apiToken = z.object({
  id,
  name: z.string(),
  /** Its first characters, to recognize it by. */
  prefix: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  createdBy: z.string(),
  /** What its maker may now, and it no more whatever its scopes say; null: it does nothing. */
  makerRole: z.enum(ROLES).nullable(),
  createdAt: time,
  expiresAt: time.nullable(),
  lastUsedAt: time.nullable(),
})
export type ApiToken = z.infer<typeof apiToken>

/** `person`: signed in with Microsoft; `terminal`: a device that identifies people. */
export const ACTOR_KINDS = ['account', 'person', 'token', 'terminal', 'command line', 'schedule', 'nobody'] as const

/** One change that somebody made, or an attempt that was refused. */
export const auditEntry = z.object({
  id,
  at: time,
  actor: z.object({
    kind: z.enum(ACTOR_KINDS),
    name: z.string(),
    address: z.string().nullable(),
  }),
  /** e.g. `run.approve`; refused attempts end in `.refused`. */
  action: z.string(),
  /** What it was done to, e.g. `source contoso-staff`. */
  subject: z.string().nullable(),
  /** What changed, without secrets, cards and PINs. */
  details: z.record(z.string(), z.unknown()),
})
export type AuditEntry = z.infer<typeof auditEntry>

const tag = 'Access'

export const ADMINISTRATION = {
  listAccounts: endpoint({
    method: 'GET',
    path: '/api/v1/administrators',
    tag,
    summary: 'Who may use this installation, and as what.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(account) }) },
    audit: null,
  }),
  listPeopleWithRoles: endpoint({
    method: 'GET',
    path: '/api/v1/people-with-roles',
    tag,
    summary: 'People to whom Entra gave a role when they signed in with Microsoft last.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(personWithRole) }) },
    audit: null,
  }),
  createAccount: endpoint({
    method: 'POST',
    path: '/api/v1/administrators',
    tag,
    summary: 'Makes a local account.',
    role: 'administrator',
    scope: null,
    body: z.object({ name: accountName, password, role: z.enum(ROLES) }),
    answer: { kind: 'json', status: 201, body: account },
    audit: 'account.create',
    needsProof: true,
  }),
  changeAccount: endpoint({
    method: 'PATCH',
    path: '/api/v1/administrators/:account',
    tag,
    summary:
      'Changes role, password or whether somebody may sign in; his sessions end. The last administrator stays one. One’s own password is changed by PUT /api/v1/session/password.',
    role: 'administrator',
    scope: null,
    params: accountId,
    body: z.strictObject({
      role: z.enum(ROLES).optional(),
      enabled: z.boolean().optional(),
      password: password.optional(),
      /** How it stood when it was read: refused with `changed-meanwhile` where that is otherwise by now. */
      seen: z.strictObject({ role: z.enum(ROLES), enabled: z.boolean() }).optional(),
    }),
    answer: { kind: 'json', status: 200, body: account },
    audit: 'account.change',
    needsProof: true,
  }),
  removeAccount: endpoint({
    method: 'DELETE',
    path: '/api/v1/administrators/:account',
    tag,
    summary: 'Removes a local account, and ends its sessions. The last administrator stays.',
    role: 'administrator',
    scope: null,
    params: accountId,
    answer: { kind: 'nothing' },
    audit: 'account.remove',
    needsProof: true,
  }),
  listAccountSessions: endpoint({
    method: 'GET',
    path: '/api/v1/administrators/:account/sessions',
    tag,
    summary: 'Open sessions of a local account.',
    role: 'administrator',
    scope: 'administer',
    params: accountId,
    answer: openSessions,
    audit: null,
  }),
  listUserSessions: endpoint({
    method: 'GET',
    path: '/api/v1/users/:user/sessions',
    tag,
    summary: 'Open sessions of somebody who signed in with Microsoft.',
    role: 'administrator',
    scope: 'administer',
    params: z.object({ user: id }),
    answer: openSessions,
    audit: null,
  }),
  listTokens: endpoint({
    method: 'GET',
    path: '/api/v1/tokens',
    tag,
    summary: 'The API tokens that were not revoked and have not ended.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(apiToken) }) },
    audit: null,
  }),
  createToken: endpoint({
    method: 'POST',
    path: '/api/v1/tokens',
    tag,
    summary: 'Makes an API token. It is shown in this answer and never again.',
    role: 'administrator',
    scope: null,
    body: z.strictObject({
      name: accountName,
      scopes: z.array(z.enum(SCOPES)).min(1, 'a token without a scope could do nothing'),
      /** Days until it ends; null: it does not end by itself. */
      days: z.int().min(1).max(3650).nullable(),
    }),
    answer: { kind: 'json', status: 201, body: apiToken.extend({ token: z.string() }) },
    audit: 'token.create',
    needsProof: true,
  }),
  revokeToken: endpoint({
    method: 'DELETE',
    path: '/api/v1/tokens/:token',
    tag,
    summary: 'Ends an API token at once.',
    role: 'administrator',
    scope: null,
    params: z.object({ token: id }),
    answer: { kind: 'nothing' },
    audit: 'token.revoke',
  }),
  listAudit: endpoint({
    method: 'GET',
    path: '/api/v1/audit',
    tag,
    summary: 'Who changed what and when, the newest first.',
    role: 'administrator',
    scope: 'administer',
    query: paging.extend({
      /** The beginning of an action, e.g. `run.`. */
      action: z.string().max(60).optional(),
      actor: z.string().max(200).optional(),
    }),
    answer: { kind: 'json', status: 200, body: pageOf(auditEntry) },
    audit: null,
  }),
  verifyAudit: endpoint({
    method: 'GET',
    path: '/api/v1/audit/verification',
    tag,
    summary: 'Whether every entry of the audit is as it was written, and none is missing.',
    role: 'administrator',
    scope: 'administer',
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({ isWhole: z.boolean(), entries: z.int(), brokenAt: id.nullable() }),
    },
    audit: null,
  }),
} as const
