// The cookies: the session, the mark of a browser that signed in before, and the mark of one that is on its way to Microsoft and
// back, with what it keeps of that itself. None can be read by a script or set for other
// hosts; on https their names make the browser refuse anything less.
import type { CookieSerializeOptions } from '@fastify/cookie'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { KEPT_BY_BROWSERS_SECONDS } from '../contract/keys.ts'

type CookieName = 'session' | 'device' | 'flow' | 'kept-flow'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether its browser came by https, as far as that can be known; cookies are those of https then. */
    isByHttps: boolean
  }
}

/**
 * Says of each request whether its browser came by https: where a proxy that is trusted says so, and where it came by the name of a public URL of
 * https. A proxy that does not say so must not make cookies that go over http too.
 *
 * @param publicUrl MUSTER_PUBLIC_URL
 */
export function watchHttps(server: FastifyInstance, publicUrl: string | undefined): void {
  const url = publicUrl === undefined ? null : URL.parse(publicUrl)
  const host = url?.protocol === 'https:' ? url.host : undefined
  server.decorateRequest('isByHttps', false)
  server.addHook('onRequest', async (request) => {
    request.isByHttps = request.protocol === 'https' || (host !== undefined && request.host.toLowerCase() === host)
  })
}

/** `__Host-`: https only, this host only, whole site. A name of its own on http, so that one cannot be slipped in for the other. */
function nameOf(request: FastifyRequest, name: CookieName): string {
  return request.isByHttps ? `__Host-muster-${name}` : `muster-${name}`
}

function optionsOf(request: FastifyRequest): CookieSerializeOptions {
  return { path: '/', httpOnly: true, sameSite: 'strict', secure: request.isByHttps }
}

export function readCookie(request: FastifyRequest, name: CookieName): string | undefined {
  return request.cookies[nameOf(request, name)]
}

/** The session ends with the browser at the latest: without a date. */
export function writeSession(request: FastifyRequest, reply: FastifyReply, token: string | undefined): void {
  const name = nameOf(request, 'session')
  if (token === undefined) {
    reply.clearCookie(name, optionsOf(request))
    // https://w3c.github.io/webappsec-clear-site-data/ ; not cookies and not storage: the mark of the browser stays, how it shows the
    // pages, and the token of a terminal page that was set up in it.
    reply.header('clear-site-data', '"cache"')
  } else reply.setCookie(name, token, optionsOf(request))
}

/** Lax: it has to come along when Microsoft's page sends the browser back, and with nothing else of other sites. */
export function writeFlow(request: FastifyRequest, reply: FastifyReply, browser: string | undefined): void {
  const options = { ...optionsOf(request), sameSite: 'lax' as const }
  if (browser === undefined) reply.clearCookie(nameOf(request, 'flow'), options)
  else reply.setCookie(nameOf(request, 'flow'), browser, { ...options, maxAge: KEPT_BY_BROWSERS_SECONDS })
}

/** One: of two tabs, in a network from which very many sign in at once, the later one comes back. It is used once, whatever becomes of it. */
export function writeKeptFlow(request: FastifyRequest, reply: FastifyReply, sealed: string): void {
  const options = { ...optionsOf(request), sameSite: 'lax' as const, maxAge: KEPT_BY_BROWSERS_SECONDS }
  reply.setCookie(nameOf(request, 'kept-flow'), sealed, options)
}

const DEVICE_SECONDS = 180 * 86_400

export function writeDevice(request: FastifyRequest, reply: FastifyReply, device: string): void {
  reply.setCookie(nameOf(request, 'device'), device, { ...optionsOf(request), maxAge: DEVICE_SECONDS })
}
