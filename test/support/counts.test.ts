import { expect, it } from 'vitest'
import { countTests, presentCounts } from './counts.ts'

function aReport(...files: { status: string; tests: string[] }[]): string {
  return JSON.stringify({
    testResults: files.map((file) => ({
      status: file.status,
      assertionResults: file.tests.map((status) => ({ status })),
    })),
  })
}

it('counts what passed, failed and was skipped over all files', () => {
  const report = aReport(
    { status: 'passed', tests: ['passed', 'passed', 'skipped', 'todo', 'pending'] },
    { status: 'failed', tests: ['failed', 'passed'] },
  )

  expect(presentCounts(countTests(report))).toBe('3 passed, 1 failed, 3 skipped')
})

it('counts a file that could not be run, and a run that left no report, as failed', () => {
  expect(presentCounts(countTests(aReport({ status: 'failed', tests: [] })))).toBe('0 passed, 1 failed')
  expect(presentCounts(countTests(undefined))).toBe('0 passed, 1 failed')
  expect(presentCounts(countTests('{}'))).toBe('0 passed, 1 failed')
})

it('counts errors outside of tests as one failure', () => {
  const report = aReport({ status: 'passed', tests: ['passed', 'passed'] })

  expect(presentCounts(countTests(report, 1))).toBe('2 passed, 1 failed')
  expect(presentCounts(countTests(report, null))).toBe('2 passed, 1 failed')
  expect(presentCounts(countTests(report, 0))).toBe('2 passed, 0 failed')
})
