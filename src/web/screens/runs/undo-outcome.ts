// What became of taking a run back, for whom it was not taken back.
import type { RevertDocument } from '../../../contract/reverts.ts'
import { runsTexts as texts } from '../../texts/runs.ts'

/** Why nothing was taken back; undefined where it was. */
export function whyNotTakenBack(document: Pick<RevertDocument, 'outcome' | 'error'>): string | undefined {
  const why = texts.notUndone
  switch (document.outcome) {
    case 'applied':
      return undefined
    case 'no-change':
      return why.nothing
    // Between looking and doing, what it removes went beyond the limits.
    case 'planned':
    case 'held':
      return why.unconfirmed
    case 'cancelled':
      return why.cancelled
    case 'failed':
      return document.error?.message ?? why.failed
  }
}
