// Where the server is reached from outside: what redirect URIs begin with.
import { ConflictError } from '../base/errors.ts'

/** The redirect URI that Microsoft sends browsers back to; one for all connections. */
export const REDIRECT_PATH = '/signin/microsoft'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/**
 * The base of addresses that lead here, without a slash at its end; undefined where nobody has said it and the request did not come to
 * this machine by one of its own names.
 *
 * @param configured MUSTER_PUBLIC_URL
 * @param origin as the browser sees it, e.g. `http://localhost:8080`; left out where no browser asks
 */
export function publicUrlOf(configured: string | undefined, origin?: string): string | undefined {
  if (configured !== undefined) return configured
  const url = origin === undefined ? null : URL.parse(origin)
  return url !== null && LOOPBACK.test(url.hostname) ? url.origin : undefined
}

/**
 * The redirect URI to register at Microsoft; undefined where it is not known. Microsoft takes http for the name localhost only, so that it is
 * that also where the page was opened by a number of this machine.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
 */
export function redirectUriOf(configured: string | undefined, origin?: string): string | undefined {
  const url = publicUrlOf(configured, origin)
  return url === undefined ? undefined : `${asLocalhost(url)}${REDIRECT_PATH}`
}

function asLocalhost(base: string): string {
  const url = new URL(base)
  if (url.protocol !== 'http:' || !LOOPBACK.test(url.hostname)) return base
  url.hostname = 'localhost'
  return url.origin
}

/** @throws ConflictError `no-public-url`, `other-address` */
export function requirePublicUrl(configured: string | undefined, origin: string): string {
  const url = publicUrlOf(configured, origin)
  if (url === undefined)
    throw new ConflictError(
      'no-public-url',
      'Microsoft cannot send the browser back: the server does not know under which address it is reached. Set MUSTER_PUBLIC_URL to it.',
    )
  // The cookie that the way back is recognized by would stay with the other name.
  if (URL.parse(url)?.host !== URL.parse(origin)?.host)
    throw new ConflictError('other-address', `To sign in with Microsoft, open Muster as ${url}`)
  return url
}
