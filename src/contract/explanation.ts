// Why somebody is as he is: what `muster explain` prints and the API answers.
import { z } from 'zod'
import { heldReason, ISSUE_CODES } from './runs.ts'
import { PERSON_REFUSALS } from './sign-in-refusals.ts'

const values = z.record(z.string(), z.unknown()).nullable()

/** One line of a plan or of the history about this person. */
const change = z.strictObject({
  object: z.string(),
  action: z.string(),
  name: z.string().nullable(),
  old: values,
  new: values,
  rule: z.string(),
  reason: z.string(),
})
export type ExplainedChange = z.infer<typeof change>

const field = z.strictObject({
  /** By its name in the config file; own fields as `own.name`. */
  field: z.string(),
  value: z.string().nullable(),
  /** Who decides about the value now. */
  owner: z.enum(['source', 'registry']),
  /** What the source takes it from; null where it takes it from nothing. */
  from: z.string().nullable(),
  sentence: z.string(),
})
export type ExplainedField = z.infer<typeof field>

const held = z.strictObject({
  /** A card's last digits, never a PIN. */
  value: z.string(),
  kind: z.enum(['userName', 'alias', 'card', 'pin', 'personalNumber', 'alternateEmail']),
  origin: z.enum(['source', 'kept', 'registry']),
  /** The entries of the owner's mapping that give it now, as the config file writes them; null where none does. */
  from: z.string().nullable(),
  /** False: he does without it now. */
  isHeld: z.boolean(),
  sentence: z.string(),
})
export type ExplainedValue = z.infer<typeof held>

const given = z.strictObject({
  /** Null: by hand. */
  source: z.string().nullable(),
  /** `formerly`: the source does not find him in the group any more, and no plan that says so was applied. */
  how: z.enum(['direct', 'nested', 'attributes', 'by hand', 'formerly', 'removed source']),
  /** Names of the groups from the one that he is a member of up to this one. */
  chain: z.array(z.string()),
})
const group = z.strictObject({
  path: z.string(),
  objectId: z.string().nullable(),
  isDefault: z.boolean(),
  givenBy: z.array(given),
  sentence: z.string(),
})
export type ExplainedGroup = z.infer<typeof group>

const ignored = z.strictObject({
  objectId: z.string(),
  name: z.string().nullable(),
  rule: z.string(),
  sentence: z.string(),
})
export type IgnoredGroup = z.infer<typeof ignored>

const registry = z.strictObject({
  id: z.string(),
  userName: z.string(),
  active: z.boolean(),
  owner: z.string().nullable(),
  sentence: z.string(),
  /** Whether he may sign in with Microsoft: `connection` through which one, else `refusal` why not, as the audit calls it. */
  signIn: z.strictObject({
    connection: z.string().nullable(),
    refusal: z.enum(PERSON_REFUSALS).nullable(),
    sentence: z.string(),
  }),
  fields: z.array(field),
  values: z.array(held),
  groups: z.array(group),
})
export type ExplainedRegistry = z.infer<typeof registry>

const waiting = z.strictObject({
  run: z.string(),
  approveBy: z.string().nullable(),
  reasons: z.array(heldReason),
  items: z.array(change),
})

const source = z.strictObject({
  source: z.string(),
  priority: z.number(),
  enabled: z.boolean(),
  /** What Entra says of the account, as last read. */
  entra: z.enum(['there', 'disabled', 'soft-deleted', 'gone', 'unproven', 'unknown']),
  scope: z.strictObject({
    verdict: z.enum(['wanted', 'disabled', 'out-of-scope', 'soft-deleted', 'gone', 'frozen', 'unknown']),
    /** The setting that decided, by its path in the config file. */
    rule: z.string().nullable(),
    /** Users from selected groups: from the group that he is in up to the selected one. */
    chain: z.array(z.string()),
    sentence: z.string(),
  }),
  pairing: z.strictObject({ result: z.string(), sentence: z.string() }),
  claims: z.boolean(),
  owns: z.boolean(),
  issues: z.array(
    z.strictObject({
      code: z.enum(ISSUE_CODES),
      message: z.string(),
      remedy: z.string(),
      since: z.string(),
    }),
  ),
  ignoredGroups: z.array(ignored),
  next: z.strictObject({ items: z.array(change), held: z.array(heldReason), sentence: z.string() }),
  waiting: waiting.nullable(),
})
export type ExplainedSource = z.infer<typeof source>

const person = z.strictObject({
  objectId: z.string().nullable(),
  tenantId: z.string().nullable(),
  /** Null: the registry does not have him. */
  registry: registry.nullable(),
  /** By priority; the sources that have read him, and those that own or claim him. */
  sources: z.array(source),
  /** What runs did to him, newest first. */
  history: z.array(
    change.omit({ name: true }).extend({
      /** The run that applied it: the approval where the plan was held. */
      run: z.string(),
      source: z.string(),
      at: z.string(),
      decidedBy: z.string().nullable(),
      decidedReason: z.string().nullable(),
    }),
  ),
})
export type ExplainedPerson = z.infer<typeof person>

/** Everything about the person who is asked about, and about whoever else has, had or wants the name that was asked for. */
export const explanation = z.strictObject({
  asked: z.string(),
  ...person.shape,
  /** For one, a local record beside somebody in Entra who has not become it. The first nine. */
  others: z.array(person),
  othersTotal: z.number(),
})
export type Explanation = z.infer<typeof explanation>
