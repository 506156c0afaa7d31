// Which entries of a mapping give which values of one person now: a list of values says no more which of them came from where.
import type { OneValued, SeveralValued, SourceSettings } from '../contract/sources.ts'
import type { Attributes } from '../directory/change.ts'
import { canonical } from '../directory/canonical.ts'
import { mapUser, prepareMapping } from './map/users.ts'

const SEVERAL = ['aliases', 'cards', 'alternateEmails'] as const
type Several = (typeof SEVERAL)[number]

type Entries = ReadonlyMap<string, readonly string[]>

/** By target and canonical value: the entries that give it, as the config file writes them. */
export type MappedValues = Readonly<Record<Several | 'userName' | 'personalNumber' | 'pin', Entries>>

/** Maps one person entry by entry. Pure. */
export function mappedValues(attributes: Attributes, settings: SourceSettings): MappedValues {
  const mapping = prepareMapping(settings)
  const { properties } = settings.users
  const alone = (entry: Partial<typeof properties>) => {
    const none = { aliases: [], cards: [], alternateEmails: [], pin: null }
    const users = { ...settings.users, properties: { ...properties, ...none, ...entry } }
    return mapUser(attributes, { ...mapping, settings: { ...settings, users } })
  }
  const of = (target: Several) => {
    const byValue = new Map<string, string[]>()
    for (const entry of properties[target]) {
      const given = new Set(alone({ [target]: [entry] })[target]?.map(({ value }) => canonical(value)))
      for (const key of given) byValue.set(key, [...(byValue.get(key) ?? []), entryText(entry)])
    }
    return byValue
  }
  const one = (property: OneValued | null | 'generate', value: string | null | undefined): Entries =>
    new Map(
      property === null || property === 'generate' || value === undefined || value === null
        ? []
        : [[canonical(value), [sourceOf(property)]]],
    )
  const { pin, userName, personalNumber } = properties
  const person = alone({ pin })
  return {
    userName: one(userName, person.userName),
    personalNumber: one(personalNumber, person.personalNumber),
    aliases: of('aliases'),
    cards: of('cards'),
    alternateEmails: of('alternateEmails'),
    pin: one(pin, person.pin),
  }
}

/** What a target takes, as the config file writes it. */
export function sourceOf(property: OneValued | SeveralValued): string {
  if ('from' in property) return property.from
  return 'template' in property ? property.template : property.expression
}

function entryText(entry: SeveralValued): string {
  const from = sourceOf(entry)
  return entry.transform === undefined ? from : `${from} (${entry.transform})`
}
