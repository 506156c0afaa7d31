// Every kind of secret is planted through the product: over the command line, the API, sign-in, terminals, alerts, keys and backups, with
// everything logged. Then all that can be looked into is searched for them, whatever they were packed into.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FLEETING_PLACES, SEALED_PLACES } from '../../src/vault/places.ts'
import { eachColumn, eachFile } from '../support/leaks.ts'
import { plantEverything, withoutCards } from '../support/planting.ts'
import type { PlantingStage } from '../support/planting-stage.ts'

/** Format, and version of the key: what begins like this, in the separated values of a column, is sealed. */
const BEGINS_SEALED = [1, 2].map((version) => Buffer.from([1, 0, 0, 0, version]))

let s: PlantingStage
beforeAll(async () => {
  s = await plantEverything()
}, 300_000)
afterAll(() => s.close())

describe('secrets', { timeout: 300_000 }, () => {
  it('of these kinds were planted', () => {
    expect([...s.canaries.kinds.keys()].toSorted()).toEqual(KINDS.toSorted())
  })

  it('I10: are nowhere in the database but sealed or hashed, and what is sealed is in one of the lists', async () => {
    const mayBeSealed = new Set([
      ...SEALED_PLACES.map(({ table }) => table),
      ...FLEETING_PLACES.map(({ table, column }) => `${table}.${column}`),
    ])
    const sealedIn = new Set<string>()
    const columns = await eachColumn(s.db, (place, content) => {
      s.canaries.search(place, content)
      const isSealed = typeof content !== 'string' && BEGINS_SEALED.some((beginning) => content.includes(beginning))
      if (isSealed) sealedIn.add(place.replace('column public.', ''))
    })

    expect(columns.length).toBeGreaterThan(200)
    expect(s.canaries.leaks).toEqual([])
    const unlisted = [...sealedIn].filter(
      (place) => !mayBeSealed.has(place) && !(place.endsWith('.sealed') && mayBeSealed.has(place.split('.')[0]!)),
    )
    expect(unlisted).toEqual([])
    expect([...sealedIn]).toEqual(
      expect.arrayContaining([
        'connection_credentials.sealed',
        'credentials.sealed',
        'signin_flows.verifier',
        'terminal_device_codes.device_code',
      ]),
    )
  })

  it('E18: are in no answer, output, log, alert, or request to Microsoft but where they belong', async () => {
    s.see('alerts by mail', JSON.stringify(s.mail.mails))
    s.see('alerts by webhook', JSON.stringify(s.web.posted))
    seeRequests()
    await s.server.stop()
    // The console is where the set-up link belongs; it worked once.
    s.see('what the server said', s.server.output().replace(/\/setup#[\w-]+/, '/setup#'))
    for (const { place, content } of s.seen)
      s.canaries.search(place, /export/.test(place) ? withoutCards(content) : content)

    expect(s.seen.length).toBeGreaterThan(150)
    expect(s.mail.mails.length).toBeGreaterThan(0)
    expect(s.web.posted.length).toBeGreaterThan(0)
    expect(
      s.server
        .output()
        .split('\n')
        .filter((line) => line.startsWith('{')).length,
    ).toBeGreaterThan(5)
    expect(s.canaries.leaks).toEqual([])
  })

  it('are in no file but the key file and those that they were given in', async () => {
    let files = 0
    const look = (path: string, content: Buffer) => {
      files += 1
      if (path.startsWith(join(s.home, 'database', 'data')) && !path.endsWith('.log'))
        s.canaries.searchPlain(path, content)
      else s.canaries.search(path, content)
    }
    await eachFile(s.home, look, (path) => path !== join(s.home, 'key'))
    await eachFile(join(s.work, 'tmp'), look)

    expect(files).toBeGreaterThan(100)
    expect(s.canaries.leaks).toEqual([])
  })
})

/** Tokens stand in their header, states in the address that the browser is sent to. */
function seeRequests(): void {
  for (const { path, headers } of s.emulator.requests) {
    const address = path.replace(/([?&]state=)[^&]*/, '$1')
    const others = [...(headers ?? [])].filter(([name]) => name !== 'authorization')
    s.see('requests to Microsoft', JSON.stringify([address, others]))
  }
}

const KINDS = [
  'access token',
  'second factor',
  'recovery code',
  'API token',
  'authorization code',
  'backup passphrase',
  'card',
  'client secret',
  'database password',
  'device code',
  'federated token',
  'id token',
  'key file',
  'local password',
  'Microsoft password',
  'PIN',
  'PKCE verifier',
  'private key of a certificate',
  'private key that Muster made',
  'proxy password',
  'session',
  'session of a person',
  'set-up code',
  'SMTP password',
  'state',
  'terminal token',
  'webhook secret',
  'mark of the browser',
  'code for registering a card',
]
