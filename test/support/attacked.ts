// Signing in through a provider that gives whatever token it is told to: the emulator over HTTP, and Muster's own client of it.
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { hire } from '../../src/emulator/operations.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { Tenant } from '../../src/emulator/tenant.ts'
import { DEFAULT_LIMITS } from '../../src/graph/limits.ts'
import { createSender } from '../../src/graph/request.ts'
import { type BegunCodeFlow, beginCodeFlow, finishCodeFlow } from '../../src/signin/oidc.ts'
import { createOidc } from '../../src/signin/oidc-exchange.ts'
import { FormBrowser } from './form-browser.ts'
import { FOREIGN, type Kit, OTHER_TENANT } from './forge.ts'
import { SIGNING } from './world.ts'

const TENANT = '0c0ffee0-1111-4222-8333-444455556666'
const REDIRECT_URI = 'http://127.0.0.1/signin/microsoft'
const { signal } = new AbortController()

type Finished = Awaited<ReturnType<typeof finishCodeFlow>>

export interface Attacked {
  readonly emulator: Emulator
  readonly annId: string
  /** Signs Ann in; the provider gives the token that is made here. */
  attempt(make: (kit: Kit) => string): Promise<Finished>
  /** Begins, and gives what the browser brings back together with what was kept. */
  begin(): Promise<{ readonly returned: URLSearchParams; readonly flow: BegunCodeFlow }>
  finish(returned: URLSearchParams, flow: BegunCodeFlow): Promise<Finished>
  stop(): Promise<void>
}

export async function attacked(): Promise<Attacked> {
  const emulator = new Emulator({ clock: systemClock, signingCertificate: SIGNING })
  const tenant = new Tenant({ tenantId: TENANT, displayName: 'Contoso', clock: emulator.clock })
  const { clientId, clientSecret } = emulator.host(tenant, { signIn: { redirectUris: [REDIRECT_URI] } })
  const ann = hire(tenant, { userPrincipalName: 'ann.sample@contoso.com', displayName: 'Ann Sample' })
  const { authorityUrl } = await emulator.listen()
  const { keys } = emulator.tokens.issuer
  const retired = keys.signing(TENANT)
  emulator.tokens.rollKeys()
  const otherTenants = keys.addForTenant(OTHER_TENANT)
  const connection = { id: 1, tenantId: TENANT, clientId, authorityUrl }
  const sender = createSender({ clock: systemClock, limits: DEFAULT_LIMITS, graphUrl: authorityUrl })
  const oidc = createOidc({
    clock: systemClock,
    log: silentLog,
    sender,
    userAgent: 'muster/test',
    openCredentials: () => Promise.resolve([{ kind: 'secret', secret: clientSecret }]),
  })
  const browser = new FormBrowser({ fetch, origin: authorityUrl })
  const begin: Attacked['begin'] = async () => {
    const flow = await beginCodeFlow(oidc, { connection, redirectUri: REDIRECT_URI, signal })
    if (flow.kind === 'refused') throw new Error(JSON.stringify(flow))
    const arrived = await browser.signIn(flow.url, { userName: 'ann.sample@contoso.com', password: DEFAULT_PASSWORD })
    if (arrived.kind === 'page') throw new Error(arrived.page.text)
    return { returned: arrived.to.searchParams, flow }
  }
  const finish: Attacked['finish'] = (returned, flow) =>
    finishCodeFlow(oidc, { connection, redirectUri: REDIRECT_URI, returned, flow, signal })
  return {
    emulator,
    annId: ann.id,
    begin,
    finish,
    async attempt(make) {
      const { returned, flow } = await begin()
      emulator.tokens.issuer.makeIdToken = (draft) =>
        make({
          draft,
          now: Math.floor(systemClock.now().getTime() / 1000),
          clientId,
          tenantId: TENANT,
          issuer: `${authorityUrl}/${TENANT}/v2.0`,
          authority: authorityUrl,
          foreign: FOREIGN,
          retired,
          otherTenants,
        })
      return finish(returned, flow)
    },
    async stop() {
      await sender.stop()
      await emulator.stop()
    },
  }
}
