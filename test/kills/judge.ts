// What must hold after a kill, whenever it came: the registry as before or as after, and a next run that ends as if nothing had been.
import { diff, isDeepStrictEqual } from 'node:util'
import { foldHistory } from '../support/history.ts'
import { perform } from './engine.ts'
import type { Bench, Ready } from './lab.ts'
import { digestVersions, type Picture, takePicture } from './picture.ts'

export type Found = 'before' | 'after'

/**
 * Looks at what the kill left, runs again as the next sync would, and compares with the run that nobody disturbed.
 *
 * @throws Error that says what does not hold
 */
export async function judge(ready: Ready, bench: Bench): Promise<Found> {
  const { scenario, after } = ready
  const left = await takePicture(bench.db, bench.engine.vault)
  const found = judgeLeft(ready, left)

  const next = await perform(bench.engine, scenario.work)
  if (next.error !== null) fail('the next run failed', next.error)
  const runsBefore = ready.before.runs.length
  const settled = await takePicture(bench.db, bench.engine.vault)
  const isDone =
    found === 'after' ||
    (scenario.ends === 'applied' && settled.runs.some((r) => r.id !== Number(next.run) && isApplied(r, runsBefore)))
  const expected = isDone ? 'no-change' : scenario.ends
  if (next.outcome !== expected) fail(`the next run ended as ${next.outcome}, not as ${expected}`, next.held)
  same('registry', settled.registry, after.registry)
  same('mirror', settled.mirror, after.mirror)
  same('rows that only reading needs', settled.staged, after.staged)
  judgeRuns(settled, ready)
  if (scenario.ends !== 'applied') same('plan', settled.runs.at(-1)!.hash, after.runs.at(-1)!.hash)
  await judgeHistory(bench, settled)
  if (scenario.ends === 'applied') await judgeSecond(bench, settled)
  return found
}

/**
 * Whoever lived on must have told the truth of his run: what it was to do is done exactly when he says so. A run that is to end
 * as held or as a preview leaves the registry alone whatever became of it.
 *
 * @throws Error when he did not
 */
export function judgeWord(
  { scenario }: Pick<Ready, 'scenario'>,
  found: Found,
  said: { readonly outcome: string | null; readonly error: string | null },
): void {
  const told = said.outcome === 'applied' ? 'after' : 'before'
  if (told !== found) fail(`the registry is as ${found}, and the run said`, said)
  if (said.outcome !== scenario.ends && said.error === null) fail('the run said neither how it ended nor why not', said)
}

function isApplied(run: Picture['runs'][number], after: number): boolean {
  return run.id > after && run.outcome === 'applied'
}

function judgeLeft(ready: Ready, left: Picture): Found {
  const { before, after, scenario } = ready
  const applied = left.runs.filter((run) => isApplied(run, before.runs.length))
  if (changedTables(left, before).length === 0) {
    if (applied.length > 0) fail('a run says that it was applied, and the registry is as before', applied)
    judgeReading(ready, left)
    return 'before'
  }
  if (scenario.ends !== 'applied') fail(`the registry was changed, though the run ends as ${scenario.ends}`, undefined)
  same(
    `rows of ${changedTables(left, before).join()} are not as before, and the registry`,
    left.registry,
    after.registry,
  )
  if (applied.length !== 1) fail('the registry is as after, and not one run says that it was applied', left.runs)
  return 'after'
}

function changedTables(left: Picture, before: Picture): readonly string[] {
  return Object.keys(before.rows).filter((table) => left.rows[table] !== before.rows[table])
}

/** I4: a delta link that covers the changes stands only beside rows that hold them. */
function judgeReading({ before, after }: Ready, left: Picture): void {
  const { reading } = left
  const isRead = reading.users !== null && reading.groups !== null && !reading.isUnderWay
  if (!isRead || reading.users === before.reading.users || reading.groups === before.reading.groups) return
  same('mirror beside new delta links', left.mirror, after.mirror)
}

function judgeRuns(settled: Picture, { before }: Ready): void {
  const running = settled.runs.filter((run) => run.state === 'running')
  if (running.length > 0) fail('runs are left running', running)
  let fence = 0
  for (const run of settled.runs) {
    if (run.fence <= fence) fail('the fence did not increase', settled.runs)
    fence = run.fence
  }
  if (settled.fence < fence || settled.fence <= before.fence) fail('the fence of the source is behind', settled.runs)
  // A run that lived to tell why it failed keeps its plan, which nobody takes for history.
  const dead = settled.runs.filter((run) => run.outcome === 'failed' && run.error === 'interrupted')
  if (dead.some((run) => run.items > 0)) fail('items of a dead run are left', dead)
}

/** I9: the registry is what the items of applied runs add up to. */
async function judgeHistory(bench: Bench, settled: Picture): Promise<void> {
  const { issues: _issues, ...registry } = settled.registry
  const folded = await foldHistory(bench.db)
  // An alias that a source does not map any more becomes the registry's own, which is no change of anybody.
  const withoutOrigins = (state: typeof registry) =>
    Object.fromEntries(
      Object.entries(state.people).map(([id, person]) => [
        id,
        { ...person, names: person.names.map((name) => name.replace(/ [a-z]$/, '')) },
      ]),
    )
  same('people by history', withoutOrigins(folded), withoutOrigins(registry))
  same('groups by history', folded.groups, registry.groups)
  same('memberships by history', folded.memberships, registry.memberships)
}

/** I7: a run with nothing to do writes nothing; what has an open issue is looked at again each time, which notes only that. */
async function judgeSecond(bench: Bench, settled: Picture): Promise<void> {
  const versions = await digestVersions(bench.db)
  const second = await perform(bench.engine, { kind: 'sync', mode: 'auto' })
  if (second.outcome !== 'no-change') fail(`a second run ended as ${second.outcome}`, second.error ?? second.held)
  const noted = settled.registry.issues.length > 0 ? ['issues', 'mirror_marks'] : []
  const written = Object.entries(await digestVersions(bench.db))
    .filter(([table, digest]) => digest !== versions[table] && !noted.includes(table))
    .map(([table]) => table)
  if (written.length > 0) fail('a second run wrote', written)
}

function same(what: string, actual: unknown, expected: unknown): void {
  if (isDeepStrictEqual(actual, expected)) return
  const lines = diff(pretty(actual), pretty(expected))
    .filter(([operation]) => operation !== 0)
    .slice(0, 40)
    .map(([operation, line]) => `${operation === 1 ? '+' : '-'} ${line}`)
  fail(`${what} is not as after a run that nobody disturbed (- expected, + found)`, `\n${lines.join('\n')}`)
}

/** Keys sorted, so that only what differs is shown. */
function pretty(value: unknown): string[] {
  const sorted = (_: string, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => (one < other ? -1 : 1)))
      : part
  return (JSON.stringify(value, sorted, 1) ?? 'undefined').split('\n')
}

function fail(what: string, evidence: unknown): never {
  const shown = typeof evidence === 'string' ? evidence : (JSON.stringify(evidence) ?? '')
  throw new Error(`${what}: ${shown}`)
}
