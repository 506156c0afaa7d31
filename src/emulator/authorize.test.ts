import { decodeProtectedHeader } from 'jose'
import * as openid from 'openid-client'
import { describe, expect, it } from 'vitest'
import { readJson } from '../../test/support/emulated.ts'
import { CALLBACK, codeOf, errorOf, signingIn, VERIFIER } from '../../test/support/signing-in.ts'
import { addRedirectUri } from './appsignin.ts'
import { generateTenant } from './generator.ts'
import { disable, enable, hire, remove } from './operations.ts'

const DAY_MS = 86_400_000

describe('authorization code with PKCE (graph.md 5.3)', () => {
  it('signs in on a page without scripts and sends code and state back', async () => {
    const { browser, authorizeUrl, annSignsIn, emulator } = signingIn()
    const visitor = browser()

    const page = await visitor.open(authorizeUrl())
    const arrived = await visitor.fillIn(annSignsIn)

    expect(page).toMatchObject({ kind: 'page', page: { status: 200, title: 'Sign in – Entra emulator' } })
    expect(page.kind === 'page' && page.page.html).not.toContain('<script')
    expect(arrived.kind === 'left' && `${arrived.to.origin}${arrived.to.pathname}`).toBe(CALLBACK)
    expect(arrived.kind === 'left' && arrived.to.searchParams.get('state')).toBe('the-state')
    expect(codeOf(arrived).length).toBeGreaterThan(200)
    const headers = (await emulator.fetch(authorizeUrl())).headers
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('set-cookie')).toContain('HttpOnly')
  })

  it('gives an id token that the library of Muster accepts, nonce and signature included', async () => {
    const { emulator, hosted, browser, authorizeUrl, annSignsIn } = signingIn()
    const config = await openid.discovery(
      new URL(`${emulator.authorityUrl}/${hosted.tenantId}/v2.0`),
      hosted.clientId,
      hosted.clientSecret,
      undefined,
      {
        [openid.customFetch]: (url, { method, headers, body }) =>
          emulator.fetch(url, { method, headers, ...(body instanceof URLSearchParams && { body }) }),
        execute: [openid.enableNonRepudiationChecks],
      },
    )
    // The library has no other clock than the machine's.
    emulator.clock.advance(Math.max(0, Date.now() - emulator.clock.now().getTime()))
    const arrived = await browser().signIn(authorizeUrl(), annSignsIn)

    const tokens = await openid.authorizationCodeGrant(config, arrived.kind === 'left' ? arrived.to : new URL(''), {
      pkceCodeVerifier: VERIFIER,
      expectedState: 'the-state',
      expectedNonce: 'the-nonce',
      idTokenExpected: true,
    })

    expect(tokens.claims()).toMatchObject({ tid: hosted.tenantId, preferred_username: 'ann.sample@contoso.com' })
  })

  it('answers by query, fragment and form_post', async () => {
    const { browser, authorizeUrl, annSignsIn } = signingIn()

    const fragment = await browser().signIn(authorizeUrl({ response_mode: 'fragment' }), annSignsIn)
    const posted = await browser().signIn(authorizeUrl({ response_mode: 'form_post' }), annSignsIn)

    expect(fragment.kind === 'left' && new URLSearchParams(fragment.to.hash.slice(1)).get('state')).toBe('the-state')
    expect(fragment.kind === 'left' && fragment.to.search).toBe('')
    const html = posted.kind === 'page' ? posted.page.html : ''
    expect(html).toContain(`<form method="post" action="${CALLBACK}">`)
    expect(html).toMatch(/name="code" value="1\.A[\w-]{200,}"/)
    expect(html).toContain('name="state" value="the-state"')
  })

  it('takes PKCE plain and S256, and refuses another verifier with 501481 and none with 50148', async () => {
    const { browser, authorizeUrl, annSignsIn, redeem } = signingIn()
    const codeBy = async (parameters: Record<string, string | null>) =>
      codeOf(await browser().signIn(authorizeUrl(parameters), annSignsIn))
    const plain = { code_challenge: VERIFIER, code_challenge_method: 'plain' }

    const good = [await redeem(await codeBy({})), await redeem(await codeBy(plain))]
    const wrong = await redeem(await codeBy({}), { code_verifier: `${VERIFIER}x` })
    const none = await redeem(await codeBy({}), { code_verifier: null })

    expect(good.map(({ status }) => status)).toEqual([200, 200])
    expect([wrong.status, wrong.body.error, wrong.body.error_codes]).toEqual([400, 'invalid_grant', [501481]])
    expect([none.status, none.body.error, none.body.error_codes]).toEqual([400, 'invalid_grant', [50148]])
  })

  it('redeems a code once (54005) and for ten minutes (70008), for its app and its address only', async () => {
    const { emulator, browser, authorizeUrl, annSignsIn, redeem } = signingIn()
    const fresh = async () => codeOf(await browser().signIn(authorizeUrl(), annSignsIn))
    const code = await fresh()

    const first = await redeem(code)
    const second = await redeem(code)
    const elsewhere = await redeem(await fresh(), { redirect_uri: 'https://muster.example/other' })
    const late = await fresh()
    emulator.clock.advance(10 * 60_000)
    const expired = await redeem(late)
    const unknown = await redeem('1.Anything')

    expect(first.status).toBe(200)
    expect([second.status, second.body.error, second.body.error_codes]).toEqual([400, 'invalid_grant', [54005]])
    expect(elsewhere.body.error_codes).toEqual([500112])
    expect([expired.body.error, expired.body.error_codes]).toEqual(['invalid_grant', [70008]])
    expect([unknown.body.error, unknown.body.error_codes]).toEqual(['invalid_grant', [70000]])
  })

  it('shows errors on a page as long as the address of the app is not certain, and returns them afterwards', async () => {
    const { browser, authorizeUrl, hosted, emulator } = signingIn()
    const opened = async (parameters: Record<string, string | null>, tenant?: string) =>
      errorOf(await browser().open(authorizeUrl(parameters, tenant)))

    expect(await opened({ redirect_uri: `${CALLBACK}/` })).toEqual(['page', 50011])
    expect(await opened({ redirect_uri: 'https://evil.example/signin/microsoft' })).toEqual(['page', 50011])
    expect(await opened({ client_id: '00000000-0000-4000-8000-000000000000' })).toEqual(['page', 700016])
    expect(await opened({ client_id: null })).toEqual(['page', 900144])
    expect(await opened({}, 'fabrikam.example')).toEqual(['page', 90002])
    expect(await opened({}, 'common')).toEqual(['page', 50194])
    expect(await opened({ response_type: 'token' })).toEqual(['unsupported_response_type', 70007])
    expect(await opened({ response_type: null })).toEqual(['invalid_request', 900144])
    expect(await opened({ scope: null })).toEqual(['invalid_request', 900144])
    expect(await opened({ prompt: 'please' })).toEqual(['invalid_request', 90023])
    expect(await opened({ code_challenge: 'short' })).toEqual(['invalid_request', 501491])
    expect(await opened({ response_mode: 'pigeon' })).toEqual(['unsupported_response_type', 70007])
    emulator.setEnabled(hosted.app, false)
    expect(await opened({})).toEqual(['page', 7000112])
  })

  it('matches localhost with any port, everything else to the letter, and takes no address that the portal does not', () => {
    const { hosted } = signingIn()
    const { signIn } = hosted.app

    expect(() => addRedirectUri(signIn, { uri: 'http://muster.example/', platform: 'web' })).toThrow('cannot be')
    expect(() => addRedirectUri(signIn, { uri: 'https://a.example/#x', platform: 'web' })).toThrow('cannot be')
    expect(() => addRedirectUri(signIn, { uri: 'https://*.example/', platform: 'web' })).toThrow('cannot be')
    expect(() => addRedirectUri(signIn, { uri: 'http://127.0.0.1:81/x', platform: 'web' })).not.toThrow()
  })

  it('localhost in a request may have another port than in the registration', async () => {
    const { browser, authorizeUrl, annSignsIn } = signingIn({ signIn: { redirectUris: ['http://localhost/back'] } })

    const arrived = await browser().signIn(authorizeUrl({ redirect_uri: 'http://localhost:4711/back' }), annSignsIn)

    expect(arrived.kind === 'left' && arrived.to.port).toBe('4711')
  })

  it('a browser app must come cross-origin and with PKCE, a web app may not, and neither is a public client', async () => {
    const { emulator, hosted, browser, authorizeUrl, annSignsIn, redeem } = signingIn({
      signIn: { redirectUris: [CALLBACK, { uri: 'https://spa.example/', platform: 'spa' }] },
    })
    const spa = { redirect_uri: 'https://spa.example/' }
    const bare = { client_secret: null, ...spa }

    const withoutPkce = await browser().open(authorizeUrl({ ...spa, code_challenge: null }))
    const code = async () => codeOf(await browser().signIn(authorizeUrl(spa), annSignsIn))
    const sameOrigin = await redeem(await code(), bare)
    const withSecret = await redeem(await code(), spa)
    const answer = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { origin: 'https://spa.example' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: hosted.clientId,
        code: await code(),
        code_verifier: VERIFIER,
        ...spa,
      }),
    })
    const webWithout = await redeem(codeOf(await browser().signIn(authorizeUrl(), annSignsIn)), { client_secret: null })

    expect(errorOf(withoutPkce)).toEqual(['invalid_request', 9002325])
    expect(sameOrigin.body.error_codes).toEqual([9002327])
    expect([withSecret.status, withSecret.body.error_codes]).toEqual([401, [700025]])
    expect(answer.status).toBe(200)
    expect([webWithout.status, webWithout.body.error, webWithout.body.error_codes]).toEqual([
      401,
      'invalid_client',
      [7000218],
    ])
  })
})

describe('who is signed in already (graph.md 5.3)', () => {
  it('goes on without a page for the one who is known, asks with prompt=login, and offers accounts with select_account', async () => {
    const { browser, authorizeUrl, annSignsIn } = signingIn()
    const visitor = browser()
    await visitor.signIn(authorizeUrl(), annSignsIn)

    const again = await visitor.open(authorizeUrl())
    const silent = await visitor.open(authorizeUrl({ prompt: 'none' }))
    const other = await visitor.open(authorizeUrl({ login_hint: 'bob@contoso.com' }))
    const login = await visitor.open(authorizeUrl({ prompt: 'login' }))
    const pick = await visitor.open(authorizeUrl({ prompt: 'select_account' }))

    expect(codeOf(again)).not.toBe(codeOf(silent))
    expect(other.kind === 'page' && other.page.html).toContain('value="bob@contoso.com"')
    expect(login.kind === 'page' && login.page.title).toContain('Sign in')
    expect(pick.kind === 'page' && pick.page.title).toContain('Pick an account')
    const account = /name="account" value="([^"]+)"/.exec(pick.kind === 'page' ? pick.page.html : '')?.[1] ?? ''
    expect(codeOf(await visitor.submit({ account }))).not.toBe('')
  })

  it('prompt=none with nobody there is login_required, with a factor missing interaction_required, without consent consent_required', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn } = signingIn()
    const visitor = browser()
    const silent = async () => errorOf(await visitor.open(authorizeUrl({ prompt: 'none' })))

    const nobody = await silent()
    await visitor.signIn(authorizeUrl(), annSignsIn)
    hosted.tenant.accounts.of(ann.id).mfa = 'required'
    const factor = await silent()
    hosted.tenant.accounts.of(ann.id).mfa = 'none'
    hosted.app.signIn.consent = 'missing'
    const consent = await silent()

    expect(nobody).toEqual(['login_required', 50058])
    expect(factor).toEqual(['interaction_required', 50076])
    expect(consent).toEqual(['consent_required', 65001])
  })

  it('max_age asks again when it is over, and the token then says when', async () => {
    const { emulator, browser, authorizeUrl, annSignsIn, redeem, verify } = signingIn()
    const visitor = browser()
    await visitor.signIn(authorizeUrl(), annSignsIn)
    const since = emulator.clock.now().getTime() / 1000
    emulator.clock.advance(300_000)

    const within = await redeem(codeOf(await visitor.open(authorizeUrl({ max_age: '300' }))))
    const over = await visitor.open(authorizeUrl({ max_age: '299' }))

    expect((await verify(within.body.id_token))['auth_time']).toBe(since)
    expect(over.kind).toBe('page')
  })

  it('logging out forgets everybody, and returns to a registered address only', async () => {
    const { emulator, hosted, browser, authorizeUrl, annSignsIn } = signingIn()
    const visitor = browser()
    await visitor.signIn(authorizeUrl(), annSignsIn)
    const logout = `${emulator.authorityUrl}/${hosted.tenantId}/oauth2/v2.0/logout`

    const elsewhere = await visitor.open(`${logout}?post_logout_redirect_uri=https://evil.example/`)
    const back = await visitor.open(
      `${logout}?${new URLSearchParams({ post_logout_redirect_uri: CALLBACK, state: 's' }).toString()}`,
    )

    expect(elsewhere.kind === 'page' && elsewhere.page.title).toContain('You signed out')
    expect(back.kind === 'left' && back.to.href).toBe(`${CALLBACK}?state=s`)
    expect(errorOf(await visitor.open(authorizeUrl({ prompt: 'none' })))).toEqual(['login_required', 50058])
  })
})

describe('who is not let in (graph.md 5.8)', () => {
  it('50126 for a wrong password, 50034 for an unknown name, in Microsoft’s words', async () => {
    const { browser, authorizeUrl, annSignsIn } = signingIn()

    const wrong = await browser().signIn(authorizeUrl(), { ...annSignsIn, password: 'wrong' })
    const unknown = await browser().signIn(authorizeUrl(), { userName: 'nobody@contoso.com', password: 'x' })

    expect(errorOf(wrong)).toEqual(['page', 50126])
    expect(wrong.kind === 'page' && wrong.page.text).toContain('Your account or password is incorrect.')
    expect(errorOf(unknown)).toEqual(['page', 50034])
    expect(unknown.kind === 'page' && unknown.page.text).toContain('This username may be incorrect.')
  })

  it('50053 after ten different wrong passwords, for a minute, the right one included', async () => {
    const { emulator, hosted, ann, browser, authorizeUrl, annSignsIn } = signingIn()
    const visitor = browser()
    const tried = async (password: string) =>
      errorOf(await visitor.signIn(authorizeUrl(), { ...annSignsIn, password }))[1]

    for (let n = 0; n < 20; n++) await tried('the same mistake')
    const codes: (number | undefined)[] = []
    for (let n = 2; n <= 10; n++) codes.push(await tried(`wrong ${n}`))
    const locked = await tried(annSignsIn.password)
    emulator.clock.advance(60_000)
    const after = await visitor.signIn(authorizeUrl(), annSignsIn)

    expect(codes).toEqual([...Array.from({ length: 8 }, () => 50126), 50053])
    expect(locked).toBe(50053)
    expect(codeOf(after)).not.toBe('')
    hosted.tenant.accounts.unlock(ann.id)
  })

  it('50057 for a disabled account, 50055 for an expired password, 50056 for none, 53003 by policy', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn } = signingIn()
    const account = hosted.tenant.accounts.of(ann.id)
    const tried = async () => errorOf(await browser().signIn(authorizeUrl(), annSignsIn))

    disable(hosted.tenant, ann.id)
    expect(await tried()).toEqual(['page', 50057])
    enable(hosted.tenant, ann.id)
    account.passwordExpired = true
    expect(await tried()).toEqual(['page', 50055])
    account.passwordExpired = false
    account.blockedByPolicy = true
    expect(await tried()).toEqual(['page', 53003])
    account.blockedByPolicy = false
    account.password = null
    expect(await tried()).toEqual(['page', 50056])
  })

  it('50105 on the way back for whom the app is not assigned to, himself or by a group', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn } = signingIn({ signIn: { assignmentRequired: true } })

    const refused = errorOf(await browser().signIn(authorizeUrl(), annSignsIn))
    hosted.app.signIn.assignments.push({ principalId: ann.id, role: undefined })
    const assigned = await browser().signIn(authorizeUrl(), annSignsIn)

    expect(refused).toEqual(['access_denied', 50105])
    expect(codeOf(assigned)).not.toBe('')
  })

  it('65004 when consent is declined, and nobody is asked twice who accepted', async () => {
    const { browser, authorizeUrl, annSignsIn } = signingIn({ signIn: { consent: 'ask' } })
    const declining = browser()
    await declining.open(authorizeUrl())
    await declining.submit({ action: 'sign-in', loginfmt: annSignsIn.userName, passwd: annSignsIn.password })

    const declined = errorOf(await declining.submit({ action: 'decline' }))
    const accepting = browser()
    await accepting.signIn(authorizeUrl(), annSignsIn)
    const again = await accepting.open(authorizeUrl())

    expect(declined).toEqual(['access_denied', 65004])
    expect(codeOf(again)).not.toBe('')
  })

  it('a second factor is approved on a page, and denied with 500121', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn } = signingIn()
    hosted.tenant.accounts.of(ann.id).mfa = 'required'
    const visitor = browser()
    await visitor.open(authorizeUrl())

    const asked = await visitor.submit({
      action: 'sign-in',
      loginfmt: annSignsIn.userName,
      passwd: annSignsIn.password,
    })
    const denied = errorOf(await visitor.submit({ action: 'deny' }))
    const approved = await browser().signIn(authorizeUrl(), annSignsIn)

    expect(asked.kind === 'page' && asked.page.title).toContain('Approve sign in request')
    expect(denied).toEqual(['page', 500121])
    expect(codeOf(approved)).not.toBe('')
  })

  it('a code is worth nothing when the account is disabled or deleted before it is redeemed', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn, redeem } = signingIn()
    const [first, second] = [
      codeOf(await browser().signIn(authorizeUrl(), annSignsIn)),
      codeOf(await browser().signIn(authorizeUrl(), annSignsIn)),
    ]

    disable(hosted.tenant, ann.id)
    const disabled = await redeem(first)
    remove(hosted.tenant, ann.id)
    const deleted = await redeem(second)

    expect([disabled.body.error, disabled.body.error_codes]).toEqual(['invalid_grant', [50057]])
    expect([deleted.body.error, deleted.body.error_codes]).toEqual(['invalid_grant', [500341]])
  })
})

describe('several tenants in one process', () => {
  it('a person of another tenant is unknown (50020), and as guest has an object id of the tenant that is signed in to', async () => {
    const { emulator, hosted, browser, authorizeUrl, redeem, verify } = signingIn()
    const fabrikam = generateTenant({
      users: 1,
      groups: 1,
      memberships: 0,
      seed: 9,
      clock: emulator.clock,
      domain: 'fabrikam.example',
      displayName: 'Fabrikam',
    })
    emulator.host(fabrikam)
    const rosa = hire(fabrikam, { userPrincipalName: 'rosa@fabrikam.example', displayName: 'Rosa' })
    fabrikam.accounts.of(rosa.id).password = 'only at home'
    const who = { userName: 'rosa@fabrikam.example', password: 'only at home' }

    const stranger = errorOf(await browser().signIn(authorizeUrl(), who))
    const guest = hire(hosted.tenant, {
      userPrincipalName: 'rosa_fabrikam.example#EXT#@contoso.onmicrosoft.com',
      displayName: 'Rosa (Guest)',
      mail: 'rosa@fabrikam.example',
      userType: 'Guest',
      externalUserState: 'PendingAcceptance',
    })
    const { body } = await redeem(codeOf(await browser().signIn(authorizeUrl(), who)))

    expect(stranger).toEqual(['page', 50020])
    expect(await verify(body.id_token)).toMatchObject({
      oid: guest.id,
      tid: hosted.tenantId,
      idp: `https://sts.windows.net/${fabrikam.id}/`,
      email: 'rosa@fabrikam.example',
      preferred_username: 'rosa@fabrikam.example',
    })
    expect(guest.properties['externalUserState']).toBe('Accepted')
  })

  it('an app for every organization signs in at /organizations by the domain that is typed, with the issuer of that tenant', async () => {
    const { emulator, browser, authorizeUrl, redeem, annSignsIn, hosted, verify } = signingIn({
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

    const own = await redeem(
      codeOf(await browser().signIn(authorizeUrl({}, 'organizations'), annSignsIn)),
      {},
      'organizations',
    )
    const foreign = await redeem(
      codeOf(await browser().signIn(authorizeUrl({}, 'common'), { ...annSignsIn, userName: 'rosa@fabrikam.example' })),
      {},
      'common',
    )
    const toOther = await redeem(
      codeOf(await browser().signIn(authorizeUrl({}, 'common'), { ...annSignsIn, userName: 'rosa@fabrikam.example' })),
    )

    expect(await verify(own.body.id_token)).toMatchObject({
      iss: `${emulator.authorityUrl}/${hosted.tenantId}/v2.0`,
      tid: hosted.tenantId,
    })
    expect(await verify(foreign.body.id_token)).toMatchObject({
      iss: `${emulator.authorityUrl}/${fabrikam.id}/v2.0`,
      tid: fabrikam.id,
    })
    expect(toOther.body.error_codes).toEqual([700005])
  })
})

describe('signing keys (graph.md 5.6, 5.7)', () => {
  it('common has the issuer template and a key of its own for personal accounts; a tenant’s own key names that tenant', async () => {
    const { emulator, hosted } = signingIn()
    emulator.tokens.issuer.keys.addForTenant(hosted.tenantId)
    const read = async (path: string) => readJson(await emulator.fetch(`${emulator.authorityUrl}/${path}`))
    const issuers = async (tenant: string): Promise<string[]> =>
      (await read(`${tenant}/discovery/v2.0/keys`)).keys.map((key: { issuer: string }) =>
        key.issuer.replace(`${emulator.authorityUrl}/`, ''),
      )

    expect((await read('common/v2.0/.well-known/openid-configuration')).issuer).toBe(
      `${emulator.authorityUrl}/{tenantid}/v2.0`,
    )
    expect(await issuers('common')).toEqual([
      `${hosted.tenantId}/v2.0`,
      '{tenantid}/v2.0',
      '9188040d-6c67-4c5b-b112-36a304b66dad/v2.0',
    ])
    expect(await issuers(hosted.tenantId)).toEqual([`${hosted.tenantId}/v2.0`, `${hosted.tenantId}/v2.0`])
  })

  it('O3: a key is announced before it signs, old ones stay, and an emergency withdraws them at once', async () => {
    const { emulator, browser, authorizeUrl, annSignsIn, redeem, hosted } = signingIn()
    const { keys } = emulator.tokens.issuer
    const kidOf = async () => {
      const { body } = await redeem(codeOf(await browser().signIn(authorizeUrl(), annSignsIn)))
      return decodeProtectedHeader(body.id_token).kid
    }
    const published = async (): Promise<string[]> => {
      const answer = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/discovery/v2.0/keys`)
      return (await readJson(answer)).keys.map((key: { kid: string }) => key.kid)
    }
    const first = await kidOf()

    const announced = keys.announce().kid
    const before = [await kidOf(), await published()]
    emulator.tokens.rotateKey()
    const after = [await kidOf(), await published()]
    emulator.tokens.rollKeys()
    const rolled = await kidOf()

    expect(before).toEqual([first, [first, announced]])
    expect(after).toEqual([announced, [announced, first]])
    expect(await published()).toEqual([rolled])
    expect(keys.retired.map(({ kid }) => kid)).toEqual([announced, first])
  })

  it('a sign-in page is good for an hour, then one starts again', async () => {
    const { emulator, browser, authorizeUrl } = signingIn()
    const visitor = browser()
    await visitor.open(authorizeUrl())
    emulator.clock.advance(DAY_MS)

    expect(errorOf(await visitor.submit({ action: 'sign-in', loginfmt: 'a@contoso.com', passwd: 'x' }))).toEqual([
      'page',
      50089,
    ])
  })
})
