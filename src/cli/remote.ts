// Which server does the work of a command, and by which token.
import { readFile } from 'node:fs/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { ConfigError } from '../base/errors.ts'
import { environment } from '../config.ts'
import { CLIENT_SETTINGS } from '../settings.ts'
import type { Server } from './client.ts'
import { UsageError } from './failure.ts'

/** As flags and environment name them; without `url` the work is done here. */
export interface RemoteOptions {
  readonly url: string | undefined
  readonly tokenFile: string | undefined
  /** The address was given with the command, not in the environment, where it stands for all commands. */
  readonly isAsked: boolean
}

/** For commands whose work is done here whatever the environment says. */
const NOT_REMOTE: RemoteOptions = { url: undefined, tokenFile: undefined, isAsked: false }

/** Flags count before the environment. */
export function remoteFrom(options: Readonly<Record<string, unknown>>): RemoteOptions {
  const flag = (key: string) => given(options[key])
  return {
    url: flag('url') ?? fromEnvironment('url'),
    tokenFile: flag('tokenFile') ?? fromEnvironment('tokenFile'),
    isAsked: flag('url') !== undefined,
  }
}

/** For `serve` and its like, which no server can do. @throws UsageError where one was asked for */
export function notRemote({ isAsked }: RemoteOptions, command: string): RemoteOptions {
  if (isAsked) throw new UsageError(`muster ${command} does its work here and on no server; leave --url away`)
  return NOT_REMOTE
}

function fromEnvironment(key: (typeof CLIENT_SETTINGS)[number]['key']): string | undefined {
  const names = CLIENT_SETTINGS.find((setting) => setting.key === key)?.env ?? []
  return names.map((name) => given(environment()[name])).find((text) => text !== undefined)
}

function given(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
}

/**
 * The server with its token. A token is never taken from the command line, which every process of the machine can read.
 *
 * @throws ConfigError for an address that a token must not be sent to, or without a token
 */
export async function requireServer({ url = '', tokenFile }: RemoteOptions): Promise<Server> {
  const problem = serverProblem(url)
  if (problem !== undefined) throw new ConfigError([{ at: '--url', message: problem }])
  const token = tokenFile === undefined ? fromEnvironment('token') : (await readToken(tokenFile)).trim()
  if (token === undefined || token === '') {
    const message = 'an API token is needed: set MUSTER_TOKEN, or name a file that holds it with --token-file'
    throw new ConfigError([{ at: tokenFile === undefined ? 'MUSTER_TOKEN' : '--token-file', message }])
  }
  if (!/^[\w.~+/=-]+$/.test(token))
    throw new ConfigError([
      { at: 'MUSTER_TOKEN', message: 'this is no API token; it has letters, digits and -._~+/= only' },
    ])
  return { url: url.replace(/\/+$/, ''), token }
}

/**
 * Servers of an organization often have certificates of its own authority: those in this file are trusted beside the public ones,
 * in all of this process, which does nothing else than ask.
 *
 * @throws ConfigError
 */
export async function trustAuthorities(path: string): Promise<void> {
  try {
    setDefaultCACertificates([...getCACertificates('default'), await readFile(path, 'utf8')])
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : error
    throw new ConfigError([{ at: 'CA file', message: `${path} cannot be used: ${String(code)}` }])
  }
}

async function readToken(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : error
    throw new ConfigError([{ at: '--token-file', message: `cannot read ${path}: ${String(code)}` }])
  }
}

/**
 * Why a text cannot be the address of a server; `undefined` when it can. The token is sent there, so anything but https is refused
 * except on this machine itself.
 */
function serverProblem(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null) return `${JSON.stringify(text)} is not a URL; write it like https://muster.example.com`
  const isLoopback =
    url.hostname === 'localhost' || url.hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))
    return 'the token is sent to the server, so its URL begins with https:; plain http is for this machine only'
  if (url.username !== '' || url.password !== '') return 'the URL must not carry a user name or password'
  if (url.search !== '' || url.hash !== '') return 'the URL must not carry a query or a fragment'
  return undefined
}
