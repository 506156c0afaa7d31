// The registry's fields of a user, by the names of the config file.

/** Fields with one value, besides user name and personal number; the order is the order in which people read them. */
export const TEXT_FIELDS = [
  'fullName',
  'email',
  'phone',
  'language',
  'department',
  'costCenter',
  'office',
  'jobTitle',
  'company',
  'manager',
  'storage',
  'notes',
] as const
export type TextField = (typeof TEXT_FIELDS)[number]

/** A user name or an alias of a registry user. One name space, see {@link canonical}. */
export interface RegistryName {
  /** `n` user name, `a` alias. */
  readonly kind: 'n' | 'a'
  readonly value: string
  readonly key: string
  /** `s` given by the source, `k` a kept old user name, `o` the registry's own. */
  readonly origin: 's' | 'k' | 'o'
  /** False: he does without it, as {@link RegistryCredential.held} tells. */
  readonly held: boolean
}

/** A card or PIN of a registry user, known by its keyed look-up only. */
export interface RegistryCredential {
  readonly kind: 'card' | 'pin'
  /** Keyed look-up as lower-case hex. */
  readonly lookup: string
  readonly origin: 's' | 'o'
  /** False: he does without it, because he is deactivated or somebody else had it when he came back. */
  readonly held: boolean
}

/** The default group of a registry user. */
export interface RegistryDefaultGroup {
  readonly id: number
  readonly path: string
  /** True: a source gave it, and may take it away. */
  readonly isGiven: boolean
  /** Who makes him a member of it: sources, and 0 for whoever did it by hand. */
  readonly memberBy: readonly number[]
}

/** A registry user as planning sees him. */
export interface RegistryUser {
  readonly id: number
  readonly tenantId: string | null
  readonly objectId: string | null
  readonly sourceId: number | null
  readonly active: boolean
  readonly deactivatedBy: 'source' | 'administrator' | null
  readonly deactivatedAt: Date | null
  readonly restoredByAdministrator: boolean
  /** Protected or an administrator: never paired, never touched by a source. */
  readonly untouchable: boolean
  readonly userName: string
  readonly personalNumber: string | null
  /** False: he does without the number, as {@link RegistryCredential.held} tells. */
  readonly holdsNumber: boolean
  readonly fields: Readonly<Record<TextField, string | null>>
  readonly alternateEmails: readonly string[]
  /** Those of them that his source gave and may withdraw; the others are the registry's own. */
  readonly givenEmails: readonly string[]
  readonly own: Readonly<Record<string, string>>
  readonly defaultGroup: RegistryDefaultGroup | null
  readonly version: number
  /** Ids of the sources that want him now, the owner included. */
  readonly claims: readonly number[]
  readonly names: readonly RegistryName[]
  readonly credentials: readonly RegistryCredential[]
}
