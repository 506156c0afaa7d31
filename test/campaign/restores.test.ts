// Restore drills: a backup, a tenant that goes on, a restore, a synchronization, and the registry is what the tenant says.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newTally, playDrill } from './drill.ts'

const from = Number(process.env['FROM'] ?? 1)
const count = Number(process.env['COUNT'] ?? 5)
const summary = process.env['SUMMARY']
/** A machine that others work on as well. */
const PATIENCE_MS = 120_000

describe('a backup that is restored later', () => {
  it(
    `E14: I19: and synchronized gives what the tenant says, with nothing lost and no removals beyond the safeguard (seeds ${from} to ${from + count - 1})`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'muster-drill-'))
      const tally = newTally()
      const failures: { seed: number; error: string }[] = []
      try {
        for (let seed = from; seed < from + count; seed += 1) {
          await playDrill({ seed, folder, tally }).catch((error: unknown) => {
            failures.push({ seed, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
          })
          if (summary !== undefined) process.stderr.write(`${seed - from + 1} of ${count} drills\n`)
        }
      } finally {
        await rm(folder, { recursive: true })
      }
      if (summary !== undefined) await writeFile(summary, JSON.stringify({ from, count, tally, failures }))

      expect(failures).toEqual([])
      expect(tally.cycles).toBe(count)
    },
    PATIENCE_MS * count,
  )
})
