// The tests that mutation testing runs for every mutant: those that need no database.
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: [
      'src/sync/map/*.test.ts',
      'src/sync/{judge,match,owner,holdings,conflicts,safeguard,safeguard.prop}.test.ts',
      'src/sync/plan-*.test.ts',
    ],
    pool: 'threads',
    isolate: false,
    maxWorkers: 1,
  },
})
