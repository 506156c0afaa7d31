// The process's log: what is in a field cannot make a line of its own, and only allowed fields get there.
import { expect, it } from 'vitest'
import { createLog } from './log.ts'

it('D15: line ends and escape sequences in a value stay inside their JSON line, and unknown fields are dropped', () => {
  const lines: string[] = []
  const log = createLog({ level: 'info', stream: { write: (line) => lines.push(line) } })
  const hostile = 'a\r\n{"level":60,"msg":"forged"}\u001b[2J\u0000'

  const fields = { source: hostile, displayName: 'Ann Lee' }
  log.info('run begins', fields)

  expect(lines).toHaveLength(1)
  // oxlint-disable-next-line no-control-regex
  expect(lines[0]!.replace(/\n$/, '')).not.toMatch(/[\u0000-\u001f]/)
  const { time: _time, ...written } = JSON.parse(lines[0]!)
  expect(written).toEqual({ level: 30, msg: 'run begins', source: hostile })
})
