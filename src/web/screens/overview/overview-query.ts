import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'

export const overviewQuery = queryOptions({
  queryKey: ['overview'],
  queryFn: ({ signal }) => call(API.getOverview, {}, { signal }),
  refetchInterval: (query) =>
    query.state.data?.sources.some((source) => source.running !== null) === true ? 5_000 : 30_000,
})
