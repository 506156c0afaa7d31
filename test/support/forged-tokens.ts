// Id tokens that nobody may be signed in by, each with the reason that the audit has to tell.
import { constants, createSign, generateKeyPairSync, sign } from 'node:crypto'
import type { TokenRefusal } from '../../src/contract/sign-in-refusals.ts'
import {
  base64url,
  claiming,
  heading,
  hmac,
  type Kit,
  OTHER_TENANT,
  part,
  partsOf,
  raw,
  seal,
  sealed,
  sound,
} from './forge.ts'

export type ForgedToken = readonly [name: string, reason: TokenRefusal, forge: (kit: Kit) => string]

const STRANGER = 'bbbbbbbb-0000-4000-8000-00000000000b'
const CONSUMERS = '9188040d-6c67-4c5b-b112-36a304b66dad'
const GRAPH = '00000003-0000-0000-c000-000000000000'
const EC = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ED = generateKeyPairSync('ed25519')

const keyOf = (kit: Kit) => kit.draft.key.certificate.privateKey

/** Good parts under another algorithm, signed accordingly. */
function underAlgorithm(alg: string, signText: (text: string, kit: Kit) => Buffer): (kit: Kit) => string {
  return (kit) => {
    const text = `${part({ ...kit.draft.header, alg })}.${part(kit.draft.claims)}`
    return `${text}.${signText(text, kit).toString('base64url')}`
  }
}

/** One member of the good payload twice, first as it is and then as somebody else wants it, or the other way round. */
function twice(name: string, second: unknown, order: 'genuine-first' | 'genuine-last'): (kit: Kit) => string {
  return (kit) => {
    const genuine = JSON.stringify({ [name]: [], ...kit.draft.claims })
    const extra = `${JSON.stringify(name)}:${JSON.stringify(second)}`
    return raw(order === 'genuine-first' ? `${genuine.slice(0, -1)},${extra}}` : `{${extra},${genuine.slice(1)}`, kit)
  }
}

const algorithms: readonly ForgedToken[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map(
    (alg): ForgedToken => [
      `alg ${JSON.stringify(alg)} without a signature`,
      'token-algorithm',
      (kit) => `${part({ ...kit.draft.header, alg })}.${part(kit.draft.claims)}.`,
    ],
  ),
  ...(['none', 'RS256 ', 'rs256', 'Rs256', 'RSA', 'RS1', 'RSA-OAEP'] as const).map(
    (alg): ForgedToken => [`alg ${JSON.stringify(alg)} under a good signature`, 'token-algorithm', heading({ alg })],
  ),
  ['no alg', 'token-algorithm', heading({ alg: undefined })],
  ['alg null', 'token-algorithm', heading({ alg: null })],
  ['alg as a list', 'token-algorithm', heading({ alg: ['RS256'] })],
  ['alg as a number', 'token-algorithm', heading({ alg: 256 })],
  [
    'HS256 whose secret is the public key as PEM',
    'token-algorithm',
    (kit) => hmac(kit, 'HS256', kit.draft.key.publicKey.export({ type: 'spki', format: 'pem' })),
  ],
  [
    'HS256 whose secret is the public key as DER',
    'token-algorithm',
    (kit) => hmac(kit, 'HS256', kit.draft.key.publicKey.export({ type: 'spki', format: 'der' })),
  ],
  [
    'HS256 whose secret is the modulus as it is published',
    'token-algorithm',
    (kit) => hmac(kit, 'HS256', String(kit.draft.key.publicKey.export({ format: 'jwk' }).n)),
  ],
  ['HS256 with an empty secret', 'token-algorithm', (kit) => hmac(kit, 'HS256', '')],
  ['HS384 with the client id as secret', 'token-algorithm', (kit) => hmac(kit, 'HS384', kit.clientId)],
  [
    'HS512 with the public certificate as secret',
    'token-algorithm',
    (kit) => hmac(kit, 'HS512', kit.draft.key.certificate.der),
  ],
  [
    'RS384 by the right key',
    'token-algorithm',
    underAlgorithm('RS384', (t, kit) => sign('sha384', Buffer.from(t), keyOf(kit))),
  ],
  [
    'RS512 by the right key',
    'token-algorithm',
    underAlgorithm('RS512', (t, kit) => sign('sha512', Buffer.from(t), keyOf(kit))),
  ],
  [
    'PS256 by the right key',
    'token-algorithm',
    underAlgorithm('PS256', (t, kit) =>
      sign('sha256', Buffer.from(t), { key: keyOf(kit), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }),
    ),
  ],
  [
    'ES256',
    'token-algorithm',
    underAlgorithm('ES256', (t) => sign('sha256', Buffer.from(t), { key: EC.privateKey, dsaEncoding: 'ieee-p1363' })),
  ],
  ['EdDSA', 'token-algorithm', underAlgorithm('EdDSA', (t) => sign(null, Buffer.from(t), ED.privateKey))],
]

const headers: readonly ForgedToken[] = [
  ['jku to keys of somebody else', 'token-header', heading({ jku: 'https://evil.example/keys' })],
  [
    'jku to our own keys',
    'token-header',
    (kit) => sealed(kit, { jku: `${kit.authority}/${kit.tenantId}/discovery/v2.0/keys` }, {}),
  ],
  ['x5u to a certificate of somebody else', 'token-header', heading({ x5u: 'https://evil.example/cert.pem' })],
  [
    'jwk with the key that signed it',
    'token-header',
    (kit) => sealed(kit, { jwk: kit.foreign.publicKey.export({ format: 'jwk' }) }, {}, kit.foreign.privateKey),
  ],
  [
    'jwk with the right key',
    'token-header',
    (kit) => sealed(kit, { jwk: kit.draft.key.publicKey.export({ format: 'jwk' }) }, {}),
  ],
  [
    'x5c with a certificate',
    'token-header',
    (kit) =>
      sealed(kit, { x5c: [kit.retired.certificate.der.toString('base64')] }, {}, kit.retired.certificate.privateKey),
  ],
  ['crit that names a registered claim', 'token-header', heading({ crit: ['exp'], exp: 1 })],
  [
    'crit that names an unknown extension',
    'token-header',
    heading({ crit: ['http://evil.example/ext'], 'http://evil.example/ext': true }),
  ],
  ['b64 false', 'token-header', heading({ b64: false, crit: ['b64'] })],
  ['zip', 'token-header', heading({ zip: 'DEF' })],
  ['enc', 'token-header', heading({ enc: 'A256GCM' })],
  ['cty JWT: a token in a token', 'token-header', heading({ cty: 'JWT' })],
  ['typ of an access token', 'token-header', heading({ typ: 'at+jwt' })],
  ['typ of a logout token', 'token-header', heading({ typ: 'logout+jwt' })],
  ['typ of a client assertion', 'token-header', heading({ typ: 'client-authentication+jwt' })],
  ['typ that is no text', 'token-header', heading({ typ: 1 })],
  ['a header member that we do not know', 'token-header', heading({ nonce: 'aHR0cHM6' })],
  ['no kid', 'token-header', heading({ kid: undefined })],
  ['an empty kid', 'token-header', heading({ kid: '' })],
  ['kid null', 'token-header', heading({ kid: null })],
  ['kid as a number', 'token-header', heading({ kid: 0 })],
  ['kid as a list', 'token-header', (kit) => sealed(kit, { kid: [kit.draft.key.kid] }, {})],
  ['kid as an object', 'token-header', heading({ kid: { toString: 'x' } })],
]

const keys: readonly ForgedToken[] = [
  ...[
    'unknown',
    '../../../../dev/null',
    "' or 1=1 --",
    'https://evil.example/key',
    '__proto__',
    'constructor',
    '\u0000',
    ' ',
  ].map(
    (kid): ForgedToken => [
      `kid ${JSON.stringify(kid)} of nobody`,
      'token-key-unknown',
      (kit) => sealed(kit, { kid }, {}, kit.foreign.privateKey),
    ],
  ),
  ['an unknown kid over the right signature', 'token-key-unknown', heading({ kid: 'unknown' })],
  [
    'the kid in another case',
    'token-key-unknown',
    (kit) =>
      sealed(
        kit,
        {
          kid: kit.draft.key.kid
            .toUpperCase()
            .replace(/^[A-Z]/, (c) => (kit.draft.key.kid.startsWith(c) ? c.toLowerCase() : c)),
        },
        {},
      ),
  ],
  ['the kid with a space', 'token-key-unknown', (kit) => sealed(kit, { kid: `${kit.draft.key.kid} ` }, {})],
  [
    'a key that was retired',
    'token-key-unknown',
    (kit) => sealed(kit, { kid: kit.retired.kid }, {}, kit.retired.certificate.privateKey),
  ],
  [
    'the key of another tenant of the provider',
    'token-key-unknown',
    (kit) => sealed(kit, { kid: kit.otherTenants.kid }, {}, kit.otherTenants.certificate.privateKey),
  ],
]

const signatures: readonly ForgedToken[] = [
  ['a foreign key under the published kid', 'token-signature', (kit) => sealed(kit, {}, {}, kit.foreign.privateKey)],
  [
    'a retired key under the published kid',
    'token-signature',
    (kit) => sealed(kit, {}, {}, kit.retired.certificate.privateKey),
  ],
  [
    'another tenant’s key under the published kid',
    'token-signature',
    (kit) => sealed(kit, {}, {}, kit.otherTenants.certificate.privateKey),
  ],
  ['no signature under RS256', 'token-signature', (kit) => `${partsOf(kit).slice(0, 2).join('.')}.`],
  ['half a signature', 'token-signature', (kit) => sound(kit).slice(0, -170)],
  [
    'a signature of zeros',
    'token-signature',
    (kit) => `${partsOf(kit).slice(0, 2).join('.')}.${Buffer.alloc(256).toString('base64url')}`,
  ],
  [
    'the payload exchanged under the old signature',
    'token-signature',
    (kit) => {
      const [header, , signature] = partsOf(kit)
      return `${header}.${part({ ...kit.draft.claims, oid: STRANGER })}.${signature}`
    },
  ],
  [
    'the header exchanged under the old signature',
    'token-signature',
    (kit) => {
      const [, payload, signature] = partsOf(kit)
      return `${part({ alg: 'RS256', kid: kit.draft.key.kid })}.${payload}.${signature}`
    },
  ],
  [
    'the signature of another good token',
    'token-signature',
    (kit) => `${partsOf(kit).slice(0, 2).join('.')}.${sealed(kit, {}, { oid: STRANGER }).split('.')[2]}`,
  ],
  [
    'one bit of the signature',
    'token-signature',
    (kit) => {
      const [header, payload, signature] = partsOf(kit)
      const bytes = Buffer.from(signature, 'base64url')
      bytes[100] = (bytes[100] ?? 0) ^ 1
      return `${header}.${payload}.${bytes.toString('base64url')}`
    },
  ],
  [
    'PSS padding under RS256',
    'token-signature',
    (kit) => {
      const text = partsOf(kit).slice(0, 2).join('.')
      const pss = { key: keyOf(kit), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
      return `${text}.${sign('sha256', Buffer.from(text), pss).toString('base64url')}`
    },
  ],
  [
    'SHA-1 under RS256',
    'token-signature',
    (kit) => {
      const text = partsOf(kit).slice(0, 2).join('.')
      return `${text}.${createSign('sha1').update(text).sign(keyOf(kit)).toString('base64url')}`
    },
  ],
  [
    'an ECDSA signature under RS256',
    'token-signature',
    (kit) => {
      const text = partsOf(kit).slice(0, 2).join('.')
      return `${text}.${sign('sha256', Buffer.from(text), EC.privateKey).toString('base64url')}`
    },
  ],
]

const shapes: readonly ForgedToken[] = [
  ['nothing', 'token-malformed', () => ''],
  ['a word', 'token-malformed', () => 'token'],
  ['two parts', 'token-malformed', (kit) => partsOf(kit).slice(0, 2).join('.')],
  ['four parts', 'token-malformed', (kit) => `${sound(kit)}.AAAA`],
  ['five parts, as an encrypted token has', 'token-malformed', (kit) => `${sound(kit)}.AAAA.AAAA`],
  [
    'a line break in the middle',
    'token-signature',
    (kit) => {
      const [h, p, s] = partsOf(kit)
      return `${h}.${p.slice(0, 20)}\n${p.slice(20)}.${s}`
    },
  ],
  ['a space before it', 'token-signature', (kit) => ` ${sound(kit)}`],
  ['a payload that is no JSON', 'token-malformed', (kit) => raw('oid=everybody', kit)],
  ['a payload that is a list', 'token-malformed', (kit) => raw(`[${JSON.stringify(kit.draft.claims)}]`, kit)],
  ['a payload that is a text', 'token-malformed', (kit) => raw(JSON.stringify(JSON.stringify(kit.draft.claims)), kit)],
  ['a payload that is null', 'token-malformed', (kit) => raw('null', kit)],
  ['a payload that is empty', 'token-malformed', (kit) => seal(part(kit.draft.header), '', keyOf(kit))],
  ['a token as payload', 'token-malformed', (kit) => raw(sound(kit), kit)],
  ['JSON after the JSON', 'token-malformed', (kit) => raw(`${JSON.stringify(kit.draft.claims)}{}`, kit)],
  [
    'a payload in UTF-16',
    'token-malformed',
    (kit) =>
      seal(
        part(kit.draft.header),
        Buffer.from(JSON.stringify(kit.draft.claims), 'utf16le').toString('base64url'),
        keyOf(kit),
      ),
  ],
  [
    'bytes that are no UTF-8',
    'token-malformed',
    (kit) =>
      seal(
        part(kit.draft.header),
        Buffer.concat([
          Buffer.from(`${JSON.stringify(kit.draft.claims).slice(0, -1)},"x":"`),
          Buffer.from([0xc3, 0x28]),
          Buffer.from('"}'),
        ]).toString('base64url'),
        keyOf(kit),
      ),
  ],
  ['a header that is a list', 'token-malformed', (kit) => seal(base64url('[]'), part(kit.draft.claims), keyOf(kit))],
  [
    'the JSON serialization',
    'token-malformed',
    (kit) => {
      const [protectedHeader, payload, signature] = partsOf(kit)
      return JSON.stringify({ payload, protected: protectedHeader, signature })
    },
  ],
  ['a token of 70 kilobytes', 'token-malformed', claiming({ padding: 'x'.repeat(70_000) })],
  [
    'lists that nest ten thousand times',
    'token-malformed',
    (kit) =>
      raw(`${JSON.stringify(kit.draft.claims).slice(0, -1)},"x":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, kit),
  ],
  ...(['iss', 'aud', 'tid', 'oid', 'nonce', 'exp', 'roles', 'sub'] as const).flatMap((name): ForgedToken[] => [
    [
      `${name} twice, the right one first`,
      'token-malformed',
      twice(name, name === 'roles' ? ['Administrator'] : STRANGER, 'genuine-first'),
    ],
    [
      `${name} twice, the right one last`,
      'token-malformed',
      twice(name, name === 'roles' ? ['Administrator'] : STRANGER, 'genuine-last'),
    ],
  ]),
  [
    'oid twice, once in disguise',
    'token-malformed',
    (kit) => raw(`{"\\u006fid":${JSON.stringify(STRANGER)},${JSON.stringify(kit.draft.claims).slice(1)}`, kit),
  ],
  [
    'alg twice in the header',
    'token-malformed',
    (kit) =>
      seal(base64url(`{"alg":"none",${JSON.stringify(kit.draft.header).slice(1)}`), part(kit.draft.claims), keyOf(kit)),
  ],
]

const issuers: readonly ForgedToken[] = (
  [
    ['of another tenant', ({ authority }) => `${authority}/${OTHER_TENANT}/v2.0`],
    ['with the template that common publishes', ({ authority }) => `${authority}/{tenantid}/v2.0`],
    ['of common', ({ authority }) => `${authority}/common/v2.0`],
    ['of personal accounts', ({ authority }) => `${authority}/${CONSUMERS}/v2.0`],
    ['of version 1', ({ tenantId }) => `https://sts.windows.net/${tenantId}/`],
    ['with a slash behind', ({ issuer }) => `${issuer}/`],
    ['without the version', ({ authority, tenantId }) => `${authority}/${tenantId}`],
    ['of the global cloud', ({ tenantId }) => `https://login.microsoftonline.com/${tenantId}/v2.0`],
    ['of the US Government cloud', ({ tenantId }) => `https://login.microsoftonline.us/${tenantId}/v2.0`],
    ['of the Chinese cloud', ({ tenantId }) => `https://login.partner.microsoftonline.cn/${tenantId}/v2.0`],
    ['with another scheme', ({ issuer }) => issuer.replace(/^http:/, 'https:')],
    [
      'with the host in capitals',
      ({ tenantId, authority }) => `${authority.replace('127.0.0.1', 'LOCALHOST')}/${tenantId}/v2.0`,
    ],
    ['with the tenant in capitals', ({ authority, tenantId }) => `${authority}/${tenantId.toUpperCase()}/v2.0`],
    ['with a query', ({ issuer }) => `${issuer}?x=1`],
    ['with a fragment', ({ issuer }) => `${issuer}#`],
    ['with a user name before the host', ({ issuer }) => issuer.replace('://', '://evil.example@')],
    ['with our own as a part of its path', ({ issuer }) => `https://evil.example/${issuer}`],
    ['with a space behind', ({ issuer }) => `${issuer} `],
    ['with an encoded letter', ({ issuer }) => issuer.replace('v2.0', 'v2%2E0')],
    ['with a way round', ({ authority, tenantId }) => `${authority}/x/../${tenantId}/v2.0`],
    ['as a list', ({ issuer }) => [issuer]],
    ['null', () => null],
    ['missing', () => undefined],
  ] satisfies readonly (readonly [string, (kit: Kit) => unknown])[]
).map(([what, iss]): ForgedToken => [`an issuer ${what}`, 'token-issuer', (kit) => sealed(kit, {}, { iss: iss(kit) })])

const audiences: readonly ForgedToken[] = (
  [
    ['of another application', () => STRANGER],
    ['Graph', () => GRAPH],
    ['of ours and another', ({ clientId }) => [clientId, STRANGER]],
    ['of another and ours', ({ clientId }) => [STRANGER, clientId]],
    ['twice ours', ({ clientId }) => [clientId, clientId]],
    ['an empty list', () => []],
    ['a list in a list', ({ clientId }) => [[clientId]]],
    ['as an application ID URI', ({ clientId }) => `api://${clientId}`],
    ['with a space behind', ({ clientId }) => `${clientId} `],
    ['two in one text', ({ clientId }) => `${clientId} ${STRANGER}`],
    ['as an object', ({ clientId }) => ({ [clientId]: true })],
    ['a number', () => 1],
    ['null', () => null],
    ['missing', () => undefined],
  ] satisfies readonly (readonly [string, (kit: Kit) => unknown])[]
).map(
  ([what, aud]): ForgedToken => [`an audience ${what}`, 'token-audience', (kit) => sealed(kit, {}, { aud: aud(kit) })],
)

/** Claims that are wrong whatever the rest is. */
const claims: readonly ForgedToken[] = [
  ['azp of another application', 'token-audience', claiming({ azp: STRANGER })],
  ['azp null', 'token-audience', claiming({ azp: null })],
  ...[OTHER_TENANT, CONSUMERS, 'common', '{tenantid}', '', undefined, null, 7, [OTHER_TENANT]].map(
    (tid): ForgedToken => [`tid ${JSON.stringify(tid) ?? 'missing'}`, 'token-tenant', claiming({ tid })],
  ),
  ['tid as a list of the right one', 'token-tenant', (kit) => sealed(kit, {}, { tid: [kit.tenantId] })],
  ...['1.0', '2', '2.0 ', 2, undefined, null, ['2.0']].map(
    (ver): ForgedToken => [`ver ${JSON.stringify(ver) ?? 'missing'}`, 'token-version', claiming({ ver })],
  ),
  ['an access token for our own API', 'token-kind', claiming({ scp: 'access_as_user', azpacr: '1' })],
  ['an access token of an application with roles', 'token-kind', claiming({ idtyp: 'app', roles: ['Administrator'] })],
  ['a token of the service principal', 'token-kind', (kit) => sealed(kit, {}, { appid: kit.clientId, appidacr: '1' })],
  ['idtyp user', 'token-kind', claiming({ idtyp: 'user' })],
  ['scp empty', 'token-kind', claiming({ scp: '' })],
  ...[
    undefined,
    null,
    '',
    'ann.sample@contoso.com',
    'everybody',
    5,
    ['aaaaaaaa-0000-4000-8000-000000000001'],
    {},
    '*',
    '%',
    `${STRANGER}' --`,
  ].map((oid): ForgedToken => [`oid ${JSON.stringify(oid) ?? 'missing'}`, 'token-object-id', claiming({ oid })]),
  ...[undefined, null, '', 1, ['x']].map(
    (sub): ForgedToken => [`sub ${JSON.stringify(sub) ?? 'missing'}`, 'token-object-id', claiming({ sub })],
  ),
  ...[undefined, null, '', 'of-another-sign-in', 0, true].map(
    (nonce): ForgedToken => [`nonce ${JSON.stringify(nonce) ?? 'missing'}`, 'token-nonce', claiming({ nonce })],
  ),
  ['the nonce in a list', 'token-nonce', (kit) => sealed(kit, {}, { nonce: [kit.draft.claims['nonce']] })],
  [
    'the nonce in another case',
    'token-nonce',
    (kit) => sealed(kit, {}, { nonce: swapCase(String(kit.draft.claims['nonce'])) }),
  ],
  [
    'the nonce cut short',
    'token-nonce',
    (kit) => sealed(kit, {}, { nonce: String(kit.draft.claims['nonce']).slice(0, -1) }),
  ],
  [
    'a logout token',
    'token-nonce',
    claiming({ nonce: undefined, events: { 'http://schemas.openid.net/event/backchannel-logout': {} } }),
  ],
]

const times: readonly ForgedToken[] = [
  ['expired five minutes ago', 'token-expired', (kit) => sealed(kit, {}, { exp: kit.now - 301 })],
  [
    'expired a day ago',
    'token-expired',
    (kit) => sealed(kit, {}, { iat: kit.now - 90_000, nbf: kit.now - 90_000, exp: kit.now - 86_400 }),
  ],
  ['expired when it was issued', 'token-expired', (kit) => sealed(kit, {}, { iat: kit.now + 100, exp: kit.now + 100 })],
  ['issued in ten minutes', 'token-not-yet-valid', (kit) => sealed(kit, {}, { iat: kit.now + 600 })],
  ['valid from in ten minutes', 'token-not-yet-valid', (kit) => sealed(kit, {}, { nbf: kit.now + 600 })],
  ['no exp', 'token-malformed', claiming({ exp: undefined })],
  ['exp as text', 'token-malformed', (kit) => sealed(kit, {}, { exp: String(kit.now + 3600) })],
  ['exp null', 'token-malformed', claiming({ exp: null })],
  ['exp negative', 'token-malformed', claiming({ exp: -1 })],
  [
    'exp beyond every number',
    'token-malformed',
    (kit) => raw(JSON.stringify(kit.draft.claims).replace(/"exp":\d+/, '"exp":1e999'), kit),
  ],
  ['no iat', 'token-malformed', claiming({ iat: undefined })],
  ['iat as text', 'token-malformed', claiming({ iat: '1' })],
  ['nbf as text', 'token-malformed', claiming({ nbf: '1' })],
  ['nbf null', 'token-malformed', claiming({ nbf: null })],
]

const rights: readonly ForgedToken[] = [
  ['roles as a text', 'token-malformed', claiming({ roles: 'Administrator' })],
  ['roles as an object', 'token-malformed', claiming({ roles: { 0: 'Administrator', length: 1 } })],
  [
    'roles with something else among them',
    'token-malformed',
    claiming({ roles: ['Viewer', { value: 'Administrator' }] }),
  ],
  ['groups as a text', 'token-malformed', claiming({ groups: STRANGER })],
  ['groups with numbers', 'token-malformed', claiming({ groups: [1] })],
  ['groups null', 'token-malformed', claiming({ groups: null })],
]

export const FORGED_TOKENS: readonly ForgedToken[] = [
  ...algorithms,
  ...headers,
  ...keys,
  ...signatures,
  ...shapes,
  ...issuers,
  ...audiences,
  ...claims,
  ...times,
  ...rights,
]

function swapCase(text: string): string {
  return text.replaceAll(/[a-z]/gi, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()))
}
