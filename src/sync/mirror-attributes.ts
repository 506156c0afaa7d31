// What is known of one Entra user, put together from the parts in which the mirror keeps it.
import type { Attributes } from '../directory/change.ts'
import type { MirrorUserRow } from '../registry/planning.ts'
import type { Needs } from './map/needs.ts'

const NO_ATTRIBUTES: Attributes = {}

/** The attributes of a mirror user, the sealed ones opened, under the names that mappings and filters use. */
export function mirrorAttributes(
  row: MirrorUserRow,
  { needs, open }: { readonly needs: Needs; readonly open: (sealed: Buffer, objectId: string) => Attributes },
): Attributes {
  const plain = row.attributes ?? NO_ATTRIBUTES
  const withManager = needs.userAttributes.includes('manager')
  if (row.sealed === null && !withManager && !needs.usesId) return plain
  return {
    ...plain,
    ...(row.sealed === null ? {} : open(row.sealed, row.object_id)),
    // The mirror knows the manager by object id; people know him by his name.
    ...(withManager ? { manager: row.manager_upn } : {}),
    ...(needs.usesId ? { id: row.object_id } : {}),
  }
}
