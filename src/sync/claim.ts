// What must be unique among active users.

/** A value that must be unique among active users. */
export interface Claim {
  /** `record`: a record that was found by a pairing key, by its id; settled before all else. */
  readonly space: 'name' | 'card' | 'pin' | 'number' | 'record'
  /** Canonical form; for cards and PINs its keyed look-up. */
  readonly key: string
  /**
   * `own`: the registry's, never given up. `value`: an alias, card, PIN or number that the source gives. `kept`: an old user name.
   * `parked`: comes back where free. `replaced`: the registry's own, until the one that the source gives instead is his.
   */
  readonly rank: 'own' | 'userName' | 'value' | 'kept' | 'parked' | 'replaced'
}
