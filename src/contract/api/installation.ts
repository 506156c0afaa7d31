// The installation as a whole over the API: overview, issues, exports, the config file, settings.
import { z } from 'zod'
import { configurationChange } from '../configuration.ts'
import { MAX_CREDENTIALS } from '../credentials.ts'
import { CSV_DIALECTS, EXPORT_FORMATS, EXPORT_KINDS } from '../exports.ts'
import { undeliveredLine } from '../health.ts'
import { keysReport } from '../keys.ts'
import { runLine } from '../run-list.ts'
import { ISSUE_CODES, runDocument } from '../runs.ts'
import { endpoint, id, name, pageOf, paging, time } from './endpoint.ts'
import { sourceLine } from './sources.ts'

export const issueLine = z.object({
  id,
  source: z.string(),
  run: z.string().nullable(),
  code: z.enum(ISSUE_CODES),
  objectId: z.string().nullable(),
  message: z.string(),
  remedy: z.string(),
  openedAt: time,
  seenAt: time,
  tries: z.int(),
  nextTryAt: time.nullable(),
})
export type IssueLine = z.infer<typeof issueLine>

/** Something that should be looked at, the worst first; what is for administrators alone they alone are told. None: all is well. */
const concern = z.object({
  /** `info`: nothing is wrong, but not everything is in step with Entra. */
  level: z.enum(['error', 'warning', 'info']),
  code: z.string(),
  message: z.string(),
  remedy: z.string(),
  /** A path of the web where it is dealt with; null: not by whoever asked. */
  at: z.string().nullable(),
})

export const overview = z.object({
  concerns: z.array(concern),
  users: z.object({ active: z.int(), deactivated: z.int(), local: z.int() }),
  groups: z.int(),
  issues: z.int(),
  sources: z.array(sourceLine),
  /** Held runs that wait for approval. */
  waiting: z.array(runLine),
  /** Runs that changed something, the newest first, at most 10. */
  lastChanges: z.array(runLine),
  /** Credentials that end within 60 days, the soonest first. */
  expiring: z.array(z.object({ connection: z.string(), kind: z.string(), expiresAt: time, days: z.int() })),
  /** Active people at the end of each day of the last 90 that Muster has been here, oldest first. */
  people: z.array(z.object({ day: z.iso.date(), active: z.int() })),
  undelivered: z.array(undeliveredLine),
})
export type Overview = z.infer<typeof overview>

const settingView = z.object({
  name: z.string(),
  env: z.string(),
  description: z.string(),
  /** Secrets as `set` or `not set`. */
  value: z.string(),
  isDefault: z.boolean(),
})

const oneOrMore = z.union([z.string(), z.array(z.string()).max(MAX_CREDENTIALS)]).optional()

/** Secrets of a connection as the command line has read them where the file says, in its order; certificates as PEM with key. */
const secretsOfConnection = z.strictObject({ secret: oneOrMore, certificate: oneOrMore })

const tag = 'Installation'

export const INSTALLATION = {
  getOverview: endpoint({
    method: 'GET',
    path: '/api/v1/overview',
    tag,
    summary: 'Whether all is well: sources, people over time, what waits, what changed, what expires.',
    role: 'viewer',
    scope: 'read',
    answer: { kind: 'json', status: 200, body: overview },
    audit: null,
  }),
  listIssues: endpoint({
    method: 'GET',
    path: '/api/v1/issues',
    tag,
    summary: 'Open issues with their remedies, oldest first.',
    role: 'viewer',
    scope: 'read',
    query: paging.extend({ source: name.optional(), code: z.enum(ISSUE_CODES).optional() }),
    answer: {
      kind: 'json',
      status: 200,
      body: pageOf(issueLine).extend({
        /** How many there are in all; null on the pages after the first. */
        total: z.int().nullable(),
      }),
    },
    audit: null,
  }),
  exportRegistry: endpoint({
    method: 'GET',
    path: '/api/v1/exports/:kind',
    tag,
    summary: 'Users, groups or memberships as CSV, JSON or NDJSON. Users carry their cards, never PINs.',
    role: 'operator',
    scope: 'export',
    params: z.object({ kind: z.enum(EXPORT_KINDS) }),
    query: z.object({
      format: z.enum(EXPORT_FORMATS).default('ndjson'),
      csvDialect: z.enum(CSV_DIALECTS).default('muster'),
    }),
    answer: { kind: 'file', types: ['text/csv', 'application/json', 'application/x-ndjson'] },
    audit: 'registry.export',
    needsProof: true,
  }),
  getBackup: endpoint({
    method: 'GET',
    path: '/api/v1/backup',
    tag,
    summary:
      'A backup of everything at one moment, to be restored with `muster restore`. The key file is not in it. Names and mail addresses are readable in it.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'file', types: ['application/octet-stream'] },
    audit: 'backup.create',
    needsProof: true,
  }),
  takeOver: endpoint({
    method: 'POST',
    path: '/api/v1/take-over',
    tag,
    summary:
      'Says that the original of this restored or copied installation is stopped: this one synchronizes and alerts from now on. Nothing happens where it is no copy.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: z.object({ wasCopy: z.boolean() }) },
    audit: 'installation.take-over',
  }),
  applyConfiguration: endpoint({
    method: 'POST',
    path: '/api/v1/configuration',
    tag,
    summary:
      'Applies a config file: creates and changes to match. With `dryRun` it says what would change, and what plans would come of it.',
    role: 'administrator',
    scope: 'configure',
    body: z.strictObject({
      /** The file, parsed. */
      file: z.record(z.string(), z.unknown()),
      /** By connection: what the file names by `env` or `file`, read where the command runs. */
      secrets: z.record(z.string(), secretsOfConnection).default({}),
      prune: z.boolean().default(false),
      dryRun: z.boolean().default(false),
      /** Dry run: also makes the plans. */
      plans: z.boolean().default(true),
    }),
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({
        changes: z.array(configurationChange),
        /** Dry run: the plan of each source that the file changes. */
        plans: z.array(
          z.object({
            source: z.string(),
            isUnread: z.boolean(),
            document: runDocument,
            unreadAttributes: z.array(z.string()),
          }),
        ),
        warnings: z.array(z.object({ at: z.string(), message: z.string() })),
      }),
    },
    audit: 'configuration.apply',
    isIdempotent: true,
    needsProof: 'unless-dry-run',
  }),
  getConfiguration: endpoint({
    method: 'GET',
    path: '/api/v1/configuration',
    tag,
    summary: 'Connections and sources as a config file, secrets left out.',
    role: 'administrator',
    scope: 'configure',
    answer: { kind: 'json', status: 200, body: z.object({ file: z.record(z.string(), z.unknown()) }) },
    audit: null,
  }),
  getKeys: endpoint({
    method: 'GET',
    path: '/api/v1/keys',
    tag,
    summary:
      'The versions of the key, and how much is sealed under each. They are rotated where the key file lies: `muster keys rotate`.',
    role: 'administrator',
    scope: 'administer',
    answer: { kind: 'json', status: 200, body: keysReport },
    audit: null,
  }),
  getSettings: endpoint({
    method: 'GET',
    path: '/api/v1/settings',
    tag,
    summary: 'The settings that this server was started with; they are changed where it is started.',
    role: 'administrator',
    scope: 'administer',
    answer: {
      kind: 'json',
      status: 200,
      body: z.object({
        version: z.string(),
        database: z.string(),
        keyVersion: z.int(),
        startedAt: time,
        settings: z.array(settingView),
        undelivered: z.array(undeliveredLine),
      }),
    },
    audit: null,
  }),
} as const
