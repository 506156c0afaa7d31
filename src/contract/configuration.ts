// What applying a config file changes.
import { z } from 'zod'

/** One setting. Absent on either side: it is not there. */
export const fieldChange = z.object({
  /** Dotted path inside the connection or source. */
  at: z.string(),
  old: z.unknown().optional(),
  new: z.unknown().optional(),
})
export type FieldChange = z.infer<typeof fieldChange>

export const configurationChange = z.object({
  kind: z.enum(['connection', 'source']),
  name: z.string(),
  action: z.enum(['create', 'change', 'remove', 'unchanged']),
  /** What changes, by the keys of the config file. Never a secret. */
  changes: z.array(fieldChange).readonly(),
  /** Sources: whether everybody is planned anew by the next run. */
  replans: z.boolean(),
})
export type ConfigurationChange = z.infer<typeof configurationChange>
