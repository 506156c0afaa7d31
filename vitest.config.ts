import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: ['test/support/global.ts'],
    isolate: false,
    pool: 'forks',
    // Short-lived garbage is most of what tests make: a larger young generation takes a tenth off their processor time.
    execArgv: ['--max-semi-space-size=64'],
    // One more than the smallest machine has cores: a third of the time of tests over processes and browsers is waiting.
    maxWorkers: 3,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    retry: 0,
  },
})
