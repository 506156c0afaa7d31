// Whoever is refused is audited, but a flood of attempts fills no table: of equal ones the first is written, and one a minute after
// it with how many there were in between. Beyond a number of different ones a minute, of one network, of one site and of all, a single
// entry tells how many there were, at what and from where. Counted by each process for itself.
import { withTransaction } from '../database/transaction.ts'
import { type Actor, type AuditRecord, recordAudit } from '../registry/audit.ts'
import { networkOf, siteOf } from '../signin/network.ts'
import type { Engine } from '../sync/engine.ts'

const EVERY_MS = 60_000
/** Different ones of one network in a minute. */
const MOST_OF_NETWORK = 20
/** Whoever has one network of IPv6 has some tens of thousands: with six of them he would silence everybody. */
const MOST_OF_SITE = 40
/** Different ones of all in a minute, for each kind: what is refused elsewhere does not silence who tries to sign in. */
const MOST = 120
/** Beyond all these, of one account or terminal and one reason in a minute: from however many sites the others come. */
const MOST_OF_NAME = 5
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
  /** Beside the reason, of the first of equal ones. Those with another AADSTS number (`aadsts`) are not equal: it says what to do. */
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

interface Limit {
  readonly by: string
  readonly most: number
}

interface Counted extends Pick<Known, 'endpoint' | 'network'> {
  readonly limits: readonly Limit[]
  /** What it is counted by where one of the limits is reached. */
  readonly reserve: string | undefined
}

interface Parts extends Pick<Engine, 'db' | 'clock' | 'log'> {
  readonly vault: Pick<Engine['vault'], 'lookup'>
}

export class Refusals {
  readonly #engine: Parts
  readonly #known = new Map<string, Known>()
  readonly #stop = new AbortController()
  /** Of this minute, by what they are limited by. */
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
    const key = JSON.stringify([actor.kind, actor.name, actor.address, endpoint, reason, about, facts?.['aadsts']])
    const { address = '' } = actor
    const network = networkOf(address)
    const kind = kindOf(action, endpoint)
    const limits: Limit[] = [
      { by: kind, most: MOST },
      { by: `${kind} in ${siteOf(address)}`, most: MOST_OF_SITE },
      { by: `${kind} of ${network}`, most: MOST_OF_NETWORK },
    ]
    // A name that nobody has is not told; so there are no more of these than accounts and terminals.
    const reserve =
      kind === 'signing-in' && actor.name !== 'nobody' ? `${reason} by ${actor.kind} ${actor.name}` : undefined
    const untold = this.#take(key, { endpoint, network, limits, reserve })
    if (untold === undefined) {
      this.#telling ??= this.#tellLater()
      return
    }
    const details = { endpoint, reason, ...facts, ...(untold === 0 ? {} : { alsoSinceTheLast: untold }) }
    await this.#write({ actor, action: `${action ?? 'access'}.${endingOf(reason)}`, subject: subject ?? null, details })
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
  #take(key: string, one: Counted) {
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
    if (
      !this.#isWithin(one.limits) &&
      !(one.reserve !== undefined && this.#isWithin([{ by: one.reserve, most: MOST_OF_NAME }]))
    ) {
      if (known === undefined) this.#count(one, 1)
      else known.untold += 1
      return undefined
    }
    if (this.#known.size >= MOST_KNOWN) this.#forget(() => true)
    this.#known.set(key, { endpoint: one.endpoint, network: one.network, since: now, untold: 0 })
    return known?.untold ?? 0
  }

  /** Counts one more where none of them is reached. */
  #isWithin(limits: readonly Limit[]): boolean {
    if (limits.some(({ by, most }) => (this.#told.get(by) ?? 0) >= most)) return false
    for (const { by } of limits) this.#told.set(by, (this.#told.get(by) ?? 0) + 1)
    return true
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
    const { signal } = this.#stop
    do {
      if (!signal.aborted) await clock.sleep(EVERY_MS, signal).catch(() => {})
      const now = clock.monotonicMs()
      this.#forget((known) => signal.aborted || now - known.since >= 2 * EVERY_MS)
      await this.#tellMany()
    } while (this.#hasUntold())
    this.#telling = undefined
  }

  /** Also what has come while the others were written. */
  #hasUntold(): boolean {
    return this.#more.endpoints.size > 0 || [...this.#known.values()].some((known) => known.untold > 0)
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

/** Who typed the right password and is asked for the code is refused nothing: that happens with every second factor. */
function endingOf(reason: string): string {
  return reason === 'second-factor-needed' ? 'code-asked' : 'refused'
}
