// Requests of one asker take turns, each for all of its answer. Who had to wait for his is told so: he may be somebody else by then.
import type { Clock } from '../base/clock.ts'
import { Turns, type TurnsLimit } from '../base/turns.ts'
import type { Endpoint } from '../contract/api/endpoint.ts'
import { type Identity, sessionIdOf } from '../signin/identity.ts'
import { tooManyRequests } from './problem.ts'

/** Requests of one session or API token, in this process. The pool has ten connections; a browser asks some six things at once. */
export const TURNS_OF_ONE = { atOnce: 6, waiting: 600 } as const satisfies TurnsLimit
/**
 * Over all sessions of one account or person: more than one of them has, so that a session that somebody stole leaves its owner some, and less
 * than the pool has.
 */
const TURNS_OF_OWNER = { atOnce: 8, waiting: 600 } as const satisfies TurnsLimit
/** One's own sessions and what they are proved with. */
const OF_SESSIONS = /^\/api\/v1\/sessions?(?:\/|$)/
/** Longer nobody waits for a turn: what was asked is not done when it is forgotten, and a shorter one would refuse who saves some large files. */
export const LONGEST_WAIT_MS = 30_000

interface Turn {
  readonly hasWaited: boolean
  /** To be called once. */
  readonly end: () => void
}

const NO_TURN: Turn = { hasWaited: false, end() {} }

export class RequestTurns {
  readonly #clock: Pick<Clock, 'sleep'>
  readonly #turns = new Turns(TURNS_OF_ONE, () => tooManyRequests(1))
  readonly #ofOwners = new Turns(TURNS_OF_OWNER, () => tooManyRequests(1))

  constructor(clock: Pick<Clock, 'sleep'>) {
    this.#clock = clock
  }

  /**
   * Terminals take none here: one may speak for very many devices, and some of what they ask waits for Microsoft, which must not keep cards waiting. What
   * would let one of them have all connections takes turns where it happens: cards in `CardLookUps`, and what locks the terminal's own row while it
   * is counted in `TerminalMemory`. Everything else that they ask is a statement that waits for nobody, 3,000 a second of one terminal at most. Nor do
   * streams of events, which go on for hours and hold nothing; and what somebody ends his sessions by, or proves who he is, which waits for nothing
   * that lasts: whoever has stolen a session must not keep its owner from ending it.
   *
   * @throws HttpError `too-many-requests` where too many wait already, or this one has waited too long
   */
  async take(of: {
    readonly identity: Identity
    readonly endpoint: Endpoint
    readonly signal: AbortSignal
  }): Promise<Turn> {
    const { identity, endpoint } = of
    const isKnown = identity.kind === 'account' || identity.kind === 'person' || identity.kind === 'token'
    if (!isKnown || endpoint.answer.kind === 'events' || OF_SESSIONS.test(endpoint.path)) return NO_TURN
    const tooLong = new AbortController()
    const waited = new AbortController()
    let hasWaited = false
    const onWait = () => {
      hasWaited = true
      void this.#clock.sleep(LONGEST_WAIT_MS, waited.signal).then(
        () => tooLong.abort(tooManyRequests(1)),
        // It has its turn, or has gone.
        () => {},
      )
    }
    try {
      const signal = AbortSignal.any([of.signal, tooLong.signal])
      const sessionId = sessionIdOf(identity)
      const one = sessionId === undefined ? `token ${identity.id}` : `session ${sessionId}`
      const end = await this.#turns.take(one, { signal, onWait })
      if (sessionId === undefined) return { hasWaited, end }
      try {
        // Who waits here has a turn of his session already, so that each of the owner's sessions waits with some only.
        const owner = `${identity.kind} ${identity.id}`
        const endOfOwner = await this.#ofOwners.take(owner, { signal, onWait: hasWaited ? undefined : onWait })
        return { hasWaited, end: () => (endOfOwner(), end()) }
      } catch (error) {
        end()
        throw error
      }
    } finally {
      waited.abort()
    }
  }
}
