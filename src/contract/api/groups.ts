// Groups of the registry over the API.
import { z } from 'zod'
import { endpoint, id, pageOf, paging } from './endpoint.ts'

export const groupLine = z.object({
  id,
  name: z.string(),
  path: z.string(),
  source: z.string().nullable(),
  objectId: z.string().nullable(),
  /** Active people in it; lists count up to 1,000 of them. */
  members: z.int(),
  /** There are more: the group itself tells how many. */
  hasMoreMembers: z.boolean(),
  /** Groups right below it in the tree. */
  children: z.int(),
})
export type GroupLine = z.infer<typeof groupLine>

const member = z.object({
  userId: id,
  userName: z.string(),
  fullName: z.string().nullable(),
  active: z.boolean(),
  sources: z.array(z.string()),
  byHand: z.boolean(),
  /** Names from the group that he is directly in up to this one; one name: directly. Empty where it is not known. */
  chain: z.array(z.string()),
})

const groups = 'Groups'
const groupId = z.object({ group: id })

export const GROUPS = {
  listGroups: endpoint({
    method: 'GET',
    path: '/api/v1/groups',
    tag: groups,
    summary: 'Groups of one level of the tree, or those that a search finds anywhere, by name.',
    role: 'viewer',
    scope: 'read',
    query: paging.extend({
      /** The path below which to look; left out: the top. Not together with `search`. */
      under: z.string().max(2000).optional(),
      search: z.string().max(200).optional(),
    }),
    answer: {
      kind: 'json',
      status: 200,
      body: pageOf(
        groupLine.extend({
          /** Null: a level of the tree that is no group itself, only a part of paths. */
          id: id.nullable(),
        }),
      ),
    },
    audit: null,
  }),
  getGroup: endpoint({
    method: 'GET',
    path: '/api/v1/groups/:group',
    tag: groups,
    summary: 'One group.',
    role: 'viewer',
    scope: 'read',
    params: groupId,
    answer: { kind: 'json', status: 200, body: groupLine },
    audit: null,
  }),
  listMembers: endpoint({
    method: 'GET',
    path: '/api/v1/groups/:group/members',
    tag: groups,
    summary: 'Members of a group, by user name, each with the chain of nested groups that makes him one.',
    role: 'viewer',
    scope: 'read',
    params: groupId,
    query: paging.extend({ search: z.string().max(200).optional() }),
    answer: { kind: 'json', status: 200, body: pageOf(member) },
    audit: null,
  }),
  createGroup: endpoint({
    method: 'POST',
    path: '/api/v1/groups',
    tag: groups,
    summary: 'Makes a local group.',
    role: 'operator',
    scope: 'people',
    body: z.strictObject({ name: z.string().trim().min(1).max(300), under: z.string().trim().max(2000).default('') }),
    answer: { kind: 'json', status: 201, body: groupLine },
    audit: 'group.create',
    isIdempotent: true,
  }),
  changeGroup: endpoint({
    method: 'PATCH',
    path: '/api/v1/groups/:group',
    tag: groups,
    summary: 'Renames or moves a local group.',
    role: 'operator',
    scope: 'people',
    params: groupId,
    body: z.strictObject({
      name: z.string().trim().min(1).max(300).optional(),
      under: z.string().trim().max(2000).optional(),
      /** Its path as it was told: refused with `changed-meanwhile` where it is another by now. */
      seen: z.string().max(2400).optional(),
    }),
    answer: { kind: 'json', status: 200, body: groupLine },
    audit: 'group.change',
  }),
  removeGroup: endpoint({
    method: 'DELETE',
    path: '/api/v1/groups/:group',
    tag: groups,
    summary: 'Removes a local group with its memberships.',
    role: 'operator',
    scope: 'people',
    params: groupId,
    answer: { kind: 'nothing' },
    audit: 'group.remove',
  }),
  addMember: endpoint({
    method: 'PUT',
    path: '/api/v1/groups/:group/members/:user',
    tag: groups,
    summary: 'Puts somebody into a group by hand; no source takes him out.',
    role: 'helpdesk',
    scope: 'people',
    params: groupId.extend({ user: id }),
    answer: { kind: 'nothing' },
    audit: 'member.add',
  }),
  removeMember: endpoint({
    method: 'DELETE',
    path: '/api/v1/groups/:group/members/:user',
    tag: groups,
    summary: 'Takes somebody out of a group that he was put into by hand.',
    role: 'helpdesk',
    scope: 'people',
    params: groupId.extend({ user: id }),
    answer: { kind: 'nothing' },
    audit: 'member.remove',
  }),
} as const
