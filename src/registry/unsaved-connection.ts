// A connection that is not saved, made ready to be checked: what the form leaves out is what is on file.
import { ConfigError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import type { CloudRoots } from '../directory/clouds.ts'
import type { Vault } from '../vault/keys.ts'
import { credentialOf, listConnections, type OpenedCredential, openCredentials } from './connections.ts'
import { CREDENTIAL_MISSING } from './prepare-configuration.ts'
import { rootsOf, SECRET_ELSEWHERE, sendsElsewhere, type WantedConnection } from './put-connection.ts'

export interface UnsavedAccess extends CloudRoots {
  readonly tenantId: string
  readonly clientId: string
  readonly credentials: readonly (OpenedCredential | ReturnType<typeof credentialOf>)[]
}

/**
 * What the form says, with credentials on file for each kind that it leaves out.
 *
 * @throws ConfigError where there is no credential, or one on file would be sent to addresses that it was not given for
 */
export async function accessOfForm(
  db: Queries,
  form: { readonly vault: Pick<Vault, 'open'>; readonly name: string; readonly wanted: WantedConnection },
): Promise<UnsavedAccess> {
  const { name, wanted, vault } = form
  const { settings } = wanted
  const saved = (await listConnections(db)).find((connection) => connection.name === name)
  const onFile = saved === undefined ? [] : await openCredentials(db, { connectionId: saved.id, vault })
  const kept = onFile.filter(({ kind }) => wanted.credentials.every((given) => given.kind !== kind))
  const isSecretKept = kept.some(({ kind }) => kind === 'secret')
  if (saved !== undefined && isSecretKept && sendsElsewhere(saved, settings))
    throw new ConfigError([{ at: 'clientSecret', message: SECRET_ELSEWHERE }])
  const given = wanted.credentials.map(({ kind, value }) => credentialOf(kind, value))
  if (given.length + kept.length === 0) throw new ConfigError([{ at: 'clientSecret', message: CREDENTIAL_MISSING }])
  return {
    tenantId: settings.tenantId,
    clientId: settings.clientId,
    ...rootsOf(settings),
    credentials: [...given, ...kept],
  }
}
