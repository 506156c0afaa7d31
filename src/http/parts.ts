// What the routes work with. The composition root makes it.
import type { Queue } from '../jobs/queue.ts'
import type { Engine } from '../sync/engine.ts'
import type { Actions } from './actions.ts'
import type { RunFeeds } from './run-feed.ts'

export interface HttpParts {
  readonly engine: Engine
  /** What the command line can do too. */
  readonly actions: Actions
  readonly version: string
  /** Delivers what is asked for to whichever server does it. */
  readonly queue: Pick<Queue, 'send' | 'wake'>
  readonly feeds: RunFeeds
  /** Throws where the key of this process is not the one that the database was filled with. */
  readonly checkKey?: () => Promise<void>
}
