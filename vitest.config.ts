import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/global.ts'],
    setupFiles: ['test/support/each-file.ts'],
    isolate: false,
    pool: 'forks',
    // Short-lived garbage is most of what tests make: a larger young generation takes a tenth off their processor time.
    execArgv: ['--max-semi-space-size=64'],
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
  },
})
