// Every line that a run can log is a sentence for people; the messages are read off the source that logs them.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { progress } from './api/runs.ts'
import { logLineAsStored, logLineInWords } from './run-log-words.ts'
import { groupCounts, ISSUE_CODES, OUTCOMES, userCounts } from './runs.ts'

const SRC = join(import.meta.dirname, '..')

/** Of jobs and of settings, which are no lines of a run. */
const NOT_OF_RUNS: ReadonlySet<string> = new Set([
  'a job met a mistake of Muster',
  'what was asked for was refused',
  'attributes of settings were not checked',
])

function loggedBy(folder: string): string[] {
  return readdirSync(join(SRC, folder))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(SRC, folder, name), 'utf8'))
    .flatMap((code) => [
      ...code.matchAll(/\blog\.(?:debug|info|warn|error)\(\s*'([^']+)'/g),
      ...code.matchAll(/\bmake\([^,]+, '([^']+)'/g),
    ])
    .map(([, message]) => message!)
}

const FIELDS = { what: 'users', count: 2, code: 'x', ms: 12_000, phase: 'users', outcome: 'applied', path: '/users' }

describe('the log of a run', () => {
  it('has a sentence for everything that a run logs', () => {
    const messages = [...new Set([...loggedBy('sync'), ...loggedBy('graph')])].filter((one) => !NOT_OF_RUNS.has(one))

    expect(messages).toEqual(
      expect.arrayContaining(['run begins', 'read', 'held', 'request is tried again', 'run ended']),
    )
    expect(messages.length).toBeGreaterThan(15)
    for (const message of messages) {
      expect.soft(logLineInWords({ message, fields: FIELDS }), message).toMatch(/^[A-Z\d].* .*\.$/)
      expect.soft(logLineInWords({ message, fields: FIELDS })).not.toContain('=')
    }
  })

  it('names every phase, every count of a plan, every issue with what to do, and every ending', () => {
    const told = (message: string, fields: Record<string, string | number>) => logLineInWords({ message, fields })
    const counts = [
      ...Object.keys(userCounts.shape).map((name) => `users ${name}`),
      ...Object.keys(groupCounts.shape).map((name) => `groups ${name}`),
      ...['memberships', 'credentials'].flatMap((of) => [`${of} added`, `${of} removed`]),
    ].filter((name) => !name.endsWith(' read'))

    for (const phase of progress.shape.phase.options)
      expect(told('phase begins', { phase })).not.toContain('begins now')
    for (const what of counts)
      expect(told('planned', { what, count: 3 })).toMatch(/: 3 (users|groups|memberships|cards) /)
    for (const code of ISSUE_CODES)
      expect(told('issues', { code, count: 1 })).toMatch(new RegExp(`: [A-Za-z].* \\(${code}\\)\\. What to do: [A-Z]`))
    for (const outcome of OUTCOMES) expect(told('run ended', { outcome, count: 1, ms: 900 })).not.toContain('It ended:')
  })

  it('says what holds a plan and what a run failed of, and what to do', () => {
    expect(logLineInWords({ message: 'held', fields: { what: 'removals.users', count: 12, limit: 5 } })).toBe(
      'Held, nothing is written. Users deactivated or deleted: 12; a day may have 5 without approval. What to do: look at the plan, and approve or reject it.',
    )
    expect(
      logLineInWords({
        message: 'run ended',
        fields: { outcome: 'failed', code: 'attributes-unreadable', ms: 1_250, count: 7, what: 'Graph requests' },
      }),
    ).toBe(
      'It failed (attributes-unreadable), and nothing is half done. What to do: Grant User.Read.All of Microsoft Graph again, with admin consent. 7 requests to Microsoft Graph, 1.3 seconds.',
    )
  })

  it('leaves nothing out of a line that nobody has written words for', () => {
    const line = { message: 'migrated the database', fields: { path: '0001', count: 3 } }

    expect(logLineInWords(line)).toBe('migrated the database path=0001 count=3')
    expect(logLineAsStored(line)).toBe(logLineInWords(line))
  })
})
