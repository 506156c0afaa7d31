// A process of its own that shares an embedded database, steered by lines on standard input. Started by participants.ts.
import { createInterface } from 'node:readline'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect } from '../../src/database/connect.ts'
import { openEmbeddedDatabase } from '../../src/database/embedded.ts'

const [home = '', user] = process.argv.slice(2)

function say(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}

function describe(error: unknown): unknown {
  return error instanceof Error
    ? { error: 'code' in error ? error.code : error.name, message: error.message }
    : { error: 'unknown' }
}

try {
  const embedded = await openEmbeddedDatabase({ home, user, clock: systemClock, log: silentLog })
  const db = await connect({ embedded, log: silentLog, max: 2 })
  say({ ...embedded.address, directory: embedded.directory })
  for await (const line of createInterface(process.stdin)) {
    const [, command, rest = ''] = /^(\w+) ?(.*)$/.exec(line) ?? []
    try {
      if (command === 'sql') say((await db.query(rest)).rows)
      if (command === 'fill') {
        // Commits one row after another until the database is gone; says each number only after its commit.
        for (let number = Number(rest); ; number += 1) {
          await db.query('insert into filled values ($1)', [number])
          say({ acknowledged: number })
        }
      }
    } catch (error) {
      say(describe(error))
    }
    if (command === 'release') break
  }
  await db.close()
  say({ released: await embedded.release() })
} catch (error) {
  say(describe(error))
}
