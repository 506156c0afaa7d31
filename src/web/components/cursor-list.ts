// A list of the server that is read page by page.
import { useInfiniteQuery } from '@tanstack/react-query'
import { useCallback } from 'react'

export interface CursorPage {
  readonly items: readonly unknown[]
  readonly next: string | null
}

/**
 * @param key names the list and its filters; with other filters the rows before stay, marked as stale, until the new ones are here
 * @param read one page: `undefined` is the first
 * @param isGoingOn whether something of the first page changes by itself: then it is read again every few seconds
 */
export function useCursorList<P extends CursorPage>(
  key: readonly unknown[],
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<P>,
  isGoingOn?: (first: P) => boolean,
) {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => read(pageParam, signal),
    initialPageParam: ((): string | undefined => undefined)(),
    getNextPageParam: (page: P) => page.next,
    placeholderData: (before) => before,
    refetchInterval: ({ state: { data } }) => {
      // Whoever has loaded more is looking at what does not change.
      const [first, second] = data?.pages ?? []
      return first !== undefined && second === undefined && isGoingOn?.(first) === true ? 5_000 : false
    },
  })
  const { fetchNextPage } = query
  const load = useCallback(() => void fetchNextPage(), [fetchNextPage])
  const rows: readonly P['items'][number][] | undefined = query.data?.pages.flatMap((page) => page.items)
  return {
    rows,
    /** For what a page tells beside its rows, e.g. a total. */
    first: query.data?.pages[0],
    isStale: query.isPlaceholderData,
    /** Where nothing of the list is there. */
    error: rows === undefined ? query.error : null,
    retry: () => void query.refetch(),
    more: {
      hasMore: query.hasNextPage,
      isLoading: query.isFetchingNextPage,
      load,
      /** Why a later page did not come, or what is shown could not be read anew. */
      error: query.error,
      retry: () => void (query.isFetchNextPageError ? fetchNextPage() : query.refetch()),
    },
  }
}
