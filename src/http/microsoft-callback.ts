// Where Microsoft sends the browser back to. No endpoint of the API: it is opened by a browser that comes from somebody else's page.
import type { FastifyInstance } from 'fastify'
import type { SignInRefusal } from '../contract/sign-in-refusals.ts'
import { isConsentState, readConsentState } from '../registry/consent.ts'
import { isOwnFlow, isUnderWay } from '../signin/flows.ts'
import { finishMicrosoft, type RefusedSignIn } from '../signin/microsoft.ts'
import { networkOf, siteOf } from '../signin/network.ts'
import { AtOnce, CALLBACKS_AT_ONCE } from './at-once.ts'
import type { FloodGuard } from './flood-guard.ts'
import { readCookie, writeFlow, writeSession } from './cookies.ts'
import { type HttpParts, microsoftParts } from './parts.ts'
import { REDIRECT_PATH } from './public-url.ts'
import type { Refusals } from './refusals.ts'

export function registerMicrosoftCallback(
  server: FastifyInstance,
  {
    parts,
    stopping,
    refusals,
    flood,
  }: {
    readonly parts: HttpParts
    readonly stopping: AbortSignal
    readonly refusals: Refusals
    readonly flood: FloodGuard
  },
): void {
  const atOnce = new AtOnce(CALLBACKS_AT_ONCE)
  server.route({
    method: 'GET',
    url: REDIRECT_PATH,
    exposeHeadRoute: false,
    async handler(request, reply) {
      const { searchParams: returned } = new URL(request.url, 'http://muster')
      const consent = readConsent(parts, returned)
      // Behind the # it reaches no log.
      if (consent !== undefined) return reply.redirect(`/consent#${consent}`, 303)
      const actor = { kind: 'nobody', name: 'nobody', address: request.ip } as const
      const refuse = async (reason: SignInRefusal, { facts, about, subject }: RefusedSignIn) => {
        const refused = { actor, action: 'session.start', endpoint: 'microsoftCallback', reason }
        await refusals.note({ ...refused, facts, about, subject })
        // Behind the # it reaches no log.
        return reply.redirect(`/sign-in#error=${reason}`, 303)
      }
      const browser = readCookie(request, 'flow')
      const sealed = readCookie(request, 'kept-flow')
      const isOwn = await isOwnFlow(parts.engine, { state: returned.get('state') ?? '', browser, sealed })
      const mayGoOn = flood.letsBack(request.ip, isOwn)
      // What is made up asks Microsoft for nothing, and takes no place.
      const enter = () => (isOwn ? atOnce.enter(networkOf(request.ip), siteOf(request.ip)) : () => {})
      const leave = mayGoOn ? enter() : undefined
      // Before the flow is taken: whoever tries once more with the same answer of Microsoft's signs in.
      if (leave === undefined) return refuse('too-many-at-once', { facts: {} })
      const ended = await finishMicrosoft(microsoftParts(parts), {
        // As it was sent: what stands in it twice must be seen twice.
        returned,
        browser,
        sealed,
        place: { address: request.ip, userAgent: request.headers['user-agent'] ?? '' },
        signal: stopping,
      }).finally(leave)
      // Another tab of this browser may be on its way with the same mark.
      if (browser === undefined || !(await isUnderWay(parts.engine, browser))) writeFlow(request, reply, undefined)
      if (ended.kind === 'signed-in') {
        writeSession(request, reply, ended.token)
        return reply.redirect(ended.returnTo, 303)
      }
      // Behind the # it reaches no log; the page that was left says it.
      if (ended.kind === 'proved') return reply.redirect(`${ended.returnTo}#proof=given`, 303)
      if (ended.kind === 'not-proved') {
        const { reason, refusal, returnTo } = ended
        await refusals.note({ actor, action: 'session.prove', endpoint: 'microsoftCallback', reason, ...refusal })
        return reply.redirect(`${returnTo}#proof=${reason}`, 303)
      }
      return refuse(ended.reason, ended.refusal)
    },
  })
}

/** Words of Microsoft's page of consent when somebody said no; no sign-in ends with it. */
const REFUSED_CONSENT = 'permission_denied'

/**
 * How Microsoft's page of consent ended that an administrator of the tenant comes back from, as `/consent` reads it; undefined where
 * he comes back from something else. It begins nothing and proves nothing, so that nothing is written down.
 */
function readConsent({ engine }: HttpParts, returned: URLSearchParams): string | undefined {
  const state = returned.get('state') ?? ''
  const isOfLink = isConsentState(state)
  const isConsent = returned.has('admin_consent') || returned.get('error') === REFUSED_CONSENT
  if (!isOfLink && (state !== '' || !isConsent)) return undefined
  const tenant = /^[0-9a-f-]{36}$/.exec(returned.get('tenant')?.toLowerCase() ?? '')?.[0]
  const wanted = isOfLink ? readConsentState(engine.vault, { state, now: engine.clock.now() }) : undefined
  const isGiven = returned.get('admin_consent')?.toLowerCase() === 'true' && !returned.has('error')
  if (isOfLink && wanted === undefined) return 'unknown'
  if (!isGiven) return `refused${wanted === undefined ? '' : `.${wanted}`}`
  if (wanted === undefined || tenant === undefined) return `given-somewhere${tenant === undefined ? '' : `.${tenant}`}`
  return tenant === wanted ? `given.${tenant}` : `given-elsewhere.${tenant}.${wanted}`
}
