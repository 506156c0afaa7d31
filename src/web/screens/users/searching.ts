// What somebody searches users by stands in the entry of the browser's history and not in the address: it may be a card, and addresses
// are kept, suggested, and written into logs. Going back and loading the page anew find it again.
import { useNavigate, useRouterState } from '@tanstack/react-router'
import { useCallback, useEffect } from 'react'

declare module '@tanstack/react-router' {
  interface HistoryState {
    readonly searched?: string | undefined
  }
}

/** @param linked what a link searches for, as long as the address has it */
export function useSearched(
  linked: string | undefined,
): readonly [searched: string | undefined, search: (text: string | undefined) => void] {
  const kept = useRouterState({ select: ({ location }) => location.state.searched })
  const navigate = useNavigate({ from: '/users' })
  const search = useCallback(
    (text: string | undefined) =>
      void navigate({
        search: (before) => ({ ...before, search: undefined }),
        state: (before) => ({ ...before, searched: text }),
        replace: true,
      }),
    [navigate],
  )
  useEffect(() => {
    if (linked !== undefined) search(linked)
  }, [linked, search])
  return [linked ?? kept, search]
}
