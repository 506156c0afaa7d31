// `/users/delta` and `/groups/delta`: one page of a round (graph.md 12). `$top`, `$count`, `$orderby`, `$search` and
// `$expand` are ignored without a word, as Graph does.
import { countFired } from './behaviour.ts'
import type { DeltaPage, DeltaPageRequest } from './deltaentries.ts'
import { groupsPage } from './deltagroups.ts'
import { type Position, readRound, type Round, sealRound } from './deltatoken.ts'
import { usersPage } from './deltausers.ts'
import { checkExtensions } from './extensions.ts'
import { contextOf } from './listing.ts'
import { readSelect } from './odata.ts'
import { linkOf, repeatedLink } from './pages.ts'
import { readableSelect, requireAny, ROLES } from './permissions.ts'
import { type Call, type GraphResponse, jsonAnswer } from './respond.ts'
import { DEFAULT_PROPERTIES, NOT_IN_DELTA } from './schema.ts'
import { viewAt } from './view.ts'

/** Answers one delta request. @throws GraphRefusal */
export function answerDelta(call: Call, resource: 'user' | 'group'): GraphResponse {
  requireAny(call, resource === 'user' ? ROLES.usersDelta : ROLES.groups)
  const round = readRound(call, resource)
  const request = pageRequest(call, round)
  const page = pageOf(call, request)
  const shown = round.select?.split(',').map((name) => name.trim())
  const context = contextOf(call, `${resource}s`, { select: shown })
  const body = { '@odata.context': context, ...linkTo(call, round, page.next), value: page.entries }
  return jsonAnswer(call, body, {
    units: 1,
    headers: request.isMinimal ? { 'Preference-Applied': 'return=minimal' } : {},
  })
}

function pageRequest(call: Call, round: Round): DeltaPageRequest {
  const { resource } = round
  const relation = resource === 'user' ? 'manager' : 'members'
  checkExtensions(call, { select: round.select })
  const asked = round.select?.split(',').map((name) => name.trim())
  const own = asked?.filter((name) => name !== relation)
  const select = own === undefined || own.length === 0 ? own : readSelect(own.join(','), [resource])
  const names = readableSelect(call, resource, select) ?? DEFAULT_PROPERTIES[resource]
  return {
    round,
    view:
      call.behaviour.deltaLagSeconds > 0 ? viewAt(call.tenant, round.to) : viewAt(call.tenant, call.tenant.log.lastSeq),
    names: names.filter((name) => !NOT_IN_DELTA.has(name)),
    tracksAll: asked === undefined,
    tracksRelation: asked === undefined ? resource === 'group' : asked.includes(relation),
    isMinimal: /\breturn=minimal\b/i.test(call.headers.get('prefer') ?? ''),
  }
}

function pageOf(call: Call, request: DeltaPageRequest): DeltaPage {
  const { round } = request
  const { behaviour, tenant } = call
  if (round.isLatest) return { entries: [], next: undefined }
  if (!round.position.wasEmpty && behaviour.emptyDeltaPages > tenant.random.next()) {
    countFired(behaviour, 'emptyDeltaPages')
    return { entries: [], next: { ...round.position, wasEmpty: true } }
  }
  const page = round.resource === 'user' ? usersPage(call, request) : groupsPage(call, request)
  const [first] = page.entries
  if (first !== undefined && behaviour.objectRepeatedInPage > tenant.random.next()) {
    countFired(behaviour, 'objectRepeatedInPage')
    page.entries.push(first)
  }
  return page
}

function linkTo(call: Call, round: Round, next: Position | undefined): object {
  if (next === undefined) return { '@odata.deltaLink': linkOf(call, '$deltatoken', sealRound(call, round, next)) }
  const link = repeatedLink(call) ?? linkOf(call, '$skiptoken', sealRound(call, round, next))
  return { '@odata.nextLink': link }
}
