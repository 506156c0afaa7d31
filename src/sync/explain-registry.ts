// What the registry has of one person, and where each value came from.
import type { ExplainedField, ExplainedRegistry } from '../contract/explanation.ts'
import type { OneValued } from '../contract/sources.ts'
import { TEXT_FIELDS, type RegistryUser } from '../directory/user.ts'
import { mirrorUsersByObjectIds } from '../registry/planning.ts'
import { judgeUser } from '../registry/sign-in-rule.ts'
import type { Source } from '../registry/sources.ts'
import { possessionsOf } from '../registry/why.ts'
import type { Engine } from './engine.ts'
import { explainAlternateEmail, explainPossession, type ValueContext } from './explain-values.ts'
import { signInSentence } from './explain-words.ts'
import { needsOf } from './map/needs.ts'
import { type MappedValues, mappedValues, sourceOf } from './mapped-values.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import { mirrorOpener } from './rivals.ts'
import { unreadAttributes } from './unread-attributes.ts'

/** Everything but groups. */
export async function explainRegistry(
  engine: Engine,
  user: RegistryUser,
  sources: readonly Source[],
): Promise<Omit<ExplainedRegistry, 'groups'>> {
  const owner = sources.find((source) => source.id === user.sourceId)
  const possessions = await possessionsOf(engine.db, user.id)
  const context: ValueContext = { engine, user, owner, mapped: await mappedNow(engine, user, owner) }
  return {
    id: String(user.id),
    userName: user.userName,
    active: user.active,
    owner: owner?.name ?? null,
    sentence: standing(user, owner),
    signIn: await explainSignIn(engine, user),
    fields: fieldsOf(user, owner),
    values: [
      ...possessions.map((possession) => explainPossession(possession, context)),
      ...user.alternateEmails.map((email) => explainAlternateEmail(email, context)),
    ],
  }
}

async function explainSignIn(engine: Engine, user: RegistryUser): Promise<ExplainedRegistry['signIn']> {
  const { judged, source, connection } = await judgeUser(engine.db, user.id)
  const refusal = judged.kind === 'allowed' ? null : judged.reason
  const sentence = signInSentence({ refusal, isLocal: user.objectId === null, source, connection })
  return { connection: refusal === null ? connection : null, refusal, sentence }
}

/** What the owner's settings make of him as he was last read. */
async function mappedNow(
  engine: Engine,
  user: RegistryUser,
  owner: Source | undefined,
): Promise<MappedValues | undefined> {
  if (owner === undefined || user.objectId === null || isElsewhere(owner, user)) return undefined
  if ((await unreadAttributes(engine.db, owner)).length > 0) return undefined
  const needs = needsOf(owner.settings)
  const { objectId } = user
  const [row] = await mirrorUsersByObjectIds(engine.db, [objectId], {
    sourceId: owner.id,
    withManager: needs.userAttributes.includes('manager'),
  })
  if (row === undefined || row.attributes === null) return undefined
  return mappedValues(mirrorAttributes(row, { needs, open: mirrorOpener(engine.vault, owner.id) }), owner.settings)
}

/** Its connection names another tenant than his by now. */
function isElsewhere(owner: Source, user: RegistryUser): boolean {
  return owner.connection.tenantId !== user.tenantId
}

function standing(user: RegistryUser, owner: Source | undefined): string {
  const whose =
    user.objectId === null
      ? 'A local user: no source reads him.'
      : owner === undefined
        ? 'Detached from a removed source: he stays as he is until a source of that tenant links him again.'
        : `Owned by ${owner.name}${owner.enabled ? '' : ', which is disabled'}${isElsewhere(owner, user) ? ', whose connection names another tenant than his: it gives him nothing until that names his again' : ''}.`
  const guarded = user.untouchable ? ' Protected, or an administrator: no source changes him.' : ''
  if (user.active) return `Active. ${whose}${guarded}`
  const isForGood = user.deactivatedBy === 'administrator'
  const by = isForGood ? 'an administrator' : 'his source'
  const since = user.deactivatedAt === null ? '' : ` on ${user.deactivatedAt.toISOString().slice(0, 10)}`
  const stays = isForGood ? '; no source reactivates him' : ''
  return `Deactivated by ${by}${since}${stays}. He keeps what he has; his memberships have no effect. ${whose}${guarded}`
}

function fieldsOf(user: RegistryUser, owner: Source | undefined): ExplainedField[] {
  const properties = owner?.settings.users.properties
  const isRead = owner !== undefined && !isElsewhere(owner, user)
  const told: ExplainedField[] = [
    explainField('userName', user.userName, { property: properties?.userName ?? null, owner, isRead }),
  ]
  for (const field of TEXT_FIELDS)
    told.push(explainField(field, user.fields[field], { property: properties?.[field] ?? null, owner, isRead }))
  told.push(
    explainField('personalNumber', user.personalNumber, {
      property: properties?.personalNumber ?? null,
      owner,
      isRead,
    }),
  )
  for (const [name, value] of Object.entries(user.own))
    told.push(explainField(`own.${name}`, value, { property: properties?.own[name] ?? null, owner, isRead }))
  return told
}

function explainField(
  field: string,
  value: string | null,
  {
    property,
    owner,
    isRead,
  }: {
    readonly property: OneValued | null
    readonly owner: Source | undefined
    /** By the owner, whose connection names his tenant. */
    readonly isRead: boolean
  },
): ExplainedField {
  if (property === null || owner === undefined)
    return { field, value, owner: 'registry', from: null, sentence: "No source maps it: the registry's own." }
  const from = sourceOf(property)
  switch (property.apply) {
    case 'always':
      return {
        field,
        value,
        owner: 'source',
        from,
        sentence: `From ${from} (${owner.name}), ${isRead ? 'in every run' : 'when it last read him'}.`,
      }
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
