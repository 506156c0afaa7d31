import { describe, expect, it } from 'vitest'
import { SIGN_IN_REFUSALS, TOKEN_REFUSALS } from '../contract/sign-in-refusals.ts'
import { type DecodedToken, type Expected, judgeIdToken } from './id-token.ts'

const TENANT = '0c0ffee0-1111-4222-8333-444455556666'
const CLIENT = 'c11e0000-aaaa-4bbb-8ccc-ddddeeeeffff'
const OID = 'aaaaaaaa-0000-4000-8000-000000000001'
const NOW = new Date('2026-11-30T12:00:00Z')
const now = NOW.getTime() / 1000

const expected: Expected = {
  issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
  tenantId: TENANT,
  clientId: CLIENT,
  nonce: 'the-nonce',
  now: NOW,
}

function token(claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}): DecodedToken {
  const good = {
    iss: expected.issuer,
    aud: CLIENT,
    tid: TENANT,
    oid: OID,
    sub: 'pairwise',
    ver: '2.0',
    nonce: 'the-nonce',
    exp: now + 3600,
    nbf: now - 300,
    iat: now - 300,
  }
  return { header: { alg: 'RS256', typ: 'JWT', kid: 'k', ...header }, claims: without({ ...good, ...claims }) }
}

/** undefined stands for a claim that is not there. */
function without(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

const reasonOf = (given: DecodedToken, wanted: Partial<Expected> = {}) => {
  const judged = judgeIdToken(given, { ...expected, ...wanted })
  return judged.kind === 'refused' ? judged.reason : judged.kind
}

describe('an id token', () => {
  it('of the tenant, for the application and this sign-in, names the person by tenant and object id', () => {
    const judged = judgeIdToken(
      token({ tid: TENANT.toUpperCase(), oid: OID.toUpperCase(), roles: ['Muster.Viewer'] }),
      expected,
    )

    expect(judged).toEqual({
      kind: 'accepted',
      person: {
        tenantId: TENANT,
        objectId: OID,
        subject: 'pairwise',
        roles: ['Muster.Viewer'],
        groups: { kind: 'absent' },
        authenticatedAt: null,
      },
    })
  })

  const OTHER = '99999999-0000-4000-8000-000000000009'
  it.each<[string, Record<string, unknown>]>([
    ['token-issuer', { iss: `https://login.microsoftonline.com/${OTHER}/v2.0` }],
    ['token-issuer', { iss: 'https://login.microsoftonline.com/{tenantid}/v2.0' }],
    ['token-issuer', { iss: `https://sts.windows.net/${TENANT}/` }],
    ['token-issuer', { iss: `${expected.issuer}/` }],
    ['token-issuer', { iss: undefined }],
    ['token-audience', { aud: OTHER }],
    ['token-audience', { aud: [CLIENT, OTHER] }],
    ['token-audience', { aud: [] }],
    ['token-audience', { aud: undefined }],
    ['token-audience', { azp: OTHER }],
    ['token-tenant', { tid: OTHER }],
    ['token-tenant', { tid: '9188040d-6c67-4c5b-b112-36a304b66dad' }],
    ['token-tenant', { tid: undefined }],
    ['token-version', { ver: '1.0' }],
    ['token-version', { ver: 2 }],
    ['token-kind', { scp: 'User.Read' }],
    ['token-kind', { idtyp: 'app' }],
    ['token-kind', { appid: CLIENT }],
    ['token-kind', { azpacr: '1' }],
    ['token-object-id', { oid: undefined }],
    ['token-object-id', { oid: 'ann@contoso.example' }],
    ['token-object-id', { sub: undefined }],
    ['token-nonce', { nonce: 'another' }],
    ['token-nonce', { nonce: undefined }],
    ['token-expired', { exp: now - 300 }],
    ['token-expired', { exp: now - 400, iat: now - 300 }],
    ['token-not-yet-valid', { nbf: now + 301 }],
    ['token-not-yet-valid', { iat: now + 301, exp: now + 3600 }],
    ['token-malformed', { exp: undefined }],
    ['token-malformed', { iat: '1' }],
    ['token-malformed', { roles: 'administrator' }],
    ['token-malformed', { groups: OTHER }],
  ])('is refused as %s with %j', (reason, claims) => {
    expect(reasonOf(token(claims))).toBe(reason)
  })

  it.each<[string, Record<string, unknown>]>([
    ['token-algorithm', { alg: 'none' }],
    ['token-algorithm', { alg: 'HS256' }],
    ['token-algorithm', { alg: 'PS256' }],
    ['token-header', { kid: undefined }],
    ['token-header', { typ: 'at+jwt' }],
    ['token-header', { jku: 'https://evil.example/keys' }],
    ['token-header', { x5u: 'https://evil.example/certificate' }],
    ['token-header', { jwk: { kty: 'RSA' } }],
    ['token-header', { x5c: ['MII'] }],
    ['token-header', { crit: ['exp'] }],
    ['token-header', { b64: false }],
  ])('is refused as %s with the header %j', (reason, header) => {
    expect(reasonOf(token({}, header))).toBe(reason)
  })

  it('within five minutes of difference between two clocks is taken', () => {
    expect(reasonOf(token({ exp: now - 299, iat: now - 4000 }))).toBe('accepted')
    expect(reasonOf(token({ iat: now + 299, nbf: now + 299 }))).toBe('accepted')
  })

  it('of a way without a nonce is refused when it has one: it was made for another sign-in', () => {
    expect(reasonOf(token({ nonce: undefined }), { nonce: null })).toBe('accepted')
    expect(reasonOf(token(), { nonce: null })).toBe('token-nonce')
  })

  it('tells which groups, that there are too many, or that none were asked for; where names are among them, Graph has to be asked', () => {
    const groupsOf = (claims: Record<string, unknown>) => {
      const judged = judgeIdToken(token(claims), expected)
      return judged.kind === 'accepted' ? judged.person.groups : judged
    }
    const elsewhere = {
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://evil.example' } },
    }

    expect(groupsOf({ groups: [OTHER.toUpperCase()] })).toEqual({ kind: 'listed', ids: [OTHER] })
    expect(groupsOf({ groups: [OTHER, 'CONTOSO\\Admins'] })).toEqual({ kind: 'absent' })
    expect(groupsOf({ groups: [] })).toEqual({ kind: 'listed', ids: [] })
    expect(groupsOf(elsewhere)).toEqual({ kind: 'overage' })
    expect(groupsOf({ ...elsewhere, groups: [OTHER] })).toEqual({ kind: 'overage' })
    expect(groupsOf({ hasgroups: true })).toEqual({ kind: 'overage' })
    expect(groupsOf({})).toEqual({ kind: 'absent' })
  })

  it('every reason is listed once, among all reasons', () => {
    expect(new Set(SIGN_IN_REFUSALS).size).toBe(SIGN_IN_REFUSALS.length)
    expect(SIGN_IN_REFUSALS).toEqual(expect.arrayContaining([...TOKEN_REFUSALS]))
  })
})
