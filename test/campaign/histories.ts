// The campaign of random histories: thousands over two processes, and a table of what they met.
//
//   npm run campaign -- histories                                10,000 histories from seed 1
//   npm run campaign -- histories --from 20001 --count 500       another range
//   npm run campaign -- histories --record FILE --processes 1    goes on where FILE ends, and tells of all that is in it;
//                                                                test/campaign/played.jsonl is that of the last campaign
//   npm run campaign -- histories --replay 4711                  one history alone, told step by step
import { execFileSync, spawn } from 'node:child_process'
import { appendFile, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ROOT } from '../support/generated.ts'

const PROCESSES = 2
/** Histories of one test process: it starts its own database, and a leak would show. */
const CHUNK = 50

interface Summary {
  readonly from: number
  readonly count: number
  /** Which Muster was played, and when; added by the campaign. */
  readonly commit?: string
  readonly date?: string
  readonly tally: Readonly<Record<string, number | Readonly<Record<string, number>>>>
  readonly failures: readonly { readonly seed: number; readonly error: string }[]
}

interface Figures extends Pick<Summary, 'count' | 'tally' | 'failures'> {
  /** How many histories each commit played. */
  readonly commits: Readonly<Record<string, number>>
}

/** @returns what all of them met, or nothing after a replay; sets the exit code when one failed */
export async function run(): Promise<Figures | null> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      from: { type: 'string', default: '1' },
      count: { type: 'string', default: '10000' },
      replay: { type: 'string' },
      processes: { type: 'string', default: String(PROCESSES) },
      /** One line of JSON for each chunk that was played: its seeds are not played again. */
      record: { type: 'string' },
    },
  })
  if (values.replay !== undefined) {
    process.exitCode = await play({ SEED: values.replay, VERBOSE: '1' })
    return null
  }
  const from = Number(values.from)
  const range = { from, count: Number(values.count) }
  const all = await campaign(range, { processes: Number(values.processes), record: values.record })
  process.stdout.write(table(all, range))
  for (const { seed, error } of all.failures)
    process.stdout.write(`\nseed ${seed}: npm run campaign -- histories --replay ${seed}\n${error}\n`)
  if (all.failures.length > 0) process.exitCode = 1
  return all
}

interface Range {
  readonly from: number
  readonly count: number
}

async function campaign(
  { from, count }: Range,
  { processes, record }: { readonly processes: number; readonly record: string | undefined },
): Promise<Figures> {
  const done =
    record === undefined ? [] : (await recorded(record)).filter((s) => s.from >= from && s.from < from + count)
  const played = new Set(done.flatMap((s) => Array.from({ length: s.count }, (_, n) => s.from + n)))
  const chunks: Range[] = []
  const size = Math.min(CHUNK, Math.ceil(count / processes))
  for (let at = from; at < from + count; ) {
    let length = 0
    while (length < size && at + length < from + count && !played.has(at + length)) length += 1
    if (length > 0) chunks.push({ from: at, count: length })
    at += Math.max(length, 1)
  }
  const commit = commitOf()
  const work = async () => {
    for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift()) {
      const file = join(tmpdir(), `muster-campaign-${process.pid}-${chunk.from}.json`)
      await play({ FROM: String(chunk.from), COUNT: String(chunk.count), SUMMARY: file, QUIET: '1' })
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by histories.test.ts a moment ago
      const played = JSON.parse(await readFile(file, 'utf8')) as Summary
      const summary = { ...played, commit, date: new Date().toISOString().slice(0, 10) }
      done.push(summary)
      if (record !== undefined) await appendFile(record, `${JSON.stringify(summary)}\n`)
      const failed = done.reduce((sum, s) => sum + s.failures.length, 0)
      process.stderr.write(`${done.reduce((sum, s) => sum + s.count, 0)} of ${count} histories, ${failed} failed\n`)
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  return added(done)
}

/** Chunks of an earlier campaign; none where there was none. */
async function recorded(file: string): Promise<Summary[]> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- lines that this program wrote
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Summary]))
}

/** A `+` is for changes that are not committed. */
function commitOf(): string {
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim()
  return git('rev-parse', '--short=7', 'HEAD') + (git('status', '--porcelain', '--', 'src', 'test') === '' ? '' : '+')
}

function play(env: Readonly<Record<string, string>>): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>()
  const child = spawn('npx', ['vitest', 'run', 'test/campaign/histories.test.ts'], {
    env: { ...process.env, ...env },
    stdio: env['QUIET'] === undefined ? 'inherit' : ['ignore', 'ignore', 'inherit'],
  })
  child.on('exit', (code) => resolve(code ?? 1))
  return promise
}

function added(parts: readonly Summary[]): Figures {
  const tally: Record<string, number | Record<string, number>> = {}
  for (const part of parts) {
    for (const [name, value] of Object.entries(part.tally)) {
      const sum = tally[name]
      if (typeof value === 'number') tally[name] = (typeof sum === 'number' ? sum : 0) + value
      else {
        const kinds: Record<string, number> = typeof sum === 'object' ? { ...sum } : {}
        for (const [kind, n] of Object.entries(value)) kinds[kind] = (kinds[kind] ?? 0) + n
        tally[name] = kinds
      }
    }
  }
  const failures = parts.flatMap((part) => part.failures).sort((a, b) => a.seed - b.seed)
  const commits: Record<string, number> = {}
  for (const { commit = 'unknown', count } of parts) commits[commit] = (commits[commit] ?? 0) + count
  return { count: parts.reduce((sum, part) => sum + part.count, 0), commits, tally, failures }
}

function numbered(kinds: Readonly<Record<string, number>>): string {
  return Object.entries(kinds)
    .sort(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${kind} ${n}`)
    .join(', ')
}

/** The rows that docs/reliability.md keeps. */
function table(all: Figures, { from, count }: Range): string {
  const rows: [string, string][] = [
    ['seeds', all.count === count ? `${from}–${from + count - 1}` : `${all.count} of ${from}–${from + count - 1}`],
    ['histories', String(all.count)],
    ['at', numbered(all.commits)],
  ]
  for (const [name, value] of Object.entries(all.tally)) {
    rows.push([name, typeof value === 'number' ? String(value) : numbered(value)])
  }
  rows.push(['failures', all.failures.length === 0 ? '0' : all.failures.map((f) => f.seed).join(', ')])
  return `| | |\n|---|---|\n${rows.map(([name, value]) => `| ${name} | ${value} |\n`).join('')}`
}
