// One line of a run's log.
import { z } from 'zod'

/** No personal data: messages are fixed texts of Muster's, fields are ids, codes and counts. */
export const runLogLine = z.object({
  seq: z.int(),
  /** ISO 8601, UTC. */
  at: z.string(),
  level: z.enum(['debug', 'info', 'warn', 'error']),
  message: z.string(),
  fields: z.record(z.string(), z.union([z.string(), z.number()])),
})
export type RunLogLine = z.infer<typeof runLogLine>
