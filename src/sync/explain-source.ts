// What one source has to do with somebody: whether it wants and owns him, how he is paired, and what its next run would do to him.
import { attributesOfFilter } from '../contract/attributes-read.ts'
import type { ExplainedChange, ExplainedSource } from '../contract/explanation.ts'
import { REMEDIES } from '../contract/remedies.ts'
import type { Transaction } from '../database/transaction.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { MirrorObject } from '../mirror/objects.ts'
import { getHealth, isScheduled } from '../registry/health.ts'
import type { UserChange } from '../registry/history.ts'
import { doubtOf, issuesAbout } from '../registry/issues.ts'
import { itemsAbout, type PlanItem } from '../registry/plans.ts'
import { mirrorUsersByKeys } from '../registry/planning.ts'
import { waitingRun } from '../registry/runs.ts'
import { requireSource, type Source } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import { ignoredGroups, type Reached } from './explain-groups.ts'
import { isAboutPairing, nextSentence, pairingOf, scopeSentence, unreadFilterSentence } from './explain-words.ts'
import { judge, type Judgement } from './judge.ts'
import { needsOf } from './map/needs.ts'
import { prepareMapping } from './map/users.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import { mirrorOpener } from './rivals.ts'
import { scopeDoubtOf } from './scope.ts'
import { type Trial, tryPlan } from './trial.ts'
import { unreadAttributes } from './unread-attributes.ts'

export interface SourceQuestion {
  readonly source: Source
  readonly row: MirrorObject
  readonly user: RegistryUser | undefined
  readonly changes: readonly UserChange[]
  readonly reached: ReadonlyMap<number, ReadonlyMap<string, Reached>>
  readonly signal: AbortSignal
}

/** What a source that has read him makes of him. */
export async function explainSource(engine: Engine, question: SourceQuestion): Promise<ExplainedSource> {
  const { source, row, user, changes, signal } = question
  const groups = question.reached.get(source.id) ?? new Map<string, Reached>()
  const doubt = await doubtOf(engine.db, source.id)
  const trial: Trial = {
    source: async () => requireSource(engine.db, source.name),
    only: [row.key],
    removals: doubt === undefined ? 'allowed' : REMOVALS[doubt],
    signal,
  }
  const unread = await unreadAttributes(engine.db, source)
  const scope = source.settings.users.import
  const scopeGroups = scope === 'all' ? [] : scope.groups
  const chain = scopeGroups.map((id) => groups.get(id)?.chain).find(Boolean) ?? []
  const about = { objectIds: [row.objectId, ...groups.keys(), ...scopeGroups] }
  return tryPlan(engine, trial, async (tried) => {
    const { tx, runId, made } = tried
    const judgement = await judgeNow(tx, { engine, source, key: row.key, removalsAllowed: doubt === undefined })
    const planned = await itemsAbout(tx, runId, { objectId: row.objectId, userId: user?.id })
    // What is made of attributes that nobody has read yet is no plan.
    const known = unread.length > 0 ? [] : planned.filter((item) => item.object !== 'group')
    const items = known.filter((item) => item.action !== 'skip')
    const held = unread.length > 0 ? [] : made.held
    const issues = await issuesAbout(unread.length > 0 ? engine.db : tx, source.id, about)
    const scope = scopeOf({ judgement, chain, source, unread })
    const isLinked = user?.objectId === row.objectId && user.tenantId === source.connection.tenantId
    return {
      source: source.name,
      priority: source.priority,
      enabled: source.enabled,
      entra: entraState(row, judgement),
      scope,
      pairing: pairingOf({ next: pairingLine(known), past: changes.findLast(isLinking), isLinked }),
      // The claim is written with his record.
      claims: user?.claims.includes(source.id) ?? (source.enabled && scope.verdict === 'wanted'),
      owns: user?.sourceId === source.id,
      issues: issues.map(({ code, message, openedAt }) => ({
        code,
        message,
        remedy: REMEDIES[code],
        since: openedAt.toISOString(),
      })),
      ignoredGroups: ignoredGroups(groups, source.settings),
      next: {
        items: items.map(presentItem),
        held: [...held],
        sentence: nextSentence({
          ...(await whatComesBefore(engine, tx, source)),
          unread,
          items: items.length,
          isHeld: held.length > 0,
          hasIssues: issues.length > 0,
        }),
      },
      waiting: await explainWaiting(tx, { source, row, user }),
    }
  })
}

interface ScopeQuestion {
  readonly judgement: Judgement
  readonly chain: readonly string[]
  readonly source: Source
  readonly unread: readonly string[]
}

function scopeOf({ judgement, chain, source, unread }: ScopeQuestion): ExplainedSource['scope'] {
  const { filter, import: scope } = source.settings.users
  const isFiltered =
    judgement.kind === 'wanted' || judgement.kind === 'disabled' || ruleOf(judgement) === 'users.filter'
  const undecided =
    filter === null || !isFiltered ? [] : attributesOfFilter(filter).filter((name) => unread.includes(name))
  if (undecided.length > 0)
    return { verdict: 'unknown', rule: null, chain: [...chain], sentence: unreadFilterSentence(undecided) }
  return {
    verdict: judgement.kind,
    rule: ruleOf(judgement),
    chain: [...chain],
    sentence: scopeSentence({ judgement, chain, importsAll: scope === 'all' }),
  }
}

/** His line in the plan, where it says who he is. */
function pairingLine(planned: readonly PlanItem[]): PlanItem | undefined {
  const lines = planned.filter((item) => item.object === 'user')
  // Where his object id moves to another record, the record that loses it comes first.
  const line = lines.find((item) => PAIRING.has(item.action)) ?? lines[0]
  return line !== undefined && (line.action !== 'skip' || isAboutPairing(line.reason)) ? line : undefined
}

function isLinking({ object, action }: UserChange): boolean {
  return object === 'user' && LINKING.has(action)
}

const REMOVALS = { 'listing-contradicted': 'contradicted', 'listing-incomplete': 'incomplete' } as const

/** What keeps the next run from being made, or from changing anything. */
async function whatComesBefore(engine: Engine, tx: Transaction, source: Source) {
  const health = await getHealth(tx, source.id)
  const until = health?.nextTryAt ?? null
  return {
    isEnabled: source.enabled,
    isScheduled: await isScheduled(tx, source.id),
    pause: health === undefined || until === null || until <= engine.clock.now() ? undefined : { ...health, until },
    // A plan for one user alone keeps no other one from being applied.
    waiting: (await waitingRun(tx, source.id, 'for-all'))?.id,
  }
}

const LINKING: ReadonlySet<string> = new Set(['create', 'adopt'])
/** Actions that say who somebody is, or whose. */
const PAIRING: ReadonlySet<string> = new Set([...LINKING, 'take over'])

/** Judged as planning judges him, on what it has just read. */
async function judgeNow(
  tx: Transaction,
  {
    engine,
    source,
    key,
    removalsAllowed,
  }: { readonly engine: Engine; readonly source: Source; readonly key: number; readonly removalsAllowed: boolean },
): Promise<Judgement> {
  const { settings } = source
  const needs = needsOf(settings)
  const scope = settings.users.import
  const [row] = await mirrorUsersByKeys(tx, [key], {
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
      scopeDoubt: scope === 'all' ? undefined : await scopeDoubtOf(tx, source.id, scope.groups),
      removalsAllowed,
    },
    prepareMapping(settings),
  )
}

async function explainWaiting(
  tx: Transaction,
  { source, row, user }: Pick<SourceQuestion, 'source' | 'row' | 'user'>,
): Promise<ExplainedSource['waiting']> {
  const waiting = await waitingRun(tx, source.id, 'any')
  if (waiting === undefined) return null
  const items = (await itemsAbout(tx, waiting.id, { objectId: row.objectId, userId: user?.id })).filter(
    (item) => item.object !== 'group' && item.action !== 'skip',
  )
  return {
    run: String(waiting.id),
    approveBy: waiting.approveBy?.toISOString() ?? null,
    reasons: waiting.summary?.held?.reasons ?? [],
    items: items.map(presentItem),
  }
}

/** A source that owns or claims him, and whose connection names another tenant than his by now. */
export function explainElsewhere(source: Source, user: RegistryUser | undefined): ExplainedSource {
  const { connection } = source
  // A plan of the other tenant was approved: the way back is another change of tenant.
  const hasPassed = source.seenTenantId !== null && source.seenTenantId !== user?.tenantId
  return {
    ...explainUnread(source, user),
    scope: {
      verdict: 'unknown',
      rule: null,
      chain: [],
      sentence: `The connection ${connection.name} names the tenant ${connection.tenantId}, and he is of ${user?.tenantId ?? 'none'}: this source does not read him any more.`,
    },
    pairing: {
      result: 'none',
      sentence:
        'Whoever it reads in the other tenant is somebody else, also with the same name: nobody there is paired with him.',
    },
    next: {
      items: [],
      held: [],
      sentence: `No run changes anything about him: the plan of one that reads the other tenant waits for approval, and approved it leaves him as he is. When ${connection.name} names his tenant again, the next run goes on with him${hasPassed ? ', once its plan is approved as well' : ''}.`,
    },
  }
}

/** A source that owns or claims him and has not read him yet. */
export function explainUnread(source: Source, user: RegistryUser | undefined): ExplainedSource {
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
