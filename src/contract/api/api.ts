// The whole HTTP API under /api/v1: the server has a handler for each of these and no other address.
import { ACCESS } from './access.ts'
import { ADMINISTRATION } from './administration.ts'
import { CONNECTIONS } from './connections.ts'
import { INSTALLATION } from './installation.ts'
import { GROUPS } from './groups.ts'
import { USERS } from './users.ts'
import { RUNS } from './runs.ts'
import { SIGN_IN } from './sign-in.ts'
import { SOURCES } from './sources.ts'
import { TERMINALS } from './terminals.ts'

export const API = {
  ...ACCESS,
  ...ADMINISTRATION,
  ...SIGN_IN,
  ...INSTALLATION,
  ...CONNECTIONS,
  ...SOURCES,
  ...RUNS,
  ...USERS,
  ...GROUPS,
  ...TERMINALS,
} as const

export type EndpointName = keyof typeof API
