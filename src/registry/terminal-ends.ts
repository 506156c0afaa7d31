// Terminals whose tokens end soon or have ended: they identify nobody then, and whoever stands there cannot help it.
import type { Queries } from '../database/connect.ts'

export interface TerminalEnd {
  readonly name: string
  readonly expiresAt: Date
}

/** Those that were not revoked and end until then, the soonest first; also those that have ended. */
export async function listTerminalEnds(db: Queries, until: Date): Promise<readonly TerminalEnd[]> {
  const { rows } = await db.query<TerminalEnd>(
    `select name, expires_at as "expiresAt" from terminals where revoked_at is null and expires_at <= $1
      order by expires_at, name_key collate "C"`,
    [until],
  )
  return rows
}
