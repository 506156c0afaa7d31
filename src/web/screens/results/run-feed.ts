// Follows a run: its phases with counts, rate and time left, its log, and its end.
import { useContext, useEffect, useState } from 'react'
import { progress, type Progress, type RunEvent } from '../../../contract/api/runs.ts'
import type { RunLine } from '../../../contract/run-list.ts'
import type { RunLogLine } from '../../../contract/run-log.ts'
import { createRunWatcher, RunWatcherContext } from './run-watcher.ts'

export type PhaseName = Progress['phase']

export interface Phase {
  readonly name: PhaseName
  readonly done: number
  readonly total: number | null
  /** Milliseconds since 1970, when it was seen first and last. */
  readonly from: number
  readonly to: number
}

export interface RunFeed {
  /** In the order in which they came. */
  readonly phases: readonly Phase[]
  readonly log: readonly RunLogLine[]
  readonly ended: RunLine | undefined
  readonly connection: 'open' | 'broken' | 'lost'
}

const phaseNames = progress.shape.phase

/** A log that is longer than anybody scrolls; Save log has all of it. */
const KEPT_LINES = 2_000

export function useRunFeed(run: string): RunFeed {
  const [feed, setFeed] = useState<RunFeed>({ phases: [], log: [], ended: undefined, connection: 'open' })
  const [own] = useState(createRunWatcher)
  const watcher = useContext(RunWatcherContext) ?? own
  useEffect(
    () =>
      watcher.follow(run, {
        onEvent: (event) => setFeed((before) => take(before, event)),
        onBroken: (isFinal) =>
          setFeed((before) =>
            before.ended === undefined ? { ...before, connection: isFinal ? 'lost' : 'broken' } : before,
          ),
      }),
    [run, watcher],
  )
  return feed
}

function take(feed: RunFeed, event: RunEvent): RunFeed {
  const open = { ...feed, connection: 'open' as const }
  switch (event.type) {
    case 'ended':
      return { ...open, ended: event.line }
    case 'log': {
      const last = feed.log.at(-1)?.seq ?? -1
      // After a broken connection the browser may get lines again.
      if (event.line.seq <= last) return open
      return {
        ...open,
        log: [...feed.log, event.line].slice(-KEPT_LINES),
        phases: withBegun(feed.phases, event.line),
      }
    }
    case 'progress':
      return { ...open, phases: phasesWith(feed.phases, event.progress, new Date(event.at).getTime()) }
  }
}

/** A phase may be over before anybody has counted in it: the log tells of each. */
function withBegun(phases: readonly Phase[], line: RunLogLine): readonly Phase[] {
  const name = phaseNames.safeParse(line.fields['phase'])
  if (line.message !== 'phase begins' || !name.success) return phases
  if (phases.some((phase) => phase.name === name.data)) return phases
  const at = new Date(line.at).getTime()
  return [...phases, { name: name.data, done: 0, total: null, from: at, to: at }]
}

function phasesWith(phases: readonly Phase[], { phase: name, done, total }: Progress, at: number): readonly Phase[] {
  const seen = phases.find((phase) => phase.name === name)
  if (seen === undefined) return [...phases, { name, done, total, from: at, to: at }]
  return phases.map((phase) => (phase.name === name ? { ...phase, done, total, to: at } : phase))
}

/** Lists of these are read at the same time. */
const SIDE_BY_SIDE: ReadonlySet<PhaseName> = new Set(['users', 'groups', 'memberships'])

/** Whether the phase at this place is over: one has begun that comes after it, and not only beside it. */
export function isOver(phases: readonly Phase[], place: number): boolean {
  const isBeside = SIDE_BY_SIDE.has(phases[place]?.name ?? 'waiting')
  return phases.slice(place + 1).some(({ name }) => !(isBeside && SIDE_BY_SIDE.has(name)))
}

/** How fast a phase goes and how long it will take still; undefined while that cannot be known. */
export function paceOf(phase: Phase): { readonly perSecond: number; readonly leftMs: number | undefined } | undefined {
  const seconds = (phase.to - phase.from) / 1000
  if (seconds < 1 || phase.done === 0) return undefined
  const perSecond = phase.done / seconds
  const { total } = phase
  return {
    perSecond,
    // With all of them done, what is left of the phase (comparing memberships, say) goes at a pace of its own.
    leftMs: total === null || total <= phase.done ? undefined : ((total - phase.done) / perSecond) * 1000,
  }
}
