// Every route there is, by the name of its endpoint.
import type { Handlers } from './handler.ts'
import { runRoutes } from './routes/runs.ts'

export const HANDLERS: Partial<Handlers> = { ...runRoutes }
