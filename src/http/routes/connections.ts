// Connections: kept, checked, and looked through for users and groups to pick.
import { checkWith } from '../../sync/check.ts'
import { namesOfGroups, searchEntra } from '../../sync/directory-search.ts'
import { recordAlone } from '../../registry/audit.ts'
import { listConnectionViews, requireConnectionView } from '../../registry/connection-views.ts'
import { changeConnection, createConnection, removeConnection } from '../../registry/edit-connections.ts'
import { prepareConnection } from '../../registry/prepare-configuration.ts'
import { accessOfForm } from '../../registry/unsaved-connection.ts'
import type { CheckFinding } from '../../contract/api/connections.ts'
import type { Finding } from '../../graph/check.ts'
import type { Actor } from '../../registry/audit.ts'
import type { Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'

export const connectionRoutes = {
  listConnections: async ({ engine }) => ({ items: await listConnectionViews(engine.db) }),

  getConnection: ({ engine }, { params }) => requireConnectionView(engine.db, params.connection),

  createConnection: async ({ engine }, { body, actor }) => {
    const { name, ...typed } = body
    const wanted = prepareConnection(typed, { name, needsCredential: true })
    await createConnection(engine.db, { ...engine, actor, name, wanted })
    return requireConnectionView(engine.db, name)
  },

  changeConnection: async ({ engine }, { params: { connection: name }, body, actor }) => {
    const wanted = prepareConnection(body, { needsCredential: false })
    await changeConnection(engine.db, { ...engine, actor, name, wanted })
    return requireConnectionView(engine.db, name)
  },

  removeConnection: async ({ engine }, { params: { connection: name }, actor }) => {
    await removeConnection(engine.db, { ...engine, actor, name })
    return undefined
  },

  checkConnection: async (parts, { params: { connection }, actor, signal }) => {
    const findings = await parts.actions.check(connection, signal)
    return told(parts, { connection, findings, actor })
  },

  checkConnectionForm: async (parts, { body: { name, ...typed }, actor, signal }) => {
    const wanted = prepareConnection(typed, { name, needsCredential: false })
    const access = await accessOfForm(parts.engine.db, { vault: parts.engine.vault, name, wanted })
    const client = parts.openGraphWith(access)
    const findings = await checkWith(parts.engine, { client, name, signal })
    return told(parts, { connection: name, findings, actor })
  },

  searchDirectory: async ({ engine }, { params: { connection, kind }, query: { search }, signal }) => ({
    items: [...(await searchEntra(engine, { connection, kind, text: search, signal }))],
  }),

  getDirectoryGroups: async ({ engine }, { params: { connection }, body: { objectIds }, signal }) => ({
    items: [...(await namesOfGroups(engine, { connection, objectIds, signal }))],
  }),
} satisfies Pick<
  Handlers,
  | 'listConnections'
  | 'getConnection'
  | 'createConnection'
  | 'changeConnection'
  | 'removeConnection'
  | 'checkConnection'
  | 'checkConnectionForm'
  | 'searchDirectory'
  | 'getDirectoryGroups'
>

async function told(
  { engine }: HttpParts,
  checked: { readonly connection: string; readonly findings: readonly Finding[]; readonly actor: Actor },
): Promise<{ connection: string; ok: boolean; findings: CheckFinding[] }> {
  const { connection, findings, actor } = checked
  const failed = findings.filter((finding) => !finding.ok).map((finding) => finding.check)
  const details = { ok: failed.length === 0, failed }
  const subject = `connection ${connection}`
  await recordAlone(engine.db, engine, { actor, action: 'connection.check', subject, details })
  return { connection, ok: failed.length === 0, findings: [...findings] }
}
