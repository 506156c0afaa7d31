// The versions of the key, as `muster keys` and the API tell them.
import { z } from 'zod'

/** A server asks every half minute which version is in use; before that it may seal with the one before. */
export const LEARNT_SECONDS = 120
/**
 * For so long what a browser keeps sealed is good, while it is away at Microsoft. Nobody can count those: a version of the key is kept for
 * so long after the last process may have sealed with it.
 */
export const KEPT_BY_BROWSERS_SECONDS = 600
/** After it a version of the key that nothing is under can be retired, counted from the beginning of the next one. */
export const RETIRABLE_MINUTES = (LEARNT_SECONDS + KEPT_BY_BROWSERS_SECONDS) / 60

/**
 * `sealing`: what is sealed now is under it. `opening`: values are still under it, or could be. `waiting`: in the key file, not in use
 * yet. `retired`: no longer needed.
 */
const KEY_STATES = ['sealing', 'opening', 'waiting', 'retired'] as const

const keyLine = z.object({
  version: z.int(),
  state: z.enum(KEY_STATES),
  /** Tells one key from another, and nothing about either; 32 hexadecimal digits. */
  fingerprint: z.string(),
  isInFile: z.boolean(),
  /** When it came into use; null while it waits. */
  since: z.iso.datetime().nullable(),
  retiredAt: z.iso.datetime().nullable(),
  /** Values that are under it. */
  count: z.int(),
  places: z.array(z.object({ place: z.string(), count: z.int() })),
})

export const keysReport = z.object({
  keys: z.array(keyLine),
  /** PINs are kept as look-ups only: they are not under a version of the key, but under the key of look-ups. */
  pins: z.int(),
})
export type KeysReport = z.infer<typeof keysReport>

export const rotationDocument = z.object({
  /** The version that everything is sealed with now. */
  version: z.int(),
  /** Whether this call took it into use; otherwise it went on with what an earlier one had begun. */
  isNew: z.boolean(),
  /** Values that were sealed anew. */
  resealed: z.int(),
  /** Values that cannot be opened by any version and stay as they are. */
  unreadable: z.array(z.object({ place: z.string(), count: z.int() })),
  /** Older versions that nothing is under any more: `muster keys retire` takes them out of the file. */
  retirable: z.array(z.int()),
})
export type RotationDocument = z.infer<typeof rotationDocument>
