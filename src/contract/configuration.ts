// What applying a config file changes.

/** One setting. `undefined` on either side: it is not there. */
export interface FieldChange {
  /** Dotted path inside the connection or source. */
  readonly at: string
  readonly old: unknown
  readonly new: unknown
}

export interface ConfigurationChange {
  readonly kind: 'connection' | 'source'
  readonly name: string
  readonly action: 'create' | 'change' | 'remove' | 'unchanged'
  /** What changes, by the keys of the config file. Never a secret. */
  readonly changes: readonly FieldChange[]
  /** Sources: whether everybody is planned anew by the next run. */
  readonly replans: boolean
}
