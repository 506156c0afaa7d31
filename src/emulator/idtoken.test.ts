import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { CALLBACK, codeOf, signingIn } from '../../test/support/signing-in.ts'
import type { IdTokenForgery } from './forgeries.ts'
import { addMember, createGroup } from './memberships.ts'
import { remove, rename, update } from './operations.ts'

describe('claims of the id token (graph.md 5.6)', () => {
  it('has oid, tid, names and a subject of this app alone, dated back by the tolerance', async () => {
    const { emulator, hosted, ann, claimsOf } = signingIn()
    const now = emulator.clock.now().getTime() / 1000

    const claims = await claimsOf()

    expect(claims).toMatchObject({
      ver: '2.0',
      iss: `${emulator.authorityUrl}/${hosted.tenantId}/v2.0`,
      aud: hosted.clientId,
      oid: ann.id,
      tid: hosted.tenantId,
      name: 'Ann Sample',
      preferred_username: 'ann.sample@contoso.com',
      nonce: 'the-nonce',
      iat: now - 300,
      nbf: now - 300,
      exp: now + 3600,
    })
    expect(claims.sub).toMatch(/^[\w-]{43}$/)
    expect(claims.sub).not.toBe(ann.id)
    for (const name of ['email', 'roles', 'groups', 'upn', 'idp', 'auth_time', 'hasgroups', '_claim_names'])
      expect(claims).not.toHaveProperty(name)
  })

  it('keeps the subject when the person is renamed, and has another one for another app', async () => {
    const { emulator, hosted, ann, claimsOf, annSignsIn, browser, authorizeUrl, redeem, verify } = signingIn()
    const before = await claimsOf()
    rename(hosted.tenant, ann.id, 'ann.married@contoso.com')
    const after = await claimsOf({ ...annSignsIn, userName: 'ann.married@contoso.com' })
    const other = emulator.host(hosted.tenant, { signIn: { redirectUris: [CALLBACK] } })
    const arrived = await browser().signIn(authorizeUrl({ client_id: other.clientId }), {
      ...annSignsIn,
      userName: 'ann.married@contoso.com',
    })
    const { body } = await redeem(codeOf(arrived), { client_id: other.clientId, client_secret: other.clientSecret })
    const atOther = await verify(body.id_token)

    expect([after.sub, after['oid']]).toEqual([before.sub, before['oid']])
    expect(atOther['oid']).toBe(before['oid'])
    expect(atOther.sub).not.toBe(before.sub)
  })

  it('without the scope profile has no oid and no names; email comes with its scope, or as optional claim', async () => {
    const { hosted, browser, authorizeUrl, annSignsIn, redeem, verify } = signingIn()
    const claims = async (scope: string) =>
      await verify((await redeem(codeOf(await browser().signIn(authorizeUrl({ scope }), annSignsIn)))).body.id_token)

    const bare = await claims('openid')
    const mail = await claims('openid email')
    hosted.app.signIn.optionalClaims = ['email', 'upn', 'auth_time', 'login_hint', 'sid', 'acct', 'tenant_ctry']
    const optional = await claims('openid profile')

    expect(bare).not.toHaveProperty('oid')
    expect(bare).not.toHaveProperty('preferred_username')
    expect(bare['tid']).toBe(hosted.tenantId)
    expect(mail['email']).toBe('ann@contoso.com')
    expect(optional).toMatchObject({
      email: 'ann@contoso.com',
      upn: 'ann.sample@contoso.com',
      acct: 0,
      auth_time: expect.any(Number),
      login_hint: expect.any(String),
      sid: expect.any(String),
    })
  })

  it('has app roles of the person and of his direct groups, not of nested ones', async () => {
    const { hosted, ann, claimsOf } = signingIn()
    const { tenant, app } = hosted
    const direct = createGroup(tenant, { displayName: 'direct' })
    const above = createGroup(tenant, { displayName: 'above' })
    addMember(tenant, direct.id, ann.id)
    addMember(tenant, above.id, direct.id)
    app.signIn.assignments.push(
      { principalId: ann.id, role: 'Operator' },
      { principalId: direct.id, role: 'Helpdesk' },
      { principalId: above.id, role: 'Administrator' },
    )

    expect((await claimsOf())['roles']).toEqual(['Operator', 'Helpdesk'])
    remove(tenant, direct.id)
    expect((await claimsOf())['roles']).toEqual(['Operator'])
  })

  it('has groups by groupMembershipClaims, nested ones too', async () => {
    const { hosted, ann, claimsOf } = signingIn()
    const { tenant, app } = hosted
    const security = createGroup(tenant, { displayName: 'security' })
    const above = createGroup(tenant, { displayName: 'above' })
    const mail = createGroup(tenant, { displayName: 'mail', mailEnabled: true, securityEnabled: false })
    addMember(tenant, security.id, ann.id)
    addMember(tenant, mail.id, ann.id)
    addMember(tenant, above.id, security.id)
    app.signIn.assignments.push({ principalId: above.id, role: undefined })
    const groupsOf = async (wanted: typeof app.signIn.groupMembershipClaims) => {
      app.signIn.groupMembershipClaims = wanted
      return (await claimsOf())['groups']
    }

    expect(await groupsOf('None')).toBeUndefined()
    expect(await groupsOf('SecurityGroup')).toEqual([security.id, above.id])
    expect(await groupsOf('All')).toEqual([security.id, mail.id, above.id])
    expect(await groupsOf('ApplicationGroup')).toEqual([above.id])
  })

  it('with more than 200 groups names the place to ask instead, or hasgroups straight from authorize', async () => {
    const { hosted, ann, browser, authorizeUrl, annSignsIn, claimsOf } = signingIn({
      signIn: { groupMembershipClaims: 'SecurityGroup', implicitIdTokens: true },
    })
    for (let n = 0; n < 200; n++) {
      const group = createGroup(hosted.tenant, { displayName: `g${n}` })
      addMember(hosted.tenant, group.id, ann.id)
    }
    const full = await claimsOf()
    addMember(hosted.tenant, createGroup(hosted.tenant, { displayName: 'one more' }).id, ann.id)

    const over = await claimsOf()
    const arrived = await browser().signIn(authorizeUrl({ response_type: 'id_token code' }), annSignsIn)
    const implicit = arrived.kind === 'left' ? new URLSearchParams(arrived.to.hash.slice(1)) : new URLSearchParams()

    expect(full['groups']).toHaveLength(200)
    expect(over).not.toHaveProperty('groups')
    expect(over).toMatchObject({
      _claim_names: { groups: 'src1' },
      _claim_sources: {
        src1: { endpoint: `https://graph.windows.net/${hosted.tenantId}/users/${ann.id}/getMemberObjects` },
      },
    })
    expect(decodeJwt(implicit.get('id_token') ?? '')).toMatchObject({ hasgroups: true, c_hash: expect.any(String) })
    expect(implicit.get('code')).not.toBeNull()
  })

  it('a guest has email and idp; without a hosted home the one-time code of mail', async () => {
    const { hosted, ann, claimsOf, annSignsIn } = signingIn()
    update(hosted.tenant, ann.id, {
      userPrincipalName: 'rosa_fabrikam.example#EXT#@contoso.onmicrosoft.com',
      mail: 'rosa@fabrikam.example',
      userType: 'Guest',
    })

    expect(await claimsOf({ ...annSignsIn, userName: 'rosa@fabrikam.example' })).toMatchObject({
      oid: ann.id,
      email: 'rosa@fabrikam.example',
      idp: 'mail',
    })
  })
})

describe('id tokens that no sound provider gives', () => {
  async function forged(fault: Omit<IdTokenForgery, 'kind'>) {
    const signing = signingIn()
    const { emulator, browser, authorizeUrl, annSignsIn, redeem } = signing
    const handle = emulator.faults.add({ kind: 'id-token', ...fault, count: 1 })
    const token = async (): Promise<string> =>
      (await redeem(codeOf(await browser().signIn(authorizeUrl(), annSignsIn)))).body.id_token
    return { ...signing, forged: await token(), genuine: await token(), fired: handle.fired }
  }

  it('claims and headers are replaced, added and left out, under a good signature', async () => {
    const {
      forged: token,
      verify,
      genuine,
      fired,
    } = await forged({
      claims: { nonce: 'another', oid: null, extra: 1 },
      header: { jku: 'https://evil.example/keys' },
    })

    const claims = await verify(token)
    expect([claims['nonce'], claims['oid'], claims['extra']]).toEqual(['another', undefined, 1])
    expect(decodeProtectedHeader(token).jku).toBe('https://evil.example/keys')
    expect((await verify(genuine))['nonce']).toBe('the-nonce')
    expect(fired).toBe(1)
  })

  it.each(['none', 'hs256', 'foreign', 'damaged'] as const)('the signature %s does not verify', async (signature) => {
    const { forged: token, verify } = await forged({ signature })

    expect(decodeJwt(token)['nonce']).toBe('the-nonce')
    await expect(verify(token)).rejects.toThrow(/signature|algorithm|Algorithm|not allowed|Invalid Compact/)
  })

  it('a retired key signs soundly and is published no more', async () => {
    const { emulator, browser, authorizeUrl, annSignsIn, redeem, verify } = signingIn()
    emulator.tokens.issuer.keys.signing('any')
    emulator.tokens.rollKeys()
    emulator.faults.add({ kind: 'id-token', signature: 'retired' })
    const { body } = await redeem(codeOf(await browser().signIn(authorizeUrl(), annSignsIn)))
    const [old] = emulator.tokens.issuer.keys.retired

    await expect(verify(body.id_token)).rejects.toThrow('no applicable key')
    const options = { currentDate: emulator.clock.now() }
    await expect(jwtVerify(body.id_token, old!.publicKey, options)).resolves.toBeDefined()
  })

  it('anything else in its place', async () => {
    const { forged: token } = await forged({ replace: 'not.a.token' })

    expect(token).toBe('not.a.token')
  })
})
