// Why somebody is as he is: what each source says of him now, what the registry has and from where, what runs did, and what
// the next one would do. Asks nothing of Microsoft and changes nothing.
import { NotFoundError } from '../base/errors.ts'
import type { ExplainedChange, ExplainedSource, Explanation } from '../contract/explanation.ts'
import { REMEDIES } from '../contract/remedies.ts'
import { canonical } from '../directory/canonical.ts'
import { parseObjectId } from '../directory/ids.ts'
import type { RegistryUser } from '../directory/user.ts'
import { getObjects, type MirrorObject } from '../mirror/objects.ts'
import { listUserHistory, type UserChange } from '../registry/history.ts'
import { issuesAbout } from '../registry/issues.ts'
import { itemsAbout, type PlanItem } from '../registry/plans.ts'
import { mirrorUsersByKeys } from '../registry/planning.ts'
import { waitingRun } from '../registry/runs.ts'
import { listSources, requireSource, type Source } from '../registry/sources.ts'
import { usersByIds } from '../registry/users.ts'
import { findPerson, membershipsOf } from '../registry/why.ts'
import type { Engine } from './engine.ts'
import { explainGroups, ignoredGroups, type Reached, reachedGroups } from './explain-groups.ts'
import { explainRegistry } from './explain-registry.ts'
import { isAboutPairing, nextSentence, pairingOf, scopeSentence } from './explain-words.ts'
import { judge, type Judgement } from './judge.ts'
import { needsOf } from './map/needs.ts'
import { prepareMapping } from './map/users.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import { compareRank } from './owner.ts'
import { scopeDoubtOf } from './scope.ts'
import { mirrorOpener } from './rivals.ts'
import { tryPlan, type TriedPlan } from './trial.ts'

/** How much of the history is told. */
const HISTORY = 50

/**
 * Explains one person.
 *
 * @param request.user user name, alias, user principal name or object id
 * @throws NotFoundError when neither the registry nor a mirror knows him
 */
export async function explainUser(
  engine: Engine,
  request: { readonly user: string; readonly signal: AbortSignal },
): Promise<Explanation> {
  const { db } = engine
  const asked = { text: request.user, key: canonical(request.user), objectId: parseObjectId(request.user) }
  const person = await findPerson(db, asked)
  if (person === undefined) {
    throw new NotFoundError(
      'user',
      request.user,
      'neither the registry nor what was last read from Entra knows him; give a user name, a user principal name or an object id',
    )
  }
  const user = person.userId === undefined ? undefined : (await usersByIds(db, [person.userId]))[0]
  const changes = user === undefined ? [] : await listUserHistory(db, { userId: user.id, limit: HISTORY })
  const told: ExplainedSource[] = []
  const reached = new Map<number, ReadonlyMap<string, Reached>>()
  const sources = (await listSources(db)).filter((source) => source.connection.tenantId === person.tenantId)
  for (const source of sources.toSorted(compareRank)) {
    const row =
      person.objectId === undefined
        ? undefined
        : (await getObjects(db, source.id, [person.objectId])).get(person.objectId)
    const isKnown = row !== undefined && row.kind === 'u'
    const isHis = user !== undefined && (user.sourceId === source.id || user.claims.includes(source.id))
    if (!isKnown && !isHis) continue
    if (isKnown) reached.set(source.id, await reachedGroups(db, row.key))
    told.push(
      isKnown
        ? await explainSource(engine, { source, row, user, changes, reached, signal: request.signal })
        : unread(source, user),
    )
  }
  const memberships = user === undefined ? [] : await membershipsOf(db, user.id)
  return {
    asked: request.user,
    objectId: person.objectId ?? null,
    tenantId: person.tenantId ?? null,
    registry:
      user === undefined
        ? null
        : {
            ...(await explainRegistry(engine, user, sources)),
            groups: explainGroups(memberships, reached, user.defaultGroup?.id ?? null),
          },
    sources: told,
    history: changes.map(presentPast),
  }
}

interface SourceQuestion {
  readonly source: Source
  readonly row: MirrorObject
  readonly user: RegistryUser | undefined
  readonly changes: readonly UserChange[]
  readonly reached: ReadonlyMap<number, ReadonlyMap<string, Reached>>
  readonly signal: AbortSignal
}

async function explainSource(engine: Engine, question: SourceQuestion): Promise<ExplainedSource> {
  const { source, row, user, changes, signal } = question
  const groups = question.reached.get(source.id) ?? new Map<string, Reached>()
  const trial = { source: async () => requireSource(engine.db, source.name), only: [row.key], signal }
  return tryPlan(engine, trial, async (tried) => {
    const judgement = await judgeNow(engine, tried, { source, key: row.key })
    const planned = (await itemsAbout(tried.tx, tried.runId, { objectId: row.objectId, userId: user?.id })).filter(
      (item) => item.object !== 'group',
    )
    const lines = planned.filter((item) => item.object === 'user')
    // Where his object id moves to another record, the record that loses it comes first.
    const line = lines.find((item) => PAIRING.has(item.action)) ?? lines[0]
    const items = planned.filter((item) => item.action !== 'skip')
    const scope = source.settings.users.import
    const chain = scope === 'all' ? [] : (scope.groups.map((id) => groups.get(id)?.chain).find(Boolean) ?? [])
    const issues = await issuesAbout(tried.tx, source.id, {
      objectIds: [row.objectId, ...groups.keys(), ...(scope === 'all' ? [] : scope.groups)],
    })
    const past = changes.findLast((change) => change.object === 'user' && LINKING.has(change.action))
    const isPairing = line !== undefined && (line.action !== 'skip' || isAboutPairing(line.reason))
    return {
      source: source.name,
      priority: source.priority,
      enabled: source.enabled,
      entra: entraState(row, judgement),
      scope: {
        verdict: judgement.kind,
        rule: ruleOf(judgement),
        chain: [...chain],
        sentence: scopeSentence({ judgement, chain, importsAll: scope === 'all' }),
      },
      pairing: pairingOf({
        next: isPairing ? line : undefined,
        past,
        isLinked: user?.objectId === row.objectId && user.tenantId === source.connection.tenantId,
      }),
      claims: user?.claims.includes(source.id) ?? false,
      owns: user?.sourceId === source.id,
      issues: issues.map((issue) => ({
        code: issue.code,
        message: issue.message,
        remedy: REMEDIES[issue.code],
        since: issue.openedAt.toISOString(),
      })),
      ignoredGroups: ignoredGroups(groups, source.settings),
      next: {
        items: items.map(presentItem),
        held: [...tried.made.held],
        sentence: nextSentence(items.length, tried.made.held.length > 0, issues.length),
      },
      waiting: await explainWaiting(tried, { source, row, user }),
    }
  })
}

const LINKING: ReadonlySet<string> = new Set(['create', 'adopt'])
/** Actions that say who somebody is, or whose. */
const PAIRING: ReadonlySet<string> = new Set([...LINKING, 'take over'])

/** Judged as planning judges him, on what it has just read. */
async function judgeNow(
  engine: Engine,
  tried: TriedPlan,
  { source, key }: { readonly source: Source; readonly key: number },
): Promise<Judgement> {
  const { settings } = source
  const needs = needsOf(settings)
  const scope = settings.users.import
  const [row] = await mirrorUsersByKeys(tried.tx, [key], {
    sourceId: source.id,
    scoped: scope !== 'all',
    withManager: needs.userAttributes.includes('manager'),
  })
  if (row === undefined) return { kind: 'frozen', why: 'removal-unproven' }
  return judge(
    {
      state: row.state,
      attributes: mirrorAttributes(row, { needs, open: mirrorOpener(engine.vault, source.id) }),
      inScopeGroup: row.in_scope,
      scopeDoubt: scope === 'all' ? undefined : await scopeDoubtOf(tried.tx, source.id, scope.groups),
      removalsAllowed: true,
    },
    prepareMapping(settings),
  )
}

async function explainWaiting(
  tried: TriedPlan,
  { source, row, user }: Pick<SourceQuestion, 'source' | 'row' | 'user'>,
): Promise<ExplainedSource['waiting']> {
  const waiting = await waitingRun(tried.tx, source.id, 'any')
  if (waiting === undefined) return null
  const items = (await itemsAbout(tried.tx, waiting.id, { objectId: row.objectId, userId: user?.id })).filter(
    (item) => item.object !== 'group' && item.action !== 'skip',
  )
  return {
    run: String(waiting.id),
    approveBy: waiting.approveBy?.toISOString() ?? null,
    reasons: waiting.summary?.held?.reasons ?? [],
    items: items.map(presentItem),
  }
}

/** A source that owns or claims him and has not read him: it is new, or reads another tenant now. */
function unread(source: Source, user: RegistryUser | undefined): ExplainedSource {
  return {
    source: source.name,
    priority: source.priority,
    enabled: source.enabled,
    entra: 'unknown',
    scope: {
      verdict: 'unknown',
      rule: null,
      chain: [],
      sentence: 'This source has not read him; nothing can be said before its next full run.',
    },
    pairing: { result: 'none', sentence: 'Nothing is paired before he was read.' },
    claims: user?.claims.includes(source.id) ?? false,
    owns: user?.sourceId === source.id,
    issues: [],
    ignoredGroups: [],
    next: { items: [], held: [], sentence: 'What the next run does depends on what it reads.' },
    waiting: null,
  }
}

function entraState(row: MirrorObject, judgement: Judgement): ExplainedSource['entra'] {
  switch (row.state) {
    case 's':
      return 'soft-deleted'
    case 'x':
      return 'gone'
    case 'l':
      return judgement.kind === 'disabled' || row.attributes['accountEnabled'] === false ? 'disabled' : 'there'
    case 'a':
    case '?':
      return 'unproven'
  }
}

function ruleOf(judgement: Judgement): string | null {
  switch (judgement.kind) {
    case 'out-of-scope':
      return judgement.rule
    case 'disabled':
      return 'users.disabledAccounts'
    case 'soft-deleted':
    case 'gone':
      return 'users.options.deactivateMissingUsers'
    case 'wanted':
    case 'frozen':
      return null
  }
}

/** What nobody should see is left out: sealed numbers and keyed look-ups. */
function shown(values: Readonly<Record<string, unknown>> | null): Record<string, unknown> | null {
  if (values === null) return null
  const { sealed: _, lookup: __, ...rest } = values
  return rest
}

function presentItem(item: PlanItem): ExplainedChange {
  const { object, action, name, rule, reason } = item
  return { object, action, name, old: shown(item.old), new: shown(item.new), rule, reason }
}

function presentPast(past: UserChange): Explanation['history'][number] {
  const { object, action, rule, reason, source, by, because } = past
  return {
    run: String(past.run),
    source,
    at: past.appliedAt.toISOString(),
    decidedBy: by,
    decidedReason: because,
    object,
    action,
    old: past.old,
    new: past.new,
    rule,
    reason,
  }
}
