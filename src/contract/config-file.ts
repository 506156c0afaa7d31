// The config file `muster.yaml`, whole: connections and sources. Only its shape; secrets are named in it, never held.
import { z } from 'zod'
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import { connectionMistakes, connectionShape, objectName } from './connection-settings.ts'
import { expiryDay, federationMistakes, managedIdentity, MAX_CREDENTIALS, workloadIdentity } from './credentials.ts'
import { at as valueAt, parseWithProblems } from './problems.ts'
import { sourceSettings } from './sources.ts'
import { settingsMistakes } from './written-settings.ts'

const notASecret = (issue: { readonly input?: unknown }) =>
  typeof issue.input === 'object' && issue.input !== null
    ? undefined
    : 'secrets do not stand in this file; name where it is: { env: NAME } or { file: path }'
const reference = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })], {
  error: notASecret,
})
/** Where a secret is read from when the file is applied. */
export type SecretReference = z.output<typeof reference>

const secret = z.union(
  [
    reference.options[0].extend({ expires: expiryDay.optional() }),
    reference.options[1].extend({ expires: expiryDay.optional() }),
  ],
  {
    error: notASecret,
  },
)

/** One, or several side by side, tried in their order. */
const severally = <Schema extends z.ZodType>(one: Schema) =>
  z.union([one.transform((value) => [value]), z.array(one).min(1).max(MAX_CREDENTIALS)], { error: notASecret })

const connection = z
  .strictObject({
    ...connectionShape,
    clientSecret: severally(secret).optional(),
    certificate: z.union([z.literal('generate'), severally(reference)], { error: notASecret }).optional(),
    workloadIdentity: workloadIdentity.optional(),
    managedIdentity: managedIdentity.optional(),
  })
  .superRefine((c, context) => {
    for (const { at, message } of [...connectionMistakes(c), ...federationMistakes(c)])
      context.addIssue({ code: 'custom', path: [at], message })
  })
/** A connection as the config file writes it, with every default filled in. */
export type ConnectionSettings = z.output<typeof connection>

const file = z.strictObject({
  connections: z.record(objectName, connection).default({}),
  sources: z.record(objectName, sourceSettings).default({}),
})
const CREDENTIAL_KEYS = ['clientSecret', 'certificate', 'workloadIdentity', 'managedIdentity'] as const
const CREDENTIAL_MISSING =
  'a credential is missing: give clientSecret: { env: NAME } or { file: path }, certificate: { file: path } or generate, workloadIdentity: { file: path }, or managedIdentity: true'

/** A config file with every default filled in. */
export type ConfigFile = z.output<typeof file>

/**
 * Checks a parsed YAML or JSON document as a whole.
 *
 * @param knownConnections names of connections that exist outside the file, which its sources may use
 * @throws ConfigError with every mistake found, by path
 */
export function parseConfigFile(document: unknown, knownConnections: ReadonlySet<string>): ConfigFile {
  const parsed = parseWithProblems(file, document ?? {})
  if (parsed.kind === 'problems') throw new ConfigError(parsed.problems)
  const problems: ConfigProblem[] = []
  for (const [connection, settings] of Object.entries(parsed.value.connections)) {
    // One that exists keeps the credentials on file.
    if (CREDENTIAL_KEYS.every((key) => settings[key] === undefined) && !knownConnections.has(connection))
      problems.push({ at: `connections.${connection}`, message: CREDENTIAL_MISSING })
  }
  for (const [source, settings] of Object.entries(parsed.value.sources)) {
    const at = `sources.${source}`
    if (!Object.hasOwn(parsed.value.connections, settings.connection) && !knownConnections.has(settings.connection)) {
      problems.push({
        at: `${at}.connection`,
        message: `there is no connection "${settings.connection}" in this file or in the database`,
      })
    }
    for (const mistake of settingsMistakes(valueAt(document, ['sources', source]), settings))
      problems.push({ at: `${at}.${mistake.at}`, message: mistake.message })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return parsed.value
}
