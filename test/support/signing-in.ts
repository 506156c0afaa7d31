// An emulated tenant that signs people in, an app in it, and the requests of such an app made by hand.
import { createHash } from 'node:crypto'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import type { AppSignInOptions } from '../../src/emulator/appsignin.ts'
import type { DirectoryObject } from '../../src/emulator/object.ts'
import { hire } from '../../src/emulator/operations.ts'
import { emulate, type Emulated, type Json, readJson } from './emulated.ts'
import { type Arrival, FormBrowser } from './form-browser.ts'

export const CALLBACK = 'https://muster.example/signin/microsoft'
export const VERIFIER = 'a-verifier-of-forty-three-characters-or-more-0123'

const s256 = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url')

export interface SigningIn extends Emulated {
  /** A member with the tenant's default password. */
  readonly ann: DirectoryObject
  readonly annSignsIn: { readonly userName: string; readonly password: string }
  /** A browser that has no cookies yet. */
  readonly browser: () => FormBrowser
  /** The address of the authorize endpoint; `null` leaves a parameter out. */
  readonly authorizeUrl: (parameters?: Readonly<Record<string, string | null>>, tenant?: string) => string
  /** Redeems a code; `null` leaves a field out. */
  readonly redeem: (
    code: string,
    fields?: Readonly<Record<string, string | null>>,
    tenant?: string,
  ) => Promise<{ status: number; body: Json }>
  /** The whole way: signs Ann or somebody else in and gives the claims of the id token. */
  readonly claimsOf: (who?: { readonly userName: string; readonly password: string }) => Promise<JWTPayload>
  /** Verified by the published keys of the tenant. */
  readonly verify: (idToken: string) => Promise<JWTPayload>
}

export function signingIn(options: { readonly signIn?: AppSignInOptions; readonly users?: number } = {}): SigningIn {
  const emulated = emulate({
    users: options.users ?? 5,
    groups: 2,
    memberships: 4,
    application: { signIn: { redirectUris: [CALLBACK], ...options.signIn } },
  })
  const { emulator, hosted } = emulated
  const ann = hire(hosted.tenant, {
    userPrincipalName: 'ann.sample@contoso.com',
    displayName: 'Ann Sample',
    mail: 'ann@contoso.com',
  })
  const annSignsIn = { userName: 'ann.sample@contoso.com', password: DEFAULT_PASSWORD }
  const origin = emulator.authorityUrl
  const browser = (): FormBrowser => new FormBrowser({ fetch: emulator.fetch, origin })
  const authorizeUrl: SigningIn['authorizeUrl'] = (parameters = {}, tenant = hosted.tenantId) =>
    `${origin}/${tenant}/oauth2/v2.0/authorize?${new URLSearchParams(
      given({
        client_id: hosted.clientId,
        response_type: 'code',
        redirect_uri: CALLBACK,
        scope: 'openid profile',
        state: 'the-state',
        nonce: 'the-nonce',
        code_challenge: s256(VERIFIER),
        code_challenge_method: 'S256',
        ...parameters,
      }),
    ).toString()}`
  const redeem: SigningIn['redeem'] = async (code, fields = {}, tenant = hosted.tenantId) => {
    const response = await emulator.fetch(`${origin}/${tenant}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams(
        given({
          grant_type: 'authorization_code',
          client_id: hosted.clientId,
          client_secret: hosted.clientSecret,
          code,
          redirect_uri: CALLBACK,
          code_verifier: VERIFIER,
          ...fields,
        }),
      ),
    })
    return { status: response.status, body: await readJson(response) }
  }
  const verify: SigningIn['verify'] = async (idToken) => {
    const keys = await emulator.fetch(`${origin}/${hosted.tenantId}/discovery/v2.0/keys`)
    const { payload } = await jwtVerify(idToken, createLocalJWKSet(await readJson(keys)), {
      currentDate: emulator.clock.now(),
      algorithms: ['RS256'],
    })
    return payload
  }
  return {
    ...emulated,
    ann,
    annSignsIn,
    browser,
    authorizeUrl,
    redeem,
    verify,
    claimsOf: async (who = annSignsIn) => {
      const { body } = await redeem(codeOf(await browser().signIn(authorizeUrl(), who)))
      return await verify(String(body.id_token))
    },
  }
}

/** The code that a browser was sent back with. */
export function codeOf(arrived: Arrival): string {
  if (arrived.kind === 'page') throw new Error(`no way back to the app, but "${arrived.page.text}"`)
  const code = arrived.to.searchParams.get('code')
  if (code === null) throw new Error(`no code in ${arrived.to.href}`)
  return code
}

/** The error that a browser was sent back with, or that stands on the page: name and AADSTS number. */
export function errorOf(arrived: Arrival): readonly [string, number | undefined] {
  if (arrived.kind === 'page') return ['page', arrived.page.errorCode]
  const description = arrived.to.searchParams.get('error_description') ?? ''
  return [arrived.to.searchParams.get('error') ?? 'none', Number(/^AADSTS(\d+):/.exec(description)?.[1])]
}

function given(fields: Readonly<Record<string, string | null>>): [string, string][] {
  return Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== null)
}
