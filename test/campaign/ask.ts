// What a history asks after every step: planned once a session, because planning such a question costs more than its answer.
import type { QueryResult, QueryResultRow } from 'pg'
import type { Database } from '../../src/database/connect.ts'

/** @param name names this very text in all sessions */
export function ask<Row extends QueryResultRow>(db: Database, name: string, text: string): Promise<QueryResult<Row>> {
  return db.pool.query<Row>({ name: `history ${name}`, text })
}
