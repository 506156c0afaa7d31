// What the registry has of one person, and where each value came from.
import type { ExplainedField, ExplainedRegistry, ExplainedValue } from '../contract/explanation.ts'
import { oddityOf } from '../contract/lookalike.ts'
import type { OneValued } from '../contract/sources.ts'
import { mask } from '../directory/mask.ts'
import { TEXT_FIELDS, type RegistryUser } from '../directory/user.ts'
import type { Source } from '../registry/sources.ts'
import { possessionsOf, type Possession } from '../registry/why.ts'
import type { Engine } from './engine.ts'
import { sourceOf } from './explain-words.ts'

/** Everything but groups. */
export async function explainRegistry(
  engine: Engine,
  user: RegistryUser,
  sources: readonly Source[],
): Promise<Omit<ExplainedRegistry, 'groups'>> {
  const owner = sources.find((source) => source.id === user.sourceId)
  const possessions = await possessionsOf(engine.db, user.id)
  return {
    id: String(user.id),
    userName: user.userName,
    active: user.active,
    owner: owner?.name ?? null,
    sentence: standing(user, owner),
    fields: fieldsOf(user, owner),
    values: possessions.map((possession) => valueOf(possession, { engine, user, owner })),
  }
}

function standing(user: RegistryUser, owner: Source | undefined): string {
  const whose =
    user.objectId === null
      ? 'A local user: no source reads him.'
      : owner === undefined
        ? 'Detached from a removed source: he stays as he is until a source of that tenant links him again.'
        : `Owned by ${owner.name}${owner.enabled ? '' : ', which is disabled'}.`
  const guarded = user.untouchable ? ' Protected, or an administrator: no source changes him.' : ''
  if (user.active) return `Active. ${whose}${guarded}`
  const by = user.deactivatedBy === 'administrator' ? 'an administrator; no source reactivates him' : 'his source'
  const since = user.deactivatedAt === null ? '' : ` on ${user.deactivatedAt.toISOString().slice(0, 10)}`
  return `Deactivated by ${by}${since}. He keeps what he has; his memberships have no effect. ${whose}${guarded}`
}

function fieldsOf(user: RegistryUser, owner: Source | undefined): ExplainedField[] {
  const properties = owner?.settings.users.properties
  const told: ExplainedField[] = [
    explainField('userName', user.userName, { property: properties?.userName ?? null, owner }),
  ]
  for (const field of TEXT_FIELDS)
    told.push(explainField(field, user.fields[field], { property: properties?.[field] ?? null, owner }))
  told.push(
    explainField('personalNumber', user.personalNumber, { property: properties?.personalNumber ?? null, owner }),
  )
  for (const [name, value] of Object.entries(user.own))
    told.push(explainField(`own.${name}`, value, { property: properties?.own[name] ?? null, owner }))
  return told
}

function explainField(
  field: string,
  value: string | null,
  { property, owner }: { readonly property: OneValued | null; readonly owner: Source | undefined },
): ExplainedField {
  if (property === null || owner === undefined)
    return { field, value, owner: 'registry', from: null, sentence: "No source maps it: the registry's own." }
  const from = sourceOf(property)
  switch (property.apply) {
    case 'always':
      return { field, value, owner: 'source', from, sentence: `From ${from} (${owner.name}), in every run.` }
    case 'whenCreated':
      return {
        field,
        value,
        owner: 'registry',
        from,
        sentence: `From ${from} (${owner.name}) when he was created; since then the registry's own.`,
      }
    case 'whenEmpty':
      return {
        field,
        value,
        owner: value === null ? 'source' : 'registry',
        from,
        sentence:
          value === null
            ? `Empty: ${owner.name} fills it from ${from} as soon as that has a value.`
            : `Filled once from ${from} (${owner.name}) or by hand; since then the registry's own.`,
      }
  }
}

const KINDS = { n: 'userName', a: 'alias', card: 'card', pin: 'pin', number: 'personalNumber' } as const

interface ValueContext {
  readonly engine: Engine
  readonly user: RegistryUser
  readonly owner: Source | undefined
}

function valueOf(possession: Possession, { engine, user, owner }: ValueContext): ExplainedValue {
  const origin = possession.origin === 's' ? 'source' : possession.origin === 'k' ? 'kept' : 'registry'
  return {
    kind: KINDS[possession.kind],
    value: shownValue(possession, engine),
    origin,
    isHeld: possession.held,
    sentence: `${originWords(origin, owner)} ${heldWords(possession, user)} ${oddWords(possession)}`
      .replaceAll(/ +/g, ' ')
      .trim(),
  }
}

function shownValue(possession: Possession, engine: Engine): string {
  if (possession.kind === 'pin') return '••••'
  if (possession.kind === 'card')
    return possession.sealed === null ? '••••' : mask(engine.vault.open(possession.sealed, 'card'))
  return possession.value ?? ''
}

function originWords(origin: ExplainedValue['origin'], owner: Source | undefined): string {
  switch (origin) {
    case 'source':
      return owner === undefined ? 'Given by a source.' : `Given by ${owner.name}.`
    case 'kept':
      return 'His old user name, kept as an alias; it yields to anybody who wants it.'
    case 'registry':
      return "The registry's own: no source removes it."
  }
}

function oddWords({ kind, value }: Possession): string {
  const oddity = kind === 'n' || kind === 'a' ? oddityOf(value ?? '') : undefined
  return oddity === undefined ? '' : `It ${oddity}: look whom it could be mistaken for.`
}

function heldWords(possession: Possession, user: RegistryUser): string {
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
