// Microsoft's clouds and the roots of their two services. A token of one cloud is worth nothing in another.
// Source: https://learn.microsoft.com/graph/deployments (seen 2026-11).

export const CLOUDS = ['global', 'usGov', 'usGovDod', 'china', 'custom'] as const
export type Cloud = (typeof CLOUDS)[number]

/** Roots without tenant and version, without a slash at the end. */
export interface CloudRoots {
  readonly authorityUrl: string
  readonly graphUrl: string
}

/** The roots of Microsoft's clouds; `custom` names its own. */
export const CLOUD_ROOTS: Readonly<Record<Exclude<Cloud, 'custom'>, CloudRoots>> = {
  global: { authorityUrl: 'https://login.microsoftonline.com', graphUrl: 'https://graph.microsoft.com' },
  usGov: { authorityUrl: 'https://login.microsoftonline.us', graphUrl: 'https://graph.microsoft.us' },
  usGovDod: { authorityUrl: 'https://login.microsoftonline.us', graphUrl: 'https://dod-graph.microsoft.us' },
  china: {
    authorityUrl: 'https://login.partner.microsoftonline.cn',
    graphUrl: 'https://microsoftgraph.chinacloudapi.cn',
  },
}

/**
 * The audience of tokens that stand for a secret, in each cloud.
 *
 * @see https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust (seen 2026-11)
 */
export const TOKEN_EXCHANGE_AUDIENCES = {
  global: 'api://AzureADTokenExchange',
  usGov: 'api://AzureADTokenExchangeUSGov',
  usGovDod: 'api://AzureADTokenExchangeUSGov',
  china: 'api://AzureADTokenExchangeChina',
  custom: 'api://AzureADTokenExchange',
} as const satisfies Readonly<Record<Cloud, string>>

/**
 * Why a text cannot be the root of a custom endpoint, in a sentence; `undefined` when it can.
 * Secrets and tokens are sent there, so anything but https is refused except on this machine itself.
 */
export function rootProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return `${JSON.stringify(text)} is not a URL; write it like https://graph.example.com`
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `the URL begins with ${url.protocol}, not with https:`
  if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    return 'plain http is accepted for this machine only (127.0.0.1, ::1, localhost), because secrets and tokens are sent there; use https'
  }
  if (url.username !== '' || url.password !== '') return 'the URL must not carry a user name or password'
  if (url.search !== '' || url.hash !== '') return 'the URL must not carry a query or a fragment'
  if (/\/v1\.0\/?$|\/beta\/?$/.test(url.pathname)) return 'leave the version out; the root alone is asked for'
  return undefined
}

/** The root as it is stored and compared: without a slash at the end. */
export function normalizeRoot(text: string): string {
  return new URL(text).href.replace(/\/+$/, '')
}

/** Whether a root is on this machine: an emulator. */
export function isLoopbackRoot(root: string): boolean {
  const url = URL.parse(root)
  return url !== null && isLoopback(url.hostname)
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
}
