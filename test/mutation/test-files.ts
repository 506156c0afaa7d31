// The tests that mutation testing runs for every mutant: those of the deciding modules that need no database.
export const TEST_FILES = [
  'src/sync/map/*.test.ts',
  'src/sync/{judge,match,owner,holdings,conflicts,conflict-rules,safeguard,safeguard.prop}.test.ts',
  'src/sync/plan-*.test.ts',
] as const
