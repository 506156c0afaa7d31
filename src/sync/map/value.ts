// Reads the values of one Entra attribute or offered combination out of a mirror object.
import type { Attributes } from '../../directory/change.ts'
import { canonical } from '../../directory/canonical.ts'

/** Longest value that a name, card or number may have; a longer one is refused, never cut. */
export const MAX_KEY_LENGTH = 256
/** A shorter PIN would be found by trying: 6 digits are a million. */
export const MIN_PIN_LENGTH = 6
/** Longest value of any other field. */
export const MAX_TEXT_LENGTH = 10_000
/**
 * Longest canonical form of a name or number: one character can become 18 in it, and at three bytes each this is what an index
 * of PostgreSQL still takes (2,704 bytes).
 */
const MAX_CANONICAL_LENGTH = 768

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

/**
 * Why a value cannot be kept, without repeating it; `undefined` when it can. The mirror keeps U+FFFD for what it cannot store
 * (NUL, half a surrogate pair), so a value with it is not what Entra holds.
 */
export function valueProblem(value: string, maxLength: number): string | undefined {
  if (value.includes('\0')) return 'contains a NUL character'
  if (!value.isWellFormed() || value.includes('\ufffd')) return 'contains a broken Unicode character'
  if (value.length > maxLength) return `is ${value.length} characters long; at most ${maxLength} are kept`
  if (maxLength === MAX_KEY_LENGTH && canWiden(value) && canonical(value).length > MAX_CANONICAL_LENGTH)
    return `is longer than ${MAX_CANONICAL_LENGTH} characters once its ligatures are written out`
  return undefined
}

/** Whether the canonical form may be longer than allowed: no character becomes more than 18, three times that when folded. */
function canWiden(value: string): boolean {
  return value.length * 54 > MAX_CANONICAL_LENGTH && !/^[\x20-\x7e]*$/.test(value)
}

function nonBlank(text: string): readonly string[] {
  const trimmed = text.trim()
  return trimmed === '' ? [] : [trimmed]
}
