// How fast the emulator serves: pages of 999 users with a selection like Muster's, over HTTP with keep-alive.
// It serves in a process of its own, so that its CPU time is what one core of it costs; the client only reads bytes.
// Run: npx node bench/emulator.ts [users]
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { fileURLToPath } from 'node:url'
import { generateTenant } from '../src/emulator/generator.ts'
import { Emulator } from '../src/emulator/server.ts'

const SELECT = [
  'id',
  'userPrincipalName',
  'displayName',
  'givenName',
  'surname',
  'mail',
  'accountEnabled',
  'userType',
  'department',
  'companyName',
  'officeLocation',
  'mobilePhone',
  'employeeId',
  'onPremisesSamAccountName',
  'onPremisesExtensionAttributes',
].join(',')
const CONNECTIONS = 4
const SECONDS = 8

interface Served {
  readonly graphUrl: string
  readonly token: string
}

if (process.argv[2] === 'serve') await serve(Number(process.argv[3]))
else await measure(Number(process.argv[2] ?? 100_000))

async function serve(users: number): Promise<void> {
  const emulator = new Emulator({ throttling: { enabled: false } })
  emulator.keepsLog = false
  const tenant = generateTenant({ users, groups: 10, memberships: users, seed: 1, clock: emulator.clock })
  const hosted = emulator.host(tenant)
  const { authorityUrl, graphUrl } = await emulator.listen()
  const response = await emulator.fetch(`${authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: hosted.clientId,
      client_secret: hosted.clientSecret,
      scope: `${graphUrl}/.default`,
    }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string } // oxlint-disable-line typescript/no-unsafe-type-assertion
  process.on('message', () => process.send?.(process.cpuUsage()))
  process.on('disconnect', () => process.exit(0))
  process.send?.({ graphUrl, token } satisfies Served)
}

async function measure(users: number): Promise<void> {
  const server = fork(fileURLToPath(import.meta.url), ['serve', String(users)])
  // Messages are what the other half of this file sends.
  const [served] = (await once(server, 'message')) as [Served] // oxlint-disable-line typescript/no-unsafe-type-assertion
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const first = `${served.graphUrl}/v1.0/users?$select=${SELECT}&$top=999`
  let pages = 0
  let bytes = 0
  const walk = async (until: number): Promise<void> => {
    for (let url = first; performance.now() < until; ) {
      const body = await read(url, { agent, token: served.token })
      pages++
      bytes += body.length
      url = /"@odata\.nextLink":"([^"]+)"/.exec(body.subarray(0, 4_000).toString('latin1'))?.[1] ?? first
    }
  }
  await walk(performance.now() + 2_000)
  pages = 0
  bytes = 0
  const cpuBefore = await cpuSeconds(server)
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => walk(startedAt + SECONDS * 1000)))
  const seconds = (performance.now() - startedAt) / 1000
  const cpu = (await cpuSeconds(server)) - cpuBefore
  const perCore = Math.round(pages / cpu)
  console.log(
    `${pages} pages of 999 users (${Math.round(bytes / pages / 1000)} kB each) in ${seconds.toFixed(1)} s: ` +
      `${Math.round(pages / seconds)} pages/s, ${perCore} pages per CPU second of the emulator (goal 150)`,
  )
  server.disconnect()
  agent.destroy()
  process.exitCode = perCore >= 150 ? 0 : 1
}

async function cpuSeconds(server: ReturnType<typeof fork>): Promise<number> {
  server.send('cpu')
  const [{ user, system }] = (await once(server, 'message')) as [NodeJS.CpuUsage] // oxlint-disable-line typescript/no-unsafe-type-assertion
  return (user + system) / 1e6
}

function read(url: string, options: { readonly agent: Agent; readonly token: string }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const request = get(
      url,
      { agent: options.agent, headers: { authorization: `Bearer ${options.token}` } },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('end', () => resolve(Buffer.concat(parts)))
        response.on('error', reject)
      },
    )
    request.on('error', reject)
  })
}
