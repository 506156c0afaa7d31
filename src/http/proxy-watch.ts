// Muster speaks http and is reached by https through a proxy. Where that proxy is not among the trusted ones everything seems to work,
// but everybody has the proxy's address in limits and audit, and cookies are those of http. So somebody has to be told.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Log } from '../base/log.ts'

interface Settings {
  /** MUSTER_PUBLIC_URL. */
  readonly publicUrl: string | undefined
  /** MUSTER_TRUSTED_PROXIES. */
  readonly trustedProxies: readonly string[]
}

/** An address that forwards requests and is not believed; undefined: no proxy is trusted at all, and none was seen yet. */
export interface UntrustedProxy {
  readonly address: string | undefined
}

/** A proxy that is trusted and does not say that people came by https. */
export interface SilentProxy {
  readonly address: string
}

export class ProxyWatch {
  readonly #settings: Settings
  readonly #log: Log
  #isHttpsSeen = false
  #forwarder: string | undefined
  #silent: string | undefined

  constructor(settings: Settings, log: Log) {
    this.#settings = settings
    this.#log = log
  }

  watch(server: FastifyInstance): void {
    if (!this.#isHttps) return
    if (this.#settings.trustedProxies.length === 0) this.#warn()
    server.addHook('onRequest', async (request) => this.#note(request))
  }

  /**
   * Undefined where nothing speaks for it. Anybody who reaches the server may send such headers, so that nothing is told once a request
   * has come by https through a proxy that is trusted.
   */
  untrusted(): UntrustedProxy | undefined {
    if (!this.#isHttps || this.#isHttpsSeen) return undefined
    const isNoneTrusted = this.#settings.trustedProxies.length === 0
    return isNoneTrusted || this.#forwarder !== undefined ? { address: this.#forwarder } : undefined
  }

  /** Undefined where there is none, or was none before one that says it. */
  silent(): SilentProxy | undefined {
    return this.#isHttpsSeen || this.#silent === undefined ? undefined : { address: this.#silent }
  }

  get #isHttps(): boolean {
    return this.#settings.publicUrl?.startsWith('https:') === true
  }

  #note(request: FastifyRequest): void {
    this.#isHttpsSeen ||= request.protocol === 'https'
    if (this.#isHttpsSeen) return
    // By one who is believed: the address before his is known.
    const [hop, ...before] = request.ips ?? []
    if (hop !== undefined && before.length > 0) {
      if (this.#silent === undefined) this.#warnOfSilent()
      this.#silent = hop
      return
    }
    if (!isForwarded(request)) return
    const isFirst = this.#forwarder === undefined
    this.#forwarder = request.ip
    if (isFirst && this.#settings.trustedProxies.length > 0) this.#warn()
  }

  #warnOfSilent(): void {
    this.#log.warn(
      'the proxy in front of this server does not say that people come by https: it sends no X-Forwarded-Proto',
      {
        code: 'proxy-says-http',
      },
    )
  }

  #warn(): void {
    this.#log.warn(
      'people reach this server by https, and its proxy is not among MUSTER_TRUSTED_PROXIES: limits and audit see one address for everybody',
      { code: 'proxy-not-trusted' },
    )
  }
}

const FORWARDING = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'forwarded']

/** By somebody who is not believed: of one who is, the addresses before his are known. */
function isForwarded({ headers, ips }: FastifyRequest): boolean {
  return (ips ?? []).length < 2 && FORWARDING.some((name) => headers[name] !== undefined)
}
