// How answers of the server are kept: shown at once when a page is opened again, and asked for anew behind that.
import { QueryClient } from '@tanstack/react-query'
import { ApiError } from './api.ts'

export function createQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What was refused is refused again; only a server that did not answer may answer later.
        retry: (failures, error) => isWorthRetrying(error) && failures < 3,
        retryDelay: (attempt) => Math.min(1_000 * 2 ** attempt, 8_000),
      },
      mutations: { retry: false },
    },
  })
}

function isWorthRetrying(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 503)
}
