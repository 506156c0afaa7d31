// A link to a run's page, and what became of it in a word.
import type { ReactNode } from 'react'
import type { RunLine } from '../../contract/run-list.ts'
import type { Mood } from './status.tsx'
import { RouterLink } from './router-link.tsx'

export function RunLink({ run, children }: { readonly run: string; readonly children: ReactNode }) {
  return (
    <RouterLink to="/runs/$run" params={{ run }}>
      {children}
    </RouterLink>
  )
}

export function moodOf({ kind, outcome }: Pick<RunLine, 'kind' | 'outcome'>): Mood {
  if (kind === 'revert' && outcome === 'planned') return 'waiting'
  switch (outcome) {
    case null:
      return 'busy'
    case 'applied':
    case 'no-change':
    case 'planned':
      return 'good'
    case 'held':
      return 'waiting'
    case 'cancelled':
      return 'off'
    case 'failed':
      return 'bad'
  }
}
