// What a connection is made of, wherever it is written: in the config file and in the form of the web.
import { z } from 'zod'
import type { ConfigProblem } from '../base/errors.ts'
import { CLOUDS, normalizeRoot, rootProblem } from '../directory/clouds.ts'
import { parseTenantId } from '../directory/ids.ts'
import { parseWithProblems } from './problems.ts'

const uuid = (what: string) =>
  z.string().transform((text, context) => {
    const id = parseTenantId(text)
    if (id !== undefined) return id
    context.addIssue({ code: 'custom', message: `must be the ${what}, a UUID as the Entra admin centre shows it` })
    return z.NEVER
  })

const root = z.string().transform((text, context) => {
  const problem = rootProblem(text)
  if (problem === undefined) return normalizeRoot(text)
  context.addIssue({ code: 'custom', message: problem })
  return z.NEVER
})

/** The keys of a connection but for its credentials. */
export const connectionShape = {
  tenantId: uuid('directory (tenant) ID'),
  clientId: uuid('application (client) ID'),
  cloud: z.enum(CLOUDS).default('global'),
  authorityUrl: root.optional(),
  graphUrl: root.optional(),
  signInWithMicrosoft: z.boolean().default(false),
  /** Microsoft advises against it: no second factor, and the password passes through other hands (docs/terminals.md). */
  passwordsAtTerminals: z.boolean().default(false),
}
const connectionSettings = z.strictObject(connectionShape)
/** A connection without its credentials. */
export type PlainConnection = z.output<typeof connectionSettings>

/** Roots that lack, or stand where a cloud has its own; passwords where nobody may sign in. */
export function connectionMistakes(connection: {
  readonly cloud: unknown
  readonly authorityUrl?: unknown
  readonly graphUrl?: unknown
  readonly signInWithMicrosoft?: unknown
  readonly passwordsAtTerminals?: unknown
}): readonly ConfigProblem[] {
  const { cloud, signInWithMicrosoft, passwordsAtTerminals } = connection
  const roots = (['authorityUrl', 'graphUrl'] as const).flatMap((at) => {
    if (cloud === 'custom' && connection[at] === undefined)
      return [{ at, message: 'is missing; cloud custom names both of its roots' }]
    if (cloud !== 'custom' && connection[at] !== undefined)
      return [{ at, message: `is accepted with cloud: custom only; the cloud ${String(cloud)} has its own` }]
    return []
  })
  if (passwordsAtTerminals !== true || signInWithMicrosoft === true) return roots
  return [...roots, { at: 'passwordsAtTerminals', message: 'needs signInWithMicrosoft: nobody may sign in otherwise' }]
}

/** What a connection or source may be called. */
export const objectName = z
  .string()
  .min(1, 'a name must not be empty')
  .max(100, 'a name has at most 100 characters')
  .refine(
    (text) => text === text.trim() && !/\p{Cc}/u.test(text),
    'a name has no control characters and no outer spaces',
  )

/** Checks a connection that somebody has typed. @returns every mistake, by key */
export function parseConnection(
  typed: Readonly<Partial<Record<keyof typeof connectionShape, unknown>>>,
): { kind: 'ok'; value: PlainConnection } | { kind: 'problems'; problems: readonly ConfigProblem[] } {
  const parsed = parseWithProblems(connectionSettings, typed)
  const mistakes = connectionMistakes({ ...typed, cloud: typed.cloud ?? 'global' })
  if (parsed.kind === 'ok' && mistakes.length === 0) return parsed
  const found = parsed.kind === 'ok' ? [] : parsed.problems
  return {
    kind: 'problems',
    problems: [...found, ...mistakes.filter(({ at }) => found.every((other) => other.at !== at))],
  }
}
