// Why nothing answered, in words: what the machine met on its way to Microsoft, and what to do about it.

/** What was met, as the end of a sentence, and what helps. */
export interface Cause {
  readonly what: string
  readonly remedy: string
  /** Trying again does not help. */
  readonly isLasting: boolean
}

/** Where a request was going. */
export interface Way {
  readonly host: string
  /** The proxy that it went through, without user and password. */
  readonly proxy: string | undefined
}

const CERTIFICATE =
  /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ERR_SSL|HOSTNAME_MISMATCH|UNSUPPORTED_PROTOCOL|WRONG_VERSION/

/** Explains a system or TLS error code; `code` stays in the sentence, for whoever looks it up. */
export function explainCause(code: string, way: Way): Cause {
  const { host, proxy } = way
  const target = proxy === undefined ? host : `${host} through the proxy ${proxy}`
  if (code === 'EPRIVATEADDRESS')
    return {
      what: `${host} resolves to a private address, where Microsoft never is (${code})`,
      remedy:
        'Look who answers for that name here: name service, hosts file, or a proxy that should be named in HTTPS_PROXY.',
      isLasting: true,
    }
  if (CERTIFICATE.test(code)) return { ...certificateCause(code, target), isLasting: true }
  const passing = (what: string, remedy: string): Cause => ({ what: `${what} (${code})`, remedy, isLasting: false })
  switch (code) {
    case 'ENOTFOUND':
    case 'EAI_NONAME':
      return passing(
        `the name of ${proxy === undefined ? host : `${host} or of the proxy ${proxy}`} is not known to this machine's name service`,
        'Check the DNS servers of this machine, and the spelling of the proxy in HTTPS_PROXY or of custom addresses.',
      )
    case 'EAI_AGAIN':
    case 'ESERVFAIL':
      return passing(
        `the name service did not answer for ${host}`,
        'Check the DNS servers of this machine, then try again.',
      )
    case 'ECONNREFUSED':
      return passing(
        proxy === undefined ? `${host} refused the connection` : `the connection to ${target} was refused`,
        proxy === undefined
          ? `Check that the firewall lets this machine reach ${host} on port 443, or name the proxy in HTTPS_PROXY.`
          : `Check that the proxy ${proxy} runs and that HTTPS_PROXY names its port.`,
      )
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ConnectTimeoutError':
      return passing(
        `the connection to ${target} was not answered in time`,
        `Most often a firewall drops it: allow ${host} on port 443, or name the proxy that leads there in HTTPS_PROXY.`,
      )
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return passing(`there is no way from this machine to ${target}`, 'Check network and routes of this machine.')
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
    case 'SocketError':
      return passing(
        `the connection to ${target} was cut`,
        'Try again; if it stays, a firewall or proxy between cuts it: let it pass this host.',
      )
    default:
      return passing(`the connection to ${target} failed`, 'Check network, proxy and firewall.')
  }
}

/** What a proxy answered in place of a tunnel. */
export function explainProxyRefusal(status: string, { host, proxy }: Way): Cause {
  const shown = proxy ?? ''
  const why: Readonly<Record<string, readonly [string, string]>> = {
    '407': [
      'it wants a user name and password',
      'Write them into the proxy address in HTTPS_PROXY, e.g. http://user:password@proxy.example:3128.',
    ],
    '403': [`it does not allow ${host}`, `Let the proxy allow CONNECT to ${host}, port 443, for this machine.`],
    '502': [`it cannot reach ${host}`, `Look at the proxy: its own name service or way to ${host} fails.`],
    '503': [`it cannot reach ${host}`, `Look at the proxy: its own name service or way to ${host} fails.`],
    '504': [`${host} did not answer it in time`, `Look at the proxy's way to ${host}.`],
  }
  const [because, remedy] = why[status] ?? [
    '',
    `Look at the proxy, or exempt ${host} by NO_PROXY if it is reached directly.`,
  ]
  return {
    what: `the proxy ${shown} refused the connection with ${status}${because === '' ? '' : `: ${because}`}`,
    remedy,
    isLasting: true,
  }
}

function certificateCause(code: string, target: string): Omit<Cause, 'isLasting'> {
  const not = (why: string, remedy: string) => ({
    what: `the TLS certificate that was shown for ${target} is not trusted: ${why} (${code})`,
    remedy,
  })
  const inspected =
    'Most often a proxy or firewall inspects TLS: name its certificate authority (PEM) in MUSTER_CA_FILE. Verification is never switched off.'
  if (/HAS_EXPIRED/.test(code)) return not('it has expired', `Check the clock of this machine. ${inspected}`)
  if (/NOT_YET_VALID/.test(code)) return not('it is not valid yet', 'Check the clock of this machine.')
  if (/ALTNAME|HOSTNAME/.test(code))
    return not(
      'it is made for another host',
      'Look who answers for that name: name service, proxy, or a custom address.',
    )
  if (/SELF_SIGNED/.test(code)) return not('it was signed by nobody this machine knows', inspected)
  if (/UNABLE_TO|UNTRUSTED|ISSUER/.test(code)) return not('its authority is not known here', inspected)
  if (/PROTOCOL|WRONG_VERSION|ERR_SSL/.test(code))
    return not(
      'no common version of TLS was found',
      'Something between answers without modern TLS: check that the address is an https one and what inspects it.',
    )
  return not('it was refused', inspected)
}
