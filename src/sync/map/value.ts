// Reads the values of one Entra attribute or offered combination out of a mirror object.
import type { Attributes } from '../../directory/change.ts'

/** Longest value that a name, card or number may have; a longer one is refused, never cut. */
export const MAX_KEY_LENGTH = 256
/** Longest value of any other field. */
export const MAX_TEXT_LENGTH = 10_000

/** The values under an attribute's name: trimmed, blank ones left out. Numbers and truth values are written as text. */
export function valuesOf(attributes: Attributes, name: string): readonly string[] {
  switch (name) {
    case 'upnPrefix': {
      const upn = valuesOf(attributes, 'userPrincipalName')[0]
      return upn === undefined ? [] : nonBlank(upnPrefix(upn))
    }
    case 'onPremisesSamAccountName@onPremisesDomainName': {
      const account = valuesOf(attributes, 'onPremisesSamAccountName')[0]
      const domain = valuesOf(attributes, 'onPremisesDomainName')[0]
      return account === undefined || domain === undefined ? [] : [`${account}@${domain}`]
    }
    default: {
      const value = attributes[name]
      if (value === undefined || value === null) return []
      if (typeof value === 'string') return nonBlank(value)
      if (typeof value === 'number' || typeof value === 'boolean') return [String(value)]
      return value.flatMap(nonBlank)
    }
  }
}

/** The UPN up to its last `@`; all of it when there is none. Guests' `#EXT#` stays: it is part of the name. */
function upnPrefix(userPrincipalName: string): string {
  const at = userPrincipalName.lastIndexOf('@')
  return at === -1 ? userPrincipalName : userPrincipalName.slice(0, at)
}

/** Why a value cannot be kept, without repeating it; `undefined` when it can. */
export function valueProblem(value: string, maxLength: number): string | undefined {
  if (value.includes('\0')) return 'contains a NUL character'
  if (!value.isWellFormed()) return 'contains a broken Unicode character'
  if (value.length > maxLength) return `is ${value.length} characters long; at most ${maxLength} are kept`
  return undefined
}

function nonBlank(text: string): readonly string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : [trimmed]
}
