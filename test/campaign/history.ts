// Plays one random history: emulator, engine on PostgreSQL and reference model side by side, with the invariants after each step.
import type { RunDocument } from '../../src/contract/runs.ts'
import type { SourceSettings } from '../../src/contract/sources.ts'
import type { Database } from '../../src/database/connect.ts'
import type { FaultSpec } from '../../src/emulator/faultkinds.ts'
import type { Engine, RunProgress } from '../../src/sync/engine.ts'
import { approveRun, rejectRun } from '../../src/sync/approve.ts'
import { runSource } from '../../src/sync/run.ts'
import { mortal } from '../support/mortal.ts'
import { afterRemoval } from '../support/model-groups.ts'
import { afterLook, afterRun, EMPTY, type Registry, type TenantState } from '../support/model.ts'
import { everything } from '../support/reverted.ts'
import { attributeGroupMistakes } from './attribute-groups.ts'
import { checkAvailable } from './available.ts'
import { touchedBystanders } from './bystanders.ts'
import { checkAlways } from './invariants.ts'
import { changeByHand } from './hand.ts'
import { claimsFrom, differences, dumpRegistry, observe, type Observed, settle, takenFrom } from './observe.ts'
import { play } from './play.ts'
import { diffLines, type Scene, type Tally, trace, traceItems } from './scene.ts'
import { openStage, stateOf } from './stage.ts'
import type { Disturbance, History, Step } from './steps.ts'
import { checkHistory, revertLast } from './taking-back.ts'
import { watchHistory } from './watch.ts'

/** Whole and well-formed answers with something false in them, of which nobody can know. */
const LIES: ReadonlySet<string> = new Set(['null-storm', 'missing-properties', 'short-list'])

/** Nulls of users and of nobody else: nobody is without a name, so they are found out (G12). */
function isFoundOut({ kind, path }: FaultSpec): boolean {
  return kind === 'null-storm' && /^\W*users\b/.test(path instanceof RegExp ? path.source : (path ?? ''))
}

class Broken extends Error {}

/** @throws Broken with what is wrong and at which step */
export async function playHistory(db: Database, { history, tally }: { history: History; tally: Tally }): Promise<void> {
  const stage = await openStage(db, history.seed)
  trace(`second source: ${history.second}`)
  const scene: Scene = {
    db,
    stage,
    tally,
    expected: EMPTY,
    unfollowed: new Set(),
    misled: new Set(),
    begun: new Set(),
    unread: new Set(),
    held: new Map(),
    reflected: new Map(),
    isEdited: false,
  }
  try {
    for (const step of history.start) {
      for (const tenant of stage.tenants) play(tenant, { step, now: stage.engine.clock.now() })
    }
    await stage.configure('a', history.settings[0], 0)
    if (history.second !== 'none') await stage.configure('b', history.settings[1], history.second === 'same' ? 0 : 1)
    const watch = await watchHistory(stage, history)
    for (const [n, step] of history.steps.entries()) {
      tally.steps += 1
      trace(`${n} ${JSON.stringify(step)}`)
      try {
        await carryOut(scene, { step, history })
        // What happens in a tenant alone is not in the database yet.
        if (step.do !== 'tenant') {
          await checkAlways(db)
          await watch.afterStep(step, new Set([...scene.misled, ...scene.begun]))
        }
      } catch (error) {
        throw new Broken(
          `at step ${n} (${JSON.stringify(step)}): ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
          { cause: error },
        )
      }
    }
    try {
      await converge(scene)
      await checkHistory(scene)
      await watch.atEnd()
    } catch (error) {
      throw new Broken(`at the end: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`, {
        cause: error,
      })
    }
  } finally {
    await stage.stop()
  }
}

async function carryOut(scene: Scene, { step, history }: { step: Step; history: History }): Promise<void> {
  const { stage } = scene
  stage.tick()
  const names = [...stage.sources.keys()].sort()
  const source = 'source' in step ? names[step.source % Math.max(1, names.length)] : undefined
  if (step.do !== 'run' && step.do !== 'approve') for (const plan of scene.held.values()) plan.isFresh = false
  switch (step.do) {
    case 'tenant':
      play(stage.tenants[history.second === 'other' || history.moves ? step.tenant : 0]!, {
        step: step.step,
        now: stage.engine.clock.now(),
      })
      return
    case 'hand':
      await checkHistory(scene)
      scene.isEdited = true
      scene.expected = await changeByHand(scene.db, { step: step.step, expected: scene.expected })
      return
    case 'wait':
      await stage.wait(step.hours)
      return
    case 'settings': {
      const name = ['a', 'b'][step.source] ?? 'a'
      if (history.second === 'none' && name === 'b') return
      // One that was removed is another one from now on.
      const connection = name === 'b' && history.second === 'other' ? 1 : 0
      await stage.configure(name, step.settings, stage.sources.has(name) ? undefined : connection)
      return
    }
    case 'connect':
      if (history.moves && source !== undefined) await move(scene, () => stage.connect(source))
      return
    case 'lead':
      if (history.moves) await move(scene, () => stage.lead(step.connection))
      return
    case 'removeSource':
      if (source === undefined || names.length < 2) return
      await stage.removeSource(source)
      scene.expected = afterRemoval(scene.expected, source)
      scene.held.delete(source)
      scene.reflected.delete(source)
      for (const set of [scene.misled, scene.begun, scene.unread]) set.delete(source)
      return
    case 'preview':
      if (source !== undefined) await run(scene, { source, mode: step.mode, kind: 'plan' })
      return
    case 'revert':
      if (source !== undefined) await revertLast(scene, source)
      return
    case 'approve':
      if (source !== undefined) await approveHeld(scene, source)
      return
    case 'run':
      if (source === undefined) return
      {
        const before = step.undo ? await everything(scene.db) : undefined
        const document = await run(scene, { source, mode: step.mode, kind: 'sync', disturbance: step.disturbance })
        if (before !== undefined && document?.outcome === 'applied') await revertLast(scene, source, before)
      }
      if (!scene.held.has(source) || step.held === 'leave') return
      if (step.held === 'reject') {
        await rejectRun(stage.engine, {
          run: scene.held.get(source)!.run,
          reason: 'no',
          actor: { kind: 'command line', name: 'test' } as const,
        })
        scene.held.delete(source)
      } else await approveHeld(scene, source, step.held === 'withoutRemovals' ? 'removals' : undefined)
  }
}

async function move({ stage, tally }: Scene, change: () => Promise<void>): Promise<void> {
  const before = stage.tenantIds()
  await change()
  for (const [name, tenantId] of Object.entries(stage.tenantIds())) if (before[name] !== tenantId) tally.moved += 1
}

/**
 * Whether its mirror is without members that it has been refused (403), or told not to be there (404), and knows it: the model knows
 * nothing of that. What it has of them stays, and they are asked for again.
 */
async function noteUnread({ db, unread }: Scene, source: string): Promise<void> {
  const found = await db.query(
    `select from sources s where s.name = $1 and (
       exists (select from mirror_objects o where o.source_id = s.id and o.kind = 'g' and o.state = 'l' and o.members_unknown)
       or exists (select from mirror_rereads r where r.source_id = s.id))`,
    [source],
  )
  if (found.rowCount === 0) unread.delete(source)
  else unread.add(source)
}

interface RunWanted {
  readonly source: string
  readonly mode: 'auto' | 'full'
  readonly kind: 'sync' | 'plan'
  readonly disturbance?: Disturbance
}

/** One run with what disturbs it; afterwards the registry is as the model says, or untouched. */
async function run(scene: Scene, wanted: RunWanted): Promise<RunDocument | undefined> {
  const { stage, db, tally } = scene
  const { source } = wanted
  tally.runs += 1
  const before = await dumpRegistry(db)
  const tenant = stateOf(stage.tenantOf(source))
  const wasMisled = scene.misled.has(source)
  const disturbance = wanted.disturbance ?? { kind: 'none' }
  const { document, engineDied } = await disturbed(scene, { ...wanted, disturbance })
  const outcome = document?.outcome ?? 'died'
  // A full compare reads everything again; one that is disturbed is believed the next time only.
  const isRead = outcome === 'applied' || outcome === 'no-change' || outcome === 'held'
  // A round that failed after it was told something false is gone on with: what it has read by then is not asked for again.
  const isWhole = isRead || outcome === 'planned'
  if (isWhole) await noteUnread(scene, source)
  if (!isWhole && scene.misled.has(source)) scene.begun.add(source)
  else if (wasMisled && isWhole && scene.begun.delete(source)) trace(`  ${source} is misled still`)
  else if (wasMisled && wanted.mode === 'full' && disturbance.kind === 'none' && isRead) scene.misled.delete(source)
  trace(`  ${source} ${JSON.stringify(stage.sources.get(source))}`)
  trace(`  -> ${outcome} ${JSON.stringify(document?.users)} ${JSON.stringify(document?.error ?? document?.held)}`)
  for (const issue of document?.issues ?? []) trace(`     ${JSON.stringify(issue)}`)
  if (document?.outcome === 'held' || document?.outcome === 'applied') await traceItems(db, Number(document.run))
  tally.outcomes[outcome] = (tally.outcomes[outcome] ?? 0) + 1
  if (stage.early.length > 0) throw new Error(`I13: ${stage.early.join(', ')}`)
  if (document?.outcome === 'held' && wanted.kind === 'sync')
    scene.held.set(source, { run: Number(document.run), hash: document.planHash!, tenant, isFresh: true })
  else if (
    document !== undefined &&
    wanted.kind === 'sync' &&
    document.outcome !== 'failed' &&
    document.outcome !== 'cancelled'
  )
    scene.held.delete(source)
  if (outcome === 'applied' || outcome === 'no-change') {
    if (wanted.kind === 'sync') {
      const reflected = scene.reflected.get(source) ?? tenant.tenantId
      if (outcome === 'applied' && reflected !== tenant.tenantId)
        throw new Error(`I3: ${source} reads another tenant than before, and its run was not held`)
      await compare(scene, { source, tenant, before, what: `run ${document?.run} (${outcome})` })
      return document
    }
  }
  const after = await dumpRegistry(db)
  if (after === before) {
    if (outcome === 'planned' || outcome === 'held' || outcome === 'no-change')
      scene.expected = afterLook(scene.expected, { source, tenant, settings: Object.fromEntries(stage.sources) })
    if (stage.sources.size > 1) scene.expected = claimsFrom(scene.expected, await observe(db))
    return document
  }
  if (!engineDied)
    throw new Error(`I18: a run that ended as ${outcome} has changed the registry:\n${diffLines(before, after)}`)
  await compare(scene, { source, tenant, before, what: 'a run that died' })
  return document
}

async function disturbed(
  scene: Scene,
  wanted: RunWanted & { readonly disturbance: Disturbance },
): Promise<{ readonly document: RunDocument | undefined; readonly engineDied: boolean }> {
  const { stage, db, tally } = scene
  const { disturbance } = wanted
  const abort = new AbortController()
  let reports = 0
  let fencing: Promise<unknown> | undefined
  const looks: Promise<unknown>[] = []
  const onProgress = ({ phase, done }: RunProgress) => {
    reports += 1
    // Its transaction is under way, and holds whatever it has written so far.
    if (phase === 'applying' && done > 0 && looks.length === 0 && disturbance.kind === 'none')
      looks.push(checkAvailable(db).catch((error: unknown) => error))
    if (disturbance.kind === 'cancel' && reports > disturbance.after) abort.abort()
    if (disturbance.kind === 'fence' && reports > disturbance.after && fencing === undefined)
      fencing = db.query('update sources set fence = fence + 1 where name = $1', [wanted.source])
  }
  const go = (engine: Engine) =>
    runSource(engine, {
      source: wanted.source,
      kind: wanted.kind,
      mode: wanted.mode,
      trigger: 'manual',
      wait: false,
      signal: abort.signal,
      onProgress,
    })
  if (disturbance.kind === 'kill') {
    const doomed = mortal(db, disturbance.at)
    const document = await go({ ...stage.engine, db: doomed.db }).catch((error: unknown) => {
      if (!doomed.died()) throw error
      return undefined
    })
    // Somebody who dies tells nobody; what he thinks of his end does not count.
    await db.query(`update runs set process_started = 'dead' where state = 'running'`)
    if (!doomed.died()) return { document, engineDied: false }
    tally.kills += 1
    return { document: undefined, engineDied: true }
  }
  if (disturbance.kind === 'fault') {
    const fault = stage.emulator.faults.add(disturbance.fault)
    try {
      const document = await go(stage.engine)
      if (fault.fired > 0 && LIES.has(disturbance.fault.kind) && !isFoundOut(disturbance.fault))
        scene.misled.add(wanted.source)
      if (fault.fired > 0) tally.faults[disturbance.fault.kind] = (tally.faults[disturbance.fault.kind] ?? 0) + 1
      return { document, engineDied: false }
    } finally {
      fault.remove()
    }
  }
  const document = await go(stage.engine)
  for (const error of await Promise.all(looks)) if (error !== undefined) throw error
  tally.looks += looks.length
  await fencing
  if (fencing !== undefined) tally.fences += 1
  if (document.outcome === 'cancelled') tally.cancelled += 1
  return { document, engineDied: false }
}

async function approveHeld(scene: Scene, source: string, without?: 'removals'): Promise<void> {
  const { stage, db } = scene
  const plan = scene.held.get(source)
  if (plan === undefined) return
  const before = await dumpRegistry(db)
  const tenantNow = stateOf(stage.tenantOf(source))
  const document = await approveRun(stage.engine, {
    run: plan.run,
    hash: plan.hash,
    reason: 'looked at it',
    actor: { kind: 'command line', name: 'test' } as const,
    without,
    signal: new AbortController().signal,
    onProgress: () => {},
  })
  trace(`  approval of run ${plan.run} -> ${document.outcome} ${JSON.stringify(document.error ?? document.held)}`)
  scene.tally.outcomes[`approval-${document.outcome}`] = (scene.tally.outcomes[`approval-${document.outcome}`] ?? 0) + 1
  // Looked at too late: nothing was written, and the source has to run again.
  if (document.error !== null && document.error.code !== 'lapsed')
    throw new Error(`I15: an approval failed: ${JSON.stringify(document.error)}`)
  scene.held.delete(source)
  if (document.outcome === 'held')
    scene.held.set(source, { run: Number(document.run), hash: document.planHash!, tenant: tenantNow, isFresh: true })
  if (document.outcome === 'applied') {
    if (without !== undefined || !plan.isFresh) scene.unfollowed.add(source)
    await compare(scene, { source, tenant: plan.tenant, before, what: `approval of run ${plan.run}` })
    if (without !== undefined || !plan.isFresh) {
      scene.unfollowed.add(source)
      scene.reflected.delete(source)
    }
    return
  }
  const after = await dumpRegistry(db)
  if (after !== before)
    throw new Error(
      `I18: an approval that ended as ${document.outcome} has changed the registry:\n${diffLines(before, after)}`,
    )
}

async function compare(
  scene: Scene,
  applied: { readonly source: string; readonly tenant: TenantState; readonly before: string; readonly what: string },
): Promise<void> {
  const { stage } = scene
  const settings: Record<string, SourceSettings> = Object.fromEntries(stage.sources)
  const expected = afterRun(scene.expected, {
    source: applied.source,
    tenant: applied.tenant,
    settings,
    tenantIds: stage.tenantIds(),
    at: stage.now(),
  })
  scene.reflected.set(applied.source, applied.tenant.tenantId)
  const observed = await observe(scene.db)
  const dumps = { before: applied.before, after: await dumpRegistry(scene.db) }
  const touched = touchedBystanders(dumps, applied.tenant.tenantId)
  if (touched.length > 0) throw new Error(`I11: ${applied.what} touched others:\n  ${touched.join('\n  ')}`)
  if (scene.unfollowed.delete(applied.source)) scene.expected = takenFrom(expected, observed)
  else judge(scene, { expected, observed, source: applied.source, what: applied.what })
}

function judge(
  scene: Scene,
  { expected, observed, source, what }: { expected: Registry; observed: Observed; source: string; what: string },
): void {
  if (scene.unfollowed.size > 0 || scene.misled.size > 0 || scene.unread.size > 0) {
    const lost = expected.people.filter(
      (p) => p.isActive && p.open.length === 0 && observed.people.some((o) => o.ref === p.ref && !o.isActive),
    )
    if (scene.unfollowed.size === 0 && scene.misled.size <= 1 && lost.length > 0)
      throw new Error(
        `I2: after ${what} people who are wanted are deactivated: ${lost.map((p) => p.objectId).join(', ')}`,
      )
    scene.expected = takenFrom(expected, observed)
    return
  }
  const wrong = [...differences(expected, observed), ...attributeGroupMistakes(expected, { observed, source })]
  if (wrong.length > 0)
    throw new Error(`I1: after ${what} the registry is not what the model says:\n  ${wrong.join('\n  ')}`)
  scene.tally.compared += 1
  scene.expected = settle(expected, observed)
}

/** I1, I7: within three rounds without faults the registry is the model's and a round writes nothing; nor does a full one then. */
async function converge(scene: Scene): Promise<void> {
  const { stage, db } = scene
  const names = [...stage.sources.keys()].sort()
  let isQuiet = false
  for (let round = 0; round < CYCLES && !isQuiet; round++) {
    isQuiet = true
    for (const source of names) {
      // What was believed wrongly is found by the next full compare.
      const mode = scene.misled.has(source) || scene.unread.has(source) ? 'full' : 'auto'
      const document = await settled(scene, { source, mode })
      if (document === undefined) return
      if (document.outcome === 'held') await approveHeld(scene, source)
      isQuiet &&= document.outcome === 'no-change' && mode === 'auto'
    }
  }
  // A source's last round may come before another one's last change, and after a full run comes one by delta.
  const before = await dumpRegistry(db)
  for (const mode of isQuiet ? (['full'] as const) : (['auto', 'full'] as const)) {
    for (const source of names) {
      const document = await settled(scene, { source, mode })
      if (document === undefined) return
      if (document.outcome !== 'no-change')
        throw new Error(
          `I7: ${mode} run of ${source} over an unchanged tenant ended as ${document.outcome} ${JSON.stringify(document.held)}: ${await itemsOf(db, Number(document.run))}`,
        )
    }
  }
  const after = await dumpRegistry(db)
  if (after !== before) throw new Error(`I7: a run that changed nothing wrote:\n${diffLines(before, after)}`)
}

const CYCLES = 3

/** A run that nothing disturbs; undefined when its source waits for somebody. */
async function settled(
  scene: Scene,
  { source, mode }: { source: string; mode: 'auto' | 'full' },
): Promise<RunDocument | undefined> {
  const document = await run(scene, { source, mode, kind: 'sync' })
  // The last value of an attribute was removed in Entra: that looks like a lost permission, and the source waits for somebody.
  if (document?.error?.code === 'attributes-unreadable') {
    scene.tally.outcomes['ended-unreadable'] = (scene.tally.outcomes['ended-unreadable'] ?? 0) + 1
    return undefined
  }
  if (document?.error !== null) throw new Error(`I15: a run without faults failed: ${JSON.stringify(document?.error)}`)
  return document
}

async function itemsOf(db: Database, run: number): Promise<string> {
  const items = await db.query('select object, action, reason, old, new from plan_items where run_id = $1', [run])
  return JSON.stringify(items.rows)
}
