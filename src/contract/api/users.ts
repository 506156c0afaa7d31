// Users of the registry over the API.
import { z } from 'zod'
import { TEXT_FIELDS } from '../../directory/user.ts'
import { explanation } from '../explanation.ts'
import { endpoint, flag, id, name, pageOf, paging, time } from './endpoint.ts'
import { job } from './runs.ts'

/** One line of the list of users. */
export const userLine = z.object({
  id,
  userName: z.string(),
  fullName: z.string().nullable(),
  email: z.string().nullable(),
  department: z.string().nullable(),
  personalNumber: z.string().nullable(),
  active: z.boolean(),
  /** The source that owns him; null: local or detached. */
  source: z.string().nullable(),
  /** Of several sources alike: known to Entra. */
  objectId: z.string().nullable(),
  protected: z.boolean(),
  updatedAt: time,
  /** What a search found him by, e.g. `card`; null without a search. */
  foundBy: z.string().nullable(),
})
export type UserLine = z.infer<typeof userLine>

const fieldView = z.object({
  /** By its name in the config file; own fields as `own.name`. */
  field: z.string(),
  value: z.union([z.string(), z.array(z.string()), z.null()]),
  /** The source that decides about it; null: it can be edited here. */
  owner: z.string().nullable(),
})

const heldValue = z.object({
  value: z.string(),
  /** `source`: a source gives it; `kept`: an old user name; `registry`: added by hand. */
  origin: z.enum(['source', 'kept', 'registry']),
  /** False: parked, or somebody else has it. */
  isHeld: z.boolean(),
})

const cardView = heldValue.extend({
  id,
  /** All but the last characters are dots. */
  value: z.string(),
  createdAt: time,
})

const groupOfUser = z.object({
  id,
  name: z.string(),
  path: z.string(),
  isDefault: z.boolean(),
  /** Sources that give it, empty when it is by hand only. */
  sources: z.array(z.string()),
  byHand: z.boolean(),
})

export const userView = userLine.omit({ foundBy: true }).extend({
  tenantId: z.string().nullable(),
  /** The connection that he may sign in through. */
  connection: z.string().nullable(),
  fields: z.array(fieldView),
  aliases: z.array(heldValue),
  cards: z.array(cardView),
  pin: z
    .object({ isSet: z.boolean(), isHeld: z.boolean(), origin: z.enum(['source', 'registry']), since: time })
    .nullable(),
  groups: z.array(groupOfUser),
  deactivated: z
    .object({ by: z.enum(['source', 'administrator']), reason: z.string().nullable(), at: time })
    .nullable(),
  createdAt: time,
  /** Changes with every change of the row; edits name the one that they saw. */
  version: z.int(),
})
export type UserView = z.infer<typeof userView>

const change = z.object({
  run: z.string().nullable(),
  source: z.string().nullable(),
  at: time,
  /** Who approved or edited; null: a run by itself. */
  by: z.string().nullable(),
  because: z.string().nullable(),
  object: z.string(),
  action: z.string(),
  old: z.record(z.string(), z.unknown()).nullable(),
  new: z.record(z.string(), z.unknown()).nullable(),
  rule: z.string(),
  reason: z.string(),
})

const people = 'Users'
const userId = z.object({ user: id })
const edit = { version: z.int() }
const text = z.string().trim().max(1000)

const wantedUsers = paging.extend({
  search: z.string().max(200).optional(),
  status: z.enum(['active', 'deactivated', 'all']).default('active'),
  source: name.optional(),
  group: id.optional(),
})

export const USERS = {
  listUsers: endpoint({
    method: 'GET',
    path: '/api/v1/users',
    tag: people,
    summary:
      'Users by user name. A search finds by the beginning of a user name, alias, mail or number, of any of the first five words of a full name, and by a whole card; accents do not matter in names and mail.',
    role: 'viewer',
    scope: 'read',
    /** `local`: only those that no source owns. */
    query: wantedUsers.extend({ local: flag.optional() }),
    answer: { kind: 'json', status: 200, body: pageOf(userLine) },
    audit: null,
  }),
  searchUsers: endpoint({
    method: 'POST',
    path: '/api/v1/users/search',
    tag: people,
    summary:
      'The same list, asked for in a body: what is searched for may be a card, and addresses are kept by browsers and in the logs of proxies.',
    role: 'viewer',
    scope: 'read',
    body: wantedUsers.extend({ local: z.boolean().optional() }),
    answer: { kind: 'json', status: 200, body: pageOf(userLine) },
    audit: null,
  }),
  getUser: endpoint({
    method: 'GET',
    path: '/api/v1/users/:user',
    tag: people,
    summary: 'One user with fields and their owners, names, cards and groups.',
    role: 'viewer',
    scope: 'read',
    params: userId,
    answer: { kind: 'json', status: 200, body: userView },
    audit: null,
  }),
  createUser: endpoint({
    method: 'POST',
    path: '/api/v1/users',
    tag: people,
    summary: 'Makes a local user.',
    role: 'operator',
    scope: 'people',
    body: z.strictObject({
      userName: z.string().trim().min(1).max(300),
      fields: z.partialRecord(z.enum(TEXT_FIELDS), text.nullable()).default({}),
      personalNumber: text.optional(),
    }),
    answer: { kind: 'json', status: 201, body: userView },
    audit: 'user.create',
    isIdempotent: true,
  }),
  changeUser: endpoint({
    method: 'PATCH',
    path: '/api/v1/users/:user',
    tag: people,
    summary: 'Changes what is the registry’s own: fields that a source owns are refused, each with its owner.',
    role: 'helpdesk',
    scope: 'people',
    params: userId,
    body: z.strictObject({
      ...edit,
      userName: z.string().trim().min(1).max(300).optional(),
      personalNumber: text.nullable().optional(),
      fields: z.partialRecord(z.enum(TEXT_FIELDS), text.nullable()).default({}),
      own: z.record(z.string().max(63), text.nullable()).default({}),
      /** Aliases by hand, all of them; those that a source gives are not among them. */
      aliases: z.array(z.string().trim().min(1).max(300)).max(100).optional(),
    }),
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'user.change',
  }),
  setProtected: endpoint({
    method: 'PUT',
    path: '/api/v1/users/:user/protected',
    tag: people,
    summary: 'Protects a user from being paired with anybody, or ends that.',
    role: 'administrator',
    scope: 'people',
    params: userId,
    body: z.strictObject({ ...edit, protected: z.boolean() }),
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'user.protect',
  }),
  removeUser: endpoint({
    method: 'DELETE',
    path: '/api/v1/users/:user',
    tag: people,
    summary: 'Removes a local user for good. Users of a source are deactivated instead.',
    role: 'operator',
    scope: 'people',
    params: userId,
    answer: { kind: 'nothing' },
    audit: 'user.remove',
  }),
  deactivateUser: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/deactivate',
    tag: people,
    summary: 'Deactivates a user. No source reactivates him.',
    role: 'operator',
    scope: 'people',
    params: userId,
    body: z.strictObject({ ...edit, reason: z.string().trim().min(1).max(500) }),
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'user.deactivate',
  }),
  restoreUser: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/restore',
    tag: people,
    summary:
      'Makes a deactivated user active again, with what of his values is still free. No source deactivates him until it wanted him once more.',
    role: 'operator',
    scope: 'people',
    params: userId,
    body: z.strictObject({ ...edit }),
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'user.restore',
  }),
  addCard: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/cards',
    tag: people,
    summary: 'Adds a card by hand; no source removes it.',
    role: 'helpdesk',
    scope: 'people',
    params: userId,
    body: z.strictObject({ card: z.string().trim().min(1).max(200) }),
    answer: { kind: 'json', status: 201, body: userView },
    audit: 'card.add',
    needsProof: true,
    isIdempotent: true,
  }),
  removeCard: endpoint({
    method: 'DELETE',
    path: '/api/v1/users/:user/cards/:card',
    tag: people,
    summary: 'Removes a card that was added by hand.',
    role: 'helpdesk',
    scope: 'people',
    params: userId.extend({ card: id }),
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'card.remove',
  }),
  revealCard: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/cards/:card/reveal',
    tag: people,
    summary: 'Shows a card’s number. The audit keeps who looked.',
    role: 'operator',
    scope: 'people',
    params: userId.extend({ card: id }),
    answer: { kind: 'json', status: 200, body: z.object({ card: z.string() }) },
    audit: 'card.reveal',
    needsProof: true,
  }),
  resetPin: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/pin',
    tag: people,
    summary: 'Draws a new PIN and shows it, this once. It is the registry’s own then.',
    role: 'helpdesk',
    scope: 'people',
    params: userId,
    answer: { kind: 'json', status: 201, body: z.object({ pin: z.string(), user: userView }) },
    audit: 'pin.reset',
    needsProof: true,
  }),
  removePin: endpoint({
    method: 'DELETE',
    path: '/api/v1/users/:user/pin',
    tag: people,
    summary: 'Removes a PIN that is the registry’s own.',
    role: 'helpdesk',
    scope: 'people',
    params: userId,
    answer: { kind: 'json', status: 200, body: userView },
    audit: 'pin.remove',
  }),
  listUserHistory: endpoint({
    method: 'GET',
    path: '/api/v1/users/:user/history',
    tag: people,
    summary: 'What runs and administrators did to a user, the newest first.',
    role: 'viewer',
    scope: 'read',
    params: userId,
    query: paging,
    answer: { kind: 'json', status: 200, body: pageOf(change) },
    audit: null,
  }),
  explainUser: endpoint({
    method: 'GET',
    path: '/api/v1/explain',
    tag: people,
    summary:
      'Why somebody is as he is: scope, pairing, owner, where each value and each group comes from, what comes next.',
    role: 'viewer',
    scope: 'read',
    query: z.object({
      /** User name, alias, user principal name, object id, or a registry id as `id:123`. */
      user: z.string().min(1).max(300),
    }),
    answer: { kind: 'json', status: 200, body: explanation },
    audit: null,
  }),
  syncThisUser: endpoint({
    method: 'POST',
    path: '/api/v1/users/:user/sync',
    tag: people,
    summary: 'Reads this user anew from the source that owns him, and synchronizes him alone.',
    role: 'helpdesk',
    scope: 'people',
    params: userId,
    answer: { kind: 'json', status: 202, body: job },
    audit: 'run.start',
  }),
} as const
