import { afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from '../../test/support/database.ts'
import { dumpSchema } from '../../test/support/schema.ts'
import { silentLog } from '../base/log.ts'
import { type Migration, migrate, readMigrations, requireSchema } from './migrate.ts'

const open: TestDatabase[] = []
afterEach(async () => {
  for (const database of open.splice(0)) await database.drop()
})

async function aDatabase(options: TestDatabaseOptions = { schema: 'empty' }): Promise<TestDatabase> {
  const database = await createTestDatabase(options)
  open.push(database)
  return database
}

function aMigration(number: number, sql: string): Migration {
  return { number, name: `000${number}-test.sql`, sql, checksum: `checksum of ${sql}` }
}

async function tableNames(database: TestDatabase): Promise<readonly string[]> {
  const found = await database.db.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'S', 'v')
     order by 1`,
  )
  return found.rows.map((row) => row.name)
}

/** Cuts a migration into statements: at semicolons outside quotes, dollar quotes and comments. */
function statements(sql: string): readonly string[] {
  const token = /--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*"|\$(\w*)\$[\s\S]*?\$\1\$|;|[^;'"$-]+|[\s\S]/g
  const found: string[] = []
  let current = ''
  for (const [part] of sql.matchAll(token)) {
    current += part
    if (part !== ';') continue
    found.push(current)
    current = ''
  }
  return found
}

describe('migrate', () => {
  it('brings an empty database to the schema of this code, and a second call changes nothing', async () => {
    const database = await aDatabase()

    const first = await migrate(database.db, { log: silentLog })
    const second = await migrate(database.db, { log: silentLog })

    const migrations = await readMigrations()
    expect(first).toEqual(migrations.map((migration) => migration.name))
    expect(second).toEqual([])
    await requireSchema(database.db, { migrations })
  })

  it('applies a file once when several processes start together', async () => {
    const database = await aDatabase()
    const migrations = [
      aMigration(1, 'create table counted (n int); insert into counted values (1); select pg_sleep(0.05)'),
      aMigration(2, 'insert into counted values (2)'),
    ]

    const done = await Promise.all(
      Array.from({ length: 4 }, () => migrate(database.db, { log: silentLog, migrations })),
    )

    expect(done.flat().sort()).toEqual(['0001-test.sql', '0002-test.sql'])
    expect((await database.db.query('select n from counted order by n')).rows).toEqual([{ n: 1 }, { n: 2 }])
  })

  it('E9: a migration interrupted at any statement leaves the schema as before it, and the next start completes it', async () => {
    const migrations = await readMigrations()
    const interrupted = await aDatabase({ schema: 'empty', max: 2 })

    for (const [index, migration] of migrations.entries()) {
      const parts = statements(migration.sql)
      const before = await dumpSchema(interrupted.db)
      for (let count = 0; count <= parts.length; count += 1) {
        const cut = [...parts.slice(0, count), 'select pg_terminate_backend(pg_backend_pid());', ...parts.slice(count)]
        const broken = { ...migration, sql: cut.join('\n') }
        const attempt = migrate(interrupted.db, {
          log: silentLog,
          migrations: [...migrations.slice(0, index), broken],
        })
        await expect(attempt).rejects.toMatchObject({ code: 'database-unavailable' })
      }
      expect(parts.length).toBeGreaterThan(0)
      expect(await dumpSchema(interrupted.db)).toBe(before)
      await migrate(interrupted.db, { log: silentLog, migrations: migrations.slice(0, index + 1) })
    }

    const complete = await aDatabase({})
    expect(await dumpSchema(interrupted.db)).toBe(await dumpSchema(complete.db))
    // Every statement of every migration; it grows with their number.
  }, 300_000)

  it('E9: a failing statement undoes its whole migration, keeps the ones before, and says which failed', async () => {
    const database = await aDatabase()
    const good = aMigration(1, 'create table kept (n int)')
    const bad = aMigration(2, 'create table undone (n int); insert into kept values (1); select 1 / 0')

    await expect(migrate(database.db, { log: silentLog, migrations: [good, bad] })).rejects.toMatchObject({
      code: 'migration-failed',
      message: expect.stringContaining('0002-test.sql'),
    })

    expect(await tableNames(database)).toEqual(['kept', 'schema_migrations'])
    expect((await database.db.query('select * from kept')).rows).toEqual([])
  })

  it('E9: a database changed by a newer version is refused, when starting and inside a transaction', async () => {
    const database = await aDatabase()
    const old = [aMigration(1, 'create table a (n int)')]
    const both = [...old, aMigration(2, 'create table b (n int)')]
    await migrate(database.db, { log: silentLog, migrations: both })

    await expect(migrate(database.db, { log: silentLog, migrations: old })).rejects.toMatchObject({
      code: 'schema-newer',
      message: expect.stringContaining('newer Muster'),
    })
    await expect(requireSchema(database.db, { migrations: old })).rejects.toMatchObject({ code: 'schema-newer' })
  })

  it('E9: a database that misses a migration is refused where code only checks', async () => {
    const database = await aDatabase()

    await expect(requireSchema(database.db, { migrations: await readMigrations() })).rejects.toMatchObject({
      code: 'schema-older',
    })
  })

  it('refuses a database whose migration had another text', async () => {
    const database = await aDatabase()
    await migrate(database.db, { log: silentLog, migrations: [aMigration(1, 'create table a (n int)')] })

    const edited = [aMigration(1, 'create table a (n bigint)')]
    await expect(migrate(database.db, { log: silentLog, migrations: edited })).rejects.toMatchObject({
      code: 'schema-altered',
    })
  })

  it('refuses a migration that ends its own transaction', async () => {
    const database = await aDatabase()

    const migrations = [aMigration(1, 'create table a (n int); commit; begin')]
    await expect(migrate(database.db, { log: silentLog, migrations })).rejects.toMatchObject({ code: 'invariant' })
  })
})
