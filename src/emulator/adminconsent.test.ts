// The page where an administrator consents for the whole tenant, as a browser meets it (graph.md 2.1).
import { describe, expect, it } from 'vitest'
import { CALLBACK, signingIn } from '../../test/support/signing-in.ts'
import { generateTenant } from './generator.ts'
import { hire } from './operations.ts'
import type { Arrival } from '../../test/support/form-browser.ts'

function consenting(given: Parameters<typeof signingIn>[0] = {}) {
  const world = signingIn(given)
  const { emulator, hosted } = world
  hosted.app.roles.clear()
  const url = (parameters: Readonly<Record<string, string>> = {}, tenant = hosted.tenantId) =>
    `${emulator.authorityUrl}/${tenant}/adminconsent?${new URLSearchParams({ client_id: hosted.clientId, ...parameters }).toString()}`
  return { ...world, url, way: { redirect_uri: CALLBACK, state: 'the state' } }
}

const query = (arrived: Arrival) =>
  arrived.kind === 'left' ? Object.fromEntries(arrived.to.searchParams) : arrived.page.title

describe('admin consent', () => {
  it('is asked for with what the app lists, grants it, and sends the browser back with tenant and state', async () => {
    const { hosted, browser, url, way, annSignsIn } = consenting()
    const visitor = browser()
    await visitor.open(url(way))
    const asked = await visitor.submit({
      action: 'sign-in',
      loginfmt: annSignsIn.userName,
      passwd: annSignsIn.password,
    })
    const before = [...hosted.app.roles]
    const back = await visitor.submit({ action: 'accept' })

    expect(asked.kind === 'page' ? asked.page.text : '').toContain('User.Read.All, GroupMember.Read.All')
    expect(before).toEqual([])
    expect(query(back)).toEqual({ admin_consent: 'True', tenant: hosted.tenantId, state: 'the state' })
    expect([...hosted.app.roles]).toEqual(['User.Read.All', 'GroupMember.Read.All'])
  })

  it('that is refused grants nothing, and sends the browser back with permission_denied and the state', async () => {
    const { hosted, browser, url, way, annSignsIn } = consenting()
    const visitor = browser()
    await visitor.open(url(way))
    await visitor.submit({ action: 'sign-in', loginfmt: annSignsIn.userName, passwd: annSignsIn.password })
    const back = await visitor.submit({ action: 'decline' })

    expect(query(back)).toEqual({
      error: 'permission_denied',
      error_description: expect.stringMatching(/^AADSTS65004: /),
      state: 'the state',
    })
    expect([...hosted.app.roles]).toEqual([])
  })

  it('sends nobody to an address that is not registered, and to the first one where none is asked for', async () => {
    const { browser, url, annSignsIn } = consenting()
    const elsewhere = await browser().open(url({ redirect_uri: 'https://evil.example/' }))
    const back = await browser().signIn(url(), annSignsIn)

    expect(elsewhere.kind === 'page' ? elsewhere.page.errorCode : undefined).toBe(50011)
    expect(back.kind === 'left' ? back.to.href : '').toContain(`${CALLBACK}?admin_consent=True`)
  })

  it('in another tenant names that one, and grants nothing in the first', async () => {
    const { emulator, hosted, browser, url, way, annSignsIn } = consenting({
      signIn: { audience: 'AzureADMultipleOrgs' },
    })
    const fabrikam = generateTenant({
      users: 1,
      groups: 1,
      memberships: 0,
      seed: 9,
      clock: emulator.clock,
      domain: 'fabrikam.example',
    })
    emulator.host(fabrikam)
    hire(fabrikam, { userPrincipalName: 'rosa@fabrikam.example' })
    const back = await browser().signIn(url(way, fabrikam.id), { ...annSignsIn, userName: 'rosa@fabrikam.example' })

    expect(query(back)).toMatchObject({ admin_consent: 'True', tenant: fabrikam.id })
    expect([...hosted.app.roles]).toEqual([])
  })

  it('is none for an app that the tenant does not know', async () => {
    const { emulator, hosted, browser } = consenting()
    const client = '99999999-9999-4999-8999-999999999999'
    const unknown = await browser().open(`${emulator.authorityUrl}/${hosted.tenantId}/adminconsent?client_id=${client}`)

    expect(unknown.kind === 'page' ? unknown.page.errorCode : undefined).toBe(700016)
  })
})
