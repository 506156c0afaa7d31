// What a backup says of itself, and what making and restoring one tells.
import { z } from 'zod'

/** The first thing in a backup. */
export const backupManifest = z.object({
  /** The version of the Muster that made it. */
  muster: z.string(),
  createdAt: z.iso.datetime(),
  installation: z.string(),
  /** The schema that its rows fit. */
  migrations: z.array(z.object({ number: z.int(), name: z.string(), checksum: z.string() })),
  /** Which keys open what is sealed in it: fingerprints, in hex. The keys themselves are not in it. */
  keys: z.array(z.object({ version: z.int(), fingerprint: z.string() })),
})
export type BackupManifest = z.infer<typeof backupManifest>

export interface BackupProgress {
  readonly phase: 'copying' | 'checking' | 'loading' | 'indexing'
  readonly done: number
  readonly total: number | undefined
}

/** What was written. */
export interface BackupSummary {
  readonly createdAt: string
  /** Null where a server made it, which sends the file alone. */
  readonly tables: number | null
  readonly rows: number | null
}

/** What was found in a backup, or done with it. */
export interface RestoreSummary {
  readonly createdAt: string
  readonly tables: number
  readonly rows: number
  readonly muster: string
  readonly installation: string
  /** Migrations that the rows were brought up to date with. */
  readonly migrated: readonly string[]
  /** It is in another place than the original, which may still be there: nothing is applied until somebody takes over. */
  readonly copied: boolean
  /** False after a check. */
  readonly restored: boolean
}

/** For whom a backup is encrypted: whoever has the passphrase, or one of the secret keys. */
export type EncryptFor =
  | { readonly passphrase: string }
  /** Public keys of age, `age1…`. */
  | { readonly recipients: readonly string[] }

/** What opens an encrypted backup. */
export interface Unlock {
  readonly passphrase?: string | undefined
  /** Secret keys of age, `AGE-SECRET-KEY-…`. */
  readonly identities?: readonly string[] | undefined
}
