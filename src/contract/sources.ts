// A source's settings: the shape of the config file, the API and the stored settings. Defaults are filled in by
// parsing, so that a parsed value has every key.
import { z } from 'zod'
import { splitPath } from '../directory/group.ts'
import { parseObjectId } from '../directory/ids.ts'
import { attributeMistake } from './attribute.ts'
import { parseExpression } from './expression.ts'
import { FILTER_PRESET_NAMES, FILTER_PRESETS } from './filter-presets.ts'
import { filter } from './filter.ts'
import { parseGroupTemplate } from './group-template.ts'
import { parseTemplate } from './template.ts'
import { parseTransform } from './transform.ts'

const attribute = z.string().superRefine((name, context) => {
  const problem = attributeMistake(name)
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem })
})

const objectId = z.string().transform((text, context) => {
  const id = parseObjectId(text)
  if (id === undefined) {
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(text)} is not an object id (a UUID); names are not accepted because they change`,
    })
    return z.NEVER
  }
  return id
})

const template = z.string().superRefine((value, context) => {
  const parsed = parseTemplate(value)
  if (parsed.kind === 'refused')
    context.addIssue({ code: 'custom', message: `${parsed.problem} (at character ${parsed.at + 1})` })
})

const groupTemplate = z.string().superRefine((value, context) => {
  const parsed = parseGroupTemplate(value)
  if (parsed.kind === 'refused')
    context.addIssue({ code: 'custom', message: `${parsed.problem} (at character ${parsed.at + 1})` })
})

const transform = z.string().superRefine((value, context) => {
  const parsed = parseTransform(value)
  if (parsed.kind === 'refused')
    context.addIssue({ code: 'custom', message: `${parsed.problem} (at character ${parsed.at + 1})` })
})

/** When a target takes what is mapped: at every run; when the user is created; when there is nothing yet. */
const APPLY = ['always', 'whenCreated', 'whenEmpty'] as const
export type Apply = (typeof APPLY)[number]
const apply = z.enum(APPLY).default('always')
const expressionFor = (takes: 'one' | 'several') =>
  z.string().superRefine((value, context) => {
    const parsed = parseExpression(value)
    const problems = parsed.kind === 'refused' ? parsed.problems : []
    for (const { problem, at } of problems)
      context.addIssue({ code: 'custom', message: `${problem} (at character ${at + 1})` })
    if (parsed.kind === 'parsed' && takes === 'one' && parsed.expression.type === 'list') {
      const message = 'the expression gives several values and this takes one; use Item(…, 1) or Join (at character 1)'
      context.addIssue({ code: 'custom', message })
    }
  })

// A pipeline for the digits of a card would make a puzzle of a name: other targets have expressions.
const noTransform = z
  .unknown()
  .transform((_given, context): undefined => {
    context.addIssue({ code: 'custom', message: 'a card transformation is for cards; use an expression here' })
    return z.NEVER
  })
  .optional()

const one = z.union([
  attribute.transform((from) => ({ from, apply: 'always' as const })),
  z.strictObject({ from: attribute, apply, transform: noTransform }),
  z.strictObject({ template, apply, transform: noTransform }),
  z.strictObject({ expression: expressionFor('one'), apply, transform: noTransform }),
])
/** Where the value of a one-valued target comes from. */
export type OneValued = z.output<typeof one>

const mode = z.enum(['replace', 'append']).default('replace')
const severalFrom = <Transform extends z.ZodType<string | undefined>>(transformation: Transform) =>
  z.union([
    attribute.transform((from) => ({ from, apply: 'always' as const, mode: 'replace' as const, transform: undefined })),
    z.strictObject({ from: attribute, apply, mode, transform: transformation }),
    z.strictObject({ template, apply, mode, transform: transformation }),
    z.strictObject({ expression: expressionFor('several'), apply, mode, transform: transformation }),
  ])
const card = severalFrom(transform.optional())
const several = severalFrom(noTransform)
/** Where values of a several-valued target come from. */
export type SeveralValued = z.output<typeof card>

const none = z.union([z.literal('none'), z.null()]).transform(() => null)
const optionalOne = z.union([none, one])
const listOf = (entry: typeof card | typeof several) =>
  z.union([
    none.transform((): SeveralValued[] => []),
    z.array(entry),
    entry.transform((only): SeveralValued[] => [only]),
  ])
const list = listOf(several)

const fromAttribute = (from: string): OneValued => ({ from, apply: 'always' })

const properties = z.strictObject({
  userName: one.default(fromAttribute('userPrincipalName')),
  fullName: optionalOne.default(fromAttribute('displayName')),
  aliases: list.default([]),
  cards: listOf(card).default([]),
  pin: z.union([none, z.literal('generate'), one]).default(null),
  personalNumber: optionalOne.default(null),
  email: optionalOne.default(fromAttribute('mail')),
  alternateEmails: list.default([]),
  phone: optionalOne.default(fromAttribute('mobilePhone')),
  language: optionalOne.default(fromAttribute('preferredLanguage')),
  department: optionalOne.default(fromAttribute('department')),
  costCenter: optionalOne.default(null),
  office: optionalOne.default(null),
  jobTitle: optionalOne.default(null),
  company: optionalOne.default(null),
  manager: optionalOne.default(null),
  storage: optionalOne.default(null),
  notes: optionalOne.default(null),
  own: z
    .record(z.string().regex(/^[A-Za-z]\w{0,62}$/, 'a field name is letters, digits and _, at most 63'), one)
    .default({}),
})

// Written out when it is saved, see filter-presets.ts.
const preset = z.enum(FILTER_PRESET_NAMES).transform((name): z.output<typeof filter> => {
  const { any } = FILTER_PRESETS[name].filter
  return { any: any.map((group) => ({ all: [...group.all] })) }
})

const users = z.strictObject({
  import: z
    .union([
      z.literal('all'),
      z.strictObject({
        groups: z.array(objectId).min(1, 'no group is selected; this would mean nobody, and never means everybody'),
      }),
    ])
    .default('all'),
  disabledAccounts: z.enum(['deactivate', 'import', 'ignore']).default('deactivate'),
  guests: z.enum(['import', 'ignore']).default('import'),
  filter: z.union([filter, preset, none]).default(null),
  properties: properties.prefault({}),
  options: z
    .strictObject({
      useAsAuthenticationServer: z.boolean().default(false),
      pairByObjectId: z.boolean().default(true),
      pairBy: z.enum(['userName', 'personalNumber', 'none']).default('userName'),
      addNewUsers: z.boolean().default(true),
      deactivateMissingUsers: z.boolean().default(true),
      graceDays: z.int().min(0).max(3650).default(0),
      deleteAfterDays: z.union([z.literal('never'), z.int().min(1).max(36500)]).default('never'),
      lowercaseUserNames: z.boolean().default(false),
      keepOldUserName: z.boolean().default(true),
    })
    .prefault({}),
})

/** The kinds of group that *only groups of type* distinguishes. */
export const GROUP_TYPES = ['security', 'microsoft365', 'mailEnabledSecurity', 'distribution', 'dynamic'] as const
export type GroupType = (typeof GROUP_TYPES)[number]

const path = z
  .string()
  .refine(
    (p) => splitPath(p).every((name) => name.trim() !== '') && p.trim() !== '',
    'a path is names separated by |, none of them empty',
  )
const groups = z.strictObject({
  import: z.boolean().default(true),
  ignore: z.array(objectId).default([]),
  ignoreContaining: z.array(z.string().min(1, 'an empty string would ignore every group')).default([]),
  types: z.union([z.literal('all'), z.array(z.enum(GROUP_TYPES)).min(1, 'no type is selected')]).default('all'),
  under: z.union([none, path]).default(null),
  membership: z.enum(['direct', 'transitive']).default('direct'),
  fromAttributes: z
    .array(z.strictObject({ template: groupTemplate, makeDefault: z.boolean().default(false) }))
    .default([]),
  keepDefaultGroup: z.boolean().default(false),
})

const limit = (percent: number, count: number) =>
  z
    .strictObject({ percent: z.number().min(0).max(100).default(percent), count: z.int().min(0).default(count) })
    .prefault({})
const limits = z.strictObject({
  removals: limit(10, 500),
  memberships: limit(10, 20_000),
  credentials: limit(20, 1_000),
  rewrites: limit(20, 1_000),
})
const off = z.union([z.literal('off'), z.literal(false)]).transform(() => null)

/** A source as the config file and the API write it. */
export const sourceSettings = z.strictObject({
  connection: z.string().min(1),
  enabled: z.boolean().default(true),
  priority: z.int().min(0).max(1_000_000).default(100),
  adoptions: z.enum(['hold', 'automatic']).default('hold'),
  timezone: z.string().default('UTC'),
  schedule: z
    .strictObject({
      delta: z.union([none, z.string()]).default('*/15 * * * *'),
      full: z.union([none, z.string()]).default('0 3 * * *'),
    })
    .prefault({}),
  users: users.prefault({}),
  groups: groups.prefault({}),
  /** `null` is off. */
  safeguard: z.union([off, limits]).prefault({}),
})
/** A source's settings with every default filled in. */
export type SourceSettings = z.output<typeof sourceSettings>
export type SourceSettingsInput = z.input<typeof sourceSettings>
export type Properties = SourceSettings['users']['properties']
/** So much of each kind passes in a day whatever the percentage says: of a small tenant it would be next to nothing. */
export const SAFEGUARD_FLOORS = { removals: 5, memberships: 100, credentials: 10, rewrites: 10 } as const
export type SafeguardLimits = NonNullable<SourceSettings['safeguard']>
