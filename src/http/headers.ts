// Headers that tell browsers what these pages may do: nothing but what stands here.
import { randomBytes } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** Where a page that is sent wants this request's nonce; the build of the web puts it there. */
export const NONCE_PLACE = '__CSP_NONCE__'

const TWO_YEARS_SECONDS = 63_072_000

const ALWAYS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'x-dns-prefetch-control': 'off',
} as const

/** For everything; pages and files of the web loosen what they need afterwards. */
export function setHeaders(request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(ALWAYS)
  reply.header(
    'content-security-policy',
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  reply.header('cache-control', 'no-store')
  reply.header('x-request-id', request.id)
  if (request.isByHttps) reply.header('strict-transport-security', `max-age=${TWO_YEARS_SECONDS}; includeSubDomains`)
}

/** No script of a page may make markup or code of text: in these pages nothing needs to, and no policy for it can be made. */
export const TRUSTED_TYPES = "; require-trusted-types-for 'script'; trusted-types 'none'"

/**
 * A page of ours: scripts and styles of this server or with this answer's nonce, nothing inline, nobody else's.
 *
 * @param more further directives, beginning with `; `
 */
export function pageWithNonce(reply: FastifyReply, html: string, more = ''): FastifyReply {
  const nonce = randomBytes(18).toString('base64')
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return reply
    .header('content-security-policy', `${policy.join('; ')}${more}`)
    .type('text/html; charset=utf-8')
    .send(html.replaceAll(NONCE_PLACE, nonce))
}
