// One embedded server for a whole test run, with a migrated database that every test database is cloned from.
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { connect } from '../../src/database/connect.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { migrate } from '../../src/database/migrate.ts'
import { HOME_PREFIX, makeTestHome, SCRATCH_FOLDERS } from './scratch.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the run's embedded server is reached. */
    readonly testServer: { readonly host: string; readonly user: string }
  }
}

export const TEMPLATE = 'muster_template'

/** vitest's globalSetup: starts the server, returns what stops it and leaves no trace. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  await removeLeftovers()
  const home = await makeTestHome()
  const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
  await makeTemplate(embedded)
  project.provide('testServer', { host: embedded.address.host, user: embedded.address.user })
  return async () => {
    await embedded.release()
    await rm(home, { recursive: true, force: true })
  }
}

async function makeTemplate(embedded: EmbeddedDatabase): Promise<void> {
  const server = await connect({ embedded, log: silentLog, max: 1 })
  await server.query(`create database ${TEMPLATE}`)
  await server.close()
  const template = await connect({
    embedded: { address: { ...embedded.address, database: TEMPLATE } },
    log: silentLog,
    max: 1,
  })
  await migrate(template, { log: silentLog })
  await template.close()
}

/** A run that was killed could not clean up: end its server and remove its files. */
async function removeLeftovers(): Promise<void> {
  const found = await Promise.all(
    SCRATCH_FOLDERS.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => ({ folder, name }))),
  )
  for (const { folder, name } of found.flat()) {
    const pid = Number(new RegExp(`^${HOME_PREFIX}(\\d+)-`).exec(name)?.[1])
    if (!Number.isInteger(pid) || isAlive(pid)) continue
    const home = join(folder, name)
    const file = await readFile(join(home, 'database', 'data', 'postmaster.pid'), 'utf8').catch(() => '')
    const [postmaster = '', data] = file.split('\n')
    if (data === join(home, 'database', 'data') && isAlive(Number(postmaster)))
      process.kill(Number(postmaster), 'SIGQUIT')
    await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
