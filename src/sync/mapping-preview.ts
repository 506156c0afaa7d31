// What settings would make of real people, shown while they are edited: from the mirror where it was read, else from Entra as it
// is. Keeps nothing, and judges nobody's removal.
import type { MappedUser } from '../contract/api/sources.ts'
import type { SourceSettings } from '../contract/sources.ts'
import { type LivingSettings, parseLiving } from '../contract/living-settings.ts'
import type { AttributeValue } from '../directory/change.ts'
import type { GraphClient } from '../graph/client.ts'
import { requireConnection } from '../registry/connections.ts'
import type { Engine } from './engine.ts'
import { type Judgement, judge } from './judge.ts'
import { needsOf } from './map/needs.ts'
import { type Mapping, mapUser, prepareMapping, type WantedUser } from './map/users.ts'
import { HIDDEN, mask } from '../directory/mask.ts'
import { type Sample, sampleEntra, sampleMirror } from './sample-users.ts'

/** How many people are shown where nobody is named. */
const SHOWN = 3
/** How many are looked at to find so many whom the source wants. */
const LOOKED_AT = 25

export interface MappingRequest {
  /** Whose mirror is asked first; none: the source is not saved yet. */
  readonly source?: string | undefined
  /** As they are written. A mistake in one property is told with everybody, and the others are shown. */
  readonly settings: unknown
  /** Object ids or user principal names; empty: three people, wanted ones before others. */
  readonly users: readonly string[]
  readonly signal: AbortSignal
}

/**
 * Maps real users by settings that need not be saved.
 *
 * @throws ConfigError with every mistake outside the properties; NotFoundError for a user, source or connection that there is
 * not; GraphError
 */
export async function previewMapping(engine: Engine, request: MappingRequest): Promise<readonly MappedUser[]> {
  const living = parseLiving(request.settings)
  const { settings } = living
  const asked = {
    needs: needsOf(settings),
    scope: settings.users.import === 'all' ? [] : settings.users.import.groups,
    users: request.users,
    atMost: LOOKED_AT,
    signal: request.signal,
  }
  const withGraph = <T>(work: (graph: GraphClient) => Promise<T>) => usingGraph(engine, settings.connection, work)
  const samples =
    (request.source === undefined
      ? undefined
      : await sampleMirror(engine, { ...asked, source: request.source, connection: settings.connection, withGraph })) ??
    (await withGraph((graph) => sampleEntra(graph, asked)))
  const mapping = prepareMapping(settings)
  const mapped = samples.map((sample) => present(sample, { settings, mapping, living }))
  if (request.users.length > 0) return mapped
  // People whom the source does not want say little about a mapping.
  return mapped.toSorted((a, b) => rank(a) - rank(b)).slice(0, SHOWN)
}

function rank({ verdict }: MappedUser): number {
  return verdict === 'wanted' ? 0 : 1
}

async function usingGraph<T>(engine: Engine, connection: string, work: (graph: GraphClient) => Promise<T>): Promise<T> {
  const graph = await engine.openGraph(await requireConnection(engine.db, connection))
  try {
    return await work(graph)
  } finally {
    await graph.stop()
  }
}

interface Presenting {
  readonly settings: SourceSettings
  readonly mapping: Mapping
  readonly living: LivingSettings
}

function present(sample: Sample, { settings, mapping, living }: Presenting): MappedUser {
  const { attributes, objectId, inScope } = sample
  const judgement = judge(
    { state: 'l', attributes, inScopeGroup: inScope, scopeDoubt: undefined, removalsAllowed: true },
    mapping,
  )
  const user = mapUser(attributes, mapping)
  return {
    objectId,
    userPrincipalName: text(attributes['userPrincipalName']),
    displayName: text(attributes['displayName']),
    verdict: judgement.kind === 'disabled' || judgement.kind === 'out-of-scope' ? judgement.kind : 'wanted',
    rule: ruleOf(judgement),
    values: shownValues(user, { settings, broken: new Set(living.broken.map(({ target }) => target)) }),
    problems: [
      ...living.broken,
      ...user.rejected.map(({ target, code, problem }) => ({
        target,
        message: code === 'expression-failed' ? problem : `The value ${problem}`,
      })),
    ],
  }
}

function ruleOf(judgement: Judgement): string | null {
  if (judgement.kind === 'disabled') return 'users.disabledAccounts'
  return judgement.kind === 'out-of-scope' ? judgement.rule : null
}

/** What is mapped, by target; cards and PINs hidden. */
function shownValues(
  user: WantedUser,
  { settings, broken }: { readonly settings: SourceSettings; readonly broken: ReadonlySet<string> },
): MappedUser['values'] {
  const values = new Map<string, string | string[] | null>([['userName', user.userName], ...user.fields])
  if (user.personalNumber !== undefined) values.set('personalNumber', user.personalNumber)
  for (const target of ['aliases', 'alternateEmails', 'cards'] as const) {
    const given = user[target]?.map(({ value }) => (target === 'cards' ? mask(value) : value))
    if (given !== undefined) values.set(target, [...new Set(given)])
  }
  if (settings.users.properties.pin === 'generate') values.set('pin', HIDDEN)
  else if (user.pin !== undefined) values.set('pin', user.pin === null ? null : HIDDEN)
  for (const [name, value] of user.own) values.set(`own.${name}`, value)
  for (const target of broken) values.delete(target)
  return Object.fromEntries(values)
}

function text(value: AttributeValue | undefined): string | null {
  return typeof value === 'string' ? value : null
}
