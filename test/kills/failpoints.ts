// Failpoints without a hook in the product: every distinct SQL statement and every kind of Graph request, before and after,
// named by what is said there. Counts how often each is reached, and strikes at the one that is aimed at.
import { createHash } from 'node:crypto'
import { channel } from 'node:diagnostics_channel'
import type { PoolClient } from 'pg'
import type { Database } from '../../src/database/connect.ts'
import type { RunPhase } from '../../src/sync/engine.ts'

/** When a statement or request is struck: before it is sent, when it is on its way, before whoever asked has the answer. */
export const MOMENTS = ['before', 'sent', 'after'] as const
export type Moment = (typeof MOMENTS)[number]

/** The n-th time (from 1) that a failpoint is reached. */
export interface Aim {
  readonly failpoint: string
  readonly moment: Moment
  readonly hit: number
}

export interface Failpoints {
  /** How often each was reached so far. */
  readonly reached: ReadonlyMap<string, number>
  /** Part of the names from now on. */
  enter(phase: RunPhase): void
  /** Watches every session of this pool from its next use on. */
  watchSessions(db: Database): void
  /** Watches what undici sends, in this whole process. */
  watchRequests(): void
}

type Reach = (moment: Moment, point: string) => void

/** @param strike what happens at the failpoint that is aimed at; to kill the process, it must not return */
export function createFailpoints(aim: Aim | undefined, strike: () => void): Failpoints {
  const counts = {
    before: new Map<string, number>(),
    sent: new Map<string, number>(),
    after: new Map<string, number>(),
  }
  const watched = new WeakSet<PoolClient>()
  let stage: 'pull' | 'plan' | 'apply' = 'pull'
  const reach: Reach = (moment, point) => {
    const failpoint = `${stage}: ${point}`
    const count = (counts[moment].get(failpoint) ?? 0) + 1
    counts[moment].set(failpoint, count)
    if (aim?.failpoint === failpoint && aim.moment === moment && aim.hit === count) strike()
  }
  return {
    reached: counts.before,
    enter(phase) {
      // Users, groups and memberships are read at the same time, so they are one; so is what comes before.
      if (phase === 'planning') stage = 'plan'
      else stage = phase === 'applying' ? 'apply' : 'pull'
    },
    watchSessions(db) {
      db.pool.on('acquire', (client) => {
        if (watched.has(client)) return
        watched.add(client)
        watchSession(client, reach)
      })
    },
    watchRequests() {
      for (const [name, moment] of REQUEST_MOMENTS) {
        channel(name).subscribe((message) => {
          const { request } = message as { readonly request: { readonly method: string; readonly path: string } }
          reach(moment, nameRequest(request))
        })
      }
    },
  }
}

/** https://undici.nodejs.org/#/docs/api/DiagnosticsChannel */
const REQUEST_MOMENTS = [
  ['undici:request:create', 'before'],
  ['undici:request:bodySent', 'sent'],
  ['undici:request:headers', 'after'],
] as const

function watchSession(client: PoolClient, reach: Reach): void {
  type Query = (...args: unknown[]) => unknown
  const send = (client.query as Query).bind(client)
  // What a COMMIT commits is told by the last statement before it.
  let last = 'nothing'
  const query: Query = (...args) => {
    const [sql] = args
    const text = nameStatement(typeof sql === 'string' ? sql : String((sql as { text?: unknown }).text))
    const name = text === 'commit' ? `commit of ${last}` : text
    if (text !== 'commit') last = text
    reach('before', name)
    const callback = args.at(-1)
    if (typeof callback === 'function') {
      args[args.length - 1] = (error: unknown, result: unknown) => {
        if (!error) reach('after', name)
        ;(callback as Query)(error, result)
      }
    }
    const answer = send(...args)
    reach('sent', name)
    if (answer instanceof Promise) {
      return answer.then((result: unknown) => {
        reach('after', name)
        return result
      })
    }
    // COPY: the statement is a stream.
    if (typeof callback !== 'function')
      (answer as NodeJS.EventEmitter).prependListener('finish', () => reach('after', name))
    return answer
  }
  Object.assign(client, { query })
}

const LONGEST_NAME = 64

/** One line, without the random names of cursors; long ones are cut and told apart by a digest. */
function nameStatement(sql: string): string {
  const text = sql
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/muster_[0-9a-f]{32}/g, 'cursor')
    .trim()
  if (text.length <= LONGEST_NAME) return text
  return `${text.slice(0, LONGEST_NAME - 7)}… #${createHash('sha256').update(text).digest('hex').slice(0, 4)}`
}

/** Method and path without ids; of the query only what makes it another kind of request. */
function nameRequest(request: { readonly method: string; readonly path: string }): string {
  const { pathname, searchParams } = new URL(request.path, 'http://graph')
  const path = pathname.replace(/^\/v1\.0/, '').replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '{id}')
  const token = searchParams.get('$deltatoken')
  const kind =
    token === 'latest' ? ' latest' : searchParams.has('$skiptoken') ? ' next' : token === null ? '' : ' delta'
  return `${request.method} ${path}${kind}`
}
