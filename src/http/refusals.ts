// Whoever is refused is audited, but a flood of attempts fills no table: of equal ones the first is written, and one a minute after
// it with how many there were in between. Beyond a number of different ones a minute, of one network and of all, a single entry
// tells how many there were, at what and from where. Counted by each process for itself.
import { withTransaction } from '../database/transaction.ts'
import { type Actor, type AuditRecord, recordAudit } from '../registry/audit.ts'
import { networkOf } from '../signin/network.ts'
import type { Engine } from '../sync/engine.ts'

const EVERY_MS = 60_000
/** Different ones of one network in a minute. */
const MOST_OF_NETWORK = 20
/** Different ones of all in a minute, for each kind: what is refused elsewhere does not silence who tries to sign in. */
const MOST = 120
/** Different ones that are remembered. */
const MOST_KNOWN = 5_000
/** Networks that an entry about many names: those with the most. */
const NAMED_NETWORKS = 5

export interface Refusal {
  readonly actor: Actor
  /** As the audit calls what was refused; without one the endpoint's name stands in the details alone. */
  readonly action: string | null
  readonly endpoint: string
  /** Code of the problem that was answered. */
  readonly reason: string
  /** Beside the reason, of the first of equal ones. */
  readonly facts?: Readonly<Record<string, unknown>> | undefined
  /** Somebody whom it was about: what is refused to another one is not equal. */
  readonly about?: string | undefined
  /** What stands as subject in the audit. */
  readonly subject?: string | undefined
}

interface Known {
  readonly endpoint: string
  readonly network: string
  readonly since: number
  untold: number
}

interface Parts extends Pick<Engine, 'db' | 'clock' | 'log'> {
  readonly vault: Pick<Engine['vault'], 'lookup'>
}

export class Refusals {
  readonly #engine: Parts
  readonly #known = new Map<string, Known>()
  readonly #stop = new AbortController()
  /** Of this minute, by kind and network. */
  readonly #told = new Map<string, number>()
  #minute = 0
  /** Those that no entry of their own will tell, by endpoint and by network. */
  readonly #more = { endpoints: new Map<string, number>(), networks: new Map<string, number>() }
  #telling: Promise<void> | undefined

  constructor(engine: Parts) {
    this.#engine = engine
  }

  /** Writes it, or counts it. Never throws: who was refused is refused, whatever becomes of this. */
  async note({ actor, action, endpoint, reason, facts, about, subject }: Refusal): Promise<void> {
    const key = JSON.stringify([actor.kind, actor.name, actor.address, endpoint, reason, about])
    const network = actor.address === undefined ? '' : networkOf(actor.address)
    const untold = this.#take(key, { endpoint, network, kind: kindOf(action, endpoint) })
    if (untold === undefined) {
      this.#telling ??= this.#tellLater()
      return
    }
    const details = { endpoint, reason, ...facts, ...(untold === 0 ? {} : { alsoSinceTheLast: untold }) }
    await this.#write({ actor, action: `${action ?? 'access'}.refused`, subject: subject ?? null, details })
  }

  /** Tells what is not told yet. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the server stops'))
    await this.#telling
  }

  async #write(record: AuditRecord): Promise<void> {
    const { db, log } = this.#engine
    try {
      await withTransaction(db, (tx) => recordAudit(tx, this.#engine, record), { lockTimeoutMs: 5_000 })
    } catch {
      // The answer is a refusal either way; nobody may do more because it could not be written.
      log.warn('a refused attempt could not be audited', { code: String(record.details['reason']) })
    }
  }

  /** @returns how many were not told since the last one; undefined: this one is not told either */
  #take(key: string, one: { readonly endpoint: string; readonly network: string; readonly kind: string }) {
    const { endpoint, network, kind } = one
    const now = this.#engine.clock.monotonicMs()
    if (now - this.#minute >= EVERY_MS) {
      this.#minute = now
      this.#told.clear()
    }
    const known = this.#known.get(key)
    if (known !== undefined && now - known.since < EVERY_MS) {
      known.untold += 1
      return undefined
    }
    const ofNetwork = `${kind} ${network}`
    if ((this.#told.get(kind) ?? 0) >= MOST || (this.#told.get(ofNetwork) ?? 0) >= MOST_OF_NETWORK) {
      if (known === undefined) this.#count(one, 1)
      else known.untold += 1
      return undefined
    }
    for (const counted of [kind, ofNetwork]) this.#told.set(counted, (this.#told.get(counted) ?? 0) + 1)
    if (this.#known.size >= MOST_KNOWN) this.#forget(() => true)
    this.#known.set(key, { endpoint, network, since: now, untold: 0 })
    return known?.untold ?? 0
  }

  #count({ endpoint, network }: Pick<Known, 'endpoint' | 'network'>, count: number): void {
    const { endpoints, networks } = this.#more
    endpoints.set(endpoint, (endpoints.get(endpoint) ?? 0) + count)
    if (networks.size < MOST_KNOWN || networks.has(network)) networks.set(network, (networks.get(network) ?? 0) + count)
  }

  /** What was counted of these is told with the many. */
  #forget(which: (known: Known) => boolean): void {
    for (const [key, known] of this.#known) {
      if (!which(known)) continue
      if (known.untold > 0) this.#count(known, known.untold)
      this.#known.delete(key)
    }
  }

  /** Once a minute while there is something: equal ones that went on are told by the next of them, so they have two. */
  async #tellLater(): Promise<void> {
    const { clock } = this.#engine
    do {
      await clock.sleep(EVERY_MS, this.#stop.signal).catch(() => {})
      const isEnd = this.#stop.signal.aborted
      const now = clock.monotonicMs()
      this.#forget((known) => isEnd || now - known.since >= 2 * EVERY_MS)
      await this.#tellMany()
    } while (!this.#stop.signal.aborted && [...this.#known.values()].some((known) => known.untold > 0))
    this.#telling = undefined
  }

  async #tellMany(): Promise<void> {
    const { endpoints, networks } = this.#more
    if (endpoints.size === 0) return
    const most = [...networks].sort(([, a], [, b]) => b - a).slice(0, NAMED_NETWORKS)
    const details = {
      reason: 'many',
      count: [...endpoints.values()].reduce((sum, count) => sum + count, 0),
      endpoints: Object.fromEntries(endpoints),
      from: Object.fromEntries(most),
    }
    endpoints.clear()
    networks.clear()
    await this.#write({ actor: { kind: 'nobody', name: 'nobody' }, action: 'access.refused', subject: null, details })
  }
}

/**
 * Attempts to be somebody, and all others. Those with Microsoft by themselves: anybody brings what was refused there, and must not
 * silence who tries passwords here.
 */
function kindOf(action: string | null, endpoint: string): string {
  if (endpoint === 'microsoftCallback' || endpoint === 'beginMicrosoft') return 'with-microsoft'
  return action !== null && /^(?:session|terminal|account|second-factor)\./.test(action) ? 'signing-in' : 'others'
}
