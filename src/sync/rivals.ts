// The other sources of a tenant, as planning sees them.
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import { listSources, type Source } from '../registry/sources.ts'
import type { Sealing } from './engine.ts'
import type { Rival } from './plan-input.ts'

/** Opens what the mirror of a source keeps sealed of one object. */
export function mirrorOpener(vault: Pick<Sealing, 'open'>, sourceId: number) {
  return (sealed: Buffer, objectId: string): Attributes =>
    // Pull seals attributes and nothing else under this context, and the vault vouches that nobody else did.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    JSON.parse(vault.open(sealed, `mirror:${sourceId}:${objectId}`)) as Attributes
}

/** The other sources that read the same tenant. */
export async function rivalsOf(
  db: Queries,
  { vault, source }: { readonly vault: Pick<Sealing, 'open'>; readonly source: Source },
): Promise<Rival[]> {
  const sources = await listSources(db)
  return sources
    .filter((other) => other.id !== source.id && other.connection.tenantId === source.connection.tenantId)
    .map((other) => ({
      id: other.id,
      name: other.name,
      priority: other.priority,
      enabled: other.enabled,
      settings: other.settings,
      openMirror: mirrorOpener(vault, other.id),
    }))
}
