// Statistics for PostgreSQL's planner, right after tables were filled.
import type { Queries } from './connect.ts'

/** Growth beyond which statistics tell nothing any more, and the size from which a wrong plan hurts. */
const GROWTH = 1.5
const SMALL_PAGES = 100

/**
 * Analyzes those of the tables that have outgrown their statistics. Autovacuum does it too, but up to a minute later and
 * longer under load; a run in between would read whole tables where an index leads to a few rows.
 *
 * @param tables names in the code, never from outside
 */
export async function refreshStatistics(db: Queries, tables: readonly string[]): Promise<void> {
  const found = await db.query<{ name: string }>(
    `select relname as name from pg_class
     where oid = any($1::regclass[]) and pg_relation_size(oid) > $2::bigint * current_setting('block_size')::int
       and (reltuples < 0 or pg_relation_size(oid) > $3::float8 * relpages * current_setting('block_size')::bigint
         -- Making an index counts rows and pages, so that these look as if the table had been analyzed.
         or not exists (select from pg_stats s where s.schemaname = relnamespace::regnamespace::text and s.tablename = relname))`,
    [tables, SMALL_PAGES, GROWTH],
  )
  if (found.rows.length > 0) await db.query(`analyze ${found.rows.map((row) => row.name).join(', ')}`)
}
