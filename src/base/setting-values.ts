// Values of settings as people write them: what each means, or what is wrong with it.
import { isIP } from 'node:net'
import { isAbsolute, resolve } from 'node:path'

/** What is wrong with one value; never carries the value of a secret. */
export class Mistake extends Error {}

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export function parsePath(text: string): string {
  if (text.includes('\0')) throw new Mistake('is not a path')
  return isAbsolute(text) ? text : resolve(text)
}

export function parseUrl(text: string, protocols: readonly string[]): string {
  const expected = protocols.map((protocol) => `${protocol}//`).join(' or ')
  if (!protocols.some((protocol) => text.startsWith(`${protocol}//`)))
    throw new Mistake(`must be a URL that begins with ${expected}`)
  // A socket's folder as host, percent-encoded, is valid for PostgreSQL though not for every URL parser.
  if (!URL.canParse(text) && !/^postgres(ql)?:\/\/[^\s]*$/.test(text))
    throw new Mistake(`must be a URL, e.g. ${expected}host`)
  return text
}

export function parseUser(text: string): string {
  if (!/^[A-Za-z0-9_][\w.@-]*\$?$/.test(text)) throw new Mistake(`${JSON.stringify(text)} is not a user name`)
  return text
}

export function parseListen(text: string): { host: string; port: number } {
  const [, host, portText] = /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/.exec(text) ?? []
  const port = Number(portText)
  if (host === undefined || port > 65_535)
    throw new Mistake(`${JSON.stringify(text)} is not host:port, e.g. 0.0.0.0:8080 or [::1]:8080`)
  return { host: host.replace(/^\[|\]$/g, ''), port }
}

export function parseNetworks(text: string): readonly string[] {
  return Object.freeze(
    text.split(',').map((part) => {
      const network = part.trim()
      const [address = '', bits, ...more] = network.split('/')
      const most = isIP(address) === 6 ? 128 : 32
      const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) >= 1 && Number(bits) <= most)
      if (isIP(address) === 0 || !isNetwork || more.length > 0)
        throw new Mistake(`${JSON.stringify(network)} is not an address or network, e.g. 10.0.0.7 or 10.0.0.0/24`)
      return network
    }),
  )
}

export function parseLogLevel(text: string): LogLevel {
  const level = LOG_LEVELS.find((candidate) => candidate === text)
  if (level === undefined) throw new Mistake(`${JSON.stringify(text)} is not one of ${LOG_LEVELS.join(', ')}`)
  return level
}

export function parseSmtpUrl(text: string): string {
  const url = URL.parse(parseUrl(text, ['smtp:', 'smtps:']))
  if (url === null || url.hostname === '') throw new Mistake('must be a URL with a host, e.g. smtp://mail.example:587')
  if (!['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '')
    throw new Mistake('must end after host and port')
  try {
    decodeURIComponent(url.username + url.password)
  } catch {
    throw new Mistake('has a percent sign in user or password that is not written as %25')
  }
  return text
}

export function parseAddress(text: string): string {
  const address = text.trim()
  if (!/^[^\s@<>,;"]+@[^\s@<>,;"]+$/.test(address)) throw new Mistake(`${JSON.stringify(text)} is not a mail address`)
  return address
}

export function parseAddresses(text: string): readonly string[] {
  return Object.freeze(text.split(',').map(parseAddress))
}

/** Null where it is no URL to every parser. */
function parseHttps(text: string): URL | null {
  const url = URL.parse(parseUrl(text, ['http:', 'https:']))
  const isLoopback = url !== null && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  if (url?.protocol === 'http:' && !isLoopback)
    throw new Mistake('must begin with https://; plain http is taken on loopback only')
  return url
}

export function parseWebhook(text: string): string {
  const url = parseHttps(text)
  if (url !== null && url.username + url.password !== '') throw new Mistake('must not carry a user or password')
  return text
}

export function parsePublicUrl(text: string): string {
  const url = parseHttps(text)
  if (
    url === null ||
    url.username + url.password !== '' ||
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== ''
  )
    throw new Mistake('must end after host and port, e.g. https://muster.contoso.com')
  // Of the names of this machine, which are all that is taken with http, Microsoft takes this one; and cookies belong to one name.
  if (url.protocol === 'http:') url.hostname = 'localhost'
  return url.origin
}

export function parseSigningSecret(text: string): string {
  if (text.length < 16) throw new Mistake('must have 16 characters or more')
  return text
}

export function parseHours(text: string): number {
  return parseWhole(text, 8760)
}

export function parseDays(text: string): number {
  return parseWhole(text, 36_500)
}

function parseWhole(text: string, most: number): number {
  const number = Number(text)
  if (!/^\d+$/.test(text) || number < 1 || number > most)
    throw new Mistake(`${JSON.stringify(text)} is not a whole number from 1 to ${most}`)
  return number
}
