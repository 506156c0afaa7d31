// Managed identity: a machine in Azure asks its own platform for tokens, and nobody keeps a secret. The library knows the platforms
// (virtual machines, App Service, Container Apps, Arc, …) and their environment; it is loaded on first use.
import type { Clock } from '../base/clock.ts'
import { scopeOf } from './clouds.ts'
import { CredentialRefused } from './errors.ts'
import type { Limits } from './limits.ts'

export interface IdentityRequest {
  /** Of an identity that a user assigned; undefined for the machine's own. */
  readonly clientId: string | undefined
  readonly graphUrl: string
  readonly clock: Clock
  readonly limits: Pick<Limits, 'requestTimeoutMs'>
  readonly stopped: AbortSignal
}

/**
 * A token of the identity itself for Microsoft Graph, and how long it lives yet in milliseconds. The request goes to the platform
 * directly, never through a proxy; the token is one of the identity's tenant.
 *
 * @throws CredentialRefused where the machine has no such identity
 * @see https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token
 */
export async function managedIdentityToken(request: IdentityRequest): Promise<{ token: string; lifeMs: number }> {
  const { clientId, graphUrl, clock, limits, stopped } = request
  const { ManagedIdentityCredential } = await import('@azure/identity')
  const identity =
    clientId === undefined ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ clientId })
  const over = new AbortController()
  const done = new AbortController()
  try {
    // Outside of Azure nobody answers at the platform's address, and the library goes on asking.
    const late = clock.sleep(limits.requestTimeoutMs, AbortSignal.any([done.signal, stopped])).then(() => undefined)
    const abortSignal = AbortSignal.any([over.signal, stopped])
    const answer = await Promise.race([identity.getToken(scopeOf(graphUrl), { abortSignal }), late])
    if (answer === undefined) throw new Error('no answer')
    return { token: answer.token, lifeMs: answer.expiresOnTimestamp - clock.now().getTime() }
  } catch (error) {
    stopped.throwIfAborted()
    const which = clientId === undefined ? 'a managed identity' : `the managed identity ${clientId}`
    const remedy =
      'Assign the identity to the virtual machine, app or container that Muster runs on, or use another credential.'
    throw new CredentialRefused('auth-failed', `This machine did not get a token for ${which} from Azure. ${remedy}`, {
      remedy,
      retry: 'never',
      cause: error,
    })
  } finally {
    done.abort()
    over.abort()
  }
}
