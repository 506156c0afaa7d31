// Plants every kind of secret through the product: over the command line, the API, sign-in, terminals, alerts, keys and backups.
import { generateKeyPairSync } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { SignJWT } from 'jose'
import { expect } from 'vitest'
import { LAST_LINE, MAGIC } from '../../src/backup/write.ts'
import { API } from '../../src/contract/api/api.ts'
import type { Endpoint } from '../../src/contract/api/endpoint.ts'
import { addCertificate, addFederatedCredential } from '../../src/emulator/applications.ts'
import { createCertificate } from '../../src/emulator/certificate.ts'
import { update } from '../../src/emulator/operations.ts'
import { endpointNames } from '../../src/http/route.ts'
import { credentialContext } from '../../src/registry/connections.ts'
import { LOCAL_PASSWORD, plantAccounts } from './planting-accounts.ts'
import { plantAtTerminal, plantSignIn, plantTokens, type Tokens } from './planting-sign-in.ts'
import { type AskAs, PlantingStage, until } from './planting-stage.ts'

const SMTP_PASSWORD = 'smtp~Tasmanian,devil+mail/73'
const PROXY_PASSWORD = 'proxy~Bandicoot+gate/58%sand'
const DATABASE_PASSWORD = 'base~Wombat+cellar/36%burrow'
const WEBHOOK_SECRET = 'hook~Platypus+signs/19%river'
const PASSPHRASE = 'Echidna rolls over seven northern hills'
const CARDS = ['04F3A9C17B2E5D', '04B8D26E91FA3C', '0477E1C5D90A4B']
const CARD_BY_HAND = '04C0FFEE5A17D3'
const PIN = '830417296517'

/** Exports are what other systems get the cards by. */
export function withoutCards(text: string): string {
  return [...CARDS, CARD_BY_HAND].reduce((rest, card) => rest.replaceAll(card, ''), text)
}

/** The whole of it; the server is left running, and somebody is left on his way to Microsoft. */
export async function plantEverything(): Promise<PlantingStage> {
  const s = await PlantingStage.open({ smtp: SMTP_PASSWORD, proxy: PROXY_PASSWORD, webhook: WEBHOOK_SECRET })
  try {
    const root = (await s.emulator.listen()).graphUrl
    await plantCredentials(s, root)
    await plantSettings(s)
    await s.startServer()
    const admin = await plantAccounts(s)
    await letServerRead(s)
    await plantMadeCertificate(s, admin)
    await synchronize(s, admin)
    await plantCardsAndPins(s, admin)
    await plantSignIn(s, root)
    const tokens = await plantTokens(s, admin)
    await plantAtTerminal(s, tokens.terminal, { root, card: CARDS[0]!, pin: PIN })
    await provoke(s, admin, { ...tokens, root })
    await lookAtEverything(s, admin, tokens)
    await rotateAndBackUp(s, tokens)
    return s
  } catch (error) {
    await s.close()
    throw error
  }
}

/** People who have an account that is switched on, in the order of the tenant. */
function peopleOf(s: PlantingStage) {
  return [...s.hosted.tenant.live('user')].filter(({ properties }) => properties['accountEnabled'] !== false)
}

async function plantCredentials(s: PlantingStage, root: string): Promise<void> {
  const people = peopleOf(s)
  for (const [n, card] of CARDS.slice(0, 2).entries())
    update(s.hosted.tenant, people[n]!.id, { onPremisesExtensionAttributes: { extensionAttribute5: card } })
  update(s.hosted.tenant, people[0]!.id, { employeeId: PIN })
  const { app, clientId, tenantId, clientSecret } = s.hosted
  const now = s.emulator.clock.now()
  const own = createCertificate({
    commonName: 'Own',
    key: 'rsa',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 20 * 86_400_000),
  })
  addCertificate(app, s.emulator.random, own.certificatePem)
  const cluster = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const [issuer, subject] = ['https://oidc.cluster.example/', 'system:serviceaccount:muster:muster']
  addFederatedCredential(app, {
    issuer,
    subject,
    publicKeyPem: cluster.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  })
  const federated = await new SignJWT({})
    .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
    .setIssuer(issuer)
    .setSubject(subject)
    .setAudience('api://AzureADTokenExchange')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(cluster.privateKey)
  await writeFile(join(s.work, 'secret'), clientSecret)
  await writeFile(join(s.work, 'own.pem'), own.certificatePem + own.privateKeyPem)
  await writeFile(join(s.work, 'federated'), federated)
  s.canaries.add('client secret', clientSecret)
  s.canaries.addPem('private key of a certificate', own.privateKeyPem)
  s.canaries.addToken('federated token', federated)
  const connection = {
    tenantId,
    clientId,
    cloud: 'custom',
    authorityUrl: root,
    graphUrl: root,
    signInWithMicrosoft: true,
    clientSecret: { file: 'secret' },
    certificate: { file: 'own.pem' },
    workloadIdentity: { file: join(s.work, 'federated') },
  }
  const staff = {
    connection: 'contoso',
    schedule: { delta: null, full: null },
    users: {
      options: { useAsAuthenticationServer: true },
      properties: { cards: ['onPremisesExtensionAttributes.extensionAttribute5'], pin: { from: 'employeeId' } },
    },
  }
  await writeFile(
    join(s.work, 'muster.yaml'),
    JSON.stringify({ connections: { contoso: connection }, sources: { staff } }),
  )
  expect((await s.cli('apply', '-f', join(s.work, 'muster.yaml'))).code).toBe(0)
}

/** Settings with secrets, and what is said where they do not work. */
async function plantSettings(s: PlantingStage): Promise<void> {
  s.canaries.add('SMTP password', SMTP_PASSWORD)
  s.canaries.add('proxy password', PROXY_PASSWORD)
  s.canaries.add('webhook secret', WEBHOOK_SECRET)
  s.canaries.add('database password', DATABASE_PASSWORD)
  for (const line of (await readFile(join(s.home, 'key'), 'utf8')).trim().split('\n'))
    s.canaries.add('key file', line.split(' ')[1]!)
  // Nobody listens there.
  const url = `postgresql://muster:${encodeURIComponent(DATABASE_PASSWORD)}@127.0.0.1:9/muster`
  expect((await s.cli('runs', '--database-url', url)).code).toBe(1)
  expect((await s.cli('runs', '--json', '--database-url', url)).code).toBe(1)
  await writeFile(
    join(s.work, 'cloud.yaml'),
    JSON.stringify({
      connections: {
        cloud: { tenantId: s.hosted.tenantId, clientId: s.hosted.clientId, clientSecret: { file: 'secret' } },
      },
    }),
  )
  expect((await s.cli('apply', '-f', join(s.work, 'cloud.yaml'))).code).toBe(0)
  // Through the proxy, which nobody answers at.
  expect((await s.cli('check', 'cloud')).code).toBe(1)
}

/** The server asks by itself when secrets end: nobody has checked a connection yet. */
async function letServerRead(s: PlantingStage): Promise<void> {
  const read = `select expiry_from from connection_credentials x join connections c on c.id = x.connection_id
                 where c.name = 'contoso' and x.kind = 'secret' and x.expires_at is not null`
  const { rows } = await until(async () => {
    const found = await s.db.query<{ expiry_from: string }>(read)
    return found.rowCount === 1 ? found : undefined
  })
  expect(rows).toEqual([{ expiry_from: 'entra' }])
}

async function plantMadeCertificate(s: PlantingStage, admin: AskAs): Promise<void> {
  const made = await admin('POST', '/api/v1/connections/contoso/credentials', { kind: 'newCertificate' })
  expect(made.status, made.text).toBe(201)
  const { rows } = await s.db.query<{ connection_id: number; kind: string; sealed: Buffer }>(
    'select connection_id, kind, sealed from connection_credentials where id = $1',
    [made.json().id],
  )
  const { connection_id, kind, sealed: kept } = rows[0]!
  s.canaries.addPem(
    'private key that Muster made',
    s.vault.open(kept, credentialContext(connection_id, kind as 'certificate')),
  )
  const path = `/api/v1/connections/contoso/credentials/${made.json().id}`
  expect((await admin('GET', `${path}/certificate`)).status).toBe(200)
  await admin('POST', `/api/v1/connections/contoso/check`)
}

async function run(admin: AskAs, kind: 'sync' | 'plan', more: object = {}): Promise<string> {
  const asked = await admin('POST', '/api/v1/sources/staff/runs', { kind, ...more })
  expect(asked.status, asked.text).toBe(202)
  return until(async () => {
    const job = (await admin('GET', `/api/v1/jobs/${asked.json().id}`)).json()
    return job.state === 'done' || job.state === 'ended' ? String(job.run) : undefined
  })
}

async function synchronize(s: PlantingStage, admin: AskAs): Promise<void> {
  for (const card of CARDS) s.canaries.add('card', card, { isGuessable: true })
  s.canaries.add('PIN', PIN, { isGuessable: true })
  const people = peopleOf(s)
  await run(admin, 'plan')
  await run(admin, 'sync')
  // A conflict of cards, a rewrite, and a plan that is held: issues, history and alerts speak of them.
  update(s.hosted.tenant, people[2]!.id, { onPremisesExtensionAttributes: { extensionAttribute5: CARDS[0]! } })
  update(s.hosted.tenant, people[1]!.id, { onPremisesExtensionAttributes: { extensionAttribute5: CARDS[2]! } })
  update(s.hosted.tenant, people[3]!.id, { employeeId: PIN })
  await run(admin, 'sync', { full: true })
  s.emulator.setEnabled(s.hosted.app, false)
  await run(admin, 'sync')
  s.emulator.setEnabled(s.hosted.app, true)
  await run(admin, 'sync')
  const known = new Set<string>()
  for (const { headers } of s.emulator.requests) {
    const token = /^Bearer (.+)$/.exec(headers?.get('authorization') ?? '')?.[1]
    if (token !== undefined && !known.has(token)) {
      known.add(token)
      s.canaries.addToken('access token', token)
    }
  }
}

async function plantCardsAndPins(s: PlantingStage, admin: AskAs): Promise<void> {
  const { items } = (await admin('GET', '/api/v1/users?limit=20')).json()
  const card = CARD_BY_HAND
  s.canaries.add('card', card, { isGuessable: true })
  const added = await admin('POST', `/api/v1/users/${items[0].id}/cards`, { card }, { 'idempotency-key': 'once-1' })
  expect(added.status, added.text).toBe(201)
  await admin('POST', `/api/v1/users/${items[0].id}/cards`, { card }, { 'idempotency-key': 'once-1' })
  const taken = await admin('POST', `/api/v1/users/${items[1].id}/cards`, { card })
  expect(taken.status).toBe(409)
  const id = added.json().cards.at(-1).id
  const revealed = await admin('POST', `/api/v1/users/${items[0].id}/cards/${id}/reveal`)
  revealed.gives(card)
  await admin('GET', `/api/v1/users?search=${card}`)
  const local = await admin('POST', '/api/v1/users', { userName: 'guest.of.the.house', fields: { fullName: 'Guest' } })
  expect(local.status, local.text).toBe(201)
  const drawn = await admin('POST', `/api/v1/users/${local.json().id}/pin`)
  expect(drawn.status, drawn.text).toBe(201)
}

/** Requests that carry secrets to where they do not belong, and are refused. */
async function provoke(
  s: PlantingStage,
  admin: AskAs,
  { api, terminal, root }: Tokens & { readonly root: string },
): Promise<void> {
  const secret = s.hosted.clientSecret
  await admin('PUT', '/api/v1/connections/contoso', {
    tenantId: secret,
    clientId: secret,
    clientSecret: secret,
  })
  await admin('POST', '/api/v1/connections', {
    name: secret.repeat(9),
    tenantId: 'x',
    clientId: 'y',
    clientSecret: secret,
  })
  await admin('POST', '/api/v1/connection-check', {
    name: 'fresh',
    tenantId: s.hosted.tenantId,
    clientId: s.hosted.clientId,
    clientSecret: `${secret}x`,
    cloud: 'custom',
    authorityUrl: root,
    graphUrl: root,
  })
  s.canaries.add('client secret', `${secret}x`)
  await s.ask('POST', '/api/v1/session', { raw: `{"name": "ann", "password": ${JSON.stringify(LOCAL_PASSWORD)}, ` })
  await s.ask('POST', '/api/v1/session', { body: { name: 'ann', password: { is: LOCAL_PASSWORD } } })
  await s.ask('PUT', `/api/v1/users?token=${api}&password=${encodeURIComponent(LOCAL_PASSWORD)}`)
  await s.ask('GET', `/api/v1/users?token=${api}`, { headers: { authorization: `Bearer ${api}x` } })
  await s.ask('GET', `/api/v1/users/${encodeURIComponent(api)}`, { headers: { authorization: `Bearer ${api}` } })
  await s.ask('GET', `/nowhere/${api}/${terminal}?code=${secret}`)
  await s.ask('GET', `/signin/microsoft?code=${encodeURIComponent(secret)}&state=${encodeURIComponent(LOCAL_PASSWORD)}`)
  await s.ask('GET', '/api/v1/terminal', { headers: { authorization: `Bearer ${terminal}x` } })
  await s.ask('GET', '/api/v1/me', { headers: { cookie: `muster-session=${api}; muster-flow=${terminal}` } })
  const wrong = { connections: { contoso: { tenantId: 'x', clientId: 'y', clientSecret: secret } } }
  await writeFile(join(s.work, 'wrong.yaml'), JSON.stringify(wrong))
  expect((await s.cli('apply', '-f', join(s.work, 'wrong.yaml'))).code).toBe(2)
  expect((await s.cli('apply', '-f', join(s.work, 'wrong.yaml'), '--json')).code).toBe(2)
}

/** Every address that can be read, as an administrator and as nobody, and every command that prints. */
async function lookAtEverything(s: PlantingStage, admin: AskAs, { api }: Tokens): Promise<void> {
  const ids: Record<string, string[]> = {
    connection: ['contoso'],
    source: ['staff'],
    kind: ['users', 'groups', 'memberships'],
  }
  const idsOf = async (path: string) =>
    ((await admin('GET', path)).json().items as { id?: string; run?: string }[])
      .slice(0, 6)
      .map(({ id, run: of }) => id ?? of ?? '')
  ids['run'] = await idsOf('/api/v1/runs')
  ids['user'] = await idsOf('/api/v1/users')
  ids['group'] = await idsOf('/api/v1/groups')
  const credentials = (await admin('GET', '/api/v1/connections/contoso')).json().credentials as {
    id: string
    kind: string
  }[]
  ids['credential'] = credentials.map(({ id }) => id)
  const opened = new Set<string>()
  for (const endpoint of endpointNames()
    .map((name): Endpoint => API[name])
    .filter(({ method, answer }) => method === 'GET' && answer.kind !== 'events')) {
    const parameters = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
    const [first = ''] = parameters
    for (const value of parameters.length === 0 ? [''] : (ids[first] ?? ['1'])) {
      const path = parameters.reduce(
        (text, name, at) => text.replace(`:${name}`, at === 0 ? value : (ids[name]?.[0] ?? '1')),
        endpoint.path as string,
      )
      const answer = await admin('GET', path.startsWith('/api/v1/backup') ? `${path}?x=1` : path)
      if (answer.status === 200) opened.add(endpoint.path)
      await s.ask('GET', path)
    }
  }
  expect(opened.size).toBeGreaterThan(30)
  for (const run of ids['run'] ?? []) await admin('GET', `/api/v1/runs/${run}/events`)
  for (const format of ['csv', 'json', 'ndjson'])
    for (const kind of ids['kind'] ?? []) await admin('GET', `/api/v1/exports/${kind}?format=${format}`)
  await admin('GET', '/api/v1/exports/users?format=csv&csvDialect=myq')
  for (const user of ids['user'] ?? []) await admin('GET', `/api/v1/explain?user=${user}`)
  for (const path of [
    '/',
    '/users',
    '/api/openapi.json',
    '/api/docs',
    '/metrics',
    '/healthz',
    '/readyz',
    '/favicon.ico',
  ]) {
    await admin('GET', path)
    await s.ask('GET', path, { headers: { authorization: `Bearer ${api}` } })
  }
  const { rows } = await s.db.query<{ user_name: string }>('select user_name from users order by id limit 2')
  const commands = [
    ['runs'],
    ['issues'],
    ['keys'],
    ['plan', 'staff'],
    ['sync', 'staff', '--full'],
    ['check', 'contoso'],
    ...(ids['run'] ?? []).slice(0, 4).flatMap((run) => [
      ['runs', run, '--items'],
      ['runs', run, '--log'],
    ]),
    ...rows.map((row) => ['explain', row.user_name]),
    ...['users', 'groups', 'memberships'].map((kind) => ['export', kind]),
    ['export', 'users', '--format', 'csv', '--csv-dialect', 'myq'],
  ]
  for (const command of commands) for (const more of [[], ['--json']]) await s.inProcess(...command, ...more)
  for (const command of [['runs'], ['keys'], ['check', 'contoso'], ['export', 'users']]) {
    await s.remote(api, ...command)
  }
}

async function rotateAndBackUp(s: PlantingStage, { api }: Tokens): Promise<void> {
  s.canaries.add('backup passphrase', PASSPHRASE, { isGuessable: true })
  await writeFile(join(s.work, 'passphrase'), `${PASSPHRASE}\n`)
  expect((await s.cli('keys', 'rotate')).code).toBe(0)
  for (const line of (await readFile(join(s.home, 'key'), 'utf8')).trim().split('\n').slice(1))
    s.canaries.add('key file', line.split(' ')[1]!)
  const file = join(s.work, 'plain.backup')
  expect((await s.cli('backup', '--output', file)).code).toBe(0)
  expect(
    (
      await s.cli(
        'backup',
        '--output',
        join(s.work, 'sealed.backup'),
        '--passphrase-file',
        join(s.work, 'passphrase'),
        '--json',
      )
    ).code,
  ).toBe(0)
  const bytes = await readFile(file)
  s.see('the backup', zstdDecompressSync(bytes.subarray(MAGIC.length, -LAST_LINE.length)).toString('latin1'))
  const remote = await s.remote(api, 'backup', '--output', join(s.work, 'remote.backup'), '--json')
  expect(remote.code).toBe(0)
}
