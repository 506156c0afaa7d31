// The least that reading a tenant can cost: the cheapest request plan, every answer parsed once and forgotten. No
// checks, no retries, no mirror. Arguments: the access to the tenant as JSON.
import { Agent, request } from 'undici'
import { needsOf } from '../src/sync/map/needs.ts'
import { sourceSettings } from '../src/contract/sources.ts'
import { configFile, SOURCE } from './settings.ts'
import type { Access } from './tenant.ts'
import { type Cost, measured, serve } from './worker.ts'

export interface LeastRead {
  readonly cost: Cost
  readonly users: number
  readonly groups: number
  readonly members: number
}

/** Muster's own ceiling. */
const CONCURRENCY = 16
const BATCH = 20

interface Page {
  readonly value: readonly { readonly id: string }[]
  readonly '@odata.nextLink'?: string
}

const access = JSON.parse(process.argv[2] ?? '') as Access // oxlint-disable-line typescript/no-unsafe-type-assertion -- main.ts wrote it
const graph = `${access.url}/v1.0`
const agent = new Agent({ connections: CONCURRENCY, pipelining: 1 })

serve<object>({
  ready: {},
  handle: async (): Promise<LeastRead> => {
    const { value, cost } = await measured(readTenant)
    return { ...value, cost }
  },
})

async function readTenant(): Promise<Omit<LeastRead, 'cost'>> {
  const token = await requestToken()
  const file = configFile(access) as { sources: Record<string, unknown> } // oxlint-disable-line typescript/no-unsafe-type-assertion -- settings.ts
  const needs = needsOf(sourceSettings.parse(file.sources[SOURCE]))
  const select = (names: readonly string[]) => ['id', ...new Set(names.map((name) => name.split('.')[0]))].join(',')
  const groupIds: string[] = []
  let groups = 0
  let users = 0
  const readUsers = async () => {
    const first = `${graph}/users?$select=${select(needs.userAttributes)}&$top=999`
    for await (const page of eachPage(token, first)) users += page.value.length
  }
  const members = createMembersReader(token)
  const readGroups = async () => {
    const first = `${graph}/groups?$select=${select(needs.groupAttributes)}&$top=999`
    for await (const page of eachPage(token, first)) {
      groups += page.value.length
      for (const group of page.value) groupIds.push(group.id)
      while (groupIds.length >= BATCH) members.start(groupIds.splice(0, BATCH))
    }
    if (groupIds.length > 0) members.start(groupIds.splice(0))
  }
  await Promise.all([readUsers(), readGroups()])
  return { users, groups, members: await members.finished() }
}

/** Reads members by batches, as many at a time as there are connections. */
function createMembersReader(token: string) {
  const waiting: string[][] = []
  const active = new Set<Promise<void>>()
  let members = 0
  const run = async (urls: readonly string[]) => {
    const body = JSON.stringify({ requests: urls.map((url, id) => ({ id: String(id), method: 'GET', url })) })
    // Batches have this shape for whoever asked for members.
    const { responses } = (await ask(token, `${graph}/$batch`, body)) as { responses: readonly { body: Page }[] } // oxlint-disable-line typescript/no-unsafe-type-assertion
    const more: string[] = []
    for (const { body: page } of responses) {
      members += page.value.length
      const next = page['@odata.nextLink']
      if (next !== undefined) more.push(next.slice(graph.length))
    }
    if (more.length > 0) waiting.push(more)
  }
  const pump = () => {
    for (let urls = waiting.shift(); urls !== undefined; urls = waiting.shift()) {
      const running = run(urls)
      active.add(running)
      void running.finally(() => active.delete(running)).then(pump)
      if (active.size >= CONCURRENCY) return
    }
  }
  return {
    start(ids: readonly string[]) {
      waiting.push(ids.map((id) => `/groups/${id}/members?$select=id&$top=999`))
      if (active.size < CONCURRENCY) pump()
    },
    async finished() {
      while (active.size > 0 || waiting.length > 0) {
        await Promise.all(active)
        pump()
      }
      return members
    },
  }
}

async function* eachPage(token: string, first: string): AsyncGenerator<Page> {
  for (let url: string | undefined = first; url !== undefined; ) {
    // Collections have this shape.
    const page = (await ask(token, url)) as Page // oxlint-disable-line typescript/no-unsafe-type-assertion
    yield page
    url = page['@odata.nextLink']
  }
}

async function ask(token: string, url: string, body?: string): Promise<unknown> {
  const answer = await request(url, {
    dispatcher: agent,
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body }),
  })
  if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} for ${url}: ${await answer.body.text()}`)
  return await answer.body.json()
}

async function requestToken(): Promise<string> {
  const answer = await request(`${access.url}/${access.tenantId}/oauth2/v2.0/token`, {
    dispatcher: agent,
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: access.clientId,
      client_secret: access.clientSecret,
      scope: `${access.url}/.default`,
    }).toString(),
  })
  const { access_token: token } = (await answer.body.json()) as { access_token: string } // oxlint-disable-line typescript/no-unsafe-type-assertion -- the emulator's token service
  return token
}
