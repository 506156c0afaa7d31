// What the page of a run asks the server.
import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'

/** Asked again while the run goes on. */
export const runQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run],
    queryFn: ({ signal }) => call(API.getRun, { params: { run } }, { signal }),
    refetchInterval: (query) => (query.state.data?.line.outcome === null ? 2_000 : false),
  })

export const itemCountsQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run, 'counts'],
    queryFn: ({ signal }) => call(API.countPlanItems, { params: { run } }, { signal }),
  })

export const jobQuery = (job: string) =>
  queryOptions({
    queryKey: ['job', job],
    queryFn: ({ signal }) => call(API.getJob, { params: { job } }, { signal }),
    refetchInterval: (query) => {
      const state = query.state.data?.state
      return state === 'ended' || state === 'refused' ? false : 1_000
    },
  })
