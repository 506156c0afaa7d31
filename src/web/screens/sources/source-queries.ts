// What the server tells about sources, asked again while something goes on.
import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'

export const sourcesQuery = queryOptions({
  queryKey: ['sources'],
  queryFn: ({ signal }) => call(API.listSources, {}, { signal }),
  refetchInterval: (query) =>
    query.state.data?.items.some((source) => source.running !== null) === true ? 2_000 : 30_000,
})
