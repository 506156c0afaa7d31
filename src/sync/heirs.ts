// Who takes over what a source drops: the other sources of its tenant that claim the same people and groups.
import type { Transaction } from '../database/transaction.ts'
import type { Attributes } from '../directory/change.ts'
import type { RegistryUser } from '../directory/user.ts'
import { mirrorGroupsByObjectIds } from '../registry/planned-groups.ts'
import { type MirrorUserRow, mirrorUsersByObjectIds } from '../registry/planning.ts'
import { scopeMembers } from '../registry/scope-members.ts'
import { judge } from './judge.ts'
import { mapGroup } from './map/groups.ts'
import { type Needs, needsOf } from './map/needs.ts'
import { type Mapping, mapUser, prepareMapping } from './map/users.ts'
import { mirrorAttributes } from './mirror-attributes.ts'
import { claimantsOf } from './owner.ts'
import type { GroupHeir } from './plan-group.ts'
import type { Rival } from './plan-input.ts'
import type { Successor } from './plan-person.ts'

/** A user whom his owner drops. */
interface Dropped {
  readonly user: RegistryUser
  readonly objectId: string
  /** As the dropping source has just read them. */
  readonly attributes: Attributes
}

/** Somebody dropped, as another source knows him. */
interface Known {
  readonly objectId: string
  readonly row: MirrorUserRow
  readonly attributes: Attributes
}

interface Wanting {
  readonly mapping: Mapping
  readonly needs: Needs
}

/** The other sources of a tenant during one planning. */
export class Heirs {
  readonly #tx: Transaction
  readonly #rivals: readonly Rival[]
  readonly #wanting = new Map<number, Wanting>()

  constructor(tx: Transaction, rivals: readonly Rival[]) {
    this.#tx = tx
    this.#rivals = rivals
  }

  /** By object id: the strongest source that claims the user and, by what is known of him now, still wants him. */
  async ofUsers(dropped: readonly Dropped[]): Promise<ReadonlyMap<string, Successor>> {
    const heirs = new Map<string, Successor>()
    const claims = dropped.flatMap((d) => d.user.claims)
    const reads = new Map(dropped.map((d) => [d.objectId, d.attributes]))
    // Newer than what the heir has read; only a manager is known to each by whom it has read.
    const readOf = (objectId: string) => {
      const { manager: _, ...read } = reads.get(objectId) ?? {}
      return read
    }
    for (const rival of claimantsOf(this.#rivals, claims)) {
      const left = dropped.filter((d) => d.user.claims.includes(rival.id) && !heirs.has(d.objectId))
      for (const { objectId, row, attributes: known } of await this.#knownTo(rival, left)) {
        const { mapping } = this.#wantingOf(rival)
        const attributes = { ...known, ...readOf(objectId) }
        const judgement = judge(
          { state: row.state, attributes, inScopeGroup: true, scopeDoubt: undefined, removalsAllowed: true },
          mapping,
        )
        if (judgement.kind === 'wanted')
          heirs.set(objectId, { rank: rival, settings: rival.settings, wanted: mapUser(attributes, mapping) })
      }
    }
    return heirs
  }

  /**
   * Object ids of those whom another source wants by what it has read, though no plan of it that takes them over was applied
   * yet. Where it cannot be told, because one of its groups is not there or somebody's removal is not proven, it counts as wanting.
   */
  async wantedElsewhere(dropped: readonly Dropped[]): Promise<ReadonlySet<string>> {
    const wanted = new Set<string>()
    for (const rival of this.#rivals.filter((other) => other.enabled)) {
      const known = await this.#knownTo(
        rival,
        dropped.filter((d) => !wanted.has(d.objectId)),
      )
      if (known.length === 0) continue
      const { mapping } = this.#wantingOf(rival)
      const scope = rival.settings.users.import
      const keys = known.map(({ row }) => row.key)
      const chosen =
        scope === 'all' ? undefined : await scopeMembers(this.#tx, rival.id, { groups: scope.groups, keys })
      for (const { objectId, row, attributes } of known) {
        const { kind } = judge(
          {
            state: row.state,
            attributes,
            inScopeGroup: chosen?.members.has(row.key) ?? true,
            scopeDoubt: chosen?.isComplete === false ? 'scope-group-missing' : undefined,
            removalsAllowed: true,
          },
          mapping,
        )
        if (kind === 'wanted' || kind === 'frozen') wanted.add(objectId)
      }
    }
    return wanted
  }

  /** What a source has read of these people. Whether an account is disabled the dropping source has read last. */
  async #knownTo(rival: Rival, dropped: readonly Dropped[]): Promise<readonly Known[]> {
    if (dropped.length === 0) return []
    const { needs } = this.#wantingOf(rival)
    const rows = await mirrorUsersByObjectIds(
      this.#tx,
      dropped.map((d) => d.objectId),
      { sourceId: rival.id, withManager: needs.userAttributes.includes('manager') },
    )
    const byObjectId = new Map(rows.map((row) => [row.object_id, row]))
    return dropped.flatMap(({ objectId, attributes }) => {
      const row = byObjectId.get(objectId)
      if (row === undefined) return []
      const accountEnabled = attributes['accountEnabled'] ?? null
      const known = { ...mirrorAttributes(row, { needs, open: rival.openMirror }), accountEnabled }
      return [{ objectId, row, attributes: known }]
    })
  }

  /** The strongest of the claiming sources that imports the group as it has just been read; `undefined` when none does. */
  ofGroup(
    claims: readonly number[],
    group: { readonly objectId: string; readonly attributes: Attributes },
  ): GroupHeir | undefined {
    for (const rival of claimantsOf(this.#rivals, claims)) {
      const mapped = mapGroup(group.objectId, group.attributes, rival.settings)
      if (mapped.kind === 'wanted') return { source: rival.name, name: mapped.name, under: mapped.under }
    }
    return undefined
  }

  /**
   * By object id, of groups that the dropping source reads no more: as {@link Heirs.ofGroup}, by what each of the others has read
   * itself. What the dropping one knows, and what the registry calls them, may be old.
   */
  async ofUnreadGroups(
    dropped: readonly { readonly objectId: string; readonly claims: readonly number[] }[],
  ): Promise<ReadonlyMap<string, GroupHeir>> {
    const heirs = new Map<string, GroupHeir>()
    const claims = dropped.flatMap((group) => group.claims)
    for (const rival of claimantsOf(this.#rivals, claims)) {
      const left = dropped.filter((group) => group.claims.includes(rival.id) && !heirs.has(group.objectId))
      const objectIds = left.map((group) => group.objectId)
      for (const row of await mirrorGroupsByObjectIds(this.#tx, objectIds, { sourceId: rival.id })) {
        // Whose removal is not proven stays, here as everywhere.
        if (row.state !== 'l' && row.state !== 'a') continue
        const heir = this.ofGroup([rival.id], { objectId: row.object_id, attributes: row.attributes ?? {} })
        if (heir !== undefined) heirs.set(row.object_id, heir)
      }
    }
    return heirs
  }

  #wantingOf(rival: Rival): Wanting {
    const known = this.#wanting.get(rival.id)
    if (known !== undefined) return known
    const wanting = {
      mapping: prepareMapping(rival.settings),
      needs: needsOf(rival.settings),
    }
    this.#wanting.set(rival.id, wanting)
    return wanting
  }
}
