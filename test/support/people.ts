// People and groups for tests of the deciding modules: without a database, everything ordinary unless said otherwise.
import { sourceSettings, type SourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import { canonical } from '../../src/directory/canonical.ts'
import type { Attributes } from '../../src/directory/change.ts'
import type { RegistryGroup } from '../../src/directory/group.ts'
import type { RegistryCredential, RegistryName, RegistryUser } from '../../src/directory/user.ts'
import type { Judgement } from '../../src/sync/judge.ts'
import { mapUser, prepareMapping, type WantedUser } from '../../src/sync/map/users.ts'
import type { SourceRank } from '../../src/sync/owner.ts'
import type { PlanUserContext, UserInput } from '../../src/sync/plan-person.ts'
import { planUser } from '../../src/sync/plan-user.ts'
import type { PlannedUser } from '../../src/sync/planned-user.ts'

export type UsersInput = NonNullable<SourceSettingsInput['users']>
export type PropertiesInput = NonNullable<UsersInput['properties']>
export type OptionsInput = NonNullable<UsersInput['options']>

/** The source that the tests run, and another one of its tenant. */
export const [MINE, OTHER] = [10, 20] as const
export const NOW = new Date('2026-03-10T12:00:00Z')
export const DAY = 86_400_000

export const settingsOf = (input: Omit<SourceSettingsInput, 'connection'> = {}): SourceSettings =>
  sourceSettings.parse({ connection: 'c', ...input })

export const aRank = (o: Partial<SourceRank> = {}): SourceRank => ({
  id: MINE,
  name: 'staff',
  priority: 100,
  enabled: true,
  ...o,
})

export const aName = (value: string, o: Partial<RegistryName> = {}): RegistryName => ({
  kind: 'a',
  value,
  key: canonical(value),
  origin: 's',
  held: true,
  ...o,
})

/** Its look-up is as {@link aContext} makes it. */
export const aCredential = (
  kind: 'card' | 'pin',
  value: string,
  o: Partial<RegistryCredential> = {},
): RegistryCredential => ({ kind, lookup: `${kind}~${canonical(value)}`, origin: 's', held: true, ...o })

/** Ann, active and linked to {@link MINE}; `names` are her names beside the user name. */
export function aRegistryUser(o: Partial<RegistryUser> = {}): RegistryUser {
  const userName = o.userName ?? 'ann@x'
  const active = o.active ?? true
  return {
    id: 1,
    tenantId: 'tenant',
    objectId: 'object-a',
    sourceId: MINE,
    deactivatedBy: active ? null : 'source',
    deactivatedAt: active ? null : NOW,
    restoredByAdministrator: false,
    untouchable: false,
    personalNumber: null,
    holdsNumber: active && (o.personalNumber ?? null) !== null,
    fields: aRegistryUser.NO_FIELDS,
    alternateEmails: [],
    givenEmails: [],
    own: {},
    defaultGroup: null,
    version: 7,
    claims: [MINE],
    credentials: [],
    ...o,
    userName,
    active,
    names: [aName(userName, { kind: 'n', held: active }), ...(o.names ?? [])],
  }
}
aRegistryUser.NO_FIELDS = {
  fullName: null,
  email: null,
  phone: null,
  language: null,
  department: null,
  costCenter: null,
  office: null,
  jobTitle: null,
  company: null,
  manager: null,
  storage: null,
  notes: null,
} satisfies RegistryUser['fields']

/** Local: made by hand, known to no source. */
export const aLocalUser = (o: Partial<RegistryUser> = {}): RegistryUser =>
  aRegistryUser({ tenantId: null, objectId: null, sourceId: null, claims: [], ...o })

export const aRegistryGroup = (o: Partial<RegistryGroup> = {}): RegistryGroup => ({
  id: 5,
  objectId: 'group-g',
  sourceId: MINE,
  name: 'Sales',
  under: '',
  hidden: false,
  version: 3,
  ...o,
})

const aContext = (o: Partial<PlanUserContext> = {}): PlanUserContext => ({
  sourceId: MINE,
  rank: aRank(),
  rivals: [],
  now: NOW,
  removalsAllowed: true,
  settings: settingsOf(),
  remapped: new Set(),
  lookup: (space, value) => `${space}~${value}`,
  sealCard: (value) => `sealed ${value}`,
  winnerOf: (claim) => `somebody who has ${claim.slice(0, claim.indexOf(':'))}`,
  ...o,
})

/** What settings make of attributes. */
export const aWantedUser = (attributes: Attributes, settings = settingsOf()): WantedUser =>
  mapUser(attributes, prepareMapping(settings))

export interface Situation extends Omit<Partial<UserInput>, 'denied' | 'judgement'> {
  /** Of Entra; her user name is ann@x unless given. */
  readonly attributes?: Attributes
  readonly judgement?: Judgement['kind'] | Judgement
  /** Claims that somebody else wins, e.g. `name:ann@x`. */
  readonly denied?: readonly string[]
  readonly users?: UsersInput
  readonly groups?: SourceSettingsInput['groups']
  readonly context?: Partial<PlanUserContext>
}

const OUTSIDE: Judgement = { kind: 'out-of-scope', rule: 'users.filter' }

/** Plans one person. */
export function planned(o: Situation = {}): PlannedUser {
  const { attributes, judgement: given = 'wanted', denied = [], users = {}, groups = {}, context, ...input } = o
  const settings = settingsOf({ users, groups })
  const judgement: Judgement =
    typeof given === 'object'
      ? given
      : given === 'out-of-scope'
        ? OUTSIDE
        : given === 'frozen'
          ? { kind: 'frozen', why: 'removal-unproven' }
          : { kind: given }
  const isWanted = judgement.kind === 'wanted'
  return planUser(
    {
      objectId: 'object-a',
      judgement,
      wanted: isWanted ? aWantedUser({ userPrincipalName: 'ann@x', ...attributes }, settings) : undefined,
      linked: undefined,
      candidates: [],
      isKeyTaken: false,
      denied: new Set(denied),
      successor: undefined,
      isWantedElsewhere: false,
      missingSince: undefined,
      newId: () => 99,
      ...input,
    },
    aContext({ settings, ...context }),
  )
}

/** The items as `object action`, in their order. */
export const actionsOf = (plan: Pick<PlannedUser, 'items'>): string[] =>
  plan.items.map((item) => `${item.object} ${item.action}`)
