// Rotation of the key beside everything that seals and looks up, and killed wherever it can be.
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { mortal } from '../../test/support/mortal.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { Database } from '../database/connect.ts'
import { update } from '../emulator/operations.ts'
import { createTerminal } from '../signin/terminals.ts'
import { approveRun } from '../sync/approve.ts'
import type { Engine } from '../sync/engine.ts'
import { revertRun } from '../sync/revert.ts'
import { runSource } from '../sync/run.ts'
import { openVault, type Vault } from '../vault/keys.ts'
import { countSealed, fleetingUntil } from '../vault/rewrap.ts'
import { verifyAudit } from './audit.ts'
import { openCredentials } from './connections.ts'
import { listKeys, retireKey, rotateKeys } from './rotate-keys.ts'
import { listUsers } from './user-list.ts'

const PEOPLE = 1_100
const SETTINGS: Settings = {
  users: { properties: { cards: ['onPremisesExtensionAttributes.extensionAttribute5'], pin: 'generate' } },
}
const actor = { kind: 'command line', name: 'ann@host' } as const
const signal = new AbortController().signal

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase({ max: 10 })
})
afterAll(() => test.drop())

/** One installation, filled by synchronizing people with cards and PINs under a real vault. */
let muster: {
  readonly world: SyncWorld
  readonly keyFile: string
  /** A server that has been running since before any rotation. */
  readonly server: Engine & { readonly vault: Vault }
  /** User names by card number, as Entra has them. */
  readonly cards: ReadonlyMap<string, string>
}
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-rotate-`))
  const keyFile = join(folder, 'key')
  const vault = await openVault({ keyFile, db: test.db, allowCreate: true })
  const world = await aSyncWorld(test.db, {
    users: PEOPLE,
    settings: { ...SETTINGS, safeguard: 'off' },
  })
  const server = { ...world.engine, vault }
  await test.db.query(
    `insert into connection_credentials (connection_id, kind, sealed, fingerprint)
     select id, 'secret', $1, '\\x00' from connections`,
    [vault.seal('the~secret', `connection:${await connectionId()}:secret`)],
  )
  await test.db.query(
    `with a as (insert into administrators (name, name_key, role, password, created_at) values ('Ann', 'ann', 'viewer', 'none', now()) returning id)
     insert into second_factors (administrator_id, sealed) select id, $1 from a where id = 1`,
    [vault.seal('the second factor', 'second factor:1')],
  )
  await sync(server, world)
  // Cards that are replaced: plans and what runs overwrote hold sealed ones.
  const people = [...world.tenant.live('user')].filter(
    ({ properties }) => cardOf(properties) !== undefined && properties['accountEnabled'] !== false,
  )
  for (const [n, user] of people.slice(0, 40).entries())
    update(world.tenant, user.id, { onPremisesExtensionAttributes: { extensionAttribute5: `C0FFEE${n + 1_000}` } })
  await sync(server, world)
  const cards = new Map<string, string>()
  for (const user of world.tenant.live('user')) {
    const card = cardOf(user.properties)
    if (card !== undefined && user.properties['accountEnabled'] !== false)
      cards.set(card, String(user.properties['userPrincipalName']))
  }
  muster = { world, keyFile, server, cards }
})
afterAll(() => muster.world.stop())

function cardOf(properties: Readonly<Record<string, unknown>>): string | undefined {
  const attributes = properties['onPremisesExtensionAttributes'] as { extensionAttribute5?: string | null } | undefined
  return attributes?.extensionAttribute5 ?? undefined
}

async function connectionId(): Promise<number> {
  return (await test.db.query<{ id: number }>('select id from connections')).rows[0]!.id
}

function sync(engine: Engine, world: SyncWorld, request: { mode?: 'full' } = {}): Promise<RunDocument> {
  return runSource(engine, {
    source: world.source,
    kind: 'sync',
    mode: 'auto',
    trigger: 'manual',
    wait: true,
    signal,
    onProgress: () => {},
    ...request,
  })
}

/** What `muster keys rotate` does in a process of its own. */
async function rotate(db: Database = test.db, { isEverywhere = false } = {}) {
  const vault = await openVault({ keyFile: muster.keyFile, db: test.db, allowCreate: false })
  const parts = { db, vault, clock: systemClock, random: Math.random, keyFile: muster.keyFile }
  return rotateKeys(parts, { actor, isEverywhere, signal })
}

async function retire(version: number): Promise<void> {
  const vault = await openVault({ keyFile: muster.keyFile, db: test.db, allowCreate: false })
  const parts = { db: test.db, vault, clock: systemClock, random: Math.random, keyFile: muster.keyFile }
  await retireKey(parts, { version, actor })
}

/** Values under each version. */
async function counted(): Promise<Record<number, number>> {
  const counts: Record<number, number> = {}
  for (const { version, count } of await countSealed(test.db)) counts[version] = (counts[version] ?? 0) + count
  return counts
}

async function ownerOf(vault: Vault, card: string): Promise<string | undefined> {
  const found = await listUsers(test.db, { search: card, status: 'all', limit: 2 }, { vault })
  return found.users.find((user) => user.foundBy === 'card')?.userName
}

/** Every sealed value opens to what it was, with whichever vault, and cards have their owners. */
async function expectWhole(vault: Vault, some = 20): Promise<void> {
  const { rows } = await test.db.query<{ sealed: Buffer }>(
    `select sealed from credentials where kind = 'card' and held`,
  )
  expect(new Set(rows.map((row) => vault.open(row.sealed, 'card')))).toEqual(new Set(muster.cards.keys()))
  for (const [card, userName] of [...muster.cards].slice(0, some)) expect(await ownerOf(vault, card)).toBe(userName)
  const factors = await test.db.query<{ sealed: Buffer }>('select sealed from second_factors')
  expect(factors.rows.map((row) => vault.open(row.sealed, 'second factor:1'))).toEqual(['the second factor'])
  expect(await openCredentials(test.db, { connectionId: await connectionId(), vault })).toMatchObject([
    { kind: 'secret', secret: 'the~secret' },
  ])
}

function fresh(): Promise<Vault> {
  return openVault({ keyFile: muster.keyFile, db: test.db, allowCreate: false })
}

function enabled() {
  return [...muster.world.tenant.live('user')].filter((user) => user.properties['accountEnabled'] !== false)
}

/** The newest version came into use long ago. */
async function letTimePass(): Promise<void> {
  await test.db.query(`update vault_state set created_at = created_at - interval '1 hour'`)
}

describe('rotating the key', () => {
  it('E17: killed before any statement it leaves everything readable, and goes on where it stood', async () => {
    const { server } = muster
    const before = await counted()
    const replaced = await test.db.query(
      `select from undo_users where before -> 'credentials' -> 0 ->> 'sealed' is not null`,
    )
    expect(replaced.rowCount).toBe(40)
    const pins = await test.db.query(`select user_id, lookup from credentials where kind = 'pin' order by user_id`)
    let kills = 0
    for (let diesAt = 1; (await counted())[2] !== before[1]; diesAt += 1) {
      const dying = mortal(test.db, diesAt)
      await rotate(dying.db).catch((error: unknown) => {
        if (!dying.died()) throw error
      })
      kills += 1
      if (diesAt % 4 === 0) await expectWhole(await fresh(), 3)
    }

    expect(kills).toBeGreaterThan(20)
    expect(await counted()).toEqual({ 2: before[1] })
    expect((await readFile(muster.keyFile, 'utf8')).match(/^\d+ /gm)).toEqual(['1 ', '2 '])
    await expectWhole(await fresh())
    await expectWhole(server.vault)
    expect(server.vault.currentVersion).toBe(2)
    expect(
      (await test.db.query(`select user_id, lookup from credentials where kind = 'pin' order by user_id`)).rows,
    ).toEqual(pins.rows)
    expect(await verifyAudit(test.db, server.vault)).toMatchObject({ isWhole: true })
    expect((await stat(muster.keyFile)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(muster.keyFile, '..'))).toEqual(['key'])
  })

  it('E17: misses no look-up, and a sync beside it, by a server that knows the old version only, applies what changed', async () => {
    const { server, world } = muster
    const old = { ...server, vault: await fresh() }
    const asked = new AbortController()
    let lookUps = 0
    const missed: string[] = []
    const asking = async (vault: Vault) => {
      for (let turn = 0; !asked.signal.aborted; turn += 1) {
        const [card, userName] = [...muster.cards][turn % muster.cards.size]!
        if ((await ownerOf(vault, card)) !== userName) missed.push(card)
        lookUps += 1
      }
    }
    for (const user of enabled().slice(50, 90)) update(world.tenant, user.id, { displayName: `Beside ${user.id}` })
    const askers = [asking(server.vault), asking(old.vault)]

    const [rotated, synced] = await Promise.all([rotate(), sync(old, world, { mode: 'full' })]).finally(() => {
      asked.abort()
    })
    await Promise.all(askers)
    const rest = await rotate()

    expect(synced.error).toBeNull()
    expect(synced).toMatchObject({ outcome: 'applied', users: { updated: 40 } })
    expect([rotated.version, rotated.isNew, rotated.unreadable]).toEqual([3, true, []])
    expect(rotated.resealed).toBeGreaterThan(PEOPLE)
    expect(missed).toEqual([])
    // How many there were is for the machine to say.
    expect(lookUps).toBeGreaterThan(1)
    expect(rest.version).toBeGreaterThanOrEqual(3)
    await expectWhole(old.vault)
  })

  it('a plan that is held meanwhile is approved as it was shown, and a run from before is taken back', async () => {
    const { server, world } = muster
    const [first, ...others] = enabled().filter((user) => cardOf(user.properties) !== undefined)
    update(world.tenant, first!.id, { onPremisesExtensionAttributes: { extensionAttribute5: 'FEED0001' } })
    const applied = await sync(server, world)
    await world.configure({ ...SETTINGS, safeguard: { credentials: { percent: 0, count: 1 } } })
    for (const [n, user] of others.slice(0, 12).entries())
      update(world.tenant, user.id, { onPremisesExtensionAttributes: { extensionAttribute5: `FEED${n + 2_000}` } })
    const held = await sync(server, world)
    expect([applied.outcome, held.outcome]).toEqual(['applied', 'held'])

    await rotate()
    await rotate()
    const run = { reason: 'right', actor, signal, onProgress: () => {} }
    const approved = await approveRun(server, {
      run: Number(held.run),
      hash: held.planHash!,
      without: undefined,
      ...run,
    })
    const reverted = await revertRun(server, {
      run: Number(applied.run),
      reason: 'wrong',
      actor,
      signal,
      confirmed: true,
      user: undefined,
      onProgress: () => {},
    })

    expect(approved).toMatchObject({
      outcome: 'applied',
      planHash: held.planHash,
      credentials: { added: 12, removed: 12 },
    })
    expect(reverted).toMatchObject({ outcome: 'applied' })
    const vault = await fresh()
    const before = [...muster.cards].find(([, name]) => name === first!.properties['userPrincipalName'])![0]
    expect(await ownerOf(vault, before)).toBe(first!.properties['userPrincipalName'])
    expect(await ownerOf(vault, 'FEED2000')).toBe(others[0]!.properties['userPrincipalName'])
    expect(Object.keys(await counted())).toHaveLength(1)
  })

  it('keeps what a full compare has read byte for byte the same as the mirror, so that nobody seems to have changed', async () => {
    const columns = 'source_id, key, object_id, kind, state, attributes, sealed, manager'
    await test.db.query(
      `insert into mirror_staged_objects (${columns}) select ${columns} from mirror_objects where sealed is not null order by key limit 700`,
    )

    await rotate()

    const { rows } = await test.db.query(
      `select count(*) filter (where s.sealed = m.sealed) as same, count(*) filter (where s.sealed <> m.sealed) as other
       from mirror_staged_objects s join mirror_objects m on m.key = s.key`,
    )
    expect(rows).toEqual([{ same: 700, other: 0 }])
    await test.db.query('truncate mirror_staged_objects')
  })

  it('passes over values whose copies a full compare holds: it wants the values next, and neither waits for the other', async () => {
    const columns = 'source_id, key, object_id, kind, state, attributes, sealed, manager'
    await test.db.query(
      `insert into mirror_staged_objects (${columns}) select ${columns} from mirror_objects where sealed is not null order by key limit 20`,
    )
    const holder = await test.db.pool.connect()
    await holder.query('begin')
    const held = await holder.query('select key from mirror_staged_objects order by key for update')
    let passes = 0
    const clock = {
      ...systemClock,
      sleep: async () => {
        passes += 1
        await holder.query(
          'update mirror_objects m set manager = m.manager from mirror_staged_objects s where s.key = m.key',
        )
        await holder.query('commit')
      },
    }
    const parts = { db: test.db, vault: await fresh(), clock, random: Math.random, keyFile: muster.keyFile }

    await rotateKeys(parts, { actor, isEverywhere: false, signal })
    holder.release()

    expect([held.rowCount, passes]).toEqual([20, 1])
    const { rows } = await test.db.query(
      `select count(*) filter (where s.sealed <> m.sealed) as other from mirror_staged_objects s join mirror_objects m on m.key = s.key`,
    )
    expect(rows).toEqual([{ other: 0 }])
    expect(Object.keys(await counted())).toHaveLength(1)
    await test.db.query('truncate mirror_staged_objects')
  })

  it('passes over rows that somebody holds, and seals them once they are free', async () => {
    const holder = await test.db.pool.connect()
    await holder.query('begin')
    await holder.query('select from credentials order by id limit 10 for update')
    const waited: number[] = []
    const vault = await fresh()
    const clock = {
      ...systemClock,
      sleep: async (ms: number) => {
        waited.push(ms)
        await holder.query('commit')
      },
    }
    const parts = { db: test.db, vault, clock, random: Math.random, keyFile: muster.keyFile }

    await rotateKeys(parts, { actor, isEverywhere: false, signal })
    holder.release()

    expect(waited).toEqual([500])
    expect(Object.keys(await counted())).toHaveLength(1)
  })

  it('leaves a damaged value as it is, says where it is, and is not stopped by it for ever', async () => {
    const { rows } = await test.db.query<{ id: number; sealed: Buffer }>(
      'select id, sealed from credentials where sealed is not null order by id limit 1',
    )
    const { id, sealed } = rows[0]!
    const damaged = Buffer.from(sealed)
    damaged[damaged.length - 1]! ^= 1
    await test.db.query('update credentials set sealed = $1 where id = $2', [damaged, id])

    const [first, second] = [await rotate(), await rotate()]

    expect([first, second].map((document) => document.unreadable)).toEqual(
      Array.from({ length: 2 }, () => [{ place: 'cards', count: 1 }]),
    )
    expect([first.isNew, second.isNew]).toEqual([true, true])
    expect(second.version).toBe(first.version + 1)
    await test.db.query('update credentials set sealed = $1 where id = $2', [
      (await fresh()).seal((await fresh()).open(sealed, 'card'), 'card'),
      id,
    ])
  })
})

describe('where the key file cannot be written', () => {
  it('says which line to add, and changes nothing', async () => {
    // Nothing can be written beside it, whoever we are: the name of a file beside it would be too long.
    const keyFile = join(muster.keyFile, '..', 'k'.repeat(250))
    await copyFile(muster.keyFile, keyFile)
    const before = await counted()
    const parts = { db: test.db, vault: await fresh(), clock: systemClock, random: Math.random, keyFile }

    await expect(rotateKeys(parts, { actor, isEverywhere: false, signal })).rejects.toThrow(
      /cannot add version \d+ to .*: ENAMETOOLONG; add this line to it yourself, the same one on every host/,
    )

    expect(await counted()).toEqual(before)
    expect(await readFile(keyFile, 'utf8')).toBe(await readFile(muster.keyFile, 'utf8'))
    await rm(keyFile)
  })

  it('a version that waits in it is taken into use, and no other is made', async () => {
    const version = Math.max(...Object.keys(await counted()).map(Number)) + 1
    await writeFile(
      muster.keyFile,
      `${await readFile(muster.keyFile, 'utf8')}${version} ${Buffer.alloc(32, 9).toString('base64')}\n`,
    )
    expect((await listKeys(test.db, muster.keyFile)).keys.at(-1)).toMatchObject({
      version,
      state: 'waiting',
      since: null,
    })

    expect(await rotate()).toMatchObject({ version, isNew: true })

    expect((await readFile(muster.keyFile, 'utf8')).match(/^\d+ /gm)?.at(-1)).toBe(`${version} `)
  })
})

describe('retiring a version', () => {
  it('is refused while it is the newest, while values are under it, and while others may not know of the newest', async () => {
    const { keys } = await listKeys(test.db, muster.keyFile)
    const newest = keys.at(-1)!.version
    await expect(retire(newest)).rejects.toThrow(/it is the one that seals/)
    await expect(retire(1)).rejects.toThrow(/not every process may know of it/)
    // Sealed by who learnt of it last, and brought back by its browser at the last moment.
    await test.db.query(`update vault_state set created_at = now() - interval '11 minutes 50 seconds'`)
    await expect(retire(1)).rejects.toThrow(/browsers of people who are signing in .* wait for 12 minutes/)
    await letTimePass()
    const old = (await listKeys(test.db, muster.keyFile)).keys[0]!
    expect(old).toMatchObject({ version: 1, state: 'opening', count: 0 })
    await test.db.query(
      `update credentials set sealed = overlay(sealed placing '\\x00000001'::bytea from 2) where id = (select min(id) from credentials where sealed is not null)`,
    )

    await expect(retire(1)).rejects.toMatchObject({
      code: 'key-in-use',
      message: expect.stringMatching(/1 values are under it/),
    })

    await test.db.query(
      `update credentials set sealed = overlay(sealed placing decode(lpad(to_hex($1::int), 8, '0'), 'hex') from 2) where id = (select min(id) from credentials where sealed is not null)`,
      [newest],
    )
    await expect(retire(99)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is refused while somebody is away at Microsoft whose verifier is under it, and while a device code is', async () => {
    const old = { version: 1, sealed: Buffer.concat([Buffer.from([1, 0, 0, 0, 1]), Buffer.alloc(40)]) }
    const soon = new Date(systemClock.now().getTime() + 60_000)
    await test.db.query(
      `insert into signin_flows (digest, connection_id, browser, nonce, verifier, redirect_uri, return_to, network, expires_at)
       values ('\\x01', $1, '\\x02', 'n', $2, 'https://muster.example/signin/microsoft', '/', '\\x03', $3)`,
      [await connectionId(), old.sealed, soon],
    )

    await expect(retire(old.version)).rejects.toMatchObject({
      code: 'key-in-use',
      message: expect.stringMatching(
        new RegExp(`until ${soon.toISOString()} is under it \\(sign-ins with Microsoft under way\\)`),
      ),
    })
    await test.db.query('delete from signin_flows')
    const terminal = await createTerminal(
      { db: test.db, vault: await fresh(), clock: systemClock },
      { name: 'Entrance', may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null },
      actor,
    )
    await test.db.query(
      `insert into terminal_device_codes (digest, terminal_id, connection_id, device_code, interval_seconds, created_at, next_poll_at, expires_at)
       values ('\\x01', $1, $2, $3, 5, now(), now(), $4)`,
      [terminal.listed.id, await connectionId(), old.sealed, soon],
    )
    await expect(retire(old.version)).rejects.toThrow(/device codes of terminals/)

    // One that has ended keeps nothing.
    await test.db.query(`update terminal_device_codes set expires_at = now() - interval '1 second'`)
    expect(await fleetingUntil(test.db, { version: old.version, now: systemClock.now() })).toBeUndefined()
    await test.db.query('delete from terminal_device_codes')
  })

  it('takes it out of the file and leaves everything readable; the file from before is refused with words', async () => {
    const before = await readFile(muster.keyFile, 'utf8')
    await letTimePass()

    await retire(1)
    await retire(1)

    const { keys } = await listKeys(test.db, muster.keyFile)
    expect(keys[0]).toMatchObject({ version: 1, state: 'retired', isInFile: false, count: 0 })
    expect(await readFile(muster.keyFile, 'utf8')).not.toMatch(/^1 /m)
    expect((await stat(muster.keyFile)).mode & 0o777).toBe(0o600)
    const vault = await fresh()
    expect(await verifyAudit(test.db, vault)).toMatchObject({ isWhole: true })
    const [card, userName] = [...muster.cards].at(-1)!
    expect(await ownerOf(vault, card)).toBe(userName)
    const after = await readFile(muster.keyFile, 'utf8')
    await writeFile(muster.keyFile, before.split('\n').slice(0, 2).join('\n'))
    await expect(fresh()).rejects.toThrow(/lacks version 2 of the key .* put the right file back from its backup/)
    await writeFile(muster.keyFile, after)
  })

  it('is in the audit, as the rotations are', async () => {
    const { rows } = await test.db.query<{ action: string; subject: string; actor_name: string }>(
      `select action, subject, actor_name from audit where action like 'keys.%' order by id`,
    )

    expect(rows[0]).toEqual({ action: 'keys.rotate', subject: 'key version 2', actor_name: 'ann@host' })
    expect(rows.at(-1)).toEqual({ action: 'keys.retire', subject: 'key version 1', actor_name: 'ann@host' })
    expect(rows.filter((row) => row.action === 'keys.reseal').length).toBeGreaterThan(0)
  })
})
