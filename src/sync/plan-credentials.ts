// The cards and PINs that a person gets and loses.
import { canonical } from '../directory/canonical.ts'
import { HIDDEN, mask } from '../directory/mask.ts'
import type { RegistryCredential, RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import { causeOf, CAUSES, type Remapped } from './plan-cause.ts'
import { issue, type PersonOptions, type UserInput } from './plan-person.ts'
import type { TakenValues } from './plan-terms.ts'

interface CredentialOptions extends PersonOptions {
  readonly user: RegistryUser | undefined
  readonly userId: number
  readonly name: string
  /** Why another source's mapping applies from now on, where one does. */
  readonly cause?: string | undefined
}

export function credentialsOf(input: UserInput, o: CredentialOptions): { items: ItemDraft[]; claims: Claim[] } {
  const items: ItemDraft[] = []
  const claims: Claim[] = []
  const existing = o.user?.credentials ?? []
  const parked = o.user !== undefined && !o.user.active
  const plan = (kind: 'card' | 'pin', taken: TakenValues | undefined) => {
    const have = existing.filter((c) => c.kind === kind)
    const conflict = (claim: string) =>
      o.issues.push(
        issue(
          input,
          CONFLICTS[kind],
          `A ${kind === 'card' ? 'card' : 'PIN'} belongs to ${o.context.winnerOf(claim)}; this user does without it.`,
        ),
      )
    const cause = o.user === undefined ? undefined : (o.cause ?? causeOfSettings(kind, o.context.remapped))
    const add = (
      lookup: string,
      content: Record<string, string>,
      why: Why = { reason: cause === CAUSES.either ? GIVEN : (cause ?? GIVEN), hashed: GIVEN },
    ) => items.push(credentialItem(input, o, { action: 'add', kind, ...why, content: { lookup, ...content } }))
    const remove = (lookup: string, why: Why) =>
      items.push(credentialItem(input, o, { action: 'remove', kind, ...why, content: { lookup } }))
    /** What the source does not decide about: the registry's own, or all where nothing is withdrawn. */
    const keep = (credential: RegistryCredential, rank: Claim['rank']) => {
      const { lookup } = credential
      const isMissing = parked || !credential.held
      claims.push({ space: kind, key: lookup, rank: isMissing ? 'parked' : rank })
      if (!isMissing) return
      const claim = `${kind}:${lookup}`
      if (input.denied.has(claim)) conflict(claim)
      // With a reactivation it comes back by itself.
      else if (!parked) add(lookup, { shown: HIDDEN }, { reason: CAUSES.again, hashed: GIVEN })
    }
    // What comes back with a reactivation nobody has yet: who is deactivated loses nothing by it.
    const isWithheld = taken?.withdraws === true && !o.context.removalsAllowed && !parked
    const withdraws = taken?.withdraws === true && !isWithheld
    // A person has one PIN: what the source always gives takes the place of his own, unless it belongs to somebody else.
    const [another] = kind === 'pin' && withdraws ? taken.values : []
    const replacement = another === undefined ? undefined : o.context.lookup(kind, canonical(another.value))
    const isReplaced = replacement !== undefined && !input.denied.has(`pin:${replacement}`)
    for (const credential of have) {
      const { lookup } = credential
      if (credential.origin !== 'o') continue
      if (!isReplaced || lookup === replacement) keep(credential, 'own')
      else {
        if (credential.held && !parked) claims.push({ space: kind, key: lookup, rank: 'replaced' })
        remove(lookup, { reason: REPLACED })
      }
    }
    const given = new Set(taken?.values.map(({ value }) => o.context.lookup(kind, canonical(value))))
    const wanted = new Set<string>()
    const lost = new Set<string>()
    for (const { value, own } of taken?.values ?? []) {
      const lookup = o.context.lookup(kind, canonical(value))
      if (wanted.has(lookup)) continue
      const had = have.find((c) => c.lookup === lookup)
      if (had !== undefined && (had.origin === 'o' || !withdraws)) continue
      // A person has one PIN: another one waits until the old one may go.
      if (isWithheld && kind === 'pin' && have.length > 0) continue
      const claim = `${kind}:${lookup}`
      claims.push({ space: kind, key: lookup, rank: 'value' })
      if (input.denied.has(claim)) {
        conflict(claim)
        lost.add(lookup)
        continue
      }
      wanted.add(lookup)
      const shown = kind === 'card' ? mask(value) : HIDDEN
      if (had === undefined) {
        const sealed = kind === 'card' ? { sealed: o.context.sealCard(value) } : {}
        add(lookup, { ...sealed, shown, ...(own ? OWN : {}) })
      } else if (own) add(lookup, { shown, ...OWN }, { reason: 'kept-from-now-on' })
    }
    for (const credential of have) {
      if (credential.origin !== 's' || wanted.has(credential.lookup)) continue
      if (isWithheld && !credential.held && !given.has(credential.lookup)) continue
      if (!withdraws) keep(credential, 'value')
      else if (lost.has(credential.lookup)) remove(credential.lookup, { reason: CONFLICTS[kind], hashed: WITHDRAWN })
      else remove(credential.lookup, { reason: cause ?? WITHDRAWN, hashed: WITHDRAWN })
    }
  }
  plan('card', o.wanted.cards)
  plan('pin', o.wanted.pins)
  // Which digits, and with them the look-up, is drawn when everybody is planned.
  if (o.wanted.drawsPin) {
    items.push(credentialItem(input, o, { action: 'add', kind: 'pin', reason: DRAWN, content: { shown: HIDDEN } }))
  }
  return { items, claims }
}

/** The settings where they, and not only Entra, may be why; undefined where they are as before. */
function causeOfSettings(kind: RegistryCredential['kind'], remapped: Remapped): string | undefined {
  const cause = causeOf([kind === 'card' ? 'cards' : 'pin'], remapped)
  return cause === CAUSES.entra ? undefined : cause
}

interface Why {
  readonly reason: string
  /** What the digest has in its place. */
  readonly hashed?: string
}

const GIVEN = 'given-in-entra'
const WITHDRAWN = 'withdrawn-in-entra'
/** Of a card or PIN that somebody else has: the code of the issue. */
const CONFLICTS = { card: 'card-conflict', pin: 'pin-conflict' } as const
/** What makes a credential the registry's own from the start. */
const OWN = { origin: 'o' }
/** The reason of items that take away a PIN of the registry's own. */
const REPLACED = 'replaced-in-entra'
/** The reason of items whose PIN is drawn. */
export const DRAWN = 'generated'

interface CredentialContent {
  readonly action: 'add' | 'remove'
  readonly kind: RegistryCredential['kind']
  readonly reason: string
  readonly hashed?: string
  readonly content: Readonly<Record<string, string>>
}

function credentialItem(input: UserInput, o: CredentialOptions, c: CredentialContent): ItemDraft {
  const value = { kind: c.kind, ...c.content }
  const rule = c.kind === 'card' ? 'users.properties.cards' : 'users.properties.pin'
  return {
    object: 'credential',
    action: c.action,
    userId: o.userId,
    groupId: null,
    objectId: input.objectId,
    name: o.name,
    old: c.action === 'remove' ? value : null,
    new: c.action === 'add' ? value : null,
    names: null,
    rule,
    reason: c.reason,
    ...(c.hashed === undefined || c.hashed === c.reason ? {} : { hashedAs: { rule, reason: c.hashed } }),
    sawVersion: o.user?.version ?? null,
  }
}
