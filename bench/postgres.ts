// What the embedded PostgreSQL costs, and the least that writing the same rows into it can cost.
import { createReadStream, createWriteStream, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { connect, type Database } from '../src/database/connect.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../src/database/embedded.ts'
import { migrate } from '../src/database/migrate.ts'
import { type Cost, measured } from './worker.ts'

/** Every row that Muster keeps of a tenant: mirror, registry, plan and history; in an order that foreign keys allow. */
const TABLES = [
  'connections',
  'sources',
  'runs',
  'mirror_objects',
  'mirror_members',
  'mirror_nesting',
  'mirror_rounds',
  'groups',
  'users',
  'user_names',
  'credentials',
  'memberships',
  'claims',
  'plan_items',
  'plan_memberships',
  'issues',
]

/** The embedded server of a home, as a process beside Muster's joins it. */
export interface Server {
  readonly embedded: EmbeddedDatabase
  /** The database that Muster uses. */
  readonly db: Database
  /** Seconds of CPU that the server and all its processes have used so far, ended ones included. */
  cpuSeconds(): number
  stop(): Promise<void>
}

export async function joinServer(home: string): Promise<Server> {
  const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
  const db = await connect({ embedded, log: silentLog, applicationName: 'muster bench', max: 2 })
  const found = await db.query<{ path: string }>(`select current_setting('data_directory') as path`)
  const postmaster = Number(readFileSync(join(found.rows[0]?.path ?? '', 'postmaster.pid'), 'utf8').split('\n')[0])
  return {
    embedded,
    db,
    cpuSeconds: () => cpuSecondsOf(postmaster),
    async stop() {
      await db.close()
      await embedded.release()
    },
  }
}

const TICKS_PER_SECOND = 100

/** User and system time of a process of this machine, with all its threads. */
export function cpuSecondsOfProcess(pid: number): number {
  return (readStat(String(pid))?.own ?? 0) / TICKS_PER_SECOND
}

function cpuSecondsOf(postmaster: number): number {
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = readStat(name)
    if (stat === undefined) continue
    // Its own time and that of children which have ended.
    if (stat.pid === postmaster) ticks += stat.own + stat.reaped
    else if (stat.parent === postmaster) ticks += stat.own
  }
  return ticks / TICKS_PER_SECOND
}

function readStat(pid: string): { pid: number; parent: number; own: number; reaped: number } | undefined {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return undefined // it has ended since the folder was listed
  }
  // The name in parentheses may hold anything; the fields after it are numbers, see proc_pid_stat(5).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const at = (field: number) => Number(fields[field - 3])
  return { pid: Number(pid), parent: at(4), own: at(14) + at(15), reaped: at(16) + at(17) }
}

export interface CopyCost extends Cost {
  readonly databaseCpuSeconds: number
  readonly rows: number
}

/**
 * Copies all rows of Muster's database into a new one with the same tables and indexes, through files, and measures
 * the way back in: what writing these rows costs when nothing has to be found out about them.
 */
export async function measureCopy(server: Server, folder: string): Promise<CopyCost> {
  for (const table of TABLES) await copyOut(server.db, { table, file: join(folder, table) })
  await server.db.query('drop database if exists bench_least')
  await server.db.query('create database bench_least template template0')
  const address = { ...server.embedded.address, database: 'bench_least' }
  const least = await connect({ embedded: { address }, log: silentLog, max: 1 })
  try {
    await migrate(least, { log: silentLog })
    await server.db.query('checkpoint')
    const before = server.cpuSeconds()
    const { value: rows, cost } = await measured(() => copyAllIn(least, folder))
    return { ...cost, databaseCpuSeconds: server.cpuSeconds() - before, rows }
  } finally {
    await least.close()
    await server.db.query('drop database bench_least')
  }
}

async function copyOut(db: Database, options: { readonly table: string; readonly file: string }): Promise<void> {
  const client = await db.pool.connect()
  try {
    await pipeline(client.query(copyTo(`copy ${options.table} to stdout`)), createWriteStream(options.file))
  } finally {
    client.release()
  }
}

async function copyAllIn(db: Database, folder: string): Promise<number> {
  const client = await db.pool.connect()
  let rows = 0
  try {
    for (const table of TABLES) {
      const stream = client.query(copyFrom(`copy ${table} from stdin`))
      await pipeline(createReadStream(join(folder, table), { highWaterMark: 256 * 1024 }), stream)
      rows += stream.rowCount ?? 0
    }
  } finally {
    client.release()
  }
  return rows
}
