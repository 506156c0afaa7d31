// Looks up cards for one process, many in one question: under load the database plans, locks and answers once for all that came meanwhile, and
// both sides read and write the line once. Nothing is remembered: each card is looked at, with its terminal, after it was asked for.
import { setImmediate } from 'node:timers/promises'
import { type FoundPerson, joinHolder, parsePerson, personColumns, type PersonRow } from '../registry/identify.ts'
import type { TerminalIdentity } from './identity.ts'
import type { Misses } from './misses.ts'
import type { SignInParts } from './parts.ts'
import { overallBucket } from './terminal-attempts.ts'
import { isUsable, TERMINAL_STATE } from './terminals.ts'

/** Cards in one question. */
const MOST_AT_ONCE = 100
/**
 * Questions at once: while one is asked, cards are gathered for the next. So looking up cards takes two connections to the database at most,
 * however many terminals ask, and one that hangs does not hold up all others.
 */
const QUESTIONS_AT_ONCE = 2

export interface CardAsked {
  readonly terminal: TerminalIdentity
  /** Keyed, as the vault makes it. */
  readonly lookup: Buffer
}

/** The holder of a card, and what was tried in vain at the terminal and at all of them. */
export interface CardFound {
  readonly misses: Misses
  readonly overall: Misses
  readonly person: FoundPerson | undefined
}

interface Waiting extends CardAsked {
  readonly resolve: (found: CardFound | undefined) => void
  readonly reject: (error: unknown) => void
}

export class CardLookUps {
  readonly #parts: Pick<SignInParts, 'db' | 'clock'>
  /** By terminal, that which has waited longest first. */
  readonly #waiting = new Map<number, Waiting[]>()
  #asking = 0

  constructor(parts: Pick<SignInParts, 'db' | 'clock'>) {
    this.#parts = parts
  }

  /**
   * As of after it was asked. Groups are looked up where the terminal is told them.
   *
   * @returns undefined where the terminal is not as it was seen: changed, renewed, ended or revoked
   */
  find(asked: CardAsked): Promise<CardFound | undefined> {
    return new Promise((resolve, reject) => {
      const { id } = asked.terminal
      const own = this.#waiting.get(id) ?? []
      own.push({ ...asked, resolve, reject })
      this.#waiting.set(id, own)
      void this.#ask()
    })
  }

  async #ask(): Promise<void> {
    if (this.#asking >= QUESTIONS_AT_ONCE) return
    this.#asking += 1
    while (this.#waiting.size > 0) {
      // Whatever has arrived at the same time as what began this, or as the last answer, goes along.
      await setImmediate()
      const asked = this.#take()
      // The other question may have taken them all.
      if (asked.length === 0) break
      try {
        const found = await lookUp(this.#parts, asked)
        for (const [nth, { resolve }] of asked.entries()) resolve(found[nth])
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    this.#asking -= 1
  }

  /** One of each terminal in turn: one that asks for very many makes no other one wait behind them all. */
  #take(): readonly Waiting[] {
    const taken: Waiting[] = []
    while (taken.length < MOST_AT_ONCE) {
      const [next] = this.#waiting
      if (next === undefined) break
      const [id, own] = next
      const first = own.shift()
      if (first !== undefined) taken.push(first)
      this.#waiting.delete(id)
      if (own.length > 0) this.#waiting.set(id, own)
    }
    return taken
  }
}

interface Row extends PersonRow {
  readonly nth: number
  readonly card_misses: number
  readonly card_missed_at: Date | null
  readonly overall_misses: number | null
  readonly overall_missed_at: Date | null
}

const SQL = `select r.nth::int, t.card_misses, t.card_missed_at, o.misses as overall_misses, o.missed_at as overall_missed_at,
    ${personColumns({ groups: 'r.with_groups' })}
  from unnest($1::int[], $2::bytea[], $3::text[], $4::bytea[], $5::bool[]) with ordinality r (id, digest, state, lookup, with_groups, nth)
    join terminals t on t.id = r.id and ${isUsable({ digest: 'r.digest', now: '$6' })} and ${TERMINAL_STATE} = r.state
    left join terminal_misses o on o.bucket = $7 ${joinHolder('card', 'r.lookup')}`

/** In the order of what was asked. */
async function lookUp(
  { db, clock }: Pick<SignInParts, 'db' | 'clock'>,
  asked: readonly CardAsked[],
): Promise<readonly (CardFound | undefined)[]> {
  const { rows } = await db.prepared<Row>(SQL, [
    asked.map(({ terminal }) => terminal.id),
    asked.map(({ terminal }) => terminal.digest),
    asked.map(({ terminal }) => terminal.state),
    asked.map(({ lookup }) => lookup),
    asked.map(({ terminal }) => terminal.tells.includes('groups')),
    clock.now(),
    OVERALL_CARDS,
  ])
  const found: (CardFound | undefined)[] = asked.map(() => undefined)
  for (const row of rows) {
    found[row.nth - 1] = {
      misses: { misses: row.card_misses, missedAt: row.card_missed_at },
      overall: { misses: row.overall_misses ?? 0, missedAt: row.overall_missed_at },
      person: parsePerson(row),
    }
  }
  return found
}

const OVERALL_CARDS = overallBucket('card')
