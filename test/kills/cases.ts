// Which kill at which moment of which scenario: chosen by what a run that is only watched was seen to do, named so that one
// case can be repeated alone.
import { createHash } from 'node:crypto'
import { createRandom } from '../../src/emulator/random.ts'
import { MOMENTS, type Aim } from './failpoints.ts'

/** One kill. `name` says all of it. */
export interface Case {
  readonly name: string
  readonly scenario: string
  readonly kill: { readonly kind: 'failpoint'; readonly aim: Aim } | { readonly kind: 'moment'; readonly seed: number }
}

/** What was seen of a scenario's run: its failpoints, and how often each is reached. */
export interface Trace {
  readonly scenario: string
  readonly reached: ReadonlyMap<string, number>
}

/** Every failpoint of these runs; commits and requests first, the others in an order of their own that stays. */
export function listFailpoints(traces: readonly Trace[]): readonly string[] {
  const names = new Set(traces.flatMap((trace) => [...trace.reached.keys()]))
  const rank = (name: string) =>
    (/: (commit of|GET|POST) /.test(name) ? '0' : '1') + createHash('sha256').update(name).digest('hex')
  return [...names].sort((one, other) => (rank(one) < rank(other) ? -1 : 1))
}

/** Three hits of a failpoint: before its first time, in the middle of a middle one, after its last; in three scenarios where there are. */
export function hitsOf(failpoint: string, traces: readonly Trace[]): readonly Case[] {
  const places = traces.filter((trace) => trace.reached.has(failpoint))
  return MOMENTS.map((moment, index) => {
    // Not always the first scenarios of the list.
    const { scenario, reached } = places[(failpoint.length + index) % places.length]!
    const count = reached.get(failpoint) ?? 1
    const hit = [1, Math.ceil(count / 2), count][index]!
    return aimedCase(scenario, { failpoint, moment, hit })
  })
}

function aimedCase(scenario: string, aim: Aim): Case {
  return {
    name: `${scenario} / ${aim.moment} #${aim.hit} / ${aim.failpoint}`,
    scenario,
    kill: { kind: 'failpoint', aim },
  }
}

/** Kills by the clock; the seed decides scenario and moment. */
export function momentCases(
  scenarios: readonly string[],
  seeds: { readonly from: number; readonly count: number },
): readonly Case[] {
  return Array.from({ length: seeds.count }, (_, index) => momentCase(scenarios, seeds.from + index))
}

function momentCase(scenarios: readonly string[], seed: number): Case {
  const scenario = createRandom(seed).pick(scenarios)
  return { name: `${scenario} / moment / ${seed}`, scenario, kill: { kind: 'moment', seed } }
}

/** When a seed kills, as a share of the time that the run takes; and whether the run after it is killed too. */
export function momentOf(seed: number): { readonly share: number; readonly secondShare: number | undefined } {
  const random = createRandom(seed)
  random.next()
  const share = random.next()
  return { share, secondShare: random.next() < 0.2 ? random.next() : undefined }
}

/** The case of this name. @throws Error when it is none */
export function parseCase(name: string): Case {
  const [scenario = '', how = '', ...rest] = name.split(' / ')
  const what = rest.join(' / ')
  if (how === 'moment') return { name, scenario, kill: { kind: 'moment', seed: Number(what) } }
  const [, moment, hit] = /^(before|sent|after) #(\d+)$/.exec(how) ?? []
  const found = MOMENTS.find((known) => known === moment)
  if (found === undefined) throw new Error(`no such case: ${name}`)
  return aimedCase(scenario, { failpoint: what, moment: found, hit: Number(hit) })
}
