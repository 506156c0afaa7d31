// What the pages of users ask the server.
import { queryOptions } from '@tanstack/react-query'
import { API } from '../../../contract/api/api.ts'
import { call } from '../../api.ts'

export const userQuery = (user: string) =>
  queryOptions({
    queryKey: ['user', user],
    queryFn: ({ signal }) => call(API.getUser, { params: { user } }, { signal }),
  })
