// A config file on its way into the database: what only this side can check, schedules, time zones and certificates.
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import type { ConfigFile } from '../contract/config-file.ts'
import { type connectionShape, objectName, parseConnection } from '../contract/connection-settings.ts'
import { parseWithProblems } from '../contract/problems.ts'
import { parseCertificate } from './certificates.ts'
import type { WantedConfiguration } from './configuration.ts'
import type { WantedConnection, WantedCredential } from './put-connection.ts'
import { scheduleProblems } from './schedules.ts'

/** The secrets of a connection as read from where the config file says. */
export interface ConnectionSecrets {
  readonly secret: string | undefined
  /** PEM text, and where it is named, for messages. */
  readonly certificate: { readonly text: string; readonly at: string } | undefined
}

const NOT_SENT = 'what it names was not read; secrets are read where the file is, and sent beside it'

/** @throws ConfigError with every mistake */
export function prepareConfiguration(
  file: ConfigFile,
  secrets: ReadonlyMap<string, ConnectionSecrets>,
): WantedConfiguration {
  const problems: ConfigProblem[] = []
  for (const [name, settings] of Object.entries(file.sources)) {
    problems.push(...scheduleProblems(settings).map((p) => ({ ...p, at: `sources.${name}.${p.at}` })))
  }
  const connections = new Map<string, WantedConnection>()
  for (const [name, settings] of Object.entries(file.connections)) {
    for (const key of ['clientSecret', 'certificate'] as const) {
      const given = key === 'clientSecret' ? secrets.get(name)?.secret : secrets.get(name)?.certificate
      if (settings[key] !== undefined && given === undefined)
        problems.push({ at: `connections.${name}.${key}`, message: NOT_SENT })
    }
    try {
      connections.set(name, { settings, credentials: credentialsOf(secrets.get(name)) })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { connections, sources: new Map(Object.entries(file.sources)) }
}

/** @throws ConfigError for a certificate that cannot be used */
function credentialsOf(secrets: ConnectionSecrets | undefined): readonly WantedCredential[] {
  const credentials: WantedCredential[] = []
  if (secrets?.secret !== undefined) {
    credentials.push({ kind: 'secret', value: secrets.secret, thumbprint: null, expiresAt: null })
  }
  if (secrets?.certificate !== undefined) {
    const { pem, thumbprint, expiresAt } = parseCertificate(secrets.certificate.text, secrets.certificate.at)
    credentials.push({ kind: 'certificate', value: pem, thumbprint, expiresAt })
  }
  return credentials
}

/** A connection as a form sends it. */
export interface TypedConnection extends Readonly<Partial<Record<keyof typeof connectionShape, unknown>>> {
  readonly clientSecret?: string | undefined
  readonly certificate?: string | undefined
}

/**
 * Checks a connection that somebody has typed.
 *
 * @param options.name to be checked too, where it is new
 * @param options.needsCredential whether one has to be given
 * @throws ConfigError with every mistake, by the form's fields
 */
export function prepareConnection(
  typed: TypedConnection,
  options: { readonly name?: string | undefined; readonly needsCredential: boolean },
): WantedConnection {
  const problems: ConfigProblem[] = []
  if (options.name !== undefined) {
    const named = parseWithProblems(objectName, options.name)
    if (named.kind === 'problems') problems.push(...named.problems.map((problem) => ({ ...problem, at: 'name' })))
  }
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, clientSecret, certificate } = typed
  const parsed = parseConnection({ tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft })
  if (parsed.kind === 'problems') problems.push(...parsed.problems)
  if (options.needsCredential && clientSecret === undefined && certificate === undefined)
    problems.push({ at: 'clientSecret', message: 'a credential is missing: give a client secret or a certificate' })
  let credentials: readonly WantedCredential[] = []
  try {
    const pem = certificate === undefined ? undefined : { text: certificate, at: 'certificate' }
    credentials = credentialsOf({ secret: clientSecret, certificate: pem })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  if (problems.length > 0 || parsed.kind === 'problems') throw new ConfigError(problems)
  return { settings: parsed.value, credentials }
}
