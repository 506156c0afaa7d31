// The links of admin consent that Check connection and refused runs give, to Microsoft's page and back, against an emulated tenant.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { FormBrowser } from '../../../test/support/form-browser.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { createApp } from '../../app.ts'
import { systemClock } from '../../base/clock.ts'
import { loadConfig } from '../../config.ts'
import { DEFAULT_PASSWORD } from '../../emulator/accounts.ts'
import { addRedirectUri } from '../../emulator/appsignin.ts'
import { generateTenant } from '../../emulator/generator.ts'
import { hire } from '../../emulator/operations.ts'
import type { Tenant } from '../../emulator/tenant.ts'
import { getHealth } from '../../registry/health.ts'
import { requireSource } from '../../registry/sources.ts'

const BACK = 'http://localhost/signin/microsoft'
const DAY_MS = 86_400_000
let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let fabrikam: Tenant
/** Time stands still but for this, in milliseconds. */
let later = 0
const BEGIN = Date.now()
const clock = { ...systemClock, now: () => new Date(BEGIN + later) }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { clock })
  await test.db.query('update setup set done_at = now()')
  http = await aServer(world.engine, { openGraphWith: (access) => world.openGraphWith(access) })
  admin = await http.as('administrator')
  hire(world.hosted.tenant, { userPrincipalName: 'gail@contoso.com' })
  const { clock: emulated } = world.emulator
  fabrikam = generateTenant({
    users: 1,
    groups: 1,
    memberships: 0,
    seed: 9,
    clock: emulated,
    domain: 'fabrikam.example',
  })
  world.emulator.host(fabrikam)
  hire(fabrikam, { userPrincipalName: 'rosa@fabrikam.example' })
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(() => {
  later = 0
  world.hosted.app.roles.delete('GroupMember.Read.All')
  world.hosted.app.signIn.redirectUris.splice(0)
  addRedirectUri(world.hosted.app.signIn, { uri: BACK, platform: 'web' })
})

async function link(): Promise<URL> {
  const answer = await admin('POST', `/api/v1/connections/${world.source}/check`)
  const { findings } = answer.json<{ findings: { check: string; ok: boolean; link: string | null }[] }>()
  const missing = findings.find(({ check }) => check === 'permission:GroupMember.Read.All')
  return new URL(missing?.link ?? '')
}

/** Opens a link as an administrator of a tenant, who need not be anybody here, and comes back. */
async function consent(url: URL, userName = 'gail@contoso.com', action = 'accept'): Promise<string> {
  const browser = new FormBrowser({ fetch: world.emulator.fetch, origin: url.origin })
  await browser.open(url)
  await browser.submit({ action: 'sign-in', loginfmt: userName, passwd: DEFAULT_PASSWORD })
  const arrived = await browser.submit({ action })
  if (arrived.kind === 'page') throw new Error(arrived.page.text)
  return comeBack(arrived.to)
}

async function comeBack(to: URL | string): Promise<string> {
  const { pathname, search } = new URL(to, BACK)
  const answer = await http.server.inject({ url: `${pathname}${search}` })
  expect(answer.statusCode).toBe(303)
  expect(answer.cookies.filter(({ value }) => value !== '')).toEqual([])
  return String(answer.headers.location)
}

describe('the link of admin consent', () => {
  it('leads to Microsoft’s page, grants what lacks, and back to a page that names the tenant', async () => {
    const url = await link()
    const back = await consent(url)
    const { findings } = (await admin('POST', `/api/v1/connections/${world.source}/check`)).json<{
      findings: { check: string; ok: boolean }[]
    }>()

    expect(url.searchParams.get('redirect_uri')).toBe(BACK)
    expect(back).toBe(`/consent#given.${world.hosted.tenantId}`)
    expect(findings.find(({ check }) => check === 'permission:GroupMember.Read.All')).toMatchObject({ ok: true })
  })

  it('that is refused comes back with that, for the tenant that it was for', async () => {
    expect(await consent(await link(), 'gail@contoso.com', 'decline')).toBe(`/consent#refused.${world.hosted.tenantId}`)
    expect([...world.hosted.app.roles]).not.toContain('GroupMember.Read.All')
  })

  it('that was answered in another tenant is told as that', async () => {
    world.hosted.app.signIn.audience = 'AzureADMultipleOrgs'
    const url = new URL((await link()).href.replace(world.hosted.tenantId, fabrikam.id))
    const back = await consent(url, 'rosa@fabrikam.example')
    world.hosted.app.signIn.audience = 'AzureADMyOrg'

    expect(back).toBe(`/consent#given-elsewhere.${fabrikam.id}.${world.hosted.tenantId}`)
  })

  it('carries what nobody else can make: a state that was changed, is of another key or too old belongs to no link', async () => {
    const state = (await link()).searchParams.get('state')!
    const given = (changed: string) =>
      comeBack(`?${new URLSearchParams({ admin_consent: 'True', tenant: fabrikam.id, state: changed }).toString()}`)
    const forged = [
      state.replace(world.hosted.tenantId, fabrikam.id),
      state.replace(/\.\d+\./, (ends) => `.${Number(ends.slice(1, -1)) + DAY_MS}.`),
      `${state}a`,
      state.slice(0, state.lastIndexOf('.')),
      'consent.',
    ]
    const answers = []
    for (const changed of forged) answers.push(await given(changed))
    const whole = await given(state)
    later = 14 * DAY_MS + 1

    expect(new Set(forged).has(state)).toBe(false)
    expect(new Set(answers)).toEqual(new Set(['/consent#unknown']))
    expect(whole).toBe(`/consent#given-elsewhere.${fabrikam.id}.${world.hosted.tenantId}`)
    expect(await given(state)).toBe('/consent#unknown')
  })

  it('has no way back where the application does not list it, as Microsoft would refuse the page then', async () => {
    world.hosted.app.signIn.redirectUris.splice(0)

    expect([...(await link()).searchParams.keys()]).toEqual(['client_id'])
  })

  it.each([
    [
      '?admin_consent=True&tenant=11111111-1111-4111-8111-111111111111',
      'given-somewhere.11111111-1111-4111-8111-111111111111',
    ],
    ['?admin_consent=True&tenant=%3Cscript%3E', 'given-somewhere'],
    ['?admin_consent=True&error=access_denied&error_description=x', 'refused'],
    ['?error=permission_denied&error_description=x', 'refused'],
  ])('without a state of ours (%s) is told for what it is, and is no refused sign-in', async (query, end) => {
    const audited = async () => (await test.db.query('select max(id) from audit')).rows
    const before = await audited()

    expect(await comeBack(query)).toBe(`/consent#${end}`)
    expect(await audited()).toEqual(before)
  })
})

describe('the link of admin consent that a source tells whose run was refused', () => {
  const setSignIn = (isOn: boolean) => test.db.query('update connections set sign_in_with_microsoft = $1', [isOn])
  const config = loadConfig({ MUSTER_PUBLIC_URL: 'http://localhost' }, {})
  const sync = () =>
    createApp(world.engine, { config, close: () => Promise.resolve() }).run({
      source: world.source,
      kind: 'sync',
      mode: 'auto',
      trigger: 'manual',
      wait: true,
      signal: new AbortController().signal,
      onProgress: () => {},
    })
  const linkOfRun = async () => {
    expect(await sync()).toMatchObject({ outcome: 'failed', error: { code: 'forbidden' } })
    const { id } = await requireSource(test.db, world.source)
    return new URL(/Consent: (\S+)$/.exec((await getHealth(test.db, id))?.remedy ?? '')?.[1] ?? '')
  }

  it('names no way back where people do not sign in through the connection: Microsoft would refuse the page of an app without it', async () => {
    expect([...(await linkOfRun()).searchParams.keys()]).toEqual(['client_id'])
  })

  it('leads back where they do, so that the app knows the way; the next run goes through', async () => {
    await setSignIn(true)
    try {
      const url = await linkOfRun()

      expect(url.searchParams.get('redirect_uri')).toBe(BACK)
      expect(await consent(url)).toBe(`/consent#given.${world.hosted.tenantId}`)
      expect(await sync()).toMatchObject({ outcome: 'applied' })
    } finally {
      await setSignIn(false)
    }
  })
})
