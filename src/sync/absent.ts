// What a pull does with objects that are said to be removed: proves them, and stops where Graph contradicts itself.
import { RunError } from '../base/errors.ts'
import { type AbsentObject, listAbsent, listUnproven, setStates, stageProven } from '../mirror/absences.ts'
import { writeMirror } from '../mirror/fence.ts'
import { proveGroupRemovals, proveRemovals, type Proof } from './prove.ts'
import type { Pull } from './pull-env.ts'

/** What a run does whose readings are in doubt. */
export const NOTHING_REMOVED =
  'nobody is taken for missing, nobody active loses a membership, card or PIN, and no group is removed in this run. Accounts that Entra shows as disabled are deactivated all the same.'

/** Asked together. The first contradiction ends the asking, so that a broken listing of 100,000 costs one request. */
const FIRST_PAGE = 20
const PAGE = 200

/**
 * Proves what the finished walk of a full compare did not list; the proofs take effect with the merge.
 *
 * @throws RunError `listing-contradicted` when the walk listed nobody at all and somebody is there
 */
export async function proveAbsences(
  pull: Pull,
  walk: {
    readonly usersListed: number
    /** Whether those known to be in the recycle bin are asked for too. */
    readonly provesDeleted: boolean
  },
): Promise<void> {
  const { env, source, owner } = pull
  const states = walk.provesDeleted ? ['l', 'a', 's'] : ['l', 'a']
  for (const kind of ['u', 'g'] as const) {
    if (kind === 'g' && !pull.needs.groups) continue
    let afterKey = 0
    for (let limit = FIRST_PAGE; ; limit = PAGE) {
      const absent = await listAbsent(env.db, source.id, { kind, afterKey, limit, states })
      if (absent.length === 0) break
      const proofs = await prove(pull, absent)
      const proven = absent.flatMap((object) => {
        const proof = proofs.get(object.key)
        return proof === 'soft' || proof === 'gone' ? [{ object, state: stateOf(proof) }] : []
      })
      // One known to be in the recycle bin who is there again contradicts nothing: the changes since will bring him.
      const contradicting = absent.filter((o) => proofs.get(o.key) === 'live' && o.state !== 's')
      if (kind === 'u' && walk.usersListed === 0 && contradicting.length > 0) throw nobodyListed()
      await writeMirror(env.db, owner, (tx) => stageProven(tx, source.id, proven))
      if (kind === 'u') pull.tally.provenUsers += proven.length
      for (const object of contradicting) contradict(pull, object)
      env.onProgress({ phase: 'proof', done: pull.tally.provenUsers, total: undefined })
      if (contradicting.length > 0) break
      afterKey = absent.at(-1)?.key ?? afterKey
    }
  }
}

/** Proves what the feeds reported as removed, in this pull or in one that was interrupted, and writes it. */
export async function settleUnproven(pull: Pull): Promise<void> {
  const { env, source, owner } = pull
  let afterKey = 0
  for (let limit = FIRST_PAGE; ; limit = PAGE) {
    const unproven = await listUnproven(env.db, source.id, { afterKey, limit })
    if (unproven.length === 0) return
    env.onProgress({ phase: 'proof', done: pull.tally.provenUsers, total: undefined })
    const proofs = await prove(pull, unproven)
    const states = unproven.flatMap((object) => {
      const proof = proofs.get(object.key)
      return proof === undefined ? [] : [{ key: object.key, state: stateOf(proof) }]
    })
    await writeMirror(env.db, owner, (tx) => setStates(tx, owner, states))
    const contradicting = unproven.filter((o) => proofs.get(o.key) === 'live')
    pull.tally.provenUsers += unproven.filter((o) => o.kind === 'u' && proofs.get(o.key) !== 'live').length
    for (const object of contradicting) contradict(pull, object)
    // The others stay unproven, and are asked for by the next pull.
    if (contradicting.length > 0 && unproven.length === PAGE) return
    afterKey = unproven.at(-1)?.key ?? afterKey
  }
}

async function prove(pull: Pull, objects: readonly AbsentObject[]): Promise<ReadonlyMap<number, Proof>> {
  const idsOf = (kind: 'u' | 'g') => objects.filter((o) => o.kind === kind).map((o) => o.objectId)
  const users = await proveRemovals(pull.env, idsOf('u'))
  const groups = await proveGroupRemovals(pull.env, idsOf('g'))
  const proofs = new Map<number, Proof>()
  for (const object of objects) {
    const proof = (object.kind === 'u' ? users : groups).get(object.objectId)
    if (proof !== undefined) proofs.set(object.key, proof)
  }
  return proofs
}

function stateOf<P extends Proof>(proof: P): P extends 'live' ? 'l' : P extends 'soft' ? 's' : 'x'
function stateOf(proof: Proof): 'l' | 's' | 'x' {
  if (proof === 'live') return 'l'
  return proof === 'soft' ? 's' : 'x'
}

function contradict(pull: Pull, object: AbsentObject): void {
  pull.tally.removals = 'contradicted'
  pull.tally.issues.push({
    code: 'listing-contradicted',
    objectId: object.objectId,
    message: `Microsoft Graph left the ${object.kind === 'u' ? 'user' : 'group'} ${object.objectId} out or reported it removed, and shows it when asked for it by id; ${NOTHING_REMOVED}`,
  })
}

function nobodyListed(): RunError {
  return new RunError(
    'listing-contradicted',
    'Microsoft Graph listed no users at all, but shows them when asked for one by id; nothing was changed. Try again later',
  )
}
