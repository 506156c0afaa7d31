// Why something about a person changes, and by which setting, as far as it is known: Entra says something else than before, the
// settings do, somebody else has what he had, or what he did without is free again. Pure.
import type { SourceSettings } from '../contract/sources.ts'
import { TEXT_FIELDS } from '../directory/user.ts'

/** The reasons of changes of values; a value that is lost to somebody has the code of its issue. */
export const CAUSES = {
  entra: 'changed-in-entra',
  settings: 'settings-changed',
  either: 'changed-in-entra-or-settings',
  again: 'free-again',
  wanted: 'wanted-again',
  yielded: 'old-name-wanted',
} as const

/** Targets whose mapping is another one than that of the last plan for everybody; `undefined`: that is not known. */
export type Remapped = ReadonlySet<string> | undefined

/** What a rename and an update are hashed as, so that the same changes are the same plan whatever is known of their cause. */
export const HASHED_RENAME = { rule: 'users.properties.userName', reason: CAUSES.entra } as const
export const HASHED_UPDATE = { rule: 'users.properties', reason: CAUSES.entra } as const

const TARGETS = ['userName', ...TEXT_FIELDS, 'aliases', 'cards', 'pin', 'personalNumber', 'alternateEmails'] as const

/** Compares what decides about each target. Own fields are `own.NAME`. */
export function remappedTargets(before: SourceSettings | undefined, now: SourceSettings): Remapped {
  if (before === undefined) return undefined
  const isOther = (a: unknown, b: unknown) => JSON.stringify(a ?? null) !== JSON.stringify(b ?? null)
  const [old, present] = [before.users, now.users]
  const remapped = new Set<string>(
    TARGETS.filter((target) => isOther(old.properties[target], present.properties[target])),
  )
  for (const name of new Set([...Object.keys(old.properties.own), ...Object.keys(present.properties.own)]))
    if (isOther(old.properties.own[name], present.properties.own[name])) remapped.add(`own.${name}`)
  if (old.options.lowercaseUserNames !== present.options.lowercaseUserNames) remapped.add('userName')
  if (isOther(before.groups.fromAttributes, now.groups.fromAttributes)) remapped.add('defaultGroup')
  if (before.groups.keepDefaultGroup !== now.groups.keepDefaultGroup) remapped.add('defaultGroup')
  return remapped
}

/** Whether these targets changed because of Entra, of the settings, or of one of the two. */
export function causeOf(targets: readonly string[], remapped: Remapped): string {
  if (remapped === undefined) return CAUSES.either
  const count = targets.filter((target) => remapped.has(target)).length
  if (count === 0) return CAUSES.entra
  return count === targets.length ? CAUSES.settings : CAUSES.either
}

/** The setting that covers all targets that change: one alone, or the block that they are in. */
export function ruleOf(targets: readonly string[]): string {
  const mapped = targets.filter((target) => target !== 'defaultGroup' && target !== RESTORED)
  const [only, second] = mapped
  if (second !== undefined) return HASHED_UPDATE.rule
  if (only !== undefined) return `users.properties.${only}`
  return targets.includes('defaultGroup') ? 'groups.fromAttributes' : 'users.import'
}

/** Not a target: that an administrator had restored him is noted no more once he is wanted. */
const RESTORED = 'restoredByAdministrator'

interface Changed {
  readonly old: Readonly<Record<string, unknown>>
  readonly new: Readonly<Record<string, unknown>>
  readonly targets: readonly string[]
  readonly remapped: Remapped
  /** Whether somebody else has this value of the target now. */
  readonly isDenied: (target: string, value: unknown) => boolean
  /** Whether this alias is an old user name that was kept. */
  readonly isKept: (alias: unknown) => boolean
  /** Whether he had this value already, and did without it. */
  readonly isParked: (target: string, value: unknown) => boolean
}

/** The reason of an update: what is known of all that it changes, else what is known of the most. */
export function reasonOfUpdate(change: Changed): string {
  const { targets, remapped } = change
  if (targets.every((target) => target === RESTORED)) return CAUSES.wanted
  const mapped = targets.filter((target) => target !== RESTORED)
  const [lost, second] = mapped
  if (lost !== undefined && second === undefined) {
    const { gone, come } = difference(change.old[lost], change.new[lost])
    const code = CONFLICTS[lost]
    const isLost = come.length === 0 && gone.length > 0 && gone.every((value) => change.isDenied(lost, value))
    if (code !== undefined && isLost) return lost === 'aliases' && gone.every(change.isKept) ? CAUSES.yielded : code
    if (gone.length === 0 && come.length > 0 && come.every((v) => change.isParked(lost, v))) return CAUSES.again
  }
  return causeOf(mapped, remapped)
}

/** The targets whose values only one can have at a time, besides user name, card and PIN, which have items of their own. */
const CONFLICTS: Readonly<Record<string, string>> = {
  aliases: 'alias-conflict',
  personalNumber: 'personal-number-conflict',
}

function difference(before: unknown, after: unknown): { gone: readonly unknown[]; come: readonly unknown[] } {
  const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : value === null ? [] : [value])
  const [old, now] = [list(before), list(after)]
  return { gone: old.filter((value) => !now.includes(value)), come: now.filter((value) => !old.includes(value)) }
}

/** The targets that an update changes, by its old and new values. */
export function targetsOf(changed: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(changed).flatMap(([field, value]) =>
    field === 'own' && typeof value === 'object' && value !== null
      ? Object.keys(value).map((name) => `own.${name}`)
      : [field],
  )
}
