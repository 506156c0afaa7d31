// The cards and PINs that a person gets and loses.
import { canonical } from '../directory/canonical.ts'
import type { RegistryCredential, RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import { issue, type PersonOptions, type UserInput } from './plan-person.ts'

interface CredentialOptions extends PersonOptions {
  readonly user: RegistryUser | undefined
  readonly userId: number
  readonly name: string
}

export function credentialsOf(input: UserInput, o: CredentialOptions): { items: ItemDraft[]; claims: Claim[] } {
  const items: ItemDraft[] = []
  const claims: Claim[] = []
  const existing = o.user?.credentials ?? []
  const parked = o.user !== undefined && !o.user.active
  const plan = (kind: 'card' | 'pin', values: readonly string[] | undefined) => {
    const have = existing.filter((c) => c.kind === kind)
    const conflict = (claim: string) =>
      o.issues.push(
        issue(
          input,
          kind === 'card' ? 'card-conflict' : 'pin-conflict',
          `A ${kind === 'card' ? 'card' : 'PIN'} belongs to ${o.context.winnerOf(claim)}; this user does without it.`,
        ),
      )
    /** What the source does not decide about: the registry's own, or all where nothing is mapped. */
    const keep = (credential: RegistryCredential, rank: Claim['rank']) => {
      const { lookup } = credential
      const isMissing = parked || !credential.held
      claims.push({ space: kind, key: lookup, rank: isMissing ? 'parked' : rank })
      if (!isMissing) return
      const claim = `${kind}:${lookup}`
      if (input.denied.has(claim)) conflict(claim)
      // With a reactivation it comes back by itself.
      else if (!parked)
        items.push(credentialItem(input, o, { action: 'add', kind, lookup, content: { shown: '••••' } }))
    }
    for (const credential of have) if (credential.origin === 'o') keep(credential, 'own')
    if (values === undefined) {
      for (const credential of have) if (credential.origin === 's') keep(credential, 'value')
      return
    }
    const wanted = new Set<string>()
    for (const value of values) {
      const lookup = o.context.lookup(kind, canonical(value))
      if (wanted.has(lookup)) continue
      wanted.add(lookup)
      if (have.some((c) => c.lookup === lookup && c.origin === 'o')) continue
      const claim = `${kind}:${lookup}`
      claims.push({ space: kind, key: lookup, rank: 'value' })
      if (input.denied.has(claim)) {
        wanted.delete(lookup)
        conflict(claim)
        continue
      }
      if (have.some((c) => c.lookup === lookup)) continue
      const shown = kind === 'card' ? { sealed: o.context.sealCard(value), shown: mask(value) } : { shown: '••••' }
      items.push(credentialItem(input, o, { action: 'add', kind, lookup, content: shown }))
    }
    const keepAll = o.wanted.rejected.some((r) => r.target === (kind === 'card' ? 'cards' : 'pin'))
    for (const credential of have) {
      if (credential.origin !== 's' || wanted.has(credential.lookup)) continue
      if (keepAll) claims.push({ space: kind, key: credential.lookup, rank: 'value' })
      else items.push(credentialItem(input, o, { action: 'remove', kind, lookup: credential.lookup, content: {} }))
    }
  }
  plan('card', o.wanted.cards)
  plan('pin', o.wanted.pin === undefined ? undefined : o.wanted.pin === null ? [] : [o.wanted.pin])
  return { items, claims }
}

interface CredentialContent {
  readonly action: 'add' | 'remove'
  readonly kind: RegistryCredential['kind']
  readonly lookup: string
  readonly content: Record<string, string>
}

function credentialItem(input: UserInput, o: CredentialOptions, c: CredentialContent): ItemDraft {
  const value = { kind: c.kind, lookup: c.lookup, ...c.content }
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
    rule: c.kind === 'card' ? 'users.properties.cards' : 'users.properties.pin',
    reason: c.action === 'add' ? 'given-in-entra' : 'withdrawn-in-entra',
    sawVersion: o.user?.version ?? null,
  }
}

/** Enough to recognise a card in hand, too little to copy it. Whole characters: half of one cannot be stored. */
function mask(value: string): string {
  const characters = Array.from(value)
  return characters.length >= 9 ? `••••${characters.slice(-4).join('')}` : '••••'
}
