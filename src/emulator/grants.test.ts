import { describe, expect, it } from 'vitest'
import { readJson } from '../../test/support/emulated.ts'
import { codeOf, errorOf, signingIn } from '../../test/support/signing-in.ts'
import { disable, hire, remove } from './operations.ts'

const DAY_MS = 86_400_000
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'

type Fields = Readonly<Record<string, string>>

function withDevices(signIn: Parameters<typeof signingIn>[0] = { signIn: { publicClient: true } }) {
  const signing = signingIn(signIn)
  const { emulator, hosted } = signing
  const post = async (endpoint: string, fields: Fields, tenant = hosted.tenantId) => {
    const response = await emulator.fetch(`${emulator.authorityUrl}/${tenant}/oauth2/v2.0/${endpoint}`, {
      method: 'POST',
      body: new URLSearchParams({ client_id: hosted.clientId, ...fields }),
    })
    const body = await readJson(response)
    return { status: response.status, body, short: [response.status, body.error, body.error_codes] }
  }
  const begin = async () => (await post('devicecode', { scope: 'openid profile' })).body
  return {
    ...signing,
    post,
    begin,
    poll: (device_code: string) => post('token', { grant_type: DEVICE, device_code }),
    byPassword: (fields: Fields, tenant?: string) =>
      post(
        'token',
        {
          grant_type: 'password',
          username: 'ann.sample@contoso.com',
          password: signing.annSignsIn.password,
          scope: 'openid profile',
          ...fields,
        },
        tenant,
      ),
  }
}

describe('device code (graph.md 5.4)', () => {
  it('gives a code of eight characters for fifteen minutes, polled every five seconds, and tells where to type it', async () => {
    const { begin, emulator } = withDevices()

    const begun = await begin()

    expect(begun).toMatchObject({
      user_code: expect.stringMatching(/^[A-Z2-9]{8}$/),
      verification_uri: `${emulator.authorityUrl}/devicelogin`,
      expires_in: 900,
      interval: 5,
      message: expect.stringContaining(begun.user_code),
    })
    expect(begun).not.toHaveProperty('verification_uri_complete')
  })

  it('is pending until somebody typed the code, signed in and went on, then gives tokens once', async () => {
    const { emulator, begin, poll, browser, annSignsIn, verify, ann } = withDevices()
    const begun = await begin()
    const visitor = browser()

    const pending = await poll(begun.device_code)
    await visitor.open(begun.verification_uri)
    await visitor.submit({ otc: `${begun.user_code.slice(0, 4)}-${begun.user_code.slice(4).toLowerCase()}` })
    const done = await visitor.fillIn(annSignsIn)
    emulator.clock.advance(5_000)
    const granted = await poll(begun.device_code)
    const again = await poll(begun.device_code)

    expect(pending.short).toEqual([400, 'authorization_pending', [70016]])
    expect(done.kind === 'page' && done.page.text).toContain('You may now close this window.')
    expect(granted.status).toBe(200)
    expect(granted.body).not.toHaveProperty('refresh_token')
    expect((await verify(granted.body.id_token))['oid']).toBe(ann.id)
    expect(again.short).toEqual([400, 'bad_verification_code', [70018]])
  })

  it('tells slow_down to who polls too often, where that is switched on', async () => {
    const { emulator, begin, poll } = withDevices()
    const { device_code } = await begin()

    const first = await poll(device_code)
    const hasty = await poll(device_code)
    emulator.clock.advance(5_000)
    const patient = await poll(device_code)
    emulator.tokens.codes.device.slowDown = false
    const forgiven = await poll(device_code)

    expect([first, hasty, patient, forgiven].map(({ body }) => body.error)).toEqual([
      'authorization_pending',
      'slow_down',
      'authorization_pending',
      'authorization_pending',
    ])
  })

  it('authorization_declined, expired_token, bad_verification_code', async () => {
    const { emulator, begin, poll, browser, annSignsIn } = withDevices()
    const declined = await begin()
    const visitor = browser()
    await visitor.open(declined.verification_uri)
    await visitor.submit({ otc: declined.user_code })
    await visitor.submit({ action: 'sign-in', loginfmt: annSignsIn.userName, passwd: annSignsIn.password })
    await visitor.submit({ action: 'decline' })
    const expired = await begin()
    const answers = [await poll(declined.device_code), await poll('unknown')]
    emulator.clock.advance(900_000)

    expect([...answers, await poll(expired.device_code)].map(({ short }) => short)).toEqual([
      [400, 'authorization_declined', [65004]],
      [400, 'bad_verification_code', [70018]],
      [400, 'expired_token', [70020]],
    ])
    await visitor.open(expired.verification_uri)
    expect(errorOf(await visitor.submit({ otc: expired.user_code }))).toEqual(['page', 70020])
    expect(errorOf(await visitor.submit({ otc: 'AAAABBBB' }))).toEqual(['page', 70018])
  })

  it('is for public clients: without the switch the token endpoint wants a credential (7000218)', async () => {
    const { begin, poll, hosted, post } = withDevices({})
    const { device_code } = await begin()

    const refused = await poll(device_code)
    const confidential = await post('token', {
      grant_type: DEVICE,
      device_code,
      client_secret: hosted.clientSecret,
    })

    expect(refused.short).toEqual([401, 'invalid_client', [7000218]])
    expect(confidential.short).toEqual([400, 'authorization_pending', [70016]])
  })
})

describe('userinfo', () => {
  it('tells who signed in by the subject of the id token, and nothing for the token of an app', async () => {
    const { emulator, byPassword, requestToken, verify } = withDevices()
    const ask = async (token: string) => {
      const answer = await emulator.fetch(`${emulator.authorityUrl}/oidc/userinfo`, {
        headers: { authorization: `Bearer ${token}` },
      })
      return { status: answer.status, body: await readJson(answer) }
    }
    const { body } = await byPassword({})

    expect(await ask(body.access_token)).toEqual({
      status: 200,
      body: { sub: (await verify(body.id_token)).sub, name: 'Ann Sample', email: 'ann@contoso.com' },
    })
    expect((await ask((await requestToken()).body.access_token)).status).toBe(401)
    expect((await ask('nothing')).status).toBe(401)
  })
})

describe('password (graph.md 5.5)', () => {
  it('gives tokens for name and password, at the tenant and at organizations, not at common', async () => {
    const { byPassword, verify, ann } = withDevices({ signIn: { publicClient: true, audience: 'AzureADMultipleOrgs' } })

    const own = await byPassword({})
    const anywhere = await byPassword({}, 'organizations')
    const common = await byPassword({}, 'common')

    expect((await verify(own.body.id_token))['oid']).toBe(ann.id)
    expect(anywhere.status).toBe(200)
    expect(common.short).toEqual([400, 'invalid_request', [9001023]])
  })

  it.each([
    ['a wrong password', { password: 'x' }, 'invalid_grant', 50126],
    ['spaces around the password', { password: ' Emulator-2026' }, 'invalid_grant', 50126],
    ['an empty password', { password: '' }, 'invalid_request', 900144],
    ['no user name', { username: '' }, 'invalid_request', 900144],
    ['no scope', { scope: '' }, 'invalid_request', 900144],
    ['an unknown user', { username: 'nobody@contoso.com' }, 'invalid_grant', 50034],
    ['a guest', { username: 'rosa@fabrikam.example' }, 'invalid_grant', 50034],
  ])('refuses %s', async (_what, fields, error, code) => {
    const { byPassword, hosted } = withDevices()
    hire(hosted.tenant, {
      userPrincipalName: 'rosa_fabrikam.example#EXT#@contoso.onmicrosoft.com',
      mail: 'rosa@fabrikam.example',
      userType: 'Guest',
    })

    expect((await byPassword(fields)).short).toEqual([400, error, [code]])
  })

  it('cannot do a second factor (50076, 50079), a password that expired (50055), a disabled account (50057) or a policy (53003)', async () => {
    const { byPassword, hosted, ann } = withDevices()
    const account = hosted.tenant.accounts.of(ann.id)

    account.mfa = 'required'
    const factor = await byPassword({})
    account.mfa = 'enrol'
    const enrol = await byPassword({})
    account.mfa = 'none'
    account.passwordExpired = true
    const expired = await byPassword({})
    account.passwordExpired = false
    account.blockedByPolicy = true
    const policy = await byPassword({})
    account.blockedByPolicy = false
    disable(hosted.tenant, ann.id)
    const disabled = await byPassword({})

    expect([factor, enrol, expired, policy, disabled].map(({ short }) => short)).toEqual([
      [400, 'invalid_grant', [50076]],
      [400, 'invalid_grant', [50079]],
      [400, 'invalid_grant', [50055]],
      [400, 'invalid_grant', [53003]],
      [400, 'invalid_grant', [50057]],
    ])
    expect([factor.body.suberror, policy.body.suberror]).toEqual(['basic_action', 'message_only'])
    expect(JSON.parse(policy.body.claims)).toHaveProperty('access_token')
  })

  it('cannot do federated domains, people without consent (65001) or without assignment (50105)', async () => {
    const { byPassword, hosted } = withDevices()
    const { tenant, app } = hosted

    app.signIn.consent = 'missing'
    const consent = await byPassword({})
    app.signIn.consent = 'granted'
    app.signIn.assignmentRequired = true
    const assignment = await byPassword({})
    app.signIn.assignmentRequired = false
    tenant.verifiedDomains = tenant.verifiedDomains.map((domain) => ({ ...domain, type: 'Federated' }))
    const federated = await byPassword({})

    expect([consent, assignment, federated].map(({ short }) => short)).toEqual([
      [400, 'invalid_grant', [65001]],
      [400, 'invalid_grant', [50105]],
      [400, 'invalid_grant', [50126]],
    ])
  })

  it('counts wrong passwords together with the page (50053)', async () => {
    const { byPassword, browser, authorizeUrl, annSignsIn } = withDevices()

    for (let n = 0; n < 10; n++) await byPassword({ password: `wrong ${n}` })

    expect((await byPassword({})).short).toEqual([400, 'invalid_grant', [50053]])
    expect(errorOf(await browser().signIn(authorizeUrl(), annSignsIn))).toEqual(['page', 50053])
  })
})

describe('refresh tokens (graph.md 5.3)', () => {
  async function withRefreshToken() {
    const signing = withDevices()
    const { browser, authorizeUrl, annSignsIn, redeem, hosted, post } = signing
    const scope = 'openid profile offline_access'
    const { body } = await redeem(codeOf(await browser().signIn(authorizeUrl({ scope }), annSignsIn)))
    return {
      ...signing,
      first: body,
      refresh: (refresh_token: string) =>
        post('token', { grant_type: 'refresh_token', refresh_token, client_secret: hosted.clientSecret }),
    }
  }

  it('come with offline_access only, are replaced at each use, and the old one stays good', async () => {
    const { first, refresh, verify, ann } = await withRefreshToken()

    const second = await refresh(first.refresh_token)
    const again = await refresh(first.refresh_token)

    expect(second.status).toBe(200)
    expect(again.status).toBe(200)
    expect(second.body.refresh_token).not.toBe(first.refresh_token)
    const claims = await verify(second.body.id_token)
    expect([claims['oid'], claims['nonce']]).toEqual([ann.id, undefined])
    expect(first.scope).toBe('openid profile')
  })

  it('end after 90 days (700082), by revocation (50173), with the account (500341), and are of one app', async () => {
    const { first, refresh, hosted, ann, emulator } = await withRefreshToken()
    const old = await withRefreshToken()
    old.emulator.clock.advance(90 * DAY_MS)

    const unknown = await refresh('1.Anything')
    emulator.clock.advance(1_000)
    hosted.tenant.accounts.of(ann.id).revokedAtMs = emulator.clock.now().getTime()
    const revoked = await refresh(first.refresh_token)
    hosted.tenant.accounts.of(ann.id).revokedAtMs = 0
    remove(hosted.tenant, ann.id)
    const deleted = await refresh(first.refresh_token)

    expect((await old.refresh(old.first.refresh_token)).short).toEqual([400, 'invalid_grant', [700082]])
    expect(unknown.short).toEqual([400, 'invalid_grant', [70000]])
    expect(revoked.short).toEqual([400, 'invalid_grant', [50173]])
    expect(deleted.short).toEqual([400, 'invalid_grant', [500341]])
  })
})
