// Reads a result of any size in bounded memory, through a cursor on the server.
import type { ClientBase, QueryResultRow } from 'pg'
import { assert } from '../base/errors.ts'
import { translated } from './unavailable.ts'

interface StreamOptions {
  readonly params?: readonly unknown[]
  readonly batch: number
  /**
   * Joins many rows that this transaction wrote and nobody has counted for the planner. It takes them for one row and would join them
   * with everything else by loops, whose time grows with the square; so they are ruled out. Analyzing instead would lock the table
   * against everybody else who does until the transaction ends.
   */
  readonly isOfManyUncounted?: boolean
}

/**
 * Yields the rows of `sql` in arrays of at most `batch`, in the order of the query, never an empty array.
 * Needs an open transaction. While the caller works on one batch the server prepares the next, so at most two are in
 * memory; other statements on the same session are fine between batches. Stopping early closes the cursor.
 */
export async function* streamRows<Row extends QueryResultRow>(
  client: ClientBase,
  sql: string,
  options: StreamOptions,
): AsyncGenerator<readonly Row[], void, undefined> {
  const { params = [], batch, isOfManyUncounted = false } = options
  assert(Number.isInteger(batch) && batch > 0, 'batch must be a positive whole number')
  const name = `muster_${cursorName()}`
  // Everything will be read: without this the planner prefers plans with a fast first row.
  await translated(() => client.query('set local cursor_tuple_fraction = 1'))
  // A cursor is planned when it is declared.
  if (isOfManyUncounted) await translated(() => client.query('set local enable_nestloop = off'))
  await translated(() => client.query(`declare ${name} no scroll cursor for ${sql}`, [...params]))
  if (isOfManyUncounted) await translated(() => client.query('set local enable_nestloop = on'))
  const readBatch = () => translated(() => client.query<Row>(`fetch forward ${batch} from ${name}`))
  let isOpen = true
  let next = readBatch()
  try {
    for (;;) {
      const { rows } = await next
      if (rows.length < batch) {
        isOpen = false
        await translated(() => client.query(`close ${name}`))
        if (rows.length > 0) yield rows
        return
      }
      next = readBatch()
      // When the caller stops, nobody awaits this one; its error then shows in the close below.
      next.catch(() => undefined)
      yield rows
    }
  } catch (error) {
    isOpen = false
    throw error
  } finally {
    if (isOpen) {
      await next.catch(() => undefined)
      await translated(() => client.query(`close ${name}`))
    }
  }
}

/** Unique among the cursors of a session. */
function cursorName(): string {
  return crypto.randomUUID().replaceAll('-', '')
}
