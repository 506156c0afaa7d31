// What the routes work with. The composition root makes it.
import type { Engine } from '../sync/engine.ts'
import type { Actions } from './actions.ts'

export interface HttpParts {
  readonly engine: Engine
  /** What the command line can do too. */
  readonly actions: Actions
  readonly version: string
}
