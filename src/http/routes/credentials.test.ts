// Credentials of a connection one by one over the API: two at once while one is replaced, made by Muster, told and never shown.
import { X509Certificate } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import type { CredentialView } from '../../contract/api/connections.ts'
import { addCertificate, addSecret } from '../../emulator/applications.ts'
import { openCredentials } from '../../registry/connections.ts'
import type { Engine } from '../../sync/engine.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let secret: string
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  // As the composition root does it: credentials are opened anew for each client.
  const openGraph: Engine['openGraph'] = async (connection) => {
    const { vault } = world.engine
    return world.openGraphWith({
      ...connection,
      credentials: await openCredentials(test.db, { connectionId: connection.id, vault }),
    })
  }
  const engine = { ...world.engine, openGraph }
  http = await aServer(engine, { openGraphWith: (access) => world.openGraphWith(access) })
  admin = await http.as('administrator')
  secret = world.hosted.app.secrets[0]!.secretText
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  await test.db.query(`delete from connections where name = 'rotated'`)
  world.hosted.app.secrets.splice(1)
  await admin('POST', '/api/v1/connections', {
    name: 'rotated',
    tenantId: world.hosted.tenantId,
    clientId: world.hosted.clientId,
    clientSecret: secret,
    cloud: 'custom',
    authorityUrl: world.emulator.graphUrl,
    graphUrl: world.emulator.graphUrl,
  })
})

const path = '/api/v1/connections/rotated'
const add = (body: object) => admin('POST', `${path}/credentials`, body)
const check = async () =>
  (await admin('POST', `${path}/check`)).json<{ ok: boolean; findings: { check: string; message: string }[] }>()
const credentials = async () => (await admin('GET', path)).json<{ credentials: CredentialView[] }>().credentials
const audits = async () => {
  const found = await test.db.query<{ action: string; details: string }>(
    'select action, details from audit order by id',
  )
  return found.rows
}

describe('credentials of a connection', () => {
  it('O2: a secret is replaced without a gap and without a restart, each step shown', async () => {
    const next = addSecret(world.hosted.app, world.emulator.random, { now: world.engine.clock.now() })
    const added = await add({ kind: 'secret', clientSecret: next.secretText, expires: '2030-05-31' })
    const untried = await credentials()
    const both = await check()
    const tried = await credentials()
    await admin('DELETE', `${path}/credentials/${untried[1]!.id}`)
    const last = await check()

    expect(added.statusCode).toBe(201)
    expect(untried.map(({ kind, state }) => [kind, state])).toEqual([
      ['secret', 'untried'],
      ['secret', 'untried'],
    ])
    expect(untried[0]).toMatchObject({ expiresAt: '2030-05-31T00:00:00.000Z', expiryFrom: 'entered' })
    expect(both.ok && last.ok).toBe(true)
    expect(tried.map(({ state }) => state)).toEqual(['works', 'works'])
    expect(tried[0]).toMatchObject({ expiresAt: next.endDateTime, expiryFrom: 'entra' })
    expect(await credentials()).toHaveLength(1)
    const lines = (await audits()).slice(-6)
    expect(lines.map(({ action }) => action)).toEqual([
      'connection.credential-add',
      'connection.credential-change',
      'connection.credential-change',
      'connection.check',
      'connection.credential-remove',
      'connection.check',
    ])
    expect(JSON.stringify([await audits(), untried, tried, added.body])).not.toContain(next.secretText)
  })

  it('O2: one that is refused is shown with its reason while another one works', async () => {
    await add({ kind: 'secret', clientSecret: 'the~wrong.secret' })

    const checked = await check()

    expect(checked.ok).toBe(true)
    expect(checked.findings.map(({ message }) => message).join('\n')).toContain('is refused; another one works')
    expect(await credentials()).toMatchObject([
      {
        state: 'refused',
        reason: 'The client secret is wrong. (AADSTS7000215)',
        remedy: expect.stringContaining('Value'),
      },
      { state: 'works', reason: null, remedy: null },
    ])
  })

  it('a certificate is made here; its public part works once it is uploaded, and its key is never given out', async () => {
    const made = (await add({ kind: 'newCertificate' })).json<CredentialView>()
    const before = await check()
    const refused = (await credentials())[0]
    const file = await admin('GET', `${path}/credentials/${made.id}/certificate`)
    addCertificate(world.hosted.app, world.emulator.random, file.body)
    const after = await check()

    expect(made).toMatchObject({ kind: 'certificate', origin: 'made', expiryFrom: 'certificate' })
    expect(new X509Certificate(file.body).fingerprint.replaceAll(':', '')).toBe(made.thumbprint)
    expect(file.headers['content-disposition']).toContain('.cer')
    expect(file.body).not.toContain('PRIVATE')
    expect(before.ok).toBe(true)
    expect(refused).toMatchObject({
      state: 'refused',
      reason: expect.stringContaining('does not know the certificate'),
    })
    expect(after.findings.map(({ message }) => message)).toContainEqual(
      `The certificate ${made.thumbprint} works and is used.`,
    )
    expect((await credentials())[0]).toMatchObject({ state: 'works', reason: null })
    const added = (await audits()).findLast(({ action }) => action === 'connection.credential-add')
    expect(JSON.parse(added!.details)).toMatchObject({
      kind: 'certificate',
      origin: 'made',
      is: expect.stringContaining(made.thumbprint!),
    })
    expect(JSON.stringify(await audits())).not.toContain('PRIVATE')
  })

  it('O1: the ID of a secret in place of its value is refused before anything is kept, in every form', async () => {
    const clientSecret = '3f2504e0-4f89-41d3-9a0c-0305e82c3301'
    const answers = [
      await add({ kind: 'secret', clientSecret }),
      await admin('PUT', path, { ...(await settings()), clientSecret }),
      await admin('POST', '/api/v1/connection-check', { name: 'rotated', ...(await settings()), clientSecret }),
      await admin('POST', '/api/v1/configuration', {
        file: { connections: { rotated: { ...(await settings()), clientSecret: { env: 'SECRET' } } } },
        secrets: { rotated: { secret: clientSecret } },
      }),
    ]

    for (const answer of answers) {
      expect(answer.statusCode).toBe(400)
      expect(answer.body).toContain('this is the ID of a client secret, not its value')
      expect(answer.body).not.toContain(clientSecret)
    }
    expect(await credentials()).toHaveLength(1)
  })

  it('the end of a secret is entered by hand where it cannot be read, and only there', async () => {
    const [only] = await credentials()
    const entered = await admin('PUT', `${path}/credentials/${only!.id}`, { expires: '2031-01-02' })
    const made = (await add({ kind: 'newCertificate' })).json<CredentialView>()
    const refused = await admin('PUT', `${path}/credentials/${made.id}`, { expires: '2031-01-02' })

    expect(entered.json()).toMatchObject({ expiresAt: '2031-01-02T00:00:00.000Z', expiryFrom: 'entered' })
    expect(refused.statusCode).toBe(400)
  })

  it('the same is not kept twice, there are at most four, and the last one of a source stays', async () => {
    const same = await add({ kind: 'secret', clientSecret: secret })
    for (const n of [1, 2, 3]) await add({ kind: 'secret', clientSecret: `another~secret.${n}` })
    const fifth = await add({ kind: 'managedIdentity' })
    const fed = `/api/v1/connections/${world.source}`
    await admin('POST', `${fed}/credentials`, { kind: 'secret', clientSecret: secret })
    const [last] = (await admin('GET', fed)).json<{ credentials: CredentialView[] }>().credentials
    const removed = await admin('DELETE', `${fed}/credentials/${last!.id}`)

    expect(same.json()).toMatchObject({ status: 400, problems: [{ message: expect.stringContaining('already') }] })
    expect(fifth.json()).toMatchObject({ status: 400, problems: [{ message: expect.stringContaining('there are 4') }] })
    expect(removed.json()).toMatchObject({ status: 409, code: 'last-credential' })
  })

  it('a workload identity names a file and a managed identity a client id; nothing else is accepted of them', async () => {
    const { tenantId, clientId } = world.hosted
    await admin('POST', '/api/v1/connections', { name: 'in-azure', tenantId, clientId, managedIdentity: true })
    const addThere = (body: object) => admin('POST', '/api/v1/connections/in-azure/credentials', body)
    const workload = await addThere({ kind: 'workloadIdentity', file: '/var/run/secrets/azure/token' })
    const managed = await addThere({ kind: 'managedIdentity', clientId: 'AAAAAAAA-0000-4000-8000-00000000000A' })
    const refused = [
      await addThere({ kind: 'workloadIdentity', file: 'token' }),
      await addThere({ kind: 'managedIdentity', clientId: 'mine' }),
      await add({ kind: 'workloadIdentity', file: '/var/run/secrets/azure/token' }),
    ]

    expect(workload.json()).toMatchObject({ kind: 'workloadIdentity', detail: '/var/run/secrets/azure/token' })
    expect(managed.json()).toMatchObject({ kind: 'managedIdentity', detail: 'aaaaaaaa-0000-4000-8000-00000000000a' })
    expect(refused.map(({ statusCode }) => statusCode)).toEqual([400, 400, 400])
    expect(refused[2]!.body).toContain("Microsoft's own clouds only")
    await admin('DELETE', '/api/v1/connections/in-azure')
  })

  it('are for administrators; operators get the public part of a certificate, viewers see what there is', async () => {
    const made = (await add({ kind: 'newCertificate' })).json<CredentialView>()
    const operator = await http.as('operator')
    const viewer = await http.as('viewer')
    const certificate = `${path}/credentials/${made.id}/certificate`

    expect((await operator('POST', `${path}/credentials`, { kind: 'newCertificate' })).statusCode).toBe(403)
    expect((await operator('DELETE', `${path}/credentials/${made.id}`)).statusCode).toBe(403)
    expect((await operator('GET', certificate)).statusCode).toBe(200)
    expect((await viewer('GET', certificate)).statusCode).toBe(403)
    expect((await viewer('GET', path)).statusCode).toBe(200)
  })
})

async function settings(): Promise<object> {
  const view = (await admin('GET', path)).json<Record<string, unknown>>()
  const { tenantId, clientId, cloud, authorityUrl, graphUrl } = view
  return { tenantId, clientId, cloud, authorityUrl, graphUrl }
}
