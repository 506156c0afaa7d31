// One restore drill: a tenant that goes on changing, a backup somewhere in its life, and what the registry is after that was restored and
// synchronized. Told from the emulator's state and the backup alone.
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { restoreBackup } from '../../src/backup/restore.ts'
import { writeBackup } from '../../src/backup/write.ts'
import { systemClock } from '../../src/base/clock.ts'
import { ConflictError, NotFoundError } from '../../src/base/errors.ts'
import type { RunDocument } from '../../src/contract/runs.ts'
import type { Database } from '../../src/database/connect.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../../src/emulator/memberships.ts'
import { disable, enable, hire, purge, remove, rename, restore, update } from '../../src/emulator/operations.ts'
import { createRandom } from '../../src/emulator/random.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import { verifyAudit } from '../../src/registry/audit.ts'
import { approveRun } from '../../src/sync/approve.ts'
import type { Engine } from '../../src/sync/engine.ts'
import { runSource } from '../../src/sync/run.ts'
import { openKeyRing, openVault } from '../../src/vault/keys.ts'
import { createTestDatabase } from '../support/database.ts'
import { aSyncWorld, impliedView, registryView } from '../support/world.ts'

export interface DrillTally {
  cycles: number
  /** Changes of the tenant before the backup, and between it and the restore. */
  changesBefore: number
  changesLost: number
  /** Runs that the restored database knows nothing of any more. */
  runsLost: number
  restoredInPlace: number
  restoredElsewhere: number
  /** With delta links that Microsoft does not take any more. */
  tooOld: number
  replayedByDelta: number
  readInFull: number
  held: number
  removalsApplied: number
}

export const newTally = (): DrillTally => ({
  cycles: 0,
  changesBefore: 0,
  changesLost: 0,
  runsLost: 0,
  restoredInPlace: 0,
  restoredElsewhere: 0,
  tooOld: 0,
  replayedByDelta: 0,
  readInFull: 0,
  held: 0,
  removalsApplied: 0,
})

const ACTOR = { kind: 'command line', name: 'drill' } as const
const never = new AbortController().signal
const USERS = 60
/** I1: rounds without a fault after which the registry is what the tenant says. */
const MOST_ROUNDS = 3
const DAY_MS = 86_400_000
/** Beyond what Microsoft keeps delta links for. */
const LONG_AGO_DAYS = 8

/** Throws a sentence about the first thing that is not as it should be. */
export async function playDrill(options: {
  readonly seed: number
  readonly folder: string
  readonly tally: DrillTally
}): Promise<void> {
  const { seed, folder, tally } = options
  const random = createRandom(seed)
  const dice = (sides: number) => Math.floor(random.next() * sides)
  const origin = await createTestDatabase()
  const elsewhere = await createTestDatabase({ schema: 'empty' })
  const keyFile = join(folder, `key-${seed}`)
  const vault = await openVault({ keyFile, db: origin.db, allowCreate: true })
  const world = await aSyncWorld(origin.db, { users: USERS, groups: 8, memberships: 150, seed })
  const original: Engine = { ...world.engine, vault }
  try {
    await origin.db.query(`insert into users (user_name, notes) values ('local', 'nobody in Entra')`)
    await settle(original, world.source)
    tally.changesBefore += change(world.tenant, { count: 5 + dice(15), dice, seed })
    await settle(original, world.source)
    const file = join(folder, `backup-${seed}`)
    const destination = createWriteStream(file)
    await writeBackup(origin.db, {
      keys: await openKeyRing(keyFile),
      clock: systemClock,
      version: '1',
      destination,
      signal: never,
    })
    await finished(destination.end())
    const kept = await idsOf(origin.db)
    for (let run = dice(4); run > 0; run -= 1) {
      tally.changesLost += change(world.tenant, { count: 1 + dice(12), dice, seed: seed + run })
      await settle(original, world.source)
      tally.runsLost += 1
    }
    tally.changesLost += change(world.tenant, { count: 1 + dice(12), dice, seed: seed + 100 })

    const isInPlace = seed % 2 === 0
    const db = isInPlace ? origin.db : elsewhere.db
    await restoreBackup(db, {
      file,
      keyFile,
      unlock: {},
      replace: isInPlace,
      takeOver: true,
      local: undefined,
      clock: systemClock,
      actor: ACTOR,
      signal: never,
      onProgress: () => {},
    })
    tally[isInPlace ? 'restoredInPlace' : 'restoredElsewhere'] += 1
    const isOld = seed % 5 === 0
    if (isOld) {
      world.emulator.clock.advance(LONG_AGO_DAYS * DAY_MS)
      await db.query(
        `update mirror_rounds set users_link_at = users_link_at - interval '8 days', groups_link_at = groups_link_at - interval '8 days'`,
      )
      tally.tooOld += 1
    }
    await converge({ ...original, db }, { source: world.source, tenant: world.tenant, isOld, tally })
    await requireNothingLost(db, { kept, tenant: world.tenant })
    const audit = await verifyAudit(db, vault)
    if (!audit.isWhole) throw new Error(`the audit is broken at ${audit.brokenAt}`)
    tally.cycles += 1
  } finally {
    await world.stop()
    await origin.drop()
    await elsewhere.drop()
  }
}

function run(engine: Engine, source: string): Promise<RunDocument> {
  return runSource(engine, {
    source,
    kind: 'sync',
    mode: 'auto',
    trigger: 'manual',
    wait: false,
    signal: never,
    onProgress: () => {},
  })
}

/** Synchronizes, and approves what is held, as the administrator of these days does. */
async function settle(engine: Engine, source: string): Promise<void> {
  const document = await run(engine, source)
  if (document.outcome === 'held') await approve(engine, document)
  else if (document.outcome !== 'applied' && document.outcome !== 'no-change')
    throw new Error(`before the restore a run ended as ${document.outcome}: ${document.error?.message}`)
}

async function approve(engine: Engine, { run: id, planHash }: RunDocument): Promise<void> {
  const approval = { run: Number(id), hash: planHash ?? '', reason: 'looked at', actor: ACTOR, signal: never }
  const { outcome, error } = await approveRun(engine, { ...approval, onProgress: () => {} })
  if (outcome !== 'applied') throw new Error(`what was approved ended as ${outcome}: ${error?.message}`)
}

/** After the restore: nothing beyond the limits without approval, and within three rounds what the tenant says. */
async function converge(
  engine: Engine,
  expected: { readonly source: string; readonly tenant: Tenant; readonly isOld: boolean; readonly tally: DrillTally },
): Promise<void> {
  const { source, tenant, isOld, tally } = expected
  for (let round = 1; ; round += 1) {
    const before = await registryView(engine.db)
    const document = await run(engine, source)
    if (round === 1) {
      tally[document.mode === 'delta' ? 'replayedByDelta' : 'readInFull'] += 1
      if ((document.mode === 'full') !== isOld)
        throw new Error(`the first run after the restore read by ${document.mode}`)
    }
    if (document.outcome === 'no-change') break
    if (round > MOST_ROUNDS) throw new Error(`round ${round} after the restore still ended as ${document.outcome}`)
    if (document.outcome === 'held') {
      tally.held += 1
      if (JSON.stringify(await registryView(engine.db)) !== JSON.stringify(before))
        throw new Error('a held plan has changed the registry')
      await approve(engine, document)
      continue
    }
    if (document.outcome !== 'applied')
      throw new Error(`a run ended as ${document.outcome}: ${document.error?.message}`)
    const removed = document.users.deactivated + document.users.deleted
    const active = Object.values(before.users).filter((user) => user.active).length
    // The default limits, reckoned anew: a tenth, five at least.
    const limit = Math.max(5, Math.floor(Object.keys(before.users).length / 10))
    if (removed > limit) throw new Error(`${removed} of ${active} were removed without approval`)
    tally.removalsApplied += removed
  }
  const view = await registryView(engine.db)
  const implied = impliedView(tenant)
  const active = Object.fromEntries(Object.entries(view.users).filter(([, user]) => user.active))
  requireEqual('active people', active, implied.activeUsers)
  requireEqual('groups', view.groups, implied.groups)
  requireEqual('memberships', view.memberships, implied.memberships)
}

function requireEqual(what: string, found: object, wanted: object): void {
  const sorted = (value: object) =>
    JSON.stringify(
      Array.isArray(value)
        ? value.map(String).toSorted((a, b) => (a < b ? -1 : 1))
        : Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    )
  if (sorted(found) === sorted(wanted)) return
  throw new Error(`${what} are not those of the tenant:\n${sorted(found)}\n${sorted(wanted)}`)
}

/** Ids by object id, which other systems may know people by. */
async function idsOf(db: Database): Promise<ReadonlyMap<string, number>> {
  const found = await db.query<{ object_id: string; id: number }>(
    'select object_id, id from users where object_id is not null',
  )
  return new Map(found.rows.map((row) => [row.object_id, row.id]))
}

async function requireNothingLost(
  db: Database,
  { kept, tenant }: { readonly kept: ReadonlyMap<string, number>; readonly tenant: Tenant },
): Promise<void> {
  const now = await idsOf(db)
  for (const [objectId, id] of kept) {
    if (tenant.find(objectId)?.presence === 'live' && now.get(objectId) !== id)
      throw new Error(`${objectId} was ${id} in the backup and is ${now.get(objectId)}`)
  }
  const local = await db.query(`select from users where user_name = 'local' and active and notes = 'nobody in Entra'`)
  if (local.rowCount !== 1) throw new Error('the local user is gone')
}

/** @returns how many changes Entra would have taken */
function change(
  tenant: Tenant,
  { count, dice, seed }: { readonly count: number; readonly dice: (sides: number) => number; readonly seed: number },
): number {
  let done = 0
  for (let n = 0; n < count; n += 1) {
    const all = tenant.numbers('user').map((no) => tenant.at(no))
    const people = all.filter(({ presence }) => presence === 'live')
    const bin = all.filter(({ presence }) => presence === 'deleted')
    const groups = [...tenant.live('group')]
    const who = people[dice(people.length)]
    const whoDeleted = bin[dice(bin.length)]
    const group = groups[dice(groups.length)]
    const name = `p${seed}-${n}-${dice(1000)}@contoso.com`
    const acts: readonly (() => unknown)[] = [
      () => hire(tenant, { userPrincipalName: name, displayName: `Person ${n}` }),
      () => hire(tenant, { userPrincipalName: name, displayName: `Person ${n}` }),
      () => who && rename(tenant, who.id, name),
      () => who && update(tenant, who.id, { department: `Department ${dice(5)}`, mail: name }),
      () => who && disable(tenant, who.id),
      () => who && enable(tenant, who.id),
      () => who && remove(tenant, who.id),
      () => whoDeleted && purge(tenant, whoDeleted.id),
      () => whoDeleted && restore(tenant, whoDeleted.id),
      () => createGroup(tenant, { displayName: `Group ${name}` }),
      () => group && renameGroup(tenant, group.id, `Group ${name}`),
      () => group && who && addMember(tenant, group.id, who.id),
      () => group && who && addMember(tenant, group.id, who.id),
      () => group && who && removeMember(tenant, group.id, who.id),
    ]
    try {
      acts[dice(acts.length)]?.()
      done += 1
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof NotFoundError)) throw error
    }
  }
  return done
}
