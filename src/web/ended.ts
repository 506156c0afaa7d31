// What follows where the session of an open page has ended, or the browser has another one, whatever of the page finds that out first.
import type { QueryClient } from '@tanstack/react-query'
import { keepCsrf, onSignedOut, renewSessionWith } from './api.ts'
import type { createWeb } from './routes.tsx'
import { renewSession, sessionQuery } from './session.ts'

/** Leads to where one signs in, and from there back; nothing is kept of what was shown to whom the session belonged. */
export function leaveWhenEnded(parts: {
  readonly queries: QueryClient
  readonly router: ReturnType<typeof createWeb>
}): void {
  const { queries, router } = parts
  renewSessionWith(() => renewSession(queries))
  onSignedOut(() => {
    // Nobody was signed in, or it is known already: answers to what was asked before still come.
    if (!queries.getQueryData(sessionQuery.queryKey)) return
    keepCsrf(undefined)
    queries.clear()
    queries.setQueryData(sessionQuery.queryKey, null)
    // What was typed is as little for whoever comes next as what was shown.
    const search = { to: router.latestLocation.href, ended: true as const }
    void router.navigate({ to: '/sign-in', search, replace: true, ignoreBlocker: true })
  })
}
