// Where a delta stands: the token in its links, its life, and the answers when its state is gone (graph.md 12.1, 12.8).
import { countFired } from './behaviour.ts'
import { parseFilter } from './filter.ts'
import { idsOf } from './filterrules.ts'
import { resetDelta } from './operations.ts'
import { type Options, readOptions } from './odata.ts'
import { refuseBesideToken, tokenNotFound, wasAsked } from './pages.ts'
import { badRequest, type Call, GraphRefusal, unsupportedQuery } from './respond.ts'

/** `$filter=id eq ..` of a delta names at most so many objects (graph.md 12.1). */
const MAX_FILTER_IDS = 50

/** Place inside a round. What the numbers count is the business of the resource. */
export interface Position {
  /** Users: 0, or 1 while managers are told apart. Groups: always 0. */
  readonly pass: 0 | 1
  readonly after: number
  /** Groups that are split over pages: `[group, place among its members]`. */
  readonly open: readonly (readonly [number, number])[]
  /** The page before was an empty one made by a switch. */
  readonly wasEmpty: boolean
}

export const START: Position = { pass: 0, after: -1, open: [], wasEmpty: false }

/** Whether nothing of the round has been told yet. */
export function isStart(position: Position): boolean {
  return position.after < 0 && position.pass === 0 && position.open.length === 0
}

/** One request's place in the delta cycle. */
export interface Round {
  readonly resource: 'user' | 'group'
  /** The `$select` of the first request, as text; `undefined` when it had none. */
  readonly select: string | undefined
  readonly ids: readonly string[] | undefined
  /** Changes after this number are told; -1 in an initial round, which tells everything. */
  readonly from: number
  /** Changes up to this number are covered when the round ends. */
  readonly to: number
  readonly position: Position
  /** `$deltatoken=latest`: tell nothing, only give the delta link. */
  readonly isLatest: boolean
  /** The page was asked for before; see `retriedPageTokenInvalid`. */
  readonly isRepeat: boolean
}

/** Sealed into `$skiptoken` and `$deltatoken`. */
interface DeltaToken {
  readonly k: 'page' | 'delta'
  readonly r: 'user' | 'group'
  readonly s?: string
  readonly f?: readonly string[]
  readonly g: number
  readonly t: number
  readonly from: number
  readonly to: number
  readonly at?: Position
  readonly x?: boolean
}

/**
 * Reads where a delta request stands, starting a new round for a first request or a delta link.
 *
 * @throws GraphRefusal 400 or 410 when the state behind the token is gone
 */
export function readRound(call: Call, resource: 'user' | 'group'): Round {
  const options = readOptions(call.query)
  const isRepeat = wasAsked(call)
  resetWhenAsked(call)
  const skip = options.get('$skiptoken')
  const delta = options.get('$deltatoken')
  if (skip !== undefined) {
    if (delta !== undefined) throw badRequest("'$skiptoken' and '$deltatoken' cannot be combined.")
    const token = openToken(call, { resource, options, text: skip, kind: 'page' })
    return { ...roundOf(token), from: token.from, to: token.to, position: token.at ?? START, isLatest: false, isRepeat }
  }
  const to = visibleSeq(call)
  if (delta === undefined || delta === '' || delta.toLowerCase() === 'latest') {
    return {
      resource,
      select: options.get('$select'),
      ids: filterIds(options),
      from: -1,
      to,
      position: START,
      isLatest: delta?.toLowerCase() === 'latest',
      isRepeat,
    }
  }
  const token = openToken(call, { resource, options, text: delta, kind: 'delta' })
  return { ...roundOf(token), from: replayFrom(call, token.to), to, position: START, isLatest: false, isRepeat }
}

/** The token of a next link (`position` given) or of a delta link. */
export function sealRound(call: Call, round: Round, position: Position | undefined): string {
  const token: DeltaToken = {
    k: position === undefined ? 'delta' : 'page',
    r: round.resource,
    ...(round.select !== undefined && { s: round.select }),
    ...(round.ids !== undefined && { f: round.ids }),
    g: call.tenant.deltaGeneration,
    t: call.tenant.nowMs(),
    from: round.from,
    to: round.to,
    ...(position !== undefined && { at: position }),
    ...(round.isRepeat && position !== undefined && { x: true }),
  }
  return call.tenant.seal.seal(token)
}

function openToken(
  call: Call,
  given: {
    readonly resource: 'user' | 'group'
    readonly options: Options
    readonly text: string
    readonly kind: 'page' | 'delta'
  },
): DeltaToken {
  refuseBesideToken(new Map([...given.options].filter(([name]) => name !== '$deltatoken')))
  const token = call.tenant.seal.open(given.text)
  if (!isDeltaToken(token) || token.r !== given.resource || token.k !== given.kind) {
    throw given.kind === 'page' ? tokenNotFound() : badRequest('Badly formed token.')
  }
  if (token.x === true) {
    countFired(call.behaviour, 'retriedPageTokenInvalid')
    throw tokenNotFound()
  }
  if (token.g !== call.tenant.deltaGeneration) throw stateGone(call, call.tenant.deltaResetAnswer)
  const ageMs = call.tenant.nowMs() - token.t
  const since = given.kind === 'delta' ? token.to : token.from
  if (ageMs > call.behaviour.deltaTokenLifeSeconds * 1000 || (since >= 0 && since < call.tenant.log.droppedSeq)) {
    countFired(call.behaviour, 'deltaTokenLifeSeconds')
    throw stateGone(call, call.behaviour.expiredDelta)
  }
  const { pageTokenLifeSeconds } = call.behaviour
  if (given.kind === 'page' && pageTokenLifeSeconds !== null && ageMs > pageTokenLifeSeconds * 1000) {
    countFired(call.behaviour, 'pageTokenLifeSeconds')
    throw new GraphRefusal(
      400,
      'Directory_ExpiredPageToken',
      'The specified page token value has expired and can no longer be included in your request.',
    )
  }
  return token
}

function roundOf(token: DeltaToken): Pick<Round, 'resource' | 'select' | 'ids'> {
  return { resource: token.r, select: token.s, ids: token.f }
}

function stateGone(call: Call, answer: '400' | '410'): GraphRefusal {
  const message =
    'The sync state generation is not found. The delta token is expired and data must be synchronized again.'
  if (answer === '400') return new GraphRefusal(400, 'syncStateNotFound', message)
  return new GraphRefusal(410, 'resyncRequired', message, {
    Location: `${call.graphRoot}${call.path}?$deltatoken=`,
  })
}

function resetWhenAsked(call: Call): void {
  const { behaviour } = call
  if (behaviour.resetDelta === 'none') return
  resetDelta(call.tenant, behaviour.resetDelta)
  behaviour.resetDelta = 'none'
  countFired(behaviour, 'resetDelta')
}

function visibleSeq(call: Call): number {
  const { deltaLagSeconds, deltaTokenLifeSeconds } = call.behaviour
  const { log } = call.tenant
  log.forgetBefore(call.tenant.nowMs() - (deltaTokenLifeSeconds + deltaLagSeconds + 3600) * 1000)
  if (deltaLagSeconds <= 0) return log.lastSeq
  const seq = log.seqAt(call.tenant.nowMs() - deltaLagSeconds * 1000)
  if (seq < log.lastSeq) countFired(call.behaviour, 'deltaLagSeconds')
  return seq
}

function replayFrom(call: Call, since: number): number {
  const { replayChanges } = call.behaviour
  const from = Math.max(call.tenant.log.droppedSeq, since - replayChanges)
  if (from >= since) return since
  countFired(call.behaviour, 'replayChanges')
  return from
}

function filterIds(options: Options): readonly string[] | undefined {
  const text = options.get('$filter')
  if (text === undefined) return undefined
  const ids = idsOf(parseFilter(text))
  if (ids === undefined) throw unsupportedQuery('Only id eq filters are supported with delta.')
  if (ids.length > MAX_FILTER_IDS) throw unsupportedQuery(`At most ${MAX_FILTER_IDS} ids may be tracked by a filter.`)
  return ids.map((id) => id.toLowerCase())
}

function isDeltaToken(token: unknown): token is DeltaToken {
  return typeof token === 'object' && token !== null && 'k' in token && (token.k === 'page' || token.k === 'delta')
}
