// What all ways to sign in end with: the session is kept, and one goes where one wanted to go.
import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import type { OwnSession } from '../../../contract/api/access.ts'
import { keepCsrf } from '../../api.ts'
import { sessionQuery } from '../../session.ts'

/** @returns takes a new session and goes to a path of this web; other addresses lead to the overview */
export function useEnter(): (session: OwnSession, to?: string) => void {
  const queries = useQueryClient()
  const router = useRouter()
  return (session, to) => {
    keepCsrf(session.csrf)
    queries.clear()
    queries.setQueryData(sessionQuery.queryKey, session)
    router.history.replace(to !== undefined && isOwnPath(to) ? to : '/')
  }
}

/** A link that was sent to somebody must not lead him elsewhere once he has signed in. */
function isOwnPath(path: string): boolean {
  return /^\/(?![/\\])/.test(path) && !/^\/(?:sign-in|setup|link)\b/.test(path)
}

/** The code of a link, kept behind `#` so that it reaches no log; taken out of the address at once. */
export function takeCode(): string {
  const code = location.hash.slice(1)
  if (code !== '') history.replaceState(history.state, '', location.pathname)
  return decodeURIComponent(code)
}
