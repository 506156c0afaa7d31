// A bar that shows how far a run is: on a terminal only, and never where a program reads.
import { SingleBar } from 'cli-progress'
import type { RunProgress } from '../app.ts'
import type { Io } from './io.ts'

/** What each is called, and what it counts: memberships come with their groups. */
const PHASES: Readonly<Record<RunProgress['phase'], readonly [name: string, counted: string]>> = {
  waiting: ['waiting for the source', ''],
  users: ['reading users', 'users'],
  groups: ['reading groups', 'groups'],
  memberships: ['reading memberships', 'groups'],
  changes: ['reading changes', 'changes'],
  proof: ['proving removals', 'users'],
  planning: ['planning', 'objects'],
  applying: ['applying', 'changes'],
}

/** Shows progress until `stop`. Without a terminal it does nothing. */
export interface ProgressBar {
  show(progress: RunProgress): void
  stop(): void
}

export function startProgress(io: Io): ProgressBar {
  const bar = startBar(io)
  return {
    show(progress) {
      const [phase, counted] = PHASES[progress.phase]
      bar.show({ ...progress, phase, counted })
    },
    stop: () => bar.stop(),
  }
}

/** The same for work whose phases have names of their own. */
export interface Bar {
  show(progress: {
    readonly phase: string
    readonly done: number
    readonly total: number | undefined
    /** What is counted, where the phase does not say so. */
    readonly counted?: string
  }): void
  stop(): void
}

export function startBar(io: Io): Bar {
  if (!io.stderr.isTTY) return { show() {}, stop() {} }
  const bar = new SingleBar({
    stream: io.stderr,
    format: '{phase} {bar} {figures}',
    formatBar: drawBar,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    // Ctrl-C belongs to the command, which cancels the run.
    gracefulExit: false,
    fps: 8,
    // What is logged takes its line.
    forceRedraw: true,
  })
  let isStarted = false
  return {
    show({ phase, done, total, counted = '' }) {
      const payload = {
        phase: phase.padEnd(22),
        figures: `${figures(done, total)} ${counted}`.trimEnd(),
        isOpen: total === undefined,
      }
      // A total that is not known yet draws an empty bar.
      const end = Math.max(total ?? 0, 1)
      if (!isStarted) bar.start(end, Math.min(done, end), payload)
      isStarted = true
      bar.setTotal(end)
      bar.update(Math.min(done, end), payload)
    },
    stop() {
      if (isStarted) bar.stop()
    },
  }
}

const WIDTH = 30

function drawBar(share: number): string {
  const full = Math.round(Math.min(Math.max(share, 0), 1) * WIDTH)
  return '█'.repeat(full) + '░'.repeat(WIDTH - full)
}

function figures(done: number, total: number | undefined): string {
  const count = done.toLocaleString('en-US')
  return total === undefined ? count : `${count} of ${total.toLocaleString('en-US')}`
}
