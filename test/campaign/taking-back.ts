// Runs of a history that are taken back, and history itself: what the items of applied plans add up to.
import { isDeepStrictEqual } from 'node:util'
import { ConflictError } from '../../src/base/errors.ts'
import { revertRun } from '../../src/sync/revert.ts'
import { foldHistory, type PersonState, registryState, type RegistryState } from '../support/history.ts'
import { everything } from '../support/reverted.ts'
import { observe, takenFrom } from './observe.ts'
import { diffLines, type Scene, trace } from './scene.ts'

/** What the last applied run of a source did is taken back; the model does not follow. I17: with nothing in between, exactly. */
export async function revertLast(scene: Scene, source: string, before?: readonly unknown[]): Promise<void> {
  const { stage, db, tally } = scene
  const last = await db.query<{ id: number }>(
    `select r.id from runs r join sources s on s.id = r.source_id and s.name = $1 where r.outcome = 'applied' order by r.id desc limit 1`,
    [source],
  )
  const run = last.rows[0]?.id
  if (run === undefined) return
  const request = {
    run,
    reason: 'it was wrong',
    actor: { kind: 'command line', name: 'test' } as const,
    confirmed: true,
    onProgress: () => {},
  }
  const document = await revertRun(stage.engine, { ...request, signal: new AbortController().signal }).catch(
    (error: unknown) => {
      if (error instanceof ConflictError) return undefined
      throw error
    },
  )
  trace(`  revert of run ${run} -> ${JSON.stringify(document)}`)
  if (document === undefined) return
  if (document.error !== null) throw new Error(`I15: a revert failed: ${JSON.stringify(document.error)}`)
  tally.reverts += 1
  for (const plan of scene.held.values()) plan.isFresh = false
  if (before !== undefined) {
    const after = await everything(db)
    const [old, now] = [before, after].map((rows) => rows.map((row) => plain(row)).join('\n'))
    if (old !== now || document.leftTotal > 0)
      throw new Error(`I17: run ${run} taken back left ${JSON.stringify(document.left)}:\n${diffLines(old!, now!)}`)
    tally.exactReverts += 1
  }
  scene.expected = takenFrom(scene.expected, await observe(db))
  for (const name of stage.sources.keys()) scene.unfollowed.add(name)
}

/**
 * Who wants somebody, and whether a value is given or the registry's own, follows what sources see and how they are set: no plan
 * changes it, and none takes it back.
 */
function plain(row: unknown): string {
  return JSON.stringify(row, (key, value: unknown) => (key === 'claims' || key === 'origin' ? undefined : value))
}

/** I9: as long as nobody edits by hand, the items of applied plans add up to the registry. */
export async function checkHistory(scene: Scene): Promise<void> {
  if (scene.isEdited) return
  // Rows of memberships do not say that their user or group was left out.
  const leftOut = await scene.db.query('select from plan_items where left_out limit 1')
  if (leftOut.rowCount !== 0) return
  const { issues: _, ...registry } = await registryState(scene.db)
  const [state, folded] = [registry, await foldHistory(scene.db)].map(withoutOrigins)
  if (!isDeepStrictEqual(state, folded)) {
    const [is, was] = [state, folded].map((registry) => JSON.stringify(registry, null, 1))
    throw new Error(`I9: history adds up to something else (- registry, + history):\n${diffLines(is!, was!)}`)
  }
  scene.tally.folded += 1
}

/** Whose a name is changes with the settings, without a plan: what is mapped no more is the registry's own. */
function withoutOrigins(state: RegistryState): RegistryState {
  const plain = ([id, person]: readonly [string, PersonState]) => [
    id,
    { ...person, names: person.names.map((name) => name.replace(/ [sko]( parked)?$/, '$1')).sort() },
  ]
  return { ...state, people: Object.fromEntries(Object.entries(state.people).map(plain)) }
}
