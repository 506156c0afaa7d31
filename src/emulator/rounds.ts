// The changes between two points of the log, folded per object: what one delta round has to tell.
import type { Change } from './changelog.ts'
import type { ObjectKind } from './object.ts'

/** What happened to one object within a round. */
export interface ObjectChange {
  readonly no: number
  /** Created or restored: told in full (graph.md 12.2, 12.4). */
  isNew: boolean
  /** Soft-deleted or purged at some point. */
  isRemoved: boolean
  /** Properties that changed. */
  readonly names: Set<string>
  /** Numbers of the managers that the user had before each change, -1 for none; empty when the manager did not change. */
  readonly formerManagers: Set<number>
  /** Numbers of members whose edge was touched, in order of the first touch. */
  readonly members: number[]
}

/** A resumed round is folded once, not once per page; a few at a time are enough. */
const KEPT_ROUNDS = 8

/** Of a tenant, what folding its log needs. */
interface Logged {
  readonly log: { between(from: number, to: number): readonly Change[] }
  at(no: number): { readonly kind: ObjectKind }
}

/** Folded rounds of one tenant. */
export class Rounds {
  readonly #known = new Map<string, readonly ObjectChange[]>()

  /** Changes of objects of a kind with `from < seq <= to`, in order of each object's first change. */
  fold(
    tenant: Logged,
    kind: ObjectKind,
    range: { readonly from: number; readonly to: number },
  ): readonly ObjectChange[] {
    const key = `${kind} ${range.from} ${range.to}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const folded = fold(tenant, kind, tenant.log.between(range.from, range.to))
    this.#known.set(key, folded)
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= KEPT_ROUNDS) break
      this.#known.delete(oldest)
    }
    return folded
  }
}

function fold(tenant: Logged, kind: ObjectKind, changes: readonly Change[]): readonly ObjectChange[] {
  const byNo = new Map<number, ObjectChange>()
  const touched = new Map<number, Set<number>>()
  for (const change of changes) {
    if (tenant.at(change.no).kind !== kind) continue
    let entry = byNo.get(change.no)
    if (entry === undefined) {
      entry = {
        no: change.no,
        isNew: false,
        isRemoved: false,
        names: new Set(),
        formerManagers: new Set(),
        members: [],
      }
      byNo.set(change.no, entry)
    }
    apply(entry, change)
    if (change.memberNo < 0) continue
    const members = touched.get(change.no) ?? new Set<number>()
    touched.set(change.no, members)
    if (!members.has(change.memberNo)) entry.members.push(change.memberNo)
    members.add(change.memberNo)
  }
  return [...byNo.values()]
}

function apply(entry: ObjectChange, change: Change): void {
  switch (change.what) {
    case 'created':
    case 'restored':
      entry.isNew = true
      return
    case 'deleted':
    case 'purged':
      entry.isRemoved = true
      return
    case 'updated':
      for (const name of change.names) entry.names.add(name)
      return
    case 'manager':
      entry.formerManagers.add(change.before?.managerNo ?? -1)
      return
    case 'memberAdded':
    case 'memberRemoved':
      return
    default:
      change.what satisfies never
  }
}
