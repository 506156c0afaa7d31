// The config file `muster.yaml`, whole: connections and sources. Only its shape; secrets are named in it, never held.
import { z } from 'zod'
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import { CLOUDS, normalizeRoot, rootProblem } from '../directory/clouds.ts'
import { parseTenantId } from '../directory/ids.ts'
import { at as valueAt, parseWithProblems } from './problems.ts'
import { sourceSettings } from './sources.ts'

const uuid = (what: string) =>
  z.string().transform((text, context) => {
    const id = parseTenantId(text)
    if (id !== undefined) return id
    context.addIssue({ code: 'custom', message: `must be the ${what}, a UUID as the Entra admin centre shows it` })
    return z.NEVER
  })

const reference = z.union([z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })], {
  error: (issue) =>
    typeof issue.input === 'object' && issue.input !== null
      ? undefined
      : 'secrets do not stand in this file; name where it is: { env: NAME } or { file: path }',
})
/** Where a secret is read from when the file is applied. */
export type SecretReference = z.output<typeof reference>

const root = z.string().transform((text, context) => {
  const problem = rootProblem(text)
  if (problem === undefined) return normalizeRoot(text)
  context.addIssue({ code: 'custom', message: problem })
  return z.NEVER
})

const connection = z
  .strictObject({
    tenantId: uuid('directory (tenant) ID'),
    clientId: uuid('application (client) ID'),
    clientSecret: reference.optional(),
    certificate: z.strictObject({ file: z.string().min(1) }).optional(),
    cloud: z.enum(CLOUDS).default('global'),
    authorityUrl: root.optional(),
    graphUrl: root.optional(),
    signInWithMicrosoft: z.boolean().default(false),
  })
  .superRefine((c, context) => {
    const say = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
    for (const key of ['authorityUrl', 'graphUrl'] as const) {
      if (c.cloud === 'custom' && c[key] === undefined) say([key], 'is missing; cloud custom names both of its roots')
      if (c.cloud !== 'custom' && c[key] !== undefined) {
        say([key], `is accepted with cloud: custom only; the cloud ${c.cloud} has its own`)
      }
    }
  })
/** A connection as the config file writes it, with every default filled in. */
export type ConnectionSettings = z.output<typeof connection>

const name = z
  .string()
  .min(1, 'a name must not be empty')
  .max(100, 'a name has at most 100 characters')
  .refine(
    (text) => text === text.trim() && !/\p{Cc}/u.test(text),
    'a name has no control characters and no outer spaces',
  )

const file = z.strictObject({
  connections: z.record(name, connection).default({}),
  sources: z.record(name, sourceSettings).default({}),
})
const CREDENTIAL_MISSING =
  'a credential is missing: give clientSecret: { env: NAME } or { file: path }, or certificate: { file: path }'

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
  for (const [connection, { clientSecret, certificate }] of Object.entries(parsed.value.connections)) {
    // One that exists keeps the credentials on file.
    if (clientSecret === undefined && certificate === undefined && !knownConnections.has(connection))
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
    // What is left of a filter whose clauses were all taken out: as a setting it is none, written in a file it is a mistake.
    if (valueAt(document, ['sources', source, 'users', 'filter']) === null)
      problems.push({ at: `${at}.users.filter`, message: 'is empty; write none where everybody is meant' })
  }
  if (problems.length > 0) throw new ConfigError(problems)
  return parsed.value
}
