// Sources over the API: settings, what other settings would do, what a mapping gives for real users.
import { z } from 'zod'
import { fieldChange } from '../configuration.ts'
import { HEALTH_STATES } from '../health.ts'
import { runDocument } from '../runs.ts'
import { planItemLine } from '../plan-items.ts'
import { runLine } from '../run-list.ts'
import { ACTOR_KINDS } from './administration.ts'
import { endpoint, id, name, time } from './endpoint.ts'

/** One line of Settings › User Synchronization. */
export const sourceLine = z.object({
  name: z.string(),
  connection: z.string(),
  enabled: z.boolean(),
  priority: z.int(),
  /** Active people that it owns. */
  people: z.int(),
  health: z.object({
    state: z.enum(HEALTH_STATES),
    since: time.nullable(),
    failures: z.int(),
    code: z.string().nullable(),
    reason: z.string().nullable(),
    remedy: z.string().nullable(),
    nextTryAt: time.nullable(),
    lastSuccessAt: time.nullable(),
  }),
  /** The run that goes on now. */
  running: runLine.nullable(),
  lastRun: runLine.nullable(),
  /** The held run that waits for approval. */
  waiting: runLine.nullable(),
  /** When the schedule runs it next, and how; null where it has no schedule, is disabled or awaits its first run. */
  next: z.object({ at: time, mode: z.enum(['full', 'delta']) }).nullable(),
  /** True: enabled, but nobody has synchronized it yet. Its schedule begins after the first run that somebody asks for, however that ends. */
  awaitsFirstRun: z.boolean(),
})
export type SourceLine = z.infer<typeof sourceLine>

/** Something that an administrator should know before he saves; nothing that keeps him from it. */
const warning = z.object({ at: z.string(), message: z.string() })

/**
 * Settings as the config file writes them; short forms are accepted, answers have every key. Checked by the schema of the
 * config file, so that mistakes are told alike everywhere.
 */
const settings = z.record(z.string(), z.unknown())

export const sourceView = sourceLine.extend({
  settings,
  warnings: z.array(warning),
  createdAt: time,
  updatedAt: time,
})
export type SourceView = z.infer<typeof sourceView>

/** Settings as somebody saved them. */
const savedSettings = z.object({
  /** From 1 for each source; given out once. */
  number: z.int(),
  savedAt: time,
  /** Null: saved before this was kept. */
  savedBy: z.object({ kind: z.enum(ACTOR_KINDS), name: z.string() }).nullable(),
  /** What they changed, by the keys of the config file; of the oldest that are kept nothing. */
  changes: z.array(fieldChange),
  /** True: these hold now. */
  isCurrent: z.boolean(),
})
export type SavedSettings = z.infer<typeof savedSettings>

const keptSettings = savedSettings.pick({ number: true, savedAt: true, savedBy: true }).extend({
  settings,
  /** When the source was changed last: sent with these to be saved again, it refuses where somebody changes it meanwhile. */
  updatedAt: time,
  /** What would change if they were saved again: `old` as it is now, `new` as it was then. */
  differences: z.array(fieldChange),
})
export type KeptSettingsView = z.infer<typeof keptSettings>

/** So many items an impact shows at most. */
export const IMPACT_ITEMS = 1_000

/** What other settings would do. */
export const impact = z.object({
  /** True: nothing was read yet, so nothing can be said before the first run. */
  isUnread: z.boolean(),
  /** Outcome `planned` or `no-change`, what would hold it in `held`. */
  document: runDocument,
  /** The first items. */
  items: z.array(planItemLine),
  /** Attributes that the next run reads first; fields fed by them are left as they are in this plan. */
  unreadAttributes: z.array(z.string()),
  warnings: z.array(warning),
})
export type Impact = z.infer<typeof impact>

const mapped = z.object({
  objectId: z.string(),
  userPrincipalName: z.string().nullable(),
  displayName: z.string().nullable(),
  /** What becomes of him: wanted, or why not. */
  verdict: z.enum(['wanted', 'disabled', 'out-of-scope']),
  rule: z.string().nullable(),
  /** By the target's name in the config file; cards by their last digits, PINs as `••••`. */
  values: z.record(z.string(), z.union([z.string(), z.array(z.string()), z.null()])),
  /** Targets whose value could not be made, and why. */
  problems: z.array(z.object({ target: z.string(), message: z.string() })),
})
export type MappedUser = z.infer<typeof mapped>

const attributeChoice = z.object({
  /** As Graph names it. */
  name: z.string(),
  label: z.string(),
  /** True: several values. */
  isList: z.boolean(),
})

const tag = 'Sources'
const one = z.object({ source: name })
const oneSaved = one.extend({ number: id })

export const SOURCES = {
  listSources: endpoint({
    method: 'GET',
    path: '/api/v1/sources',
    tag,
    summary: 'All sources with their state, by name.',
    role: 'viewer',
    scope: 'read',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(sourceLine) }) },
    audit: null,
  }),
  getSource: endpoint({
    method: 'GET',
    path: '/api/v1/sources/:source',
    tag,
    summary: 'One source with its settings.',
    role: 'viewer',
    scope: 'read',
    params: one,
    answer: { kind: 'json', status: 200, body: sourceView },
    audit: null,
  }),
  createSource: endpoint({
    method: 'POST',
    path: '/api/v1/sources',
    tag,
    summary: 'Makes a source. What is left out gets its default.',
    role: 'administrator',
    scope: 'configure',
    needsProof: 'where-sign-in-changes',
    body: z.strictObject({ name, settings }),
    answer: { kind: 'json', status: 201, body: sourceView },
    audit: 'source.create',
    isIdempotent: true,
  }),
  changeSource: endpoint({
    method: 'PUT',
    path: '/api/v1/sources/:source',
    tag,
    summary:
      'Gives a source other settings, all of them: what is left out gets its default. With another name it is renamed.',
    role: 'administrator',
    scope: 'configure',
    needsProof: 'where-sign-in-changes',
    params: one,
    body: z.strictObject({
      name: name.optional(),
      settings,
      /** As it was told with the settings that these are made from: refused with `changed-meanwhile` where they are others by now. */
      updatedAt: time.optional(),
    }),
    answer: { kind: 'json', status: 200, body: sourceView },
    audit: 'source.change',
  }),
  listSourceSettings: endpoint({
    method: 'GET',
    path: '/api/v1/sources/:source/settings',
    tag,
    summary:
      'The settings of a source as they were saved, the newest first, with who saved what. The last 50 are kept.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(savedSettings) }) },
    audit: null,
  }),
  getSourceSettings: endpoint({
    method: 'GET',
    path: '/api/v1/sources/:source/settings/:number',
    tag,
    summary: 'Settings of a source as they were once, and how they differ from those of now.',
    role: 'administrator',
    scope: 'configure',
    params: oneSaved,
    answer: { kind: 'json', status: 200, body: keptSettings },
    audit: null,
  }),
  restoreSourceSettings: endpoint({
    method: 'POST',
    path: '/api/v1/sources/:source/settings/:number/restore',
    tag,
    summary:
      'Gives a source settings that it had once, checked like any others. Its name stays. What that would do the impact of those settings tells.',
    role: 'administrator',
    scope: 'configure',
    needsProof: 'where-sign-in-changes',
    params: oneSaved,
    body: z.strictObject({
      /** As for changing a source. */
      updatedAt: time.optional(),
    }),
    answer: { kind: 'json', status: 200, body: sourceView },
    audit: 'source.change',
  }),
  removeSource: endpoint({
    method: 'DELETE',
    path: '/api/v1/sources/:source',
    tag,
    summary: 'Removes a source. Its people, groups and memberships stay as they are, detached.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    answer: { kind: 'nothing' },
    audit: 'source.remove',
  }),
  getImpact: endpoint({
    method: 'POST',
    path: '/api/v1/sources/:source/impact',
    tag,
    summary:
      'The plan that other settings would make, from what was read before; Microsoft is asked for nothing but whether it knows attributes of theirs, nothing is kept.',
    role: 'administrator',
    scope: 'configure',
    params: one,
    body: z.strictObject({
      settings,
      /** Another name: of sources with one priority the name decides who owns somebody. */
      name: name.optional(),
    }),
    answer: { kind: 'json', status: 200, body: impact },
    audit: null,
  }),
  checkSettings: endpoint({
    method: 'POST',
    path: '/api/v1/source-check',
    tag,
    summary: 'Settings with every default filled in, and the warnings about them; mistakes are answered as a problem.',
    role: 'administrator',
    scope: 'configure',
    body: z.strictObject({ settings }),
    answer: { kind: 'json', status: 200, body: z.object({ settings, warnings: z.array(warning) }) },
    audit: null,
  }),
  mapUsers: endpoint({
    method: 'POST',
    path: '/api/v1/mapping-preview',
    tag,
    summary:
      'What settings would make of real users: those named, else three. From the mirror of `source`, else live from Entra.',
    role: 'administrator',
    scope: 'configure',
    body: z.strictObject({
      source: name.optional(),
      settings,
      /** Object ids or user principal names. */
      users: z.array(z.string().max(200)).max(10).default([]),
    }),
    answer: { kind: 'json', status: 200, body: z.object({ users: z.array(mapped) }) },
    audit: null,
  }),
  listAttributes: endpoint({
    method: 'GET',
    path: '/api/v1/attributes',
    tag,
    summary: 'Attributes of Entra users to pick from; others can be typed.',
    role: 'viewer',
    scope: 'read',
    answer: { kind: 'json', status: 200, body: z.object({ items: z.array(attributeChoice) }) },
    audit: null,
  }),
} as const
