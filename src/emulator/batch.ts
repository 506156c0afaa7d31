// `$batch`: up to 20 calls in one (graph.md 11).
import { countFired } from './behaviour.ts'
import {
  badRequest,
  type Call,
  GraphRefusal,
  type GraphRequest,
  type GraphResponse,
  isRecord,
  textAnswer,
} from './respond.ts'

const MAX_REQUESTS = 20

interface InnerRequest {
  readonly id: string
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: unknown
  readonly dependsOn: readonly string[]
}

/** @throws GraphRefusal 400 when the batch itself is malformed; inner failures are inner answers */
export function answerBatch(call: Call, inner: (request: GraphRequest) => GraphResponse): GraphResponse {
  if (call.method.toUpperCase() !== 'POST') {
    throw new GraphRefusal(405, 'Request_BadRequest', 'Specified HTTP method is not allowed for the request target.')
  }
  const requests = readBatch(call.body)
  const statuses = new Map<string, number>()
  const answers: string[] = []
  for (const request of inDependencyOrder(requests)) {
    const failed = request.dependsOn.some((id) => (statuses.get(id.toLowerCase()) ?? 500) >= 400)
    const answer = failed ? undefined : answerOne(call, request, inner)
    statuses.set(request.id.toLowerCase(), answer?.status ?? 424)
    answers.push(answer === undefined ? failedDependency(request.id) : innerAnswer(request.id, answer))
  }
  return textAnswer(call, `{"responses":[${reordered(call, answers).join(',')}]}`, { units: 0 })
}

function answerOne(call: Call, request: InnerRequest, inner: (request: GraphRequest) => GraphResponse): GraphResponse {
  const [path = '', ...queryParts] = request.url.split('?')
  const rawQuery = queryParts.join('?')
  const { tenant: _tenant, requestId: _requestId, ...outer } = call
  return inner({
    ...outer,
    method: request.method,
    path: path.startsWith('/') ? path : `/${path}`,
    rawQuery,
    query: new URLSearchParams(rawQuery),
    headers: new Headers(request.headers),
    body: request.body,
  })
}

function readBatch(body: unknown): InnerRequest[] {
  const list = isRecord(body) ? body['requests'] : undefined
  if (!Array.isArray(list)) throw badRequest("Invalid batch payload format: 'requests' is missing.")
  if (list.length === 0 || list.length > MAX_REQUESTS) {
    throw badRequest(`Number of batch request steps must be between 1 and ${MAX_REQUESTS}.`)
  }
  const requests = list.map((item) => readInner(item))
  const ids = new Set(requests.map((request) => request.id.toLowerCase()))
  if (ids.size !== requests.length) throw badRequest('The id of a batch request is not unique.')
  for (const request of requests) {
    const unknown = request.dependsOn.find((id) => !ids.has(id.toLowerCase()))
    if (unknown !== undefined)
      throw badRequest(`Request '${request.id}' depends on '${unknown}', which does not exist.`)
  }
  return requests
}

function readInner(item: unknown): InnerRequest {
  if (!isRecord(item)) throw badRequest('Invalid batch payload format.')
  const { id, method, url, headers, body, dependsOn } = item
  if (typeof id !== 'string' || id === '') throw badRequest('A batch request has no id.')
  if (typeof method !== 'string' || typeof url !== 'string')
    throw badRequest(`Batch request '${id}' has no method or url.`)
  if (/^https?:/i.test(url)) throw badRequest(`The url of batch request '${id}' must be relative.`)
  const pairs = isRecord(headers) ? Object.entries(headers).map(([name, value]) => [name, String(value)] as const) : []
  const hasType = pairs.some(([name]) => name.toLowerCase() === 'content-type')
  if (body !== undefined && !hasType) throw badRequest(`Batch request '${id}' has a body and no Content-Type header.`)
  if (url.replace(/^\//, '').startsWith('$batch')) throw badRequest('A batch cannot hold a batch.')
  return {
    id,
    method,
    url,
    headers: Object.fromEntries(pairs),
    body,
    dependsOn: Array.isArray(dependsOn) ? dependsOn.map(String) : [],
  }
}

// repeated passes are enough for twenty requests; what is left over depends on itself
function inDependencyOrder(requests: readonly InnerRequest[]): InnerRequest[] {
  const done = new Set<string>()
  const ordered: InnerRequest[] = []
  let waiting = [...requests]
  while (waiting.length > 0) {
    const ready = waiting.filter((request) => request.dependsOn.every((id) => done.has(id.toLowerCase())))
    if (ready.length === 0) throw badRequest('The dependsOn of the batch requests form a circle.')
    for (const request of ready) done.add(request.id.toLowerCase())
    ordered.push(...ready)
    waiting = waiting.filter((request) => !done.has(request.id.toLowerCase()))
  }
  return ordered
}

// the inner body is JSON already; parsing it only to write it again would double the cost of a large batch
function innerAnswer(id: string, answer: GraphResponse): string {
  const isJson = new Headers(answer.headers).get('content-type')?.startsWith('application/json') === true
  const body = isJson && answer.body !== undefined ? answer.body : JSON.stringify(answer.body ?? null)
  return `${JSON.stringify({ id, status: answer.status, headers: answer.headers }).slice(0, -1)},"body":${body}}`
}

function failedDependency(id: string): string {
  const error = { code: 'FailedDependency', message: 'The request failed because a request it depends on failed.' }
  return JSON.stringify({ id, status: 424, headers: { 'Content-Type': 'application/json' }, body: { error } })
}

function reordered(call: Call, answers: readonly string[]): string[] {
  const { behaviour, tenant } = call
  if (answers.length < 2 || behaviour.batchOrder === 'asked') return [...answers]
  countFired(behaviour, 'batchOrder')
  const order = answers.toReversed()
  if (behaviour.batchOrder === 'reversed') return order
  for (let i = order.length - 1; i > 0; i--) {
    const other = tenant.random.int(i + 1)
    const [a = '', b = ''] = [order[i], order[other]]
    order[i] = b
    order[other] = a
  }
  return order
}
