// Counts the tests of vitest's JSON report.

export interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

/**
 * A file that could not be run, or a run without a report, counts as one failure: its tests are not known. So do errors that
 * were thrown outside of any test, for which vitest ends with a status other than 0.
 */
export function countTests(report: string | undefined, status: number | null = 0): Counts {
  const parsed: unknown = report === undefined ? undefined : JSON.parse(report)
  const files = listOf(parsed, 'testResults')
  if (files === undefined) return { passed: 0, failed: 1, skipped: 0 }
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const file of files) {
    const tests = listOf(file, 'assertionResults') ?? []
    const statuses = tests.map((test) => fieldOf(test, 'status'))
    const failed = statuses.filter((status) => status === 'failed').length
    counts.failed += failed === 0 && fieldOf(file, 'status') === 'failed' ? 1 : failed
    counts.passed += statuses.filter((status) => status === 'passed').length
    counts.skipped += statuses.filter((status) => status !== 'passed' && status !== 'failed').length
  }
  if (status !== 0 && counts.failed === 0) counts.failed = 1
  return counts
}

/** `N passed, N failed`, then `, N skipped` where there are such. */
export function presentCounts(counts: Counts): string {
  const skipped = counts.skipped === 0 ? '' : `, ${counts.skipped} skipped`
  return `${counts.passed} passed, ${counts.failed} failed${skipped}`
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined
}

function listOf(value: unknown, key: string): readonly unknown[] | undefined {
  const found = fieldOf(value, key)
  return Array.isArray(found) ? found : undefined
}
