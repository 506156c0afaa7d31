// What one process remembers of terminals: as what it saw them last, how many cards are being looked up at this moment, and who was
// identified where since it was last written down. So that looking up a card asks the database once and writes nothing.
import { Turns, type TurnsLimit } from '../base/turns.ts'
import type { Way } from '../contract/api/terminals.ts'
import type { Database } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { SlowDownError } from './errors.ts'
import type { TerminalIdentity } from './identity.ts'

/** Longest list that is kept when the database cannot be written; what comes beyond is not noted. */
const MOST_KEPT = 100_000
/** Terminals that are remembered; those beyond are looked up each time. */
const MOST_REMEMBERED = 10_000

interface Sighting {
  readonly userId: number
  readonly terminalId: number
  readonly way: Way
  times: number
  at: Date
}

interface Use {
  at: Date
  address: string
}

/**
 * Attempts of one terminal that are counted at the same moment: each locks the terminal's row, so that more of them would only hold connections while
 * they wait for each other.
 */
const COUNTED_AT_ONCE = { atOnce: 2, waiting: 600 } as const satisfies TurnsLimit

export class TerminalMemory {
  readonly #turns = new Turns(
    COUNTED_AT_ONCE,
    () => new SlowDownError(1, 'this terminal asks for more at once than can be counted'),
  )
  readonly #inFlight = new Map<number, number>()
  readonly #remembered = new Map<string, TerminalIdentity>()
  #sightings = new Map<string, Sighting>()
  #uses = new Map<number, Use>()

  /** @returns how many look-ups of this terminal go on in this process, this one counted; and what to call at its end */
  enter(terminalId: number): { readonly count: number; readonly leave: () => void } {
    const count = (this.#inFlight.get(terminalId) ?? 0) + 1
    this.#inFlight.set(terminalId, count)
    const leave = () => {
      const left = (this.#inFlight.get(terminalId) ?? 1) - 1
      if (left === 0) this.#inFlight.delete(terminalId)
      else this.#inFlight.set(terminalId, left)
    }
    return { count, leave }
  }

  /**
   * Does `work`, which locks what is the terminal's own, in turn with others of the same terminal. Who waits here holds no connection.
   *
   * @param options.isGoingOn with an attempt that was looked at: it comes first, so that what was right does not count longer than it must
   * @throws SlowDownError where very many wait already that begin
   */
  async inTurn<T>(
    terminalId: number,
    work: () => Promise<T>,
    options: { readonly isGoingOn?: boolean } = {},
  ): Promise<T> {
    const end = await this.#turns.take(String(terminalId), options)
    try {
      return await work()
    } finally {
      end()
    }
  }

  /** By the digest of its token. What it is now, whoever uses it has to look up. */
  recall(digest: Buffer): TerminalIdentity | undefined {
    return this.#remembered.get(digest.toString('latin1'))
  }

  remember(terminal: TerminalIdentity): void {
    const key = terminal.digest.toString('latin1')
    if (this.#remembered.size < MOST_REMEMBERED || this.#remembered.has(key)) this.#remembered.set(key, terminal)
  }

  forget({ digest }: Pick<TerminalIdentity, 'digest'>): void {
    this.#remembered.delete(digest.toString('latin1'))
  }

  noteUse(terminalId: number, use: { readonly at: Date; readonly address: string }): void {
    this.#uses.set(terminalId, { ...use })
  }

  noteSighting(seen: {
    readonly userId: number
    readonly terminalId: number
    readonly way: Way
    readonly at: Date
  }): void {
    const key = `${seen.userId} ${seen.terminalId} ${seen.way}`
    const known = this.#sightings.get(key)
    if (known !== undefined) {
      known.times += 1
      known.at = seen.at
    } else if (this.#sightings.size < MOST_KEPT) this.#sightings.set(key, { ...seen, times: 1 })
  }

  /** Writes down what was noted. What could not be written is kept for the next time. */
  async flush(db: Database): Promise<void> {
    const [sightings, uses] = [this.#sightings, this.#uses]
    if (sightings.size === 0 && uses.size === 0) return
    this.#sightings = new Map()
    this.#uses = new Map()
    try {
      await write(db, { sightings: [...sightings.values()], uses: [...uses] })
    } catch (error) {
      this.#keep(sightings, uses)
      throw error
    }
  }

  #keep(sightings: ReadonlyMap<string, Sighting>, uses: ReadonlyMap<number, Use>): void {
    for (const [key, seen] of sightings) {
      const newer = this.#sightings.get(key)
      if (newer !== undefined) newer.times += seen.times
      else if (this.#sightings.size < MOST_KEPT) this.#sightings.set(key, seen)
    }
    for (const [id, use] of uses) if (!this.#uses.has(id)) this.#uses.set(id, use)
  }
}

async function write(
  db: Database,
  { sightings, uses }: { readonly sightings: readonly Sighting[]; readonly uses: readonly (readonly [number, Use])[] },
): Promise<void> {
  await withTransaction(db, async (tx) => {
    // In one order, so that two servers do not wait for each other in a circle.
    await tx.query(
      `update terminals t set last_used_at = n.at, last_address = n.address
       from (select x.id, x.at, x.address from terminals l
               join unnest($1::int[], $2::timestamptz[], $3::text[]) x (id, at, address) on x.id = l.id
             order by l.id for update of l) n
       where t.id = n.id and (t.last_used_at is null or t.last_used_at < n.at)`,
      [uses.map(([id]) => id), uses.map(([, use]) => use.at), uses.map(([, use]) => use.address)],
    )
    await tx.query(
      `insert into terminal_sightings (user_id, terminal_id, way, times, last_at)
       select x.user_id, x.terminal_id, x.way, x.times, x.at
         from unnest($1::int[], $2::int[], $3::text[], $4::int[], $5::timestamptz[]) x (user_id, terminal_id, way, times, at)
         join terminals t on t.id = x.terminal_id
       order by 1, 2, 3
       on conflict (user_id, terminal_id, way) do update
         set times = terminal_sightings.times + excluded.times, last_at = greatest(terminal_sightings.last_at, excluded.last_at)`,
      [
        sightings.map((seen) => seen.userId),
        sightings.map((seen) => seen.terminalId),
        sightings.map((seen) => seen.way),
        sightings.map((seen) => seen.times),
        sightings.map((seen) => seen.at),
      ],
    )
  })
}
