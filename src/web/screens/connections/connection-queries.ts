// What the server tells about connections.
import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'

export const connectionsQuery = queryOptions({
  queryKey: ['connections'],
  queryFn: ({ signal }) => call(API.listConnections, {}, { signal }),
  staleTime: 30_000,
})
