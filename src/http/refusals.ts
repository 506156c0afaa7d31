// Whoever is refused is audited, but a flood of attempts fills no table: of equal ones the first is written, and one a minute after
// it with how many there were in between. Counted by each process for itself.
import { withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import type { Engine } from '../sync/engine.ts'

const EVERY_MS = 60_000
/** Different ones in a minute; those beyond are counted only. */
const MOST_A_MINUTE = 60
/** Different ones that are remembered. */
const MOST_KNOWN = 5_000

export interface Refusal {
  readonly actor: Actor
  /** As the audit calls what was refused; without one the endpoint's name stands in the details alone. */
  readonly action: string | null
  readonly endpoint: string
  /** Code of the problem that was answered. */
  readonly reason: string
  /** Beside the reason: of the first of equal ones, and nothing that tells who it was about. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined
}

export class Refusals {
  readonly #engine: Pick<Engine, 'db' | 'vault' | 'clock' | 'log'>
  readonly #known = new Map<string, { since: number; untold: number }>()
  #minute = 0
  #told = 0

  constructor(engine: Pick<Engine, 'db' | 'vault' | 'clock' | 'log'>) {
    this.#engine = engine
  }

  /** Writes it, or counts it. Never throws: who was refused is refused, whatever becomes of this. */
  async note({ actor, action, endpoint, reason, facts }: Refusal): Promise<void> {
    const key = JSON.stringify([actor.kind, actor.name, actor.address, endpoint, reason])
    const untold = this.#take(key)
    if (untold === undefined) return
    const { db, log } = this.#engine
    const details = { endpoint, reason, ...facts, ...(untold === 0 ? {} : { alsoSinceTheLast: untold }) }
    try {
      await withTransaction(
        db,
        (tx) =>
          recordAudit(tx, this.#engine, { actor, action: `${action ?? 'access'}.refused`, subject: null, details }),
        { lockTimeoutMs: 5_000 },
      )
    } catch {
      // The answer is a refusal either way; nobody may do more because it could not be written.
      log.warn('a refused attempt could not be audited', { code: reason })
    }
  }

  /** @returns how many were not told since the last one; undefined: this one is not told either */
  #take(key: string): number | undefined {
    const now = this.#engine.clock.monotonicMs()
    if (now - this.#minute >= EVERY_MS) {
      this.#minute = now
      this.#told = 0
    }
    const known = this.#known.get(key)
    const isTold = (known === undefined || now - known.since >= EVERY_MS) && this.#told < MOST_A_MINUTE
    if (!isTold) {
      if (known !== undefined) known.untold += 1
      return undefined
    }
    this.#told += 1
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(key, { since: now, untold: 0 })
    return known?.untold ?? 0
  }
}
