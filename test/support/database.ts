// A database of its own for a test file: cloned from the migrated template, gone afterwards.
import { chown, stat } from 'node:fs/promises'
import { inject } from 'vitest'
import { silentLog } from '../../src/base/log.ts'
import { connect, type ConnectOptions, type Database } from '../../src/database/connect.ts'
import { TEMPLATE } from './global.ts'
import { secretsInDatabase } from './secret-shapes.ts'

export interface TestDatabase {
  readonly db: Database
  /** For a second connection or another process. */
  readonly url: string
  /**
   * Makes it as it was made: between tests, in a tenth of the time that another one takes. Numbers go on.
   *
   * @throws where a secret stands in it as it is
   */
  empty(): Promise<void>
  /** Closes `db`, ends whoever else is connected, and removes the database. @throws where a secret stands in it as it is */
  drop(): Promise<void>
}

export type TestDatabaseOptions = Partial<
  Pick<ConnectOptions, 'max' | 'acquireTimeoutMs' | 'lockTimeoutMs' | 'statementTimeoutMs'>
> & {
  /** `empty` has no tables at all; `migrated` is the default. */
  readonly schema?: 'migrated' | 'empty'
  /** Where its files lie; see {@link createTablespace}. */
  readonly tablespace?: string | undefined
}

/** Takes about 20 ms. Call `drop` in `afterAll`. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { schema, tablespace, ...limits } = options
  const address = inject('testServer')
  const name = `test_${crypto.randomUUID().replaceAll('-', '')}`
  // Files are copied as they are: a tenth of what writing every page to the log costs.
  const place = tablespace === undefined ? '' : ` tablespace ${tablespace}`
  const template = schema === 'empty' ? 'template0' : TEMPLATE
  await onServer(`create database ${name} template ${template} strategy file_copy${place}`)
  const db = await connect({
    embedded: { address: { ...address, database: name } },
    log: silentLog,
    applicationName: 'muster test',
    max: 5,
    ...limits,
  })
  return {
    db,
    url: `postgresql://${address.user}@${encodeURIComponent(address.host)}/${name}`,
    async empty() {
      const shown = await secretsInDatabase(db)
      await db.query(EMPTY)
      requireNone(shown)
    },
    async drop() {
      await db.close()
      const shown = await searched(name)
      await onServer(`drop database ${name} with (force)`)
      requireNone(shown)
    },
  }
}

/** For databases whose files shall lie in a folder of their own. Whoever made it drops it, after its databases. */
export async function createTablespace(folder: string): Promise<{ readonly name: string; drop(): Promise<void> }> {
  const name = `space_${crypto.randomUUID().replaceAll('-', '')}`
  const [server] = await onServer<{ files: string }>(`select current_setting('data_directory') as files`)
  // Under root the server is somebody else, who must own the folder.
  const owner = await stat(server?.files ?? '')
  await chown(folder, owner.uid, owner.gid)
  await onServer(`create tablespace ${name} location '${folder}'`)
  return { name, drop: async () => void (await onServer(`drop tablespace ${name}`)) }
}

function requireNone(shown: readonly string[]): void {
  if (shown.length > 0) throw new Error(`secrets stand in the database: ${shown.join('; ')}`)
}

/** Over a connection of its own: a test may have ended all others. */
async function searched(name: string): Promise<readonly string[]> {
  const db = await connect({
    embedded: { address: { ...inject('testServer'), database: name } },
    log: silentLog,
    max: 1,
  })
  try {
    return await secretsInDatabase(db)
  } finally {
    await db.close()
  }
}

/** What migrations have put in is as they put it. */
const EMPTY = `do $$ declare t record; begin
  set local session_replication_role = replica;
  for t in select oid::regclass as name from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0
      and relname not in ('schema_migrations', 'installation', 'setup', 'audit_head') loop
    execute 'delete from ' || t.name;
  end loop;
  update installation set place = null where place is not null;
  update setup set done_at = null where done_at is not null;
  update audit_head set last_id = 0, digest = '' where last_id <> 0;
end $$`

/** One connection of this process for them all: a new one costs as much as what it is used for. */
let server: Promise<Database> | undefined

async function onServer<Row extends object>(sql: string): Promise<readonly Row[]> {
  server ??= connect({
    embedded: { address: { ...inject('testServer'), database: 'postgres' } },
    log: silentLog,
    max: 1,
  })
  // What failed once is tried again.
  server.catch(() => (server = undefined))
  return (await (await server).query<Row>(sql)).rows
}
