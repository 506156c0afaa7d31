// A world of which one person after another is asked why he is as he is; its tables are emptied between tests.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { explanation, type ExplainedSource, type Explanation } from '../../src/contract/explanation.ts'
import type { Database } from '../../src/database/connect.ts'
import { canonical } from '../../src/directory/canonical.ts'
import type { DirectoryObject } from '../../src/emulator/object.ts'
import { hire } from '../../src/emulator/operations.ts'
import { explainUser } from '../../src/sync/explain.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'
import { emptyRegistry } from './planned.ts'
import { aSyncWorld, type Settings, type SyncWorld } from './world.ts'

export interface ExplainedWorld {
  /** Of the test that runs. */
  readonly w: SyncWorld
  readonly db: Database
  /** An empty tenant but for one person, and a source on it without safeguard; others need one who stays. */
  begin(settings?: Settings): Promise<void>
  /** From now on lists and counts of users leave him out, though Entra shows him when it is asked for him. */
  leaveOut(objectId: string): void
  /** Hires `NAME@contoso.com`. */
  person(name: string, more?: Record<string, unknown>): DirectoryObject
  why(user: string): Promise<Explanation>
  /** What the one source says of him, or another one by its name. */
  source(user: string, name?: string): Promise<ExplainedSource>
  /** A registry user that no source reads. */
  local(name: string, columns?: Record<string, unknown>): Promise<number>
  /** A second source on the same connection, with the settings of the first. */
  another(name: string, priority: number): Promise<void>
}

/** Registers what sets it up and takes it down. */
export function anExplainedWorld(): ExplainedWorld {
  let test: TestDatabase
  let world: SyncWorld | undefined
  let leftOut: string | undefined
  beforeAll(async () => {
    test = await createTestDatabase()
  })
  afterAll(() => test.drop())
  beforeEach(async () => {
    await emptyRegistry(test.db)
  })
  afterEach(async () => {
    await world?.stop()
    world = undefined
    leftOut = undefined
  })
  const lying =
    (inner: typeof fetch): typeof fetch =>
    async (input, init) => {
      const answer = await inner(input, init)
      const { url } = new Request(input, init)
      if (leftOut === undefined || !/\/users(?:\?|\/\$count)/.test(url)) return answer
      if (url.includes('$count')) return new Response(String(Number(await answer.text()) - 1), answer)
      const body = (await answer.json()) as { value: { id: string }[] }
      return new Response(JSON.stringify({ ...body, value: body.value.filter(({ id }) => id !== leftOut) }), answer)
    }
  const of = () => {
    if (world === undefined) throw new Error('the world has not begun')
    return world
  }
  const person = (name: string, more: Record<string, unknown> = {}) =>
    hire(of().tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name, ...more })
  const why = async (user: string) => {
    const told = await explainUser(of().engine, { user, signal: new AbortController().signal })
    expect(explanation.parse(told)).toEqual(told)
    return told
  }
  return {
    get w() {
      return of()
    },
    get db() {
      return test.db
    },
    async begin(settings = {}) {
      world = await aSyncWorld(test.db, { fetch: lying, settings: { safeguard: 'off', ...settings } })
      person('keeper')
    },
    leaveOut(objectId) {
      leftOut = objectId
    },
    person,
    why,
    async source(user, name = of().source) {
      const told = (await why(user)).sources.find(({ source }) => source === name)
      if (told === undefined) throw new Error(`${name} says nothing of ${user}`)
      return told
    },
    async local(name, columns = {}) {
      const keys = Object.keys(columns)
      const row = await test.db.query<{ id: number }>(
        `insert into users (user_name${keys.map((k) => `, ${k}`).join('')}) values ($1${keys.map((_, i) => `, $${i + 2}`).join('')}) returning id`,
        [name, ...Object.values(columns)],
      )
      const { id } = row.rows[0]!
      // As the registry stores the names of those who are made by hand.
      await test.db.query(
        `insert into user_names (user_id, kind, value, key, origin, held) select $1, 'n', $2, $3, 's', active from users where id = $1`,
        [id, name, canonical(name)],
      )
      return id
    },
    async another(name, priority) {
      await test.db.query(
        `insert into sources (name, connection_id, enabled, priority, settings)
         select $1, connection_id, true, $2, settings || jsonb_build_object('priority', $2::int) from sources`,
        [name, priority],
      )
    },
  }
}
