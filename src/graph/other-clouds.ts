// In which of Microsoft's clouds a tenant is: asked only where the chosen one does not know it.
import { type Cloud, CLOUD_ROOTS } from '../directory/clouds.ts'
import { cloudOf } from './clouds.ts'
import { BadAnswer } from './errors.ts'
import { type Sender, TransportError } from './request.ts'

type MicrosoftCloud = Exclude<Cloud, 'custom'>
/** One for each authority: both clouds of the US government have the same. */
const ASKED = ['global', 'usGov', 'china'] as const satisfies readonly MicrosoftCloud[]

/**
 * Asks the public discovery document of the tenant in every cloud but the chosen one; nothing but the tenant id is sent.
 *
 * @returns never the chosen one; undefined where no other has it, or the connection names custom roots
 * @see https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
 */
export async function findCloud(
  sender: Sender,
  options: { readonly tenantId: string; readonly authorityUrl: string; readonly signal: AbortSignal },
): Promise<MicrosoftCloud | undefined> {
  const { tenantId, authorityUrl, signal } = options
  const chosen = cloudOf(authorityUrl)
  if (chosen === 'custom') return undefined
  for (const cloud of ASKED) {
    if (cloud === chosen) continue
    try {
      const path = `/${tenantId}/v2.0/.well-known/openid-configuration`
      const origin = CLOUD_ROOTS[cloud].authorityUrl
      const { status } = await sender.send({
        method: 'GET',
        origin,
        path,
        headers: { accept: 'application/json' },
        signal,
      })
      if (status === 200) return cloud
    } catch (error) {
      // A cloud that cannot be reached from here tells nothing; the check goes on without the hint.
      if (error instanceof TransportError || error instanceof BadAnswer) continue
      throw error
    }
  }
  return undefined
}
