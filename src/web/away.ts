// Whether the server is there. What was read before stays on the page while it is not: then the page has to say so.
import { type QueryClient, useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { ApiError } from './api.ts'
import { SESSION_LOOKED_AT_MS, sessionQuery } from './session.ts'

const AWAY_LOOKED_AT_MS = 5_000

/** The session as it is looked at again and again, and whether the last look got no answer. What failed meanwhile is asked anew after it. */
export function useWatchedSession() {
  const queries = useQueryClient()
  const {
    data: session = null,
    error,
    failureReason,
  } = useQuery({
    ...sessionQuery,
    refetchInterval: ({ state }) => (isUnanswered(state.error) ? AWAY_LOOKED_AT_MS : SESSION_LOOKED_AT_MS),
  })
  const isAway = isUnanswered(error ?? failureReason)
  useEffect(() => lookWhereSomethingFails(queries), [queries])
  useEffect(() => {
    if (!isAway) void queries.invalidateQueries({ predicate: ({ state }) => isUnanswered(state.error) })
  }, [isAway, queries])
  return { session, isAway }
}

/** The first question without an answer is reason enough to look at the session, which tells for all of them. */
function lookWhereSomethingFails(queries: QueryClient): () => void {
  return queries.getQueryCache().subscribe((event) => {
    if (event.type !== 'updated' || event.action.type !== 'failed' || !isUnanswered(event.action.error)) return
    if (queries.getQueryState(sessionQuery.queryKey)?.fetchStatus !== 'idle') return
    void queries.invalidateQueries({ queryKey: sessionQuery.queryKey })
  })
}

function isUnanswered(error: Error | null): boolean {
  return error instanceof ApiError && error.status === 0
}
