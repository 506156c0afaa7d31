// Plants the secrets of local accounts: set-up code, passwords, sessions, second factors.
import { Secret, TOTP } from 'otpauth'
import { expect } from 'vitest'
import { type AskAs, cookieOf, type PlantingStage, until } from './planting-stage.ts'

export const LOCAL_PASSWORD = 'Quokka&"wanders+42/% <lanes>'
const OTHER_PASSWORD = 'Numbat=hides;behind{91}bushes'

/** The first administrator, and another account with a second factor. */
export async function plantAccounts(s: PlantingStage): Promise<AskAs> {
  const link = await until(() => Promise.resolve(/\/setup#([\w-]+)/.exec(s.server.output())?.[1]))
  s.canaries.add('set-up code', link)
  s.canaries.add('local password', LOCAL_PASSWORD, { isGuessable: true })
  s.canaries.add('local password', OTHER_PASSWORD, { isGuessable: true })
  const made = await s.ask('POST', '/api/v1/setup', { body: { code: link, name: 'ann', password: LOCAL_PASSWORD } })
  expect(made.status, made.text).toBe(201)
  const again = await s.ask('POST', '/api/v1/setup', { body: { code: link, name: 'ann', password: LOCAL_PASSWORD } })
  expect(again.status).toBe(404)
  await s.session(made, 'session')
  for (const password of [OTHER_PASSWORD, LOCAL_PASSWORD.slice(0, -1)])
    expect((await s.ask('POST', '/api/v1/session', { body: { name: 'ann', password } })).status).toBe(401)
  const signedIn = await s.ask('POST', '/api/v1/session', { body: { name: 'ann', password: LOCAL_PASSWORD } })
  const device =
    signedIn.headers.getSetCookie().flatMap((line) => /^muster-device=([^;]+)/.exec(line)?.[1] ?? [])[0] ??
    cookieOf(made, 'muster-device')
  signedIn.gives(device)
  made.gives(device)
  s.canaries.add('mark of the browser', device)
  const admin = await s.session(signedIn, 'session')
  expect(
    (await admin('POST', '/api/v1/administrators', { name: 'ben', role: 'viewer', password: OTHER_PASSWORD })).status,
  ).toBe(201)
  await plantSecondFactor(s)
  return admin
}

async function plantSecondFactor(s: PlantingStage): Promise<void> {
  const signedIn = await s.ask('POST', '/api/v1/session', { body: { name: 'ben', password: OTHER_PASSWORD } })
  const device = cookieOf(signedIn, 'muster-device')
  s.canaries.add('mark of the browser', device)
  const ben = await s.session(signedIn, 'session')
  const begun = await ben('POST', '/api/v1/session/second-factor', { password: OTHER_PASSWORD })
  expect(begun.status, begun.text).toBe(201)
  const { secret } = begun.json() as { secret: string }
  s.canaries.add('second factor', secret)
  // What is sealed are perhaps its bytes, not its letters.
  s.canaries.add('second factor', Buffer.from(Secret.fromBase32(secret).bytes).toString('hex'))
  begun.gives(secret)
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate()
  const confirmed = await ben('PUT', '/api/v1/session/second-factor', { code })
  expect(confirmed.status, confirmed.text).toBe(200)
  for (const recovery of (confirmed.json() as { recoveryCodes: string[] }).recoveryCodes) {
    s.canaries.add('recovery code', recovery)
    confirmed.gives(recovery)
  }
  for (const given of [undefined, code, '000000', 'aaaa-bbbb-cccc-dddd'])
    expect(
      (await s.ask('POST', '/api/v1/session', { body: { name: 'ben', password: OTHER_PASSWORD, code: given } })).status,
    ).toBe(401)
}
