// One request at a time through Microsoft's own SDK, as most scripts read a tenant: users, groups, members per group.
// Arguments: the access to the tenant as JSON.
import {
  Client,
  type Context,
  HTTPMessageHandler,
  type Middleware,
  type PageCollection,
} from '@microsoft/microsoft-graph-client'
import type { Access } from './tenant.ts'
import { type Cost, measured, serve } from './worker.ts'

export interface SdkRead {
  readonly cost: Cost
  readonly users: number
  readonly groups: number
  readonly members: number
  /** Of how many groups the members were read. */
  readonly groupsRead: number
}

export interface SdkRequest {
  /** Read the members of so many groups only; all unless given. */
  readonly atMostGroups?: number
}

const access = JSON.parse(process.argv[2] ?? '') as Access // oxlint-disable-line typescript/no-unsafe-type-assertion -- main.ts wrote it
const USER =
  'id,accountEnabled,companyName,createdDateTime,department,displayName,employeeId,employeeOrgData,jobTitle,mail,mobilePhone,' +
  'officeLocation,onPremisesExtensionAttributes,onPremisesSamAccountName,preferredLanguage,userPrincipalName,userType'

serve<SdkRequest>({
  ready: {},
  handle: async ({ atMostGroups }): Promise<SdkRead> => {
    const { value, cost } = await measured(() => readTenant(atMostGroups ?? Number.POSITIVE_INFINITY))
    return { ...value, cost }
  },
})

async function readTenant(atMostGroups: number): Promise<Omit<SdkRead, 'cost'>> {
  const client = await connect()
  const users = await collect(client, `/users?$select=${USER}&$top=999`)
  const groups = await collect(client, '/groups?$select=id,displayName&$top=999')
  const some = groups.slice(0, atMostGroups)
  let members = 0
  for (const id of some) members += (await collect(client, `/groups/${id}/members?$select=id&$top=999`)).length
  return { users: users.length, groups: groups.length, members, groupsRead: some.length }
}

async function collect(client: Client, path: string): Promise<string[]> {
  const ids: string[] = []
  for (let rest: string | undefined = path; rest !== undefined; ) {
    const page = (await client.api(rest).get()) as PageCollection // oxlint-disable-line typescript/no-unsafe-type-assertion -- the SDK promises any
    for (const item of page.value as { id: string }[]) ids.push(item.id) // oxlint-disable-line typescript/no-unsafe-type-assertion -- everything in Entra has an id
    // The SDK understands absolute links of https only.
    rest = page['@odata.nextLink']?.slice(`${access.url}/v1.0`.length)
  }
  return ids
}

async function connect(): Promise<Client> {
  const answer = await fetch(`${access.url}/${access.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: access.clientId,
      client_secret: access.clientSecret,
      scope: `${access.url}/.default`,
    }),
  })
  if (!answer.ok) throw new Error(await answer.text())
  const { access_token: token } = (await answer.json()) as { access_token: string } // oxlint-disable-line typescript/no-unsafe-type-assertion -- the emulator's token service
  return Client.initWithMiddleware({
    baseUrl: `${access.url}/`,
    defaultVersion: 'v1.0',
    middleware: withToken(token, new HTTPMessageHandler()),
  })
}

/** The SDK's own handler sends tokens over https only, and the emulator of the benchmark speaks plain http. */
function withToken(token: string, next: Middleware): Middleware {
  return {
    execute(context: Context) {
      context.options = { ...context.options, headers: { ...headersOf(context), Authorization: `Bearer ${token}` } }
      return next.execute(context)
    },
  }
}

function headersOf({ options }: Context): Record<string, string> {
  return Object.fromEntries(new Headers(options?.headers as Record<string, string> | undefined)) // oxlint-disable-line typescript/no-unsafe-type-assertion -- the SDK's own type names the same things
}
