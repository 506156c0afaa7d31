// Two who change the same thing at once: the second one is told, instead of overwriting what he has not seen.
import { ConflictError } from '../base/errors.ts'

/**
 * To be thrown where what somebody has seen is not what is kept by now.
 *
 * @param what with its article, e.g. `the source "staff"`
 */
export function changedMeanwhile(what: string): ConflictError {
  return new ConflictError(
    'changed-meanwhile',
    `Nothing was changed: ${what} was changed by somebody else since it was read. Look at it again, and change it then; the audit tells who it was.`,
  )
}

/** For an `update`: later than before also where two changes fall into one millisecond, or the clock was set back. */
export const later = (table: string): string => `greatest(now(), ${table}.updated_at + interval '1 millisecond')`
