// The embedded server, or a session of it, ends in the middle of a run, with the process that runs or without.
import { readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.ts'
import type { Database } from '../../src/database/connect.ts'
import { momentOf } from './cases.ts'
import { judge, judgeWord } from './judge.ts'
import type { Ready } from './lab.ts'
import { untilServed } from './served.ts'
import type { CaseResult, Durations, Site } from './rounds.ts'

export const BLOWS = [
  'its sessions are ended by the server',
  'one of its sessions is killed',
  'the server alone is killed',
  'the server is killed with all its sessions',
  'server, sessions and process are killed',
  'the process alone is killed',
] as const
export type Blow = (typeof BLOWS)[number]

/** After these the server ends every session of everybody, a little later. */
const ENDS_ALL: ReadonlySet<Blow> = new Set(BLOWS.slice(1, 5))

/** An embedded database of our own, because others would be hit too. */
export interface EmbeddedSite extends Site {
  readonly home: string
  /** Where PostgreSQL's files lie. */
  readonly directory: string
}

/** Strikes at a moment that the seed decides, in a process that shares the embedded database, and judges what is left. */
export async function strike(
  site: EmbeddedSite,
  ready: Ready,
  options: { readonly blow: Blow; readonly seed: number; readonly durations: Durations },
): Promise<CaseResult> {
  const { blow, seed } = options
  const name = `${ready.scenario.name} / ${blow} / ${seed}`
  await using bench = await site.lab.bench(ready)
  let isKilled = false
  try {
    const { home } = site
    const child = await site.nursery.send({
      address: bench.address,
      home,
      keyFile: site.lab.keyFile,
      work: ready.scenario.work,
    })
    const afterMs = momentOf(seed).share * (options.durations.get(ready.scenario.name) ?? 500)
    await Promise.race([systemClock.sleep(afterMs), child.ended])
    const witness = await watchServer(bench.db)
    isKilled = await hit(site, { blow, db: bench.db, child })
    if (isKilled && ENDS_ALL.has(blow)) await witness.ended
    witness.release()
    const report = await child.ended
    await untilServed(bench.db)
    const found = await judge(ready, bench)
    if (report !== undefined) judgeWord(ready, found, report)
    return { name, isKilled, found }
  } catch (error) {
    return { name, isKilled, problem: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

/** A session that does nothing and tells when it is ended. */
async function watchServer(db: Database): Promise<{ readonly ended: Promise<void>; release(): void }> {
  const client = await db.pool.connect()
  // The error that it ends with, which `once` would throw, is what is waited for.
  const ended = new Promise<void>((resolve) => client.once('end', resolve).once('error', () => resolve()))
  return { ended, release: () => client.release(true) }
}

/** @returns whether there was anything to hit */
async function hit(
  site: EmbeddedSite,
  target: { readonly blow: Blow; readonly db: Database; readonly child: Awaited<ReturnType<Site['nursery']['send']>> },
): Promise<boolean> {
  const { blow, db, child } = target
  if (blow === 'the process alone is killed') {
    child.signal('SIGKILL')
    return (await child.ended) === undefined
  }
  if (blow === 'its sessions are ended by the server' || blow === 'one of its sessions is killed') {
    const found = await db.query<{ pid: number }>('select pid from pg_stat_activity where application_name = $1', [
      `muster kill ${child.pid}`,
    ])
    for (const { pid } of blow === 'one of its sessions is killed' ? found.rows.slice(0, 1) : found.rows) {
      if (blow === 'one of its sessions is killed') killIfThere(pid)
      else await db.query('select pg_terminate_backend($1)', [pid])
    }
    return found.rows.length > 0
  }
  // The first one is the server: it has the lowest number unless numbers have come round, and is the parent of all.
  const [server, ...sessions] = await serverPids(site.directory)
  if (server === undefined) throw new Error('no server is there')
  killIfThere(server)
  if (blow !== 'the server alone is killed') for (const pid of sessions) killIfThere(pid)
  if (blow === 'server, sessions and process are killed') child.signal('SIGKILL')
  return true
}

/** Processes that work in the data directory of this server of ours, and in no other. */
async function serverPids(directory: string): Promise<readonly number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '')
    if (cwd === join(directory, 'data')) found.push(Number(name))
  }
  return found.sort((one, other) => one - other)
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
