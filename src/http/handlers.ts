// Every route there is, by the name of its endpoint; the compiler refuses one that lacks.
import type { Handlers } from './handler.ts'
import { accessRoutes } from './routes/access.ts'
import { configurationRoutes } from './routes/configuration.ts'
import { connectionRoutes } from './routes/connections.ts'
import { groupRoutes } from './routes/groups.ts'
import { installationRoutes } from './routes/installation.ts'
import { runRoutes } from './routes/runs.ts'
import { signInRoutes } from './routes/sign-in.ts'
import { sourceRoutes } from './routes/sources.ts'
import { terminalRoutes } from './routes/terminals.ts'
import { userEditRoutes } from './routes/user-edits.ts'
import { userRoutes } from './routes/users.ts'

export const HANDLERS: Handlers = {
  ...accessRoutes,
  ...signInRoutes,
  ...connectionRoutes,
  ...sourceRoutes,
  ...configurationRoutes,
  ...installationRoutes,
  ...runRoutes,
  ...userRoutes,
  ...userEditRoutes,
  ...groupRoutes,
  ...terminalRoutes,
}
