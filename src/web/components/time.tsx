// A point in time as people say it; the exact one on hover and for machines.
import { formatExactTime, formatRelative, formatTime } from '../format.ts'
import { shell } from '../texts/shell.ts'

/** `5 minutes ago`; `never` where there is none. */
export function RelativeTime({ at, none = shell.never }: { readonly at: string | null; readonly none?: string }) {
  if (at === null) return <span>{none}</span>
  return (
    <time dateTime={at} title={formatExactTime(at)}>
      {formatRelative(at)}
    </time>
  )
}

export function Time({ at, none = shell.never }: { readonly at: string | null; readonly none?: string }) {
  if (at === null) return <span>{none}</span>
  return (
    <time dateTime={at} title={formatExactTime(at)}>
      {formatTime(at)}
    </time>
  )
}
