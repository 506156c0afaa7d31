// What registry users hold: names, cards, PINs and personal numbers that nobody else may have.
import { assert } from '../base/errors.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { Claimant } from './conflicts.ts'

/** What an active user holds against others, as `space:key`. */
export function holdsOf(user: RegistryUser): ReadonlySet<string> {
  const held = new Set(user.names.filter((name) => name.held).map((name) => `name:${name.key}`))
  for (const credential of user.credentials) if (credential.held) held.add(`${credential.kind}:${credential.lookup}`)
  if (user.personalNumber !== null && user.holdsNumber) held.add(`number:${canonical(user.personalNumber)}`)
  return held
}

const SPACES = ['name', 'card', 'pin', 'number'] as const

/** The same as claims, for somebody who gives nothing up. */
export function claimsHeldBy(user: RegistryUser): Claim[] {
  return [...holdsOf(user)].map((held) => claimOf(held, user))
}

function claimOf(held: string, user: RegistryUser): Claim {
  const colon = held.indexOf(':')
  const space = SPACES.find((known) => known === held.slice(0, colon))
  const key = held.slice(colon + 1)
  assert(space !== undefined, 'holdsOf writes these four spaces only')
  return { space, key, rank: space === 'name' && key === canonical(user.userName) ? 'userName' : 'own' }
}

/** How an issue names whoever has a value; never by card or PIN. */
export function describe(claimant: Claimant | undefined): string {
  if (claimant === undefined) return 'somebody else'
  return claimant.fixed && claimant.objectId === '' ? 'a local user' : describeLinked(claimant.objectId)
}

/** How an issue names somebody of Entra. */
export function describeLinked(objectId: string): string {
  return `the Entra user ${objectId}`
}
