// Id tokens that look unusual and are sound: who brings one is to be signed in.
import { claiming, heading, type Kit, OTHER_TENANT, part, raw, seal, sealed } from './forge.ts'

export type SoundToken = readonly [name: string, make: (kit: Kit) => string]

const GROUP = 'cccccccc-0000-4000-8000-00000000000c'

export const SOUND_TOKENS: readonly SoundToken[] = [
  ['as the provider gives it', (kit) => sealed(kit, {}, {})],
  ['without typ', heading({ typ: undefined })],
  ['with typ in small letters', heading({ typ: 'jwt' })],
  ['with the thumbprints of the key', (kit) => sealed(kit, { x5t: kit.draft.key.kid, 'x5t#S256': 'aaaa' }, {})],
  [
    'header in another order',
    (kit) => sealed({ ...kit, draft: { ...kit.draft, header: {} } }, { kid: kit.draft.key.kid, alg: 'RS256' }, {}),
  ],
  ['audience as a list of one', (kit) => sealed(kit, {}, { aud: [kit.clientId] })],
  ['azp of our own', (kit) => sealed(kit, {}, { azp: kit.clientId })],
  ['tid in capitals', (kit) => sealed(kit, {}, { tid: kit.tenantId.toUpperCase() })],
  ['oid in capitals', (kit) => sealed(kit, {}, { oid: String(kit.draft.claims['oid']).toUpperCase() })],
  ['without preferred_username', claiming({ preferred_username: undefined })],
  ['without a name', claiming({ name: undefined })],
  [
    'without names, mail and login hint',
    claiming({ preferred_username: undefined, name: undefined, email: undefined, login_hint: undefined }),
  ],
  ['with the user name of an administrator of ours', claiming({ preferred_username: 'Demo', upn: 'Demo' })],
  ['with somebody else’s mail', claiming({ email: 'boss@contoso.com', verified_primary_email: ['boss@contoso.com'] })],
  ['with another mail than we know', claiming({ email: 'renamed@contoso.com' })],
  [
    'with another user name than we know',
    claiming({ preferred_username: 'renamed@contoso.com', upn: 'renamed@contoso.com' }),
  ],
  [
    'with a name of emoji, right-to-left marks and line breaks',
    claiming({ name: '🦊 \u202eevil\u202c\nline', family_name: '</script>' }),
  ],
  [
    'with claims that we do not know',
    claiming({ xms_st: { sub: 'x' }, xms_idrel: '1 2', acrs: ['c1'], pwd_url: 'https://x.example' }),
  ],
  [
    'with a claim called __proto__',
    (kit) => raw(`${JSON.stringify(kit.draft.claims).slice(0, -1)},"__proto__":{"roles":["Administrator"]}}`, kit),
  ],
  [
    'with claims in an inner object that are called like ours',
    claiming({ inner: { oid: OTHER_TENANT, tid: OTHER_TENANT, nonce: 'x' }, more: [{ oid: 1 }, { oid: 2 }] }),
  ],
  ['with white space in its JSON', (kit) => raw(JSON.stringify(kit.draft.claims, null, 4), kit)],
  [
    'with escaped letters in its JSON',
    (kit) => raw(JSON.stringify(kit.draft.claims).replace('"tid"', '"\\u0074id"'), kit),
  ],
  ['with a text that looks like a claim', claiming({ name: '"oid":"x","oid":"y"' })],
  [
    'of a guest',
    claiming({ idp: `https://sts.windows.net/${OTHER_TENANT}/`, acct: 1, email: 'rosa@fabrikam.example' }),
  ],
  ['of a guest with a personal account', claiming({ idp: 'live.com', acct: 1 })],
  ['of a guest with a one-time code', claiming({ idp: 'mail' })],
  [
    'with auth_time, sid, acr and amr',
    (kit) => sealed(kit, {}, { auth_time: kit.now - 5_000, sid: 'x', acr: '1', amr: ['pwd', 'mfa'] }),
  ],
  ['with c_hash and at_hash of nothing that we use', (kit) => sealed(kit, {}, { rh: '1.x', aio: 'y', uti: 'z' })],
  [
    'whose clock is four and a half minutes behind',
    (kit) => sealed(kit, {}, { iat: kit.now - 4_170, nbf: kit.now - 4_170, exp: kit.now - 270 }),
  ],
  [
    'whose clock is four and a half minutes ahead',
    (kit) => sealed(kit, {}, { iat: kit.now + 270, nbf: kit.now + 270, exp: kit.now + 3_870 }),
  ],
  ['without nbf', claiming({ nbf: undefined })],
  ['with fractions of seconds', (kit) => sealed(kit, {}, { iat: kit.now - 300.5, exp: kit.now + 3600.25 })],
  ['valid for a day', (kit) => sealed(kit, {}, { exp: kit.now + 86_400 })],
  ['without roles and groups', claiming({ roles: undefined, groups: undefined })],
  ['with roles that are null', claiming({ roles: null })],
  ['with empty roles and groups', claiming({ roles: [], groups: [] })],
  ['with a role that we do not know', claiming({ roles: ['Whatever'] })],
  [
    'with two hundred groups',
    claiming({ groups: Array.from({ length: 200 }, (_, n) => GROUP.slice(0, -3) + String(n).padStart(3, '0')) }),
  ],
  ['with groups by name', claiming({ groups: ['CONTOSO\\Admins', 'Administrators'] })],
  [
    'with too many groups',
    claiming({
      _claim_names: { groups: 'src1' },
      _claim_sources: { src1: { endpoint: 'https://evil.example/steal' } },
    }),
  ],
  ['with too many groups, in the other way of saying it', claiming({ hasgroups: true })],
  ['with hasgroups false', claiming({ hasgroups: false })],
  ['with a subject of 255 characters', claiming({ sub: 'x'.repeat(255) })],
  ['of 60 kilobytes', claiming({ padding: 'x'.repeat(40_000) })],
  [
    'with its payload padded by spaces',
    (kit) =>
      seal(
        part(kit.draft.header),
        Buffer.from(`  ${JSON.stringify(kit.draft.claims)}\n`).toString('base64url'),
        kit.draft.key.certificate.privateKey,
      ),
  ],
]
