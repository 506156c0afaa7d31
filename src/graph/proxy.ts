// Whether a request goes through the proxy, and how the proxy is named in messages: without its user and password.
import type { ProxySettings } from './dispatcher.ts'

/**
 * The proxy that requests to an origin go through, as it may be shown; undefined where none is set or NO_PROXY exempts the host.
 * Follows the dispatcher's library: names and their subdomains, `.name` likewise, `*.name` only these, `*` all; each perhaps with port.
 */
export function proxyFor(proxy: ProxySettings | undefined, origin: string): string | undefined {
  const url = proxy?.httpsProxy === undefined ? null : URL.parse(proxy.httpsProxy)
  const target = new URL(origin)
  if (url === null || target.protocol !== 'https:' || isExempt(proxy?.noProxy ?? '', target)) return undefined
  return `${url.protocol}//${url.host}`
}

function isExempt(noProxy: string, target: URL): boolean {
  const host = target.hostname.toLowerCase()
  const port = Number(target.port === '' ? 443 : target.port)
  return noProxy
    .split(/[,\s]/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, name = entry, only] = /^([^:]+):(\d+)$/.exec(entry) ?? []
      if (only !== undefined && Number(only) !== port) return false
      if (name === '*') return true
      const bare = name
        .replace(/^\*?\./, '')
        .replace(/\.$/, '')
        .toLowerCase()
      return (host === bare && !name.startsWith('*')) || host.endsWith(`.${bare}`)
    })
}
