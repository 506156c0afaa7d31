// Routes of connections: forms, secrets, checks and the live directory, against an emulated tenant.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { ConnectionView } from '../../contract/api/connections.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { createGroup } from '../../emulator/memberships.ts'
import { hire } from '../../emulator/operations.ts'
import { openCredentials, requireConnection } from '../../registry/connections.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let secret: string
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db)
  http = await aServer(world.engine, { openGraphWith: (access) => world.openGraphWith(access) })
  admin = await http.as('administrator')
  secret = world.hosted.app.secrets[0]!.secretText
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(() => test.db.query(`delete from connections where name like 'form%'`))

const form = (more: object = {}) => ({
  name: 'form',
  tenantId: world.hosted.tenantId,
  clientId: world.hosted.clientId,
  clientSecret: secret,
  cloud: 'custom',
  authorityUrl: world.emulator.graphUrl,
  graphUrl: `${world.emulator.graphUrl}/`,
  ...more,
})
const without = (...keys: string[]) => Object.fromEntries(Object.entries(form()).filter(([key]) => !keys.includes(key)))
const audits = async () => {
  const found = await test.db.query<{ line: string; details: string }>(
    `select actor_name || ' ' || action || ' ' || subject as line, details from audit order by id`,
  )
  return found.rows
}

describe('connections', () => {
  it('are made, changed and removed; no answer and no audit carries a secret', async () => {
    const answers = [
      await admin('POST', '/api/v1/connections', form()),
      await admin('GET', '/api/v1/connections/form'),
      await admin('PUT', '/api/v1/connections/form', { ...without('name', 'clientSecret'), signInWithMicrosoft: true }),
      await admin('GET', '/api/v1/connections'),
      await admin('DELETE', '/api/v1/connections/form'),
      await admin('GET', '/api/v1/connections/form'),
    ]

    expect(answers.map((answer) => answer.statusCode)).toEqual([201, 200, 200, 200, 204, 404])
    expect(answers[0]!.json()).toMatchObject({
      name: 'form',
      tenantId: world.hosted.tenantId,
      graphUrl: world.emulator.graphUrl,
      credentials: [{ kind: 'secret', thumbprint: null, expiresAt: null }],
      sources: [],
    })
    expect(answers[2]!.json()).toMatchObject({ signInWithMicrosoft: true, credentials: [{ kind: 'secret' }] })
    expect((await audits()).map((row) => row.line).slice(-3)).toEqual([
      'administrator connection.create connection form',
      'administrator connection.change connection form',
      'administrator connection.remove connection form',
    ])
    const told = JSON.stringify([answers.map((answer) => answer.body), await audits()])
    expect(told).not.toContain(secret)
  })

  it('are refused with all mistakes at once, by the fields of the form, and nothing is kept', async () => {
    const answer = await admin('POST', '/api/v1/connections', {
      name: ' form',
      tenantId: 'contoso.com',
      clientId: '',
      cloud: 'custom',
      authorityUrl: 'http://login.example',
      certificate: 'PEM',
    })

    expect(answer.statusCode).toBe(400)
    expect(answer.json<{ problems: { at: string }[] }>().problems.map((problem) => problem.at)).toEqual([
      'name',
      'tenantId',
      'clientId',
      'authorityUrl',
      'graphUrl',
      'certificate',
    ])
    const nothing = await admin('POST', '/api/v1/connections', without('clientSecret'))
    expect(nothing.json()).toMatchObject({ problems: [{ at: 'clientSecret' }] })
    expect((await admin('GET', '/api/v1/connections/form')).statusCode).toBe(404)
  })

  it('that somebody else changed meanwhile are not overwritten unseen', async () => {
    const read = (await admin('POST', '/api/v1/connections', form())).json<ConnectionView>()
    const change = (signInWithMicrosoft: boolean, updatedAt?: string) =>
      admin('PUT', '/api/v1/connections/form', { ...without('name', 'clientSecret'), signInWithMicrosoft, updatedAt })
    const first = await change(true, read.updatedAt)
    const second = await change(false, read.updatedAt)
    const again = await change(false, first.json<ConnectionView>().updatedAt)

    expect([first.statusCode, second.statusCode, again.statusCode]).toEqual([200, 409, 200])
    expect(second.json()).toMatchObject({ code: 'changed-meanwhile', detail: expect.stringContaining('"form"') })
    expect((await change(true)).json()).toMatchObject({ signInWithMicrosoft: true })
  })

  it('of which somebody else changed a credential meanwhile lose none to a form that did not know of it', async () => {
    const read = (await admin('POST', '/api/v1/connections', form())).json<ConnectionView>()
    const path = '/api/v1/connections/form/credentials'
    const added = await admin('POST', path, { kind: 'secret', clientSecret: 'another secret of this connection' })
    const replace = (updatedAt: string) =>
      admin('PUT', '/api/v1/connections/form', { ...without('name'), clientSecret: 'a third secret', updatedAt })
    const late = await replace(read.updatedAt)
    const now = async () => (await admin('GET', '/api/v1/connections/form')).json<ConnectionView>()
    const kept = await now()
    await admin('PUT', `${path}/${added.json<{ id: string }>().id}`, { expires: '2099-01-01' })
    const later = await replace(kept.updatedAt)
    const dated = await now()
    await admin('DELETE', `${path}/${added.json<{ id: string }>().id}`)
    const last = await replace(dated.updatedAt)

    expect([late.statusCode, later.statusCode, last.statusCode]).toEqual([409, 409, 409])
    expect(kept.credentials).toHaveLength(2)
    expect((await now()).credentials).toHaveLength(1)
  })

  it('feeding a source are not removed', async () => {
    const answer = await admin('DELETE', `/api/v1/connections/${world.source}`)

    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toMatchObject({ code: 'connection-in-use', detail: expect.stringContaining(world.source) })
  })

  it('are seen by viewers and changed by administrators', async () => {
    const operator = await http.as('operator')

    expect((await operator('GET', '/api/v1/connections')).statusCode).toBe(200)
    expect((await operator('POST', '/api/v1/connections', form())).statusCode).toBe(403)
  })
})

describe('Check connection', () => {
  const findings = (answer: Awaited<ReturnType<Ask>>) =>
    answer.json<{ ok: boolean; findings: { check: string; ok: boolean; remedy: string }[] }>()

  it('answers for a saved one, and the audit tells that it was asked', async () => {
    const operator = await http.as('operator')
    const answer = await operator('POST', `/api/v1/connections/${world.source}/check`)

    expect(findings(answer)).toMatchObject({ ok: true })
    expect((await audits()).at(-1)).toMatchObject({
      line: `operator connection.check connection ${world.source}`,
      details: JSON.stringify({ ok: true, failed: [] }),
    })
  })

  it('names the redirect URI under which this server is reached, where people sign in through the connection', async () => {
    const uri = 'http://localhost/signin/microsoft'
    await admin('POST', '/api/v1/connections', form({ name: 'form-signing-in', signInWithMicrosoft: true }))
    const answers = [
      await admin('POST', '/api/v1/connections/form-signing-in/check'),
      await admin('POST', '/api/v1/connection-check', form({ signInWithMicrosoft: true })),
      await admin('GET', '/api/v1/app-registration?signIn=true'),
    ]

    for (const answer of answers) expect(answer.body).toContain(uri)
    expect((await admin('POST', '/api/v1/connection-check', form())).body).not.toContain(uri)
  })

  it('says that public client flows are off, where terminals sign people in by a code, and not for passwords', async () => {
    const signingIn = { name: 'form-terminals', signInWithMicrosoft: true }
    await admin('POST', '/api/v1/connections', form(signingIn))
    const told = async (more: object = {}) => {
      const answers = [
        await admin('POST', '/api/v1/connections/form-terminals/check'),
        await admin('POST', '/api/v1/connection-check', form({ ...signingIn, ...more })),
      ]
      return answers.map((answer) =>
        answer
          .json<{ findings: { message: string }[] }>()
          .findings.flatMap(({ message }) => /^Allow public client flows is (on|off)/.exec(message)?.[1] ?? []),
      )
    }
    const before = await told()
    const withPasswords = await told({ passwordsAtTerminals: true })
    await http.terminalToken({ name: 'By card', may: ['card'] })
    const withCards = await told()
    await http.terminalToken({ name: 'By code', may: ['deviceCode'] })
    const off = await told()
    world.hosted.app.signIn.publicClient = true
    const on = await told()
    world.hosted.app.signIn.publicClient = false
    await test.db.query(`update terminals set revoked_at = now() where name = 'By code'`)

    expect({ before, withPasswords, withCards }).toEqual({
      before: [[], []],
      withPasswords: [[], []],
      withCards: [[], []],
    })
    expect({ off, on, revoked: await told() }).toEqual({
      off: [['off'], ['off']],
      on: [['on'], ['on']],
      revoked: [[], []],
    })
  })

  it('names federated domains where the connection allows Microsoft passwords at terminals', async () => {
    const [domain] = world.tenant.verifiedDomains
    Object.assign(domain!, { type: 'Federated' })
    const settings = { signInWithMicrosoft: true, passwordsAtTerminals: true }
    const told = await admin('POST', '/api/v1/connection-check', form(settings))
    const others = await admin('POST', '/api/v1/connection-check', form({ signInWithMicrosoft: true }))
    Object.assign(domain!, { type: 'Managed' })

    expect(told.body).toContain(`People of ${domain!.name} have their passwords at an identity provider of their own`)
    expect(findings(told).ok).toBe(findings(others).ok)
    expect(others.body).not.toContain('federated')
  })

  it('answers for one that is not saved, and keeps nothing of it', async () => {
    const right = await admin('POST', '/api/v1/connection-check', form())
    const wrong = await admin('POST', '/api/v1/connection-check', form({ clientSecret: 'wrong' }))

    expect(findings(right).ok).toBe(true)
    expect(findings(wrong)).toMatchObject({ ok: false, findings: [{ check: 'token', ok: false }] })
    expect(findings(wrong).findings[0]!.remedy).not.toBe('')
    expect((await admin('GET', '/api/v1/connections/form')).statusCode).toBe(404)
  })

  it('uses what is on file where the form leaves it out, and sends it to no other address', async () => {
    await admin('POST', '/api/v1/connections', form())
    const same = await admin('POST', '/api/v1/connection-check', without('clientSecret'))
    const elsewhere = await admin('POST', '/api/v1/connection-check', {
      ...without('clientSecret'),
      authorityUrl: 'https://login.evil.example',
    })
    const unknown = await admin('POST', '/api/v1/connection-check', { ...without('clientSecret'), name: 'form-2' })

    expect(findings(same).ok).toBe(true)
    expect(elsewhere.json()).toMatchObject({ status: 400, problems: [{ at: 'clientSecret' }] })
    expect(unknown.json()).toMatchObject({ status: 400, problems: [{ at: 'clientSecret' }] })
    const { id } = await requireConnection(test.db, 'form')
    expect(await openCredentials(test.db, { connectionId: id, vault: world.engine.vault })).toMatchObject([
      { kind: 'secret', secret },
    ])
  })
})

describe('the live directory', () => {
  const search = async (kind: string, text: string) =>
    (
      await admin('GET', `/api/v1/connections/${world.source}/directory/${kind}?search=${encodeURIComponent(text)}`)
    ).json<{
      items: { objectId: string; name: string; detail: string }[]
    }>().items

  it('is searched through the connection before anything was synchronized', async () => {
    hire(world.tenant, { userPrincipalName: "o'brien@contoso.com", displayName: "Miles O'Brien" })
    createGroup(world.tenant, { displayName: 'R&D 🎉' })

    expect(await search('users', "o'b")).toMatchObject([{ name: "Miles O'Brien", detail: "o'brien@contoso.com" }])
    expect(await search('groups', 'R&D 🎉')).toMatchObject([{ name: 'R&D 🎉', detail: 'Security' }])
    expect(await search('groups', 'nothing')).toEqual([])
    expect((await admin('GET', `/api/v1/connections/${world.source}/directory/devices`)).statusCode).toBe(400)
  })

  it('names groups by their object ids, those that there are, in their order', async () => {
    const one = createGroup(world.tenant, { displayName: 'One' })
    const two = createGroup(world.tenant, { displayName: 'Two', mailEnabled: true })
    const objectIds = [two.id, '99999999-2222-3333-4444-555555555555', one.id.toUpperCase(), 'not an id']
    const viewer = await http.as('viewer')
    const answer = await viewer('POST', `/api/v1/connections/${world.source}/directory-groups`, { objectIds })

    expect(answer.json()).toEqual({
      items: [
        { objectId: two.id, name: 'Two', detail: 'Mail-enabled security' },
        { objectId: one.id, name: 'One', detail: 'Security' },
      ],
    })
  })

  it('that cannot be asked is told with what Microsoft said', async () => {
    await admin('POST', '/api/v1/connections', form({ clientId: '99999999-2222-3333-4444-555555555555' }))
    const answer = await admin('GET', '/api/v1/connections/form/directory/users')

    expect(answer.statusCode).toBeGreaterThanOrEqual(500)
    expect(answer.json<{ detail: string }>().detail).toContain('AADSTS700016')
  })
})
