// Credentials of a connection that are no secrets: what is written of them in the config file and sent by forms.
import { z } from 'zod'
import type { ConfigProblem } from '../base/errors.ts'
import { isLoopbackRoot } from '../directory/clouds.ts'
import { parseTenantId } from '../directory/ids.ts'

const file = z
  .string()
  .min(1)
  .max(1000)
  .refine(
    (path) => /^(?:\/|[A-Za-z]:[\\/])/.test(path) && !/\p{Cc}/u.test(path),
    'must be an absolute path on the machine that Muster runs on',
  )

/** The file that the platform keeps a token in; read again for every request. */
export const workloadIdentity = z.strictObject({ file })
export type WorkloadIdentity = z.output<typeof workloadIdentity>

const clientId = z.string().transform((text, context) => {
  const id = parseTenantId(text)
  if (id !== undefined) return id
  context.addIssue({
    code: 'custom',
    message: 'must be the client ID of the identity, a UUID as the Azure portal shows it',
  })
  return z.NEVER
})

/** The machine's own identity, or one that a user assigned. */
export const managedIdentity = z.union([z.literal(true), z.strictObject({ clientId })], {
  error: () => 'must be true for the identity of the machine, or { clientId: … } for one that was assigned to it',
})
export type ManagedIdentity = z.output<typeof managedIdentity>

/** The day on which a client secret ends, as Entra shows it. */
export const expiryDay = z.iso.date('must be a day like 2027-05-31')

/** Most credentials of a connection: two of a kind while one is replaced, and some room. Each one refused costs a request in every run. */
export const MAX_CREDENTIALS = 4

/** Where the token of another issuer would be sent to where it was not made for. */
export function federationMistakes(connection: {
  readonly cloud?: unknown
  readonly authorityUrl?: unknown
  readonly workloadIdentity?: unknown
}): readonly ConfigProblem[] {
  const { cloud, authorityUrl } = connection
  if (connection.workloadIdentity === undefined || cloud !== 'custom') return []
  if (typeof authorityUrl === 'string' && isLoopbackRoot(authorityUrl)) return []
  return [
    {
      at: 'workloadIdentity',
      message: "is accepted with Microsoft's own clouds only: its token would be sent to where it was not made for",
    },
  ]
}
