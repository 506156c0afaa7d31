// Folds a page of changes into what the mirror knows. Pure but for sealing, which is handed in.
import type { Attributes, AttributeValue, GroupEntry, MemberType, UserEntry } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import type { Reread } from '../mirror/doubtful.ts'
import type { MirrorObject, ObjectChange } from '../mirror/objects.ts'
import {
  openSecrets,
  part,
  resealed,
  sameValue,
  sameValues,
  sealContext,
  type ObjectState,
  type Sealer,
  toJson,
} from '../mirror/rows.ts'

export interface FoldOptions {
  readonly sourceId: number
  readonly secretNames: ReadonlySet<string>
  readonly sealer: Sealer
  /**
   * When the round's delta link was given. Somebody who appears now and was created before it was in the recycle bin, and
   * brings memberships with him of which the feeds say nothing. Whoever was only told late is asked about in vain.
   */
  readonly linkAt: Date | undefined
}

export interface Folded {
  readonly changes: readonly ObjectChange[]
  /** Attributes of which a value would become null, for each object that loses some. */
  readonly cleared: ReadonlyMap<ObjectId, readonly string[]>
  /** Users and groups that came back. */
  readonly rereads: readonly Reread[]
}

export interface FoldedGroups extends Folded {
  /** The last word of the page about each pair. */
  readonly members: readonly {
    readonly groupId: string
    readonly memberId: string
    readonly type: MemberType
    readonly removed: boolean
  }[]
  /** Hidden groups that appeared without a member: nobody says whether they have some. */
  readonly unreadable: readonly string[]
}

interface Fold {
  readonly before: MirrorObject | undefined
  attributes: Record<string, AttributeValue>
  secret: Record<string, AttributeValue> | undefined
  manager: string | null
  state: ObjectState
}

/** Entries count in the order of their arrival; what they leave out stays (SPEC S5, S10). */
export function foldUsers(
  entries: readonly UserEntry[],
  known: ReadonlyMap<string, MirrorObject>,
  options: FoldOptions,
): Folded {
  return finish(foldEntries(entries, known, options.secretNames), 'u', options)
}

/** As {@link foldUsers}; members that came and went are returned pair by pair. */
export function foldGroups(
  entries: readonly GroupEntry[],
  known: ReadonlyMap<string, MirrorObject>,
  options: Omit<FoldOptions, 'secretNames'>,
): FoldedGroups {
  const folds = foldEntries(entries, known, NO_SECRETS)
  const members = new Map<string, FoldedGroups['members'][number]>()
  const withMembers = new Set<string>()
  for (const entry of entries) {
    if (!folds.has(entry.objectId)) continue
    for (const { objectId, type, removed } of entry.members) {
      if (!removed) withMembers.add(entry.objectId)
      const pair = { groupId: entry.objectId, memberId: objectId, type, removed }
      if (type !== 'other') members.set(`${entry.objectId} ${objectId}`, pair)
    }
  }
  const finished = finish(folds, 'g', { ...options, secretNames: NO_SECRETS })
  const unreadable = [...folds]
    .filter(([id, fold]) => isNew(fold) && isHidden(fold.attributes) && !withMembers.has(id))
    .map(([id]) => id)
  return { ...finished, members: [...members.values()], unreadable }
}

/** Graph shows the members of such a group to apps with Member.Read.Hidden only. */
export function isHidden(attributes: Attributes): boolean {
  return attributes['visibility'] === 'HiddenMembership'
}

const NO_SECRETS: ReadonlySet<string> = new Set()

function foldEntries(
  entries: readonly UserEntry[],
  known: ReadonlyMap<string, MirrorObject>,
  secretNames: ReadonlySet<string>,
): Map<ObjectId, Fold> {
  const folds = new Map<ObjectId, Fold>()
  for (const entry of entries) {
    const before = known.get(entry.objectId)
    const fold = folds.get(entry.objectId) ?? begin(before)
    if (entry.removed !== undefined) {
      // Never known, or known as a member only: there is nothing that could be removed.
      if (before === undefined || before.kind === '?') folds.delete(entry.objectId)
      else {
        fold.state = removedState(fold.state, entry.removed === 'changed')
        folds.set(entry.objectId, fold)
      }
      continue
    }
    const said = part(entry.attributes, secretNames)
    Object.assign(fold.attributes, said.plain)
    if (said.secret !== undefined) fold.secret = { ...fold.secret, ...said.secret }
    if (said.manager !== undefined) fold.manager = said.manager
    fold.state = 'l'
    folds.set(entry.objectId, fold)
  }
  return folds
}

function begin(before: MirrorObject | undefined): Fold {
  return {
    before,
    attributes: { ...before?.attributes },
    secret: undefined,
    manager: before?.manager ?? null,
    state: before?.state ?? '?',
  }
}

/** Unproven; but what is already known to be soft-deleted needs no proof for being so, nor what is gone for anything. */
function removedState(state: ObjectState, isSoft: boolean): ObjectState {
  return state === 'x' || (state === 's' && isSoft) ? state : 'a'
}

function finish(folds: ReadonlyMap<ObjectId, Fold>, kind: 'u' | 'g', options: FoldOptions): Folded {
  const changes: ObjectChange[] = []
  const cleared = new Map<ObjectId, readonly string[]>()
  const rereads: Reread[] = []
  for (const [objectId, fold] of folds) {
    const { before } = fold
    const context = sealContext(options.sourceId, objectId)
    const sealed = resealed(options.sealer, {
      before: before?.sealed ?? null,
      said: fold.secret,
      names: options.secretNames,
      context,
    })
    const loses = clearedBy(fold, { sealer: options.sealer, context })
    if (loses.length > 0) cleared.set(objectId, loses)
    if (isBack(fold, kind, options.linkAt)) rereads.push({ objectId, kind })
    const isSame =
      before !== undefined &&
      before.kind === kind &&
      before.state === fold.state &&
      before.manager === fold.manager &&
      sameBytes(before.sealed, sealed) &&
      sameValues(before.attributes, fold.attributes)
    if (isSame) continue
    changes.push({
      objectId,
      kind,
      state: fold.state,
      json: toJson(fold.attributes),
      sealed,
      manager: fold.manager,
      wasPlaceholder: before?.kind === '?',
      isRenamed: before?.state !== fold.state || isRenamed(before.attributes, fold.attributes),
    })
  }
  return { changes, cleared, rereads }
}

function clearedBy(fold: Fold, options: { readonly sealer: Sealer; readonly context: string }): string[] {
  const { before } = fold
  if (before === undefined || fold.state !== 'l') return []
  const names = Object.entries(before.attributes)
    .filter(([name, value]) => value !== null && fold.attributes[name] === null)
    .map(([name]) => name)
  if (before.manager !== null && fold.manager === null) names.push('manager')
  const nulled = Object.entries(fold.secret ?? {}).filter(([, value]) => value === null)
  if (nulled.length === 0) return names
  const secrets = openSecrets(options.sealer, before.sealed, options.context)
  return [...names, ...nulled.map(([name]) => name).filter((name) => (secrets[name] ?? null) !== null)]
}

function isNew(fold: Fold): boolean {
  return fold.before === undefined || fold.before.kind === '?' || fold.before.state !== 'l'
}

/** Entra's times have no fractions. */
const SECOND_MS = 1_000

function isBack(fold: Fold, kind: 'u' | 'g', linkAt: Date | undefined): boolean {
  if (fold.state !== 'l' || !isNew(fold)) return false
  const { before } = fold
  if (before !== undefined && before.kind !== '?') return true
  if (kind === 'g' || linkAt === undefined) return false
  const created = fold.attributes['createdDateTime']
  const createdMs = typeof created === 'string' ? Date.parse(created) : Number.NaN
  return !(createdMs >= Math.floor(linkAt.getTime() / SECOND_MS) * SECOND_MS)
}

function isRenamed(before: Attributes, after: Attributes): boolean {
  return ['userPrincipalName', 'displayName'].some((name) => !sameValue(before[name], after[name]))
}

function sameBytes(one: Buffer | null, other: Buffer | null): boolean {
  return one === other || (one !== null && other !== null && one.equals(other))
}
