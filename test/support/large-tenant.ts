// A tenant of any size on a hand-made source, filled and changed by whole sets, and put back as it was after every plan.
import type { Database } from '../../src/database/connect.ts'
import { aHandSource, anId, type HandSource } from './planned.ts'
import type { Settings } from './world.ts'

/** Attribute of each target; every person has a value of his own for every one. */
export const MAPPED = {
  fullName: 'givenName',
  email: 'mail',
  phone: 'mobilePhone',
  language: 'preferredLanguage',
  department: 'department',
  costCenter: 'employeeOrgData.costCenter',
  office: 'officeLocation',
  jobTitle: 'jobTitle',
  company: 'companyName',
  manager: 'surname',
  storage: 'onPremisesDistinguishedName',
  notes: 'streetAddress',
  personalNumber: 'faxNumber',
} as const

/** An attribute of a guest, a robot and a member of no selected group takes a person out of scope. */
export const SETTINGS = {
  users: {
    import: { groups: [anId(900_000_001)] },
    guests: 'ignore' as const,
    filter: { any: [{ all: [{ attribute: 'employeeType', ne: 'Robot' }] }] },
    properties: {
      ...MAPPED,
      aliases: ['mailNickname'],
      alternateEmails: 'otherMails',
      cards: ['employeeId'],
      pin: { from: 'postalCode' },
      own: { badge: 'city' },
    },
  },
} satisfies Settings

/** Everybody, and whom the source imports at all. */
export const SCOPE_GROUP = anId(900_000_001)
export const GROUP_OF_50 = anId(900_000_050)
export const GROUP_OF_49 = anId(900_000_049)

export interface Change {
  readonly attributes?: (n: number) => Record<string, unknown>
  readonly state?: 'l' | 's' | 'x'
}

export interface LargeTenant {
  readonly source: HandSource
  /** Active users, numbered from 0. */
  readonly size: number
  readonly groups: number
  readonly memberships: number
  /** Groups of at most ten, everybody in one of them: by their number from 0. */
  readonly smallGroup: (n: number) => string
  /** How many the small group has. */
  readonly smallGroupSize: (n: number) => number
  /** Changes users `from` … `from + count - 1`, new ones included. */
  users(count: number, change: Change, from?: number): Promise<void>
  groupsGone(ids: readonly string[]): Promise<void>
  /** The first `count` members leave. */
  leave(groupId: string, count: number): Promise<void>
  /** Users 0 … count-1 leave the small groups that they are in. */
  leaveSmallGroups(count: number): Promise<void>
  /** Everything as it was when the tenant was made, settings included. */
  restore(): Promise<void>
}

const userId = (n: number) => anId(n + 1)
const smallGroup = (n: number) => anId(800_000_000 + n)

/** A new user as the others are. */
export function attributesOf(n: number): Record<string, unknown> {
  return {
    ...Object.fromEntries(Object.values(MAPPED).map((name) => [name, `${name} ${n}`])),
    userPrincipalName: `user${n}@contoso.com`,
    mailNickname: `nick${n}`,
    otherMails: [`user${n}@home.example`],
    employeeId: `C${n}`,
    postalCode: String(8_130_472 + n * 13),
    city: `badge ${n}`,
    accountEnabled: true,
    userType: 'Member',
    employeeType: 'Employee',
  }
}

/** What fills the mirror of the source. */
interface Filling {
  readonly put: (kind: 'u' | 'g', objects: readonly (readonly [string, Record<string, unknown>])[]) => Promise<void>
  readonly join: (pairs: readonly (readonly [group: string, user: string])[]) => Promise<void>
  readonly mark: (ids: readonly string[]) => Promise<void>
}

/** Numbers of people who have left long ago begin here. */
const LEFT = 600_000_000

/**
 * People who were here, and are in the recycle bin since more than a day: their memberships are kept, in the selected group and in large
 * ones too, and count nowhere.
 */
async function deactivate(
  db: Database,
  source: HandSource,
  o: Filling & { readonly count: number; readonly groups: readonly string[] },
): Promise<void> {
  const ids = Array.from({ length: o.count }, (_, n) => userId(LEFT + n))
  await o.put(
    'u',
    ids.map((id, n) => [id, attributesOf(LEFT + n)] as const),
  )
  await o.join([SCOPE_GROUP, ...o.groups].flatMap((group) => ids.map((id) => [group, id] as const)))
  await o.mark(ids)
  await source.run({ everybody: true })
  await db.query(`update mirror_objects set state = 's' where source_id = $1 and object_id = any($2::uuid[])`, [
    source.id,
    ids,
  ])
  await o.mark(ids)
  await source.run({ everybody: true })
  await db.query(`update runs set ended_at = ended_at - interval '24 hours' where source_id = $1`, [source.id])
}

/** Fills the mirror of a new source, and applies plans after which it has people who are here and some who were. */
export async function aLargeTenant(db: Database, size: number, settings: Settings = SETTINGS): Promise<LargeTenant> {
  const source = await aHandSource(db, settings)
  const smallGroups = Math.ceil(size / 10)
  const groups = [SCOPE_GROUP, ...Array.from({ length: smallGroups }, (_, n) => smallGroup(n))]
  if (size >= 50) groups.push(GROUP_OF_50, GROUP_OF_49)
  const put = async (kind: 'u' | 'g', objects: readonly (readonly [string, Record<string, unknown>])[]) => {
    await db.query(
      `insert into mirror_objects (source_id, object_id, kind, state, attributes)
       select $1, o.id, $2, 'l', o.attributes::jsonb from unnest($3::uuid[], $4::text[]) as o (id, attributes)
       on conflict (source_id, object_id) do nothing`,
      [source.id, kind, objects.map(([id]) => id), objects.map(([, attributes]) => JSON.stringify(attributes))],
    )
  }
  const mark = async (ids: readonly string[]) => {
    await db.query(
      `insert into mirror_marks (source_id, key, at)
       select o.source_id, o.key, s.fence + 1 from mirror_objects o join sources s on s.id = o.source_id
       where o.source_id = $1 and o.object_id = any($2::uuid[]) on conflict do nothing`,
      [source.id, ids],
    )
  }
  const join = async (pairs: readonly (readonly [group: string, user: string])[]) => {
    await db.query(
      `insert into mirror_members select g.key, u.key from unnest($2::uuid[], $3::uuid[]) as p (g, u)
         join mirror_objects g on g.source_id = $1 and g.object_id = p.g join mirror_objects u on u.source_id = $1 and u.object_id = p.u`,
      [source.id, pairs.map(([group]) => group), pairs.map(([, user]) => user)],
    )
  }
  const drop = async (where: string, params: readonly unknown[]) => {
    await db.query(
      `with gone as (
         delete from mirror_members m using mirror_objects g, mirror_objects u
         where g.key = m.group_key and u.key = m.member_key and g.source_id = $1 and ${where} returning m.group_key, m.member_key)
       insert into mirror_member_marks select $1, gone.group_key, gone.member_key, 'u', s.fence + 1 from gone, sources s
       where s.id = $1 on conflict do nothing`,
      [source.id, ...params],
    )
  }
  const numbers = Array.from({ length: size }, (_, n) => n)
  await put(
    'u',
    numbers.map((n) => [userId(n), attributesOf(n)] as const),
  )
  await put(
    'g',
    groups.map((id) => [id, { displayName: `group ${id}`, securityEnabled: true }] as const),
  )
  await join(numbers.flatMap((n) => [[SCOPE_GROUP, userId(n)] as const, [smallGroup(Math.floor(n / 10)), userId(n)]]))
  if (size >= 50) {
    await join(numbers.slice(0, 50).map((n) => [GROUP_OF_50, userId(n)] as const))
    await join(numbers.slice(0, 49).map((n) => [GROUP_OF_49, userId(n)] as const))
  }
  await source.run({ everybody: true })
  await deactivate(db, source, { put, join, mark, count: Math.ceil(size / 3), groups: groups.slice(1 + smallGroups) })
  await db.query('update sources set marked_all = false where id = $1', [source.id])
  await db.query('create table if not exists saved_objects (like mirror_objects)')
  await db.query('create table if not exists saved_members (like mirror_members)')
  await db.query('insert into saved_objects select * from mirror_objects where source_id = $1', [source.id])
  await db.query(
    'insert into saved_members select m.* from mirror_members m join mirror_objects g on g.key = m.group_key where g.source_id = $1',
    [source.id],
  )
  return {
    source,
    size,
    groups: groups.length,
    memberships: size * 2 + (size >= 50 ? 99 : 0),
    smallGroup,
    smallGroupSize: (n) => Math.min(10, size - n * 10),
    async users(count, change, from = 0) {
      const chosen = Array.from({ length: count }, (_, n) => from + n)
      const news = chosen.filter((n) => n >= size)
      if (news.length > 0) {
        await put(
          'u',
          news.map((n) => [userId(n), attributesOf(n)] as const),
        )
        await join(news.map((n) => [SCOPE_GROUP, userId(n)] as const))
      }
      await db.query(
        `update mirror_objects o set attributes = o.attributes || c.attributes::jsonb, state = coalesce($4::"char", o.state)
         from unnest($2::uuid[], $3::text[]) as c (id, attributes) where o.source_id = $1 and o.object_id = c.id`,
        [
          source.id,
          chosen.map(userId),
          chosen.map((n) => JSON.stringify(change.attributes?.(n) ?? {})),
          change.state ?? null,
        ],
      )
      await mark(chosen.map(userId))
    },
    async groupsGone(ids) {
      await db.query(`update mirror_objects set state = 'x' where source_id = $1 and object_id = any($2::uuid[])`, [
        source.id,
        ids,
      ])
      await mark(ids)
    },
    leave: (groupId, count) =>
      drop('g.object_id = $2 and u.object_id = any($3::uuid[])', [groupId, numbers.slice(0, count).map(userId)]),
    leaveSmallGroups: (count) =>
      drop('g.object_id = any($2::uuid[]) and u.object_id = any($3::uuid[])', [
        Array.from({ length: smallGroups }, (_, n) => smallGroup(n)),
        numbers.slice(0, count).map(userId),
      ]),
    async restore() {
      await db.query(
        'delete from mirror_members m using mirror_objects g where g.key = m.group_key and g.source_id = $1',
        [source.id],
      )
      await db.query(
        'delete from mirror_objects o where source_id = $1 and not exists (select from saved_objects s where s.key = o.key)',
        [source.id],
      )
      await db.query(
        `update mirror_objects o set attributes = s.attributes, state = s.state from saved_objects s
         where s.key = o.key and o.source_id = $1 and (o.attributes <> s.attributes or o.state <> s.state)`,
        [source.id],
      )
      await db.query(
        'insert into mirror_members select m.* from saved_members m join mirror_objects g on g.key = m.group_key where g.source_id = $1',
        [source.id],
      )
      for (const table of ['mirror_marks', 'mirror_member_marks', 'issues'])
        await db.query(`delete from ${table} where source_id = $1`, [source.id])
      await source.set(settings)
      await db.query('update sources set marked_all = false where id = $1', [source.id])
    },
  }
}
