// The versions of the key, as `muster keys` and the API tell them.
import { z } from 'zod'

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
