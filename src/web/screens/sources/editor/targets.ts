// What a mapping fills, as the settings name it, in the order in which it is shown.
import type { TARGET_NAMES } from '../../../components/field-order.ts'

export interface Target {
  readonly path: string
  /** By its name in the config file, as the mapping's result calls it. */
  readonly name: string
  readonly label: string
  readonly takes: 'one' | 'several'
  /** May it be left without anything? */
  readonly isOptional: boolean
}

const SEVERAL = new Set(['aliases', 'cards', 'alternateEmails'])

export type TargetName = (typeof TARGET_NAMES)[number]

export function targetOf(name: TargetName, label: string): Target {
  return {
    path: `users.properties.${name}`,
    name,
    label,
    takes: SEVERAL.has(name) ? 'several' : 'one',
    isOptional: name !== 'userName',
  }
}

export function ownTarget(field: string): Target {
  return { path: `users.properties.own.${field}`, name: `own.${field}`, label: field, takes: 'one', isOptional: false }
}
