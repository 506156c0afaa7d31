// Who is signed in, and what he may do.
import { CancelledError, type QueryClient, queryOptions, useQuery } from '@tanstack/react-query'
import { API } from '../contract/api/api.ts'
import { mayAct, type Role } from '../contract/api/endpoint.ts'
import type { OwnSession } from '../contract/api/access.ts'
import { ApiError, call, keepCsrf } from './api.ts'
import { reloadAtOnce } from './leaving.ts'

const queryKey = ['session'] as const

/** So long a page goes on that is no longer anybody's. */
export const SESSION_LOOKED_AT_MS = 30_000

/** Null: nobody is signed in. */
export const sessionQuery = queryOptions({
  queryKey,
  queryFn: async ({ signal, client }): Promise<OwnSession | null> => {
    try {
      const session = await call(API.getSession, {}, { signal, isUse: false })
      // Signed out, or in anew, while it came.
      signal.throwIfAborted()
      const known = client.getQueryData<OwnSession | null>(queryKey)
      // Somebody else has signed in in another tab: what is shown here is not his.
      if (known && !isOfSame(known, session)) reloadAtOnce()
      keepCsrf(session.csrf)
      return session
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: SESSION_LOOKED_AT_MS,
})

/** Looks which session the browser has now. @returns whether it is one of who is shown here */
export async function renewSession(queries: QueryClient): Promise<boolean> {
  const known = queries.getQueryData(sessionQuery.queryKey)
  try {
    const session = await queries.fetchQuery({ ...sessionQuery, staleTime: 0 })
    return Boolean(known && session && isOfSame(known, session))
  } catch (error) {
    // It has none any more: nothing is kept, this question neither.
    if (error instanceof CancelledError) return false
    throw error
  }
}

function isOfSame({ account: one }: OwnSession, { account: other }: OwnSession): boolean {
  return one.kind === other.kind && one.id === other.id
}

/** With what one may sign in. */
export const signInOptionsQuery = queryOptions({
  queryKey: ['sign-in', 'options'],
  queryFn: ({ signal }) => call(API.getSignInOptions, {}, { signal }),
})

/** Whether the installation waits for its first administrator. */
export const setupQuery = queryOptions({
  queryKey: ['setup'],
  queryFn: async ({ signal }): Promise<boolean> => {
    try {
      await call(API.getSetup, {}, { signal })
      return true
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return false
      throw error
    }
  },
  staleTime: 0,
})

/** The session on pages that are shown to nobody else. */
export function useSession(): OwnSession | null {
  return useQuery(sessionQuery).data ?? null
}

/** Whether who is signed in may do what needs this role. What he may not do is not offered; the server refuses it anyway. */
export function useMay(needed: Role): boolean {
  const session = useSession()
  return session !== null && session.account.role !== null && mayAct(session.account.role, needed)
}
