// A config file on its way into the database: what only this side can check, schedules, time zones and certificates.
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import type { ConfigFile } from '../contract/config-file.ts'
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
export function credentialsOf(secrets: ConnectionSecrets | undefined): readonly WantedCredential[] {
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
