// What signing in works with; the engine has all of it.
import type { Clock } from '../base/clock.ts'
import type { Database } from '../database/connect.ts'
import type { Vault } from '../vault/keys.ts'

export interface SignInParts {
  readonly db: Database
  readonly vault: Pick<Vault, 'lookup' | 'seal' | 'open'>
  readonly clock: Clock
}
