// Statements that are asked thousands of times a second, planned once in each session. Behind a pooler that shares sessions between
// transactions a session may not know what was prepared in another one; then they are sent whole, as all others are.
import { createHash } from 'node:crypto'
import type { Pool, QueryResult, QueryResultRow } from 'pg'
import { sqlState } from './unavailable.ts'

/** 26000: the session does not know it; 42P05: somebody else left it there; 0A000: a migration changed what it answers. */
const NOT_THERE = new Set(['26000', '42P05'])
const OUTDATED = '0A000'

export class PreparedStatements {
  readonly #pool: Pool
  readonly #names = new Map<string, string>()
  #isShared = false

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** For statements that only read: one that failed for want of its plan is sent again. `sql` is one of few texts. */
  async query<Row extends QueryResultRow>(sql: string, params: readonly unknown[]): Promise<QueryResult<Row>> {
    const values = [...params]
    if (this.#isShared) return this.#pool.query<Row>(sql, values)
    try {
      return await this.#pool.query<Row>({ name: this.#nameOf(sql), text: sql, values })
    } catch (error) {
      const state = sqlState(error)
      if (!NOT_THERE.has(state) && state !== OUTDATED) throw error
      this.#isShared = NOT_THERE.has(state)
      return this.#pool.query<Row>(sql, values)
    }
  }

  /** Of the text, so that another version of Muster in the same session means another statement. */
  #nameOf(sql: string): string {
    const name = this.#names.get(sql) ?? `muster_${createHash('sha256').update(sql).digest('hex').slice(0, 32)}`
    this.#names.set(sql, name)
    return name
  }
}
