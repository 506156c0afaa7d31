// Whether the goals of card look-ups were reached, and where not, whether the machine could have reached them.
import Table from 'cli-table3'

/** Cards a second, while a synchronization runs. */
const PER_SECOND = 2_000
/** CPU of an answer over that of the least, which other work on the machine does not change. */
const CPU_RATIO = 2

export interface CardMeasurement {
  readonly what: 'muster' | 'least'
  readonly whileSyncing: boolean
  readonly perSecond: number
  /** Milliseconds of an answer, in Node and in PostgreSQL. While synchronizing, what the run costs is in it. */
  readonly nodeCpuMs: number
  readonly databaseCpuMs: number
}

interface CardGoal {
  readonly goal: string
  readonly reached: number
  readonly wanted: string
  /** `not here`: the least that such an answer can cost, asked in the same way on the same machine, missed it too. */
  readonly verdict: 'met' | 'missed' | 'not here'
}

/** What can be judged of these measurements. */
export function cardGoals(measured: readonly CardMeasurement[]): readonly CardGoal[] {
  const goals: CardGoal[] = []
  const of = (what: CardMeasurement['what'], whileSyncing: boolean) =>
    measured.find((one) => one.what === what && one.whileSyncing === whileSyncing)
  const cost = (one: CardMeasurement) => one.nodeCpuMs + one.databaseCpuMs
  const [alone, least] = [of('muster', false), of('least', false)]
  if (alone !== undefined && least !== undefined) {
    const ratio = cost(alone) / cost(least)
    goals.push({
      goal: 'CPU of an answer, over the least',
      reached: Number(ratio.toFixed(2)),
      wanted: `at most ${CPU_RATIO}`,
      verdict: ratio <= CPU_RATIO ? 'met' : 'missed',
    })
  }
  const [beside, leastBeside] = [of('muster', true), of('least', true)]
  if (beside !== undefined && leastBeside !== undefined) {
    const isMet = beside.perSecond >= PER_SECOND
    goals.push({
      goal: `answers a second beside a synchronization (the least: ${leastBeside.perSecond})`,
      reached: beside.perSecond,
      wanted: `at least ${PER_SECOND}`,
      verdict: isMet ? 'met' : leastBeside.perSecond >= PER_SECOND ? 'missed' : 'not here',
    })
  }
  return goals
}

/** @returns whether Muster missed one that it could have reached here */
export function printCardGoals(goals: readonly CardGoal[]): boolean {
  const table = new Table({ style: { head: [], border: [], compact: true }, head: ['goal', 'reached', 'wanted', ''] })
  for (const { goal, reached, wanted, verdict } of goals) table.push([goal, reached, wanted, verdict])
  console.log(table.toString())
  if (goals.some(({ verdict }) => verdict === 'not here'))
    console.log('not here: the least that an answer can cost missed it too, on this machine with what else runs on it.')
  return goals.some(({ verdict }) => verdict === 'missed')
}
