// Who takes over what a source drops: the other sources of its tenant that claim the same people and groups.
import type { Transaction } from '../database/transaction.ts'
import type { Attributes } from '../directory/change.ts'
import type { RegistryUser } from '../directory/user.ts'
import { mirrorUsersByObjectIds } from '../registry/planning.ts'
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
    if (this.#rivals.length === 0) return heirs
    for (const rival of claimantsOf(
      this.#rivals,
      dropped.flatMap((d) => d.user.claims),
    )) {
      const left = dropped.filter((d) => d.user.claims.includes(rival.id) && !heirs.has(d.objectId))
      if (left.length === 0) continue
      const { mapping, needs } = this.#wantingOf(rival)
      const rows = await mirrorUsersByObjectIds(
        this.#tx,
        left.map((d) => d.objectId),
        { sourceId: rival.id, withManager: needs.userAttributes.includes('manager') },
      )
      const byObjectId = new Map(rows.map((row) => [row.object_id, row]))
      for (const { objectId, attributes } of left) {
        const row = byObjectId.get(objectId)
        if (row === undefined) continue
        // Whether the account is disabled is the tenant's to say, and the dropping source has read it last.
        const known = {
          ...mirrorAttributes(row, { needs, open: rival.openMirror }),
          accountEnabled: attributes['accountEnabled'] ?? null,
        }
        const judgement = judge(
          { state: row.state, attributes: known, inScopeGroup: true, scopeDoubt: undefined, removalsAllowed: true },
          mapping,
        )
        if (judgement.kind !== 'wanted') continue
        heirs.set(objectId, { rank: rival, settings: rival.settings, wanted: mapUser(known, mapping) })
      }
    }
    return heirs
  }

  /** The strongest of the claiming sources that imports the group; `undefined` when none does. */
  ofGroup(
    claims: readonly number[],
    group: { readonly objectId: string; readonly attributes: Attributes },
  ): GroupHeir | undefined {
    for (const rival of claimantsOf(this.#rivals, claims)) {
      const mapped = mapGroup(group.objectId, group.attributes, rival.settings)
      if (mapped.kind === 'wanted') return { name: rival.name, under: mapped.under }
    }
    return undefined
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
