// Whether the goals of card look-ups were reached, and where not, whether that says something of Muster.
import Table from 'cli-table3'

/** Cards a second, while a synchronization runs. */
const PER_SECOND = 2_000
/** CPU of an answer over that of the least. */
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
  /** `not judged`: missed on a machine that had other work, or where the least that such an answer can cost missed it too. */
  readonly verdict: 'met' | 'missed' | 'not judged'
}

export interface Machine {
  readonly cores: number
  /** Of the minute before anything was begun: all that is in it is other work. */
  readonly loadBefore: number
}

/**
 * What can be judged of these measurements. Other work makes answers a second fewer and never more, so that goal is met where it was met. The
 * ratio is of two windows, of which work may come into one: it is judged on a machine that had none.
 */
export function cardGoals(measured: readonly CardMeasurement[], machine: Machine): readonly CardGoal[] {
  const goals: CardGoal[] = []
  const isBusy = machine.loadBefore >= machine.cores
  const verdictOf = (isMet: boolean, canBe: boolean) => (isMet ? 'met' : isBusy || !canBe ? 'not judged' : 'missed')
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
      verdict: isBusy ? 'not judged' : verdictOf(ratio <= CPU_RATIO, true),
    })
  }
  const [beside, leastBeside] = [of('muster', true), of('least', true)]
  if (beside !== undefined && leastBeside !== undefined) {
    goals.push({
      goal: `answers a second beside a synchronization (the least: ${leastBeside.perSecond})`,
      reached: beside.perSecond,
      wanted: `at least ${PER_SECOND}`,
      verdict: verdictOf(beside.perSecond >= PER_SECOND, leastBeside.perSecond >= PER_SECOND),
    })
  }
  return goals
}

/** @returns whether Muster missed one that it could have reached here */
export function printCardGoals(goals: readonly CardGoal[], { cores, loadBefore }: Machine): boolean {
  const table = new Table({ style: { head: [], border: [], compact: true }, head: ['goal', 'reached', 'wanted', ''] })
  for (const { goal, reached, wanted, verdict } of goals) table.push([goal, reached, wanted, verdict])
  console.log(table.toString())
  if (goals.some(({ verdict }) => verdict === 'not judged'))
    console.log(
      `not judged: the machine had other work (a load of ${loadBefore.toFixed(1)} on ${cores} cores before), or the least missed it too. Run it on a quiet machine.`,
    )
  return goals.some(({ verdict }) => verdict === 'missed')
}
