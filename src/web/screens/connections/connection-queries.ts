// What the server tells about connections.
import { type QueryClient, queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import type { ConnectionView } from '../../../contract/api/connections.ts'
import { call } from '../../api.ts'

export const connectionsQuery = queryOptions({
  queryKey: ['connections'],
  queryFn: ({ signal }) => call(API.listConnections, {}, { signal }),
  staleTime: 30_000,
})

/** A connection as it is now; undefined: it is gone. An error says why it could not be read: what was read before is there still. */
export async function readAnew(queries: QueryClient, name: string): Promise<ConnectionView | Error | undefined> {
  try {
    const { items } = await queries.fetchQuery({ ...connectionsQuery, staleTime: 0 })
    return items.find((connection) => connection.name === name)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
