// When a session or token was last used: worth noting, but no reason to refuse whoever uses it.
import { RunError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'

/** Writes down a use. On a full disk nothing can be written; whoever is signed in can still look. */
export async function noteUse(db: Queries, sql: string, params: readonly unknown[]): Promise<void> {
  try {
    await db.query(sql, params)
  } catch (error) {
    if (!(error instanceof RunError) || error.code !== 'disk-full') throw error
  }
}
