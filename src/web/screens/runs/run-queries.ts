// What the page of a run asks the server.
import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { ApiError, call } from '../../api.ts'

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

/** More than that are not asked for: so many users are seldom deleted at once. */
const MOST_DELETED = 500

/** Ids of the users whom the plan deletes; null where there are too many to be told at once. */
export const deletedUsersQuery = (run: string) =>
  queryOptions({
    queryKey: ['run', run, 'deleted'],
    queryFn: async ({ signal }) => {
      const query = { object: 'user', action: 'delete', limit: MOST_DELETED } as const
      const { items, next } = await call(API.listPlanItems, { params: { run }, query }, { signal })
      return next === null ? items.flatMap(({ userId, leftOut }) => (userId === null || leftOut ? [] : [userId])) : null
    },
  })

export const jobQuery = (job: string) =>
  queryOptions({
    queryKey: ['job', job],
    queryFn: ({ signal }) => call(API.getJob, { params: { job } }, { signal }),
    refetchInterval: ({ state: { data, error } }) => {
      if (data?.state === 'ended' || data?.state === 'refused') return false
      // Asked again, a job that is not there would be looked for and told to be missing, in turn and for ever.
      return error instanceof ApiError && error.status === 404 ? false : 1_000
    },
  })
