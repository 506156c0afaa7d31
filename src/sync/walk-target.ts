// Turns pages of a walk into rows with integer keys, and hands them to the writer.
import { assert } from '../base/errors.ts'
import type { GroupEntry, UserEntry } from '../directory/change.ts'
import type { MembersPage } from '../graph/memberships.ts'
import { getSealed } from '../mirror/objects.ts'
import { type KeyIndex, type KeyReserve, ROW } from '../mirror/keys.ts'
import type { ListingProgress, WalkKind } from '../mirror/load.ts'
import { type ObjectRow, part, resealed, sealContext, toJson } from '../mirror/rows.ts'
import type { Pull } from './pull-env.ts'
import { OBJECT_WEIGHT, type WriteQueue } from './write-queue.ts'

export interface WalkTarget {
  /** Distinct users listed so far, those of an interrupted walk included. */
  readonly usersListed: number
  /** @returns how many of the entries were not named since the last {@link WalkTarget.countAnew} */
  addUsers(entries: readonly UserEntry[], progress: ListingProgress): Promise<number>
  countAnew(): void
  /** @returns the groups that the walk had not met before */
  addGroups(entries: readonly GroupEntry[], progress: ListingProgress): Promise<readonly GroupEntry[]>
  addMembers(page: MembersPage): Promise<void>
}

interface TargetOptions {
  readonly walk: WalkKind
  readonly index: KeyIndex
  readonly keys: KeyReserve
  readonly queue: WriteQueue
  /** By the interrupted walk that this one goes on with. */
  readonly usersListed: number
}

export function createWalkTarget(pull: Pull, options: TargetOptions): WalkTarget {
  const { walk, index, keys, queue } = options
  const { seal, open, db } = pull.env
  const sealer = { seal, open }
  const secretNames = pull.needs.secretAttributes
  const sourceId = pull.source.id
  let usersListed = options.usersListed

  const slotOf = (objectId: string, loan: number[]): { slot: number; isUnknown: boolean } => {
    const slot = index.find(objectId)
    if (slot !== -1) return { slot, isUnknown: false }
    const key = loan.pop()
    assert(key !== undefined, 'as many keys are borrowed as objects can be new')
    return { slot: index.insert(objectId, key), isUnknown: true }
  }

  const sealedBefore = async (entries: readonly UserEntry[]): Promise<ReadonlyMap<string, Buffer>> => {
    // What did not change keeps its bytes, so that the merge can compare; a first load has nothing to compare with.
    if (walk === 'first' || secretNames.size === 0) return new Map()
    const ids = entries.map((e) => e.objectId)
    return getSealed(db, sourceId, ids)
  }

  const rowOf = (
    key: number,
    entry: UserEntry,
    entryOptions: { kind: 'u' | 'g'; before: Buffer | null },
  ): ObjectRow => {
    const parted = part(entry.attributes, secretNames)
    return {
      key,
      objectId: entry.objectId,
      kind: entryOptions.kind,
      json: toJson(parted.plain),
      sealed: resealed(sealer, {
        before: entryOptions.before,
        said: parted.secret,
        names: secretNames,
        context: sealContext(sourceId, entry.objectId),
      }),
      manager: parted.manager ?? null,
      managerSaid: parted.manager !== undefined,
    }
  }

  const place = <Entry extends UserEntry>(
    entries: readonly Entry[],
    placeOptions: {
      readonly kind: 'u' | 'g'
      readonly before: ReadonlyMap<string, Buffer>
      readonly loan: number[]
    },
  ) => {
    const created: ObjectRow[] = []
    const repeated: ObjectRow[] = []
    const met: Entry[] = []
    let seen = 0
    for (const entry of entries) {
      // A list holds live objects only; should one be said to be removed, the feeds tell it too.
      if (entry.removed !== undefined) continue
      const { slot } = slotOf(entry.objectId, placeOptions.loan)
      const before = placeOptions.before.get(entry.objectId) ?? null
      const row = rowOf(index.key(slot), entry, { kind: placeOptions.kind, before })
      if (index.row(slot) === ROW.none) created.push(row)
      else repeated.push(row)
      if (index.row(slot) !== ROW.full) met.push(entry)
      index.setRow(slot, ROW.full)
      if (index.see(slot)) seen += 1
    }
    return { created, repeated, met, seen }
  }

  const membersOf = (page: MembersPage & { kind: 'page' }, loan: number[]) => {
    const users: number[] = []
    const groups: number[] = []
    const placeholders: ObjectRow[] = []
    for (const member of page.members) {
      if (member.type === 'other') continue
      const { slot, isUnknown } = slotOf(member.objectId, loan)
      const key = index.key(slot)
      if (isUnknown) {
        placeholders.push({
          key,
          objectId: member.objectId,
          kind: '?',
          json: null,
          sealed: null,
          manager: null,
          managerSaid: false,
        })
        index.setRow(slot, ROW.placeholder)
      }
      if (member.type === 'user') users.push(key)
      else groups.push(key)
    }
    return { users, groups, placeholders }
  }

  return {
    get usersListed() {
      return usersListed
    },
    async addUsers(entries, progress) {
      const before = await sealedBefore(entries)
      const loan = await keys.borrow(entries.length)
      const { created, repeated, met, seen } = place(entries, { kind: 'u', before, loan })
      keys.giveBack(loan)
      usersListed += met.length
      await queue.push({ weight: entries.length * OBJECT_WEIGHT, created, repeated, listings: [progress] })
      return seen
    },
    countAnew() {
      index.forgetSeen()
    },
    async addGroups(entries, progress) {
      const loan = await keys.borrow(entries.length)
      const { created, repeated, met } = place(entries, { kind: 'g', before: new Map(), loan })
      keys.giveBack(loan)
      const groupsToList = met.map((e) => ({ groupKey: index.key(index.find(e.objectId)), objectId: e.objectId }))
      await queue.push({
        weight: entries.length * OBJECT_WEIGHT,
        created,
        repeated,
        groupsToList,
        listings: [progress],
      })
      return met
    },
    async addMembers(page) {
      const groupKey = index.key(index.find(page.objectId))
      if (page.kind !== 'page') {
        const failed = page.kind === 'forbidden' ? 'f' : 'm'
        await queue.push({ weight: 1, groupsListed: [{ groupKey, link: undefined, failed }] })
        return
      }
      const loan = await keys.borrow(page.members.length)
      const { users, groups, placeholders } = membersOf(page, loan)
      keys.giveBack(loan)
      await queue.push({
        weight: 1 + page.members.length,
        created: placeholders,
        members: [{ groupKey, users, groups }],
        groupsListed: [{ groupKey, link: page.nextLink }],
      })
    },
  }
}
