// A config file on its way into the database: what only this side can check, schedules, time zones and certificates.
import { ConfigError, type ConfigProblem, InvariantError } from '../base/errors.ts'
import type { z } from 'zod'
import type { newCredential } from '../contract/api/connections.ts'
import type { ConfigFile } from '../contract/config-file.ts'
import { type connectionShape, objectName, parseConnection } from '../contract/connection-settings.ts'
import {
  federationMistakes,
  type ManagedIdentity,
  managedIdentity,
  type WorkloadIdentity,
} from '../contract/credentials.ts'
import { parseWithProblems } from '../contract/problems.ts'
import { looksLikeSecretId, SECRET_ID_PASTED } from '../directory/credentials.ts'
import { parseCertificate } from './certificates.ts'
import type { WantedConfiguration } from './configuration.ts'
import { certificateCredential, type WantedConnection, type WantedCredential } from './put-connection.ts'
import { scheduleProblems } from './schedules.ts'

/** The secrets of a connection as read from where the config file says, in the order of the file. */
export interface ConnectionSecrets {
  readonly secrets: readonly string[]
  /** PEM text, and where it is named, for messages. */
  readonly certificates: readonly { readonly text: string; readonly at: string }[]
}

/** Said where a connection has nothing to prove itself with. */
export const CREDENTIAL_MISSING =
  'a credential is missing: give a client secret, a certificate, a workload identity or a managed identity'

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
    const at = `connections.${name}`
    const { clientSecret = [], certificate, workloadIdentity, managedIdentity } = settings
    const { secrets: read = [], certificates = [] } = secrets.get(name) ?? {}
    const files = certificate === 'generate' ? [] : (certificate ?? [])
    if (clientSecret.length !== read.length) problems.push({ at: `${at}.clientSecret`, message: NOT_SENT })
    if (files.length !== certificates.length) problems.push({ at: `${at}.certificate`, message: NOT_SENT })
    try {
      const credentials = credentialsOf({
        secrets: read.map((value, n) => ({ value, at: `${at}.clientSecret`, expires: clientSecret[n]?.expires })),
        certificates,
        workloadIdentity,
        managedIdentity,
      })
      connections.set(name, { settings, credentials, makesCertificate: certificate === 'generate' })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      problems.push(...error.problems)
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return { connections, sources: new Map(Object.entries(file.sources)) }
}

interface GivenCredentials {
  readonly secrets?: readonly { readonly value: string; readonly at: string; readonly expires?: string | undefined }[]
  readonly certificates?: readonly { readonly text: string; readonly at: string }[]
  readonly workloadIdentity?: WorkloadIdentity | undefined
  readonly managedIdentity?: ManagedIdentity | undefined
}

/**
 * Makes credentials of what was given.
 *
 * @throws ConfigError for a certificate that cannot be used, and for the ID of a secret in place of its value
 */
function credentialsOf(given: GivenCredentials): readonly WantedCredential[] {
  const { secrets = [], certificates = [], workloadIdentity, managedIdentity } = given
  const problems: ConfigProblem[] = []
  const credentials: WantedCredential[] = []
  for (const { value, at, expires } of secrets) {
    if (looksLikeSecretId(value)) problems.push({ at, message: SECRET_ID_PASTED })
    const expiresAt = expires === undefined ? null : new Date(`${expires}T00:00:00Z`)
    credentials.push({ kind: 'secret', value, thumbprint: null, expiresAt })
  }
  for (const { text, at } of certificates) credentials.push(certificateCredential(parseCertificate(text, at)))
  if (workloadIdentity !== undefined)
    credentials.push({ kind: 'workloadIdentity', value: workloadIdentity.file, thumbprint: null, expiresAt: null })
  if (managedIdentity !== undefined) {
    const value = managedIdentity === true ? '' : managedIdentity.clientId
    credentials.push({ kind: 'managedIdentity', value, thumbprint: null, expiresAt: null })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return credentials
}

/** A connection as a form sends it. */
export interface TypedConnection extends Readonly<Partial<Record<keyof typeof connectionShape, unknown>>> {
  readonly clientSecret?: string | undefined
  /** The day on which it ends, YYYY-MM-DD. */
  readonly clientSecretExpires?: string | undefined
  readonly certificate?: string | undefined
  /** Muster makes key and certificate. */
  readonly makeCertificate?: true | undefined
  readonly workloadIdentity?: WorkloadIdentity | undefined
  readonly managedIdentity?: ManagedIdentity | undefined
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
  const { clientSecret, clientSecretExpires, certificate, makeCertificate, workloadIdentity, managedIdentity } = typed
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft, passwordsAtTerminals } = typed
  const parsed = parseConnection({
    tenantId,
    clientId,
    cloud,
    authorityUrl,
    graphUrl,
    signInWithMicrosoft,
    passwordsAtTerminals,
  })
  if (parsed.kind === 'problems') problems.push(...parsed.problems)
  problems.push(...federationMistakes(typed))
  let credentials: readonly WantedCredential[] = []
  try {
    credentials = credentialsOf({
      secrets:
        clientSecret === undefined ? [] : [{ value: clientSecret, at: 'clientSecret', expires: clientSecretExpires }],
      certificates: certificate === undefined ? [] : [{ text: certificate, at: 'certificate' }],
      workloadIdentity,
      managedIdentity,
    })
    if (options.needsCredential && credentials.length === 0 && makeCertificate === undefined)
      problems.push({ at: 'clientSecret', message: CREDENTIAL_MISSING })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    problems.push(...error.problems)
  }
  if (problems.length > 0 || parsed.kind === 'problems') throw new ConfigError(problems)
  return { settings: parsed.value, credentials, makesCertificate: makeCertificate ?? false }
}

/**
 * Checks a credential that somebody has typed.
 *
 * @returns `made` for a certificate that Muster makes
 * @throws ConfigError with every mistake, by the form's fields
 */
export function prepareCredential(typed: z.output<typeof newCredential>): WantedCredential | 'made' {
  if (typed.kind === 'newCertificate') return 'made'
  const [credential] = credentialsOf(givenOf(typed))
  if (credential === undefined) throw new InvariantError('what was typed makes no credential')
  return credential
}

function givenOf(typed: Exclude<z.output<typeof newCredential>, { kind: 'newCertificate' }>): GivenCredentials {
  switch (typed.kind) {
    case 'secret':
      return { secrets: [{ value: typed.clientSecret, at: 'clientSecret', expires: typed.expires }] }
    case 'certificate':
      return { certificates: [{ text: typed.certificate, at: 'certificate' }] }
    case 'workloadIdentity':
      return { workloadIdentity: { file: typed.file } }
    case 'managedIdentity': {
      const { clientId } = typed
      const parsed = parseWithProblems(managedIdentity, clientId === undefined ? true : { clientId })
      if (parsed.kind === 'problems') throw new ConfigError(parsed.problems)
      return { managedIdentity: parsed.value }
    }
  }
}
