// Connections: kept, checked, and looked through for users and groups to pick.
import { checkWith, permissionsOf } from '../../sync/check.ts'
import { namesOfGroups, searchEntra } from '../../sync/directory-search.ts'
import { recordAlone } from '../../registry/audit.ts'
import { listConnectionViews, requireConnectionView } from '../../registry/connection-views.ts'
import { changeConnection, createConnection, removeConnection } from '../../registry/edit-connections.ts'
import { addCredential, enterExpiry, readCertificate, removeCredential } from '../../registry/connection-credentials.ts'
import { requireConnection } from '../../registry/connections.ts'
import { prepareConnection, prepareCredential } from '../../registry/prepare-configuration.ts'
import { accessOfForm } from '../../registry/unsaved-connection.ts'
import { ConfigError, NotFoundError } from '../../base/errors.ts'
import type { CheckFinding, ConnectionView, CredentialView } from '../../contract/api/connections.ts'
import { federationMistakes } from '../../contract/credentials.ts'
import { registrationSteps } from '../../contract/registration.ts'
import type { Finding } from '../../graph/finding.ts'
import type { Actor } from '../../registry/audit.ts'
import type { Handlers } from '../handler.ts'
import { redirectUriOf } from '../public-url.ts'
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
    await changeConnection(engine.db, { ...engine, actor, name, wanted, seen: body.updatedAt })
    return requireConnectionView(engine.db, name)
  },

  removeConnection: async ({ engine }, { params: { connection: name }, actor }) => {
    await removeConnection(engine.db, { ...engine, actor, name })
    return undefined
  },

  addCredential: async ({ engine }, { params: { connection }, body, actor }) => {
    const credential = prepareCredential(body)
    if (body.kind === 'workloadIdentity') {
      const { cloud, authorityUrl } = await requireConnection(engine.db, connection)
      const mistakes = federationMistakes({ cloud, authorityUrl, workloadIdentity: body })
      if (mistakes.length > 0) throw new ConfigError(mistakes)
    }
    const id = await addCredential(engine.db, { ...engine, actor, connection, credential })
    return credentialIn(await requireConnectionView(engine.db, connection), id)
  },

  changeCredential: async ({ engine }, { params: { connection, credential }, body: { expires }, actor }) => {
    const expiresAt = expires === null ? null : new Date(`${expires}T00:00:00Z`)
    const id = Number(credential)
    await enterExpiry(engine.db, { ...engine, actor, connection, credential: id, expiresAt })
    return credentialIn(await requireConnectionView(engine.db, connection), id)
  },

  removeCredential: async ({ engine }, { params: { connection, credential }, actor }) => {
    await removeCredential(engine.db, { ...engine, actor, connection, credential: Number(credential) })
    return undefined
  },

  getCertificate: async ({ engine }, { params: { connection, credential } }) => {
    const { vault } = engine
    const { pem, thumbprint } = await readCertificate(engine.db, { vault, connection, credential: Number(credential) })
    return {
      type: 'application/x-pem-file',
      fileName: `muster-${connection}-${thumbprint.slice(0, 8)}.cer`,
      write: async (destination) => {
        destination.write(pem)
      },
    }
  },

  getRegistrationSteps: async ({ engine, publicUrl }, { query: { connection, ...choice }, client: { origin } }) => {
    const permissions = await permissionsOf(engine, connection)
    const steps = registrationSteps({ ...choice, permissions, redirectUri: redirectUriOf(publicUrl, origin) })
    return { steps: steps.map(({ title, lines, values }) => ({ title, lines: [...lines], values: [...values] })) }
  },

  checkConnection: async (parts, { params: { connection }, actor, client: { origin }, signal }) => {
    const redirectUri = redirectUriOf(parts.publicUrl, origin)
    const findings = await parts.actions.check({ connection, redirectUri, actor, signal })
    return told(parts, { connection, findings, actor })
  },

  checkConnectionForm: async (parts, { body: { name, ...typed }, actor, client: { origin }, signal }) => {
    const wanted = prepareConnection(typed, { name, needsCredential: false })
    const access = await accessOfForm(parts.engine.db, { vault: parts.engine.vault, name, wanted })
    const client = parts.openGraphWith(access)
    const redirectUri = redirectUriOf(parts.publicUrl, origin)
    const { findings } = await checkWith(parts.engine, { client, name, settings: wanted.settings, redirectUri, signal })
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
  | 'addCredential'
  | 'changeCredential'
  | 'removeCredential'
  | 'getCertificate'
  | 'getRegistrationSteps'
  | 'checkConnection'
  | 'checkConnectionForm'
  | 'searchDirectory'
  | 'getDirectoryGroups'
>

/** The credential as it is shown, of the connection that has it. */
function credentialIn({ credentials }: ConnectionView, id: number): CredentialView {
  const found = credentials.find((credential) => credential.id === String(id))
  if (found === undefined) throw new NotFoundError('credential', String(id))
  return found
}

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
