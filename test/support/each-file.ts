// vitest's setupFiles: what is done before each file of tests, several of which run in one process.
import { forgetPlanted } from './secret-shapes.ts'

forgetPlanted()
