// Connections: keep-alive pool, corporate proxy, private CA. Verification of certificates is never switched off.
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { Agent, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { ConfigError } from '../base/errors.ts'
import { publicOnly } from './addresses.ts'
import { isMicrosoftRoot } from './clouds.ts'
import type { Limits } from './limits.ts'

export interface ProxySettings {
  /** URL of the proxy for https requests, e.g. `http://user:password@proxy.example:3128`. Plain http is never proxied. */
  readonly httpsProxy?: string
  /** Hosts that are reached directly: comma or space separated, `.example.org` and `*` included. */
  readonly noProxy?: string
}

export interface ConnectionSettings {
  readonly graphUrl: string
  readonly limits: Limits
  readonly proxy?: ProxySettings | undefined
  /** PEM file with certificate authorities that are trusted besides those of the system. */
  readonly caFile?: string | undefined
  /** Name look-up; a test seam. */
  readonly lookup?: LookupFunction | undefined
}

/** @throws ConfigError when the proxy is no URL or the CA file cannot be used */
export function createDispatcher(settings: ConnectionSettings): Dispatcher {
  const { limits, proxy } = settings
  const lookup = isMicrosoftRoot(settings.graphUrl) ? publicOnly(settings.lookup) : settings.lookup
  const tls = { rejectUnauthorized: true, ...trust(settings.caFile) }
  const addresses = {
    timeout: limits.connectTimeoutMs,
    // tries the next address of a name when one does not answer, e.g. behind a broken IPv6 route
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: 500,
  }
  const pool = {
    connections: limits.maxConcurrency,
    pipelining: 1,
    // the request's own deadline covers all of it; these would only notice complete silence
    headersTimeout: 0,
    bodyTimeout: 0,
    connectTimeout: limits.connectTimeoutMs,
    connect: { ...addresses, ...tls, ...(lookup === undefined ? {} : { lookup }) },
  }
  if (proxy?.httpsProxy === undefined || proxy.httpsProxy === '') return new Agent(pool)
  if (URL.parse(proxy.httpsProxy) === null)
    throw new ConfigError([{ at: 'HTTPS_PROXY', message: 'is not a URL, e.g. http://proxy.example:3128' }])
  return new EnvHttpProxyAgent({
    ...pool,
    // empty strings instead of nothing: undici would read the environment
    httpProxy: '',
    httpsProxy: proxy.httpsProxy,
    noProxy: proxy.noProxy ?? '',
    requestTls: { ...addresses, ...tls },
    proxyTls: { ...addresses, ...tls },
  })
}

function trust(caFile: string | undefined): { secureContext?: ReturnType<typeof createSecureContext> } {
  if (caFile === undefined || caFile === '') return {}
  try {
    // parsed here because TLS would pass over what it cannot read
    const authorities = (readFileSync(caFile, 'utf8').match(CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem))
    if (authorities.length === 0) throw new Error('it holds no certificate in PEM form')
    // one context for all connections: reading 150 certificates costs some milliseconds each time
    return { secureContext: createSecureContext({ ca: [...getCACertificates('default'), ...authorities.map(String)] }) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new ConfigError([{ at: 'CA file', message: `${caFile} cannot be used: ${reason}` }])
  }
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g
