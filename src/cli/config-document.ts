// Reads a config file and the secrets that it names.
import { readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { text as readStream } from 'node:stream/consumers'
import { parseDocument } from 'yaml'
import type { ConnectionSecrets } from '../app.ts'
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import type { ConfigFile, ConnectionSettings, SecretReference } from '../contract/config-file.ts'

/** Thousands of sources fit; a file that was named by mistake does not. */
const MAX_FILE_BYTES = 4 * 1024 * 1024
const MAX_SECRET_BYTES = 64 * 1024
/** Anchors save typing; a file that unfolds to millions of nodes is an accident or an attack. */
const MAX_ALIASES = 100

/**
 * Reads YAML 1.2 or JSON as plain data. `-` is standard input.
 *
 * @throws ConfigError with line and column of every mistake
 */
export async function readConfigDocument(path: string): Promise<unknown> {
  const text = path === '-' ? await readStream(process.stdin) : await readText(path, { at: '', max: MAX_FILE_BYTES })
  const document = parseDocument(text, { version: '1.2', schema: 'core', uniqueKeys: true, strict: true })
  // An unknown tag is a warning to the parser; here it would silently become something else.
  const mistakes = [...document.errors, ...document.warnings]
  if (mistakes.length > 0) {
    throw new ConfigError(
      mistakes.map((m) => ({ at: path, message: m.message.split('\n\n')[0]?.replace(/:\s*$/, '') ?? m.code })),
    )
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES })
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error
    throw new ConfigError([{ at: path, message: `the aliases in the file unfold to too much: ${error.message}` }])
  }
}

/**
 * Reads the secrets that the connections of a file name. Paths are relative to the file.
 *
 * @throws ConfigError with every secret that cannot be read
 */
export async function readSecrets(
  file: ConfigFile,
  options: { readonly configPath: string; readonly environment: Readonly<Record<string, string | undefined>> },
): Promise<ReadonlyMap<string, ConnectionSecrets>> {
  const problems: ConfigProblem[] = []
  const secrets = new Map<string, ConnectionSecrets>()
  for (const [name, connection] of Object.entries(file.connections)) {
    secrets.set(name, await readSecretsOf(connection, { ...options, at: `connections.${name}`, problems }))
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return secrets
}

interface Reading {
  readonly configPath: string
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly at: string
  readonly problems: ConfigProblem[]
}

async function readSecretsOf(connection: ConnectionSettings, reading: Reading): Promise<ConnectionSecrets> {
  const { clientSecret = [], certificate = [] } = connection
  const secrets: string[] = []
  const certificates: { text: string; at: string }[] = []
  for (const [n, reference] of clientSecret.entries()) {
    const at = `${reading.at}.clientSecret${clientSecret.length > 1 ? `[${n}]` : ''}`
    const value = await attempt(reading, () => readSecret(reference, { ...reading, at }))
    if (value !== undefined) secrets.push(value)
  }
  for (const [n, reference] of certificate === 'generate' ? [] : certificate.entries()) {
    const at = `${reading.at}.certificate${certificate.length > 1 ? `[${n}]` : ''}`
    const text = await attempt(reading, () => readSecret(reference, { ...reading, at }))
    if (text !== undefined) certificates.push({ text, at: `${at}.${'file' in reference ? 'file' : 'env'}` })
  }
  return { secrets, certificates }
}

async function readSecret(reference: SecretReference, reading: Reading): Promise<string> {
  if ('file' in reference) return readNamedFile(reference.file, { ...reading, at: `${reading.at}.file` })
  const value = reading.environment[reference.env]?.trim()
  if (value !== undefined && value !== '') return value
  const state = value === undefined ? 'is not set' : 'is empty'
  throw new ConfigError([{ at: `${reading.at}.env`, message: `the environment variable ${reference.env} ${state}` }])
}

async function readNamedFile(path: string, { configPath, at }: { configPath: string; at: string }): Promise<string> {
  const folder = configPath === '-' ? process.cwd() : dirname(configPath)
  const text = (await readText(resolve(folder, path), { at, max: MAX_SECRET_BYTES })).trim()
  if (text === '') throw new ConfigError([{ at, message: `the file ${resolve(folder, path)} is empty` }])
  return text
}

async function attempt(reading: Reading, read: () => Promise<string>): Promise<string | undefined> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    reading.problems.push(...error.problems)
    return undefined
  }
}

async function readText(path: string, { at, max }: { at: string; max: number }): Promise<string> {
  let bytes: Buffer
  try {
    const { size } = await stat(path)
    if (size > max) {
      throw new ConfigError([{ at, message: `the file is too large: ${size} bytes, at most ${max} are read` }])
    }
    bytes = await readFile(path)
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const code: unknown = error instanceof Error && 'code' in error ? error.code : error
    const reasons: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'it may not be read by this user',
      EISDIR: 'it is a folder',
    }
    throw new ConfigError([{ at, message: `cannot read ${path}: ${reasons[String(code)] ?? String(code)}` }])
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ConfigError([{ at, message: `${path} is not UTF-8 text` }])
  }
}
