// Follows runs over one connection, however many they are: a browser has six for all of its tabs, and what is asked besides would wait
// for a run to end.
import { createContext } from 'react'
import { API } from '../../../contract/api/api.ts'
import type { RunEvent } from '../../../contract/api/runs.ts'
import { watch } from '../../api.ts'

/** How long is waited for more runs to follow, so that those that come together are asked for together. */
const GATHER_MS = 50

interface Follower {
  readonly onEvent: (event: RunEvent) => void
  /** The connection broke, and whether the browser will try again. */
  readonly onBroken: (isFinal: boolean) => void
}

interface Followed extends Follower {
  /** The last line of its log that was told. */
  last: number
  isEnded: boolean
}

export interface RunWatcher {
  /** @returns stops following it */
  follow(run: string, follower: Follower): () => void
}

export function createRunWatcher(): RunWatcher {
  const followed = new Map<string, Followed>()
  let close = () => {}
  let timer: ReturnType<typeof setTimeout> | undefined
  const open = () => {
    close()
    close = () => {}
    const going = [...followed].filter(([, { isEnded }]) => !isEnded)
    if (going.length === 0) return
    const runs = going.map(([run, { last }]) => `${run}:${last}`).join(',')
    close = watch(
      API.watchRuns,
      { query: { runs } },
      {
        onEvent({ run, event }, end) {
          const one = followed.get(run)
          if (one === undefined) return
          if (event.type === 'log') one.last = Math.max(one.last, event.line.seq)
          if (event.type === 'ended') one.isEnded = true
          if ([...followed.values()].every(({ isEnded }) => isEnded)) end()
          one.onEvent(event)
        },
        onBroken(isFinal) {
          for (const [, one] of going) one.onBroken(isFinal)
        },
      },
    )
  }
  return {
    follow(run, follower) {
      followed.set(run, { ...follower, last: 0, isEnded: false })
      clearTimeout(timer)
      timer = setTimeout(open, GATHER_MS)
      return () => {
        followed.delete(run)
        if (followed.size > 0) return
        clearTimeout(timer)
        close()
      }
    },
  }
}

/** That of the page, where it shows several runs. */
export const RunWatcherContext = createContext<RunWatcher | undefined>(undefined)
