// Plants the secrets of people and devices: tokens and codes of Microsoft, API tokens, terminal tokens, device codes.
import { expect } from 'vitest'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { addRedirectUri } from '../../src/emulator/appsignin.ts'
import { sealed } from './forge.ts'
import { FormBrowser } from './form-browser.ts'
import { type AskAs, cookieOf, type PlantingStage } from './planting-stage.ts'

/** Signing in with Microsoft, well and badly; somebody is left under way. */
export async function plantSignIn(s: PlantingStage, root: string): Promise<void> {
  s.canaries.add('Microsoft password', DEFAULT_PASSWORD, { isGuessable: true })
  addRedirectUri(s.hosted.app.signIn, { uri: `${s.server.url}/signin/microsoft`, platform: 'web' })
  s.emulator.tokens.issuer.makeIdToken = (draft) => {
    const token = sealed({ draft } as Parameters<typeof sealed>[0], {}, {})
    s.canaries.addToken('id token', token)
    return token
  }
  const person = [...s.hosted.tenant.live('user')].find(
    ({ properties }) =>
      properties['accountEnabled'] !== false && !String(properties['userPrincipalName']).includes('#EXT#'),
  )!
  const who = { userName: String(person.properties['userPrincipalName']), password: DEFAULT_PASSWORD }
  const depart = async () => {
    const begun = await s.ask('POST', '/api/v1/sign-in/microsoft', { body: {} })
    expect(begun.status, begun.text).toBe(200)
    const flow = cookieOf(begun, 'muster-flow')
    const state = new URL(begun.json().url).searchParams.get('state')!
    begun.gives(state)
    s.canaries.add('state', state)
    s.canaries.add('state', flow)
    const { rows } = await s.db.query<{ digest: Buffer; verifier: Buffer }>(
      'select digest, verifier from signin_flows order by expires_at desc limit 1',
    )
    s.canaries.add('PKCE verifier', s.vault.open(rows[0]!.verifier, `sign-in flow:${rows[0]!.digest.toString('hex')}`))
    const arrived = await new FormBrowser({ fetch, origin: root }).signIn(begun.json().url, who)
    if (arrived.kind === 'page') throw new Error(arrived.page.text)
    s.canaries.add('authorization code', arrived.to.searchParams.get('code')!)
    return { cookie: `muster-flow=${flow}`, back: `${arrived.to.pathname}${arrived.to.search}` }
  }
  const first = await depart()
  const me = await s.session(
    await s.ask('GET', first.back, { headers: { cookie: first.cookie } }),
    'session of a person',
  )
  await me('GET', '/api/v1/me')
  // As if he had proved just now who he is; his PIN is the source's.
  await s.db.query('update sessions set authenticated_at = now() where user_id is not null')
  const drawn = await me('POST', '/api/v1/me/pin')
  expect(drawn.status, drawn.text).toBe(409)
  // Refused in several ways, with the codes and states in the address.
  await s.ask('GET', first.back, { headers: { cookie: first.cookie } })
  const second = await depart()
  await s.ask('GET', second.back)
  const third = await depart()
  await s.ask('GET', `${third.back}&error=server_error&error_description=${encodeURIComponent('AADSTS90033: later')}`, {
    headers: { cookie: third.cookie },
  })
  const fourth = await depart()
  s.emulator.tokens.issuer.makeIdToken = (draft) => {
    const token = sealed({ draft } as Parameters<typeof sealed>[0], {}, { aud: 'another' })
    s.canaries.addToken('id token', token)
    return token
  }
  await s.ask('GET', fourth.back, { headers: { cookie: fourth.cookie } })
  s.emulator.tokens.issuer.makeIdToken = undefined
  // Left under way.
  await depart()
}

export interface Tokens {
  readonly api: string
  readonly terminal: string
}

export async function plantTokens(s: PlantingStage, admin: AskAs): Promise<Tokens> {
  const api = await admin('POST', '/api/v1/tokens', {
    name: 'all',
    scopes: ['read', 'people', 'runs', 'export', 'configure', 'administer'],
    days: null,
  })
  expect(api.status, api.text).toBe(201)
  const terminal = await admin('POST', '/api/v1/terminals', {
    name: 'Entrance',
    may: ['card', 'pin', 'userNamePin', 'deviceCode'],
    tells: ['groups', 'email'],
    unknownCard: 'register',
    cardTransform: null,
    days: null,
  })
  expect(terminal.status, terminal.text).toBe(201)
  const tokens = { api: api.json().token as string, terminal: terminal.json().token as string }
  s.canaries.add('API token', tokens.api, { shown: 10 })
  s.canaries.add('terminal token', tokens.terminal, { shown: 10 })
  api.gives(tokens.api)
  terminal.gives(tokens.terminal)
  return tokens
}

export async function plantAtTerminal(
  s: PlantingStage,
  token: string,
  at: { readonly root: string; readonly card: string; readonly pin: string },
): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const identify = (body: object) => s.ask('POST', '/api/v1/terminal/authenticate', { body, headers })
  const found = await identify({ by: 'card', card: at.card })
  expect(found.json().kind, found.text).toBe('identified')
  await identify({ by: 'card', card: '04DEADBEEF9C71' })
  s.canaries.add('card', '04DEADBEEF9C71', { isGuessable: true })
  const byPin = await identify({ by: 'pin', pin: at.pin })
  expect(byPin.json().kind, byPin.text).toBe('identified')
  await identify({ by: 'pin', pin: '111122223333' })
  await identify({ by: 'userNamePin', userName: 'nobody', pin: at.pin })
  const code = byPin.json().registration.code as string
  s.canaries.add('code for registering a card', code)
  byPin.gives(code)
  const begun = await s.ask('POST', '/api/v1/terminal/device-code', { body: {}, headers })
  expect(begun.status, begun.text).toBe(201)
  const { rows } = await s.db.query<{ device_code: Buffer }>('select device_code from terminal_device_codes')
  s.canaries.add('device code', s.vault.open(rows[0]!.device_code, 'terminal device code'))
  await s.ask('GET', `/api/v1/terminal/device-code/${begun.json().flow}`, { headers })
  expect((await new FormBrowser({ fetch, origin: at.root }).open(begun.json().verificationUri)).kind).toBe('page')
}
