// Every route there is, by the name of its endpoint.
import type { Handlers } from './handler.ts'
import { accessRoutes } from './routes/access.ts'
import { groupRoutes } from './routes/groups.ts'
import { runRoutes } from './routes/runs.ts'
import { userEditRoutes } from './routes/user-edits.ts'
import { userRoutes } from './routes/users.ts'

export const HANDLERS: Partial<Handlers> = {
  ...accessRoutes,
  ...runRoutes,
  ...userRoutes,
  ...userEditRoutes,
  ...groupRoutes,
}
