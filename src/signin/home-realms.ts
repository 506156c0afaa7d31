// Which connection a user name probably belongs to: by its domain, and by nothing of the person, so that the answer is the same for
// names that there are and names that there are not.
import type { Clock } from '../base/clock.ts'
import type { Queries } from '../database/connect.ts'
import { domainsOfConnections } from '../registry/sign-in-rule.ts'

/** Reading the domains of 200,000 people takes a few hundred milliseconds, and anybody may ask. */
const KEPT_MS = 5 * 60_000

export class HomeRealms {
  readonly #db: Queries
  readonly #clock: Clock
  #known: { readonly domains: Promise<ReadonlyMap<string, number>>; readonly at: number } | undefined

  constructor({ db, clock }: { readonly db: Queries; readonly clock: Clock }) {
    this.#db = db
    this.#clock = clock
  }

  /** Id of the connection that people of this domain sign in through; undefined where nobody does. */
  async find(userName: string): Promise<number | undefined> {
    const [, domain] = /@([^@]+)$/.exec(userName.trim()) ?? []
    if (domain === undefined) return undefined
    return (await this.#domains()).get(domain.toLowerCase())
  }

  #domains(): Promise<ReadonlyMap<string, number>> {
    const now = this.#clock.monotonicMs()
    if (this.#known === undefined || now - this.#known.at >= KEPT_MS) {
      const domains = domainsOfConnections(this.#db)
      this.#known = { domains, at: now }
      // What failed is not kept.
      domains.catch(() => {
        this.#known = undefined
      })
    }
    return this.#known.domains
  }
}
