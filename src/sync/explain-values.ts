// The values of one person that others may want too, and his further mail addresses: who gave each, from what, and who has it.
import type { ExplainedValue } from '../contract/explanation.ts'
import { oddityOf } from '../contract/lookalike.ts'
import { canonical } from '../directory/canonical.ts'
import { mask } from '../directory/mask.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Source } from '../registry/sources.ts'
import type { Possession } from '../registry/why.ts'
import type { Engine } from './engine.ts'
import type { MappedValues } from './mapped-values.ts'

export interface ValueContext {
  readonly engine: Engine
  readonly user: RegistryUser
  readonly owner: Source | undefined
  /** What the owner's mapping gives him now; undefined where it has not read him. */
  readonly mapped: MappedValues | undefined
}

const KINDS = { n: 'userName', a: 'alias', card: 'card', pin: 'pin', number: 'personalNumber' } as const
/** Where the mapping of each kind is set. */
const TARGETS = {
  userName: 'userName',
  alias: 'aliases',
  card: 'cards',
  pin: 'pin',
  personalNumber: 'personalNumber',
  alternateEmail: 'alternateEmails',
} as const

/** A name, a credential or the personal number. */
export function explainPossession(possession: Possession, context: ValueContext): ExplainedValue {
  const kind = KINDS[possession.kind]
  const origin = originOf(possession, context)
  const from = fromOf(possession, context)
  return {
    kind,
    value: shownValue(possession, context.engine),
    origin,
    from,
    isHeld: possession.held,
    sentence: joined(
      originWords({ kind, origin, from }, context),
      heldWords(possession, context),
      oddWords(possession),
    ),
  }
}

/** A further mail address; nobody does without one because of others. */
export function explainAlternateEmail(email: string, context: ValueContext): ExplainedValue {
  const kind = 'alternateEmail'
  const origin = context.user.givenEmails.includes(email) ? 'source' : 'registry'
  const from = entries(context.mapped?.alternateEmails.get(canonical(email)))
  return { kind, value: email, origin, from, isHeld: true, sentence: originWords({ kind, origin, from }, context) }
}

/** As of every other field with one value: it is the source's while that gives it in every run. */
function originOf({ kind, origin }: Possession, { owner }: ValueContext): ExplainedValue['origin'] {
  if (kind !== 'n' && kind !== 'number') return origin === 's' ? 'source' : origin === 'k' ? 'kept' : 'registry'
  const property = owner?.settings.users.properties[kind === 'n' ? 'userName' : 'personalNumber']
  return property?.apply === 'always' ? 'source' : 'registry'
}

/** The entries that give this value now; null where none does. */
function fromOf({ kind, value, lookup, origin }: Possession, { engine, mapped }: ValueContext): string | null {
  if (mapped === undefined || origin === 'k') return null
  if (kind === 'card' || kind === 'pin') {
    // Only look-ups can be compared: what is stored of a PIN does not tell its digits.
    const isThis = ([key]: readonly [string, unknown]) => engine.vault.lookup(kind, key).toString('hex') === lookup
    return entries([...mapped[TARGETS[kind]]].find(isThis)?.[1])
  }
  return entries(mapped[TARGETS[KINDS[kind]]].get(canonical(value ?? '')))
}

function entries(found: readonly string[] | undefined): string | null {
  return found === undefined ? null : found.join(' and ')
}

function shownValue(possession: Possession, engine: Engine): string {
  if (possession.kind === 'pin') return '••••'
  if (possession.kind === 'card')
    return possession.sealed === null ? '••••' : mask(engine.vault.open(possession.sealed, 'card'))
  return possession.value ?? ''
}

function originWords(
  { kind, origin, from }: Pick<ExplainedValue, 'kind' | 'origin' | 'from'>,
  { owner, mapped }: ValueContext,
): string {
  switch (origin) {
    case 'source':
      if (owner === undefined) return 'Given by a source that was removed since.'
      if (from !== null) return `Given by ${owner.name} from ${from}.`
      if (kind === 'pin' && owner.settings.users.properties.pin === 'generate')
        return `Given by ${owner.name}, for which Muster draws PINs; no run changes one that is there.`
      // Nothing is said of what is given now where he was not read again.
      return mapped === undefined
        ? `Given by ${owner.name}.`
        : `Given by ${owner.name}; users.properties.${TARGETS[kind]} does not give it now.`
    case 'kept':
      return 'His old user name, kept as an alias; it yields to anybody who wants it.'
    case 'registry':
      return owner === undefined || from === null
        ? "The registry's own: no source removes it."
        : `The registry's own: no source removes it; ${owner.name} gives the same from ${from}.`
  }
}

function oddWords({ kind, value }: Possession): string {
  const oddity = kind === 'n' || kind === 'a' ? oddityOf(value ?? '') : undefined
  return oddity === undefined ? '' : `It ${oddity}: look whom it could be mistaken for.`
}

function heldWords(possession: Possession, { user }: ValueContext): string {
  if (possession.held) return ''
  if (!user.active) {
    return possession.takenBy === null
      ? 'Parked, because he is deactivated; it comes back with him.'
      : `Parked, because he is deactivated, and ${JSON.stringify(possession.takenBy)} has it now; it comes back only when it is free again.`
  }
  return possession.takenBy === null
    ? 'Parked: somebody else had it when he came back; it is free now, and comes back in the next run.'
    : `Parked: ${JSON.stringify(possession.takenBy)} has it; he does without it until it is free again.`
}

function joined(...sentences: readonly string[]): string {
  return sentences.filter((sentence) => sentence !== '').join(' ')
}
