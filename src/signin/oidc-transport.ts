// How token services are reached: as Graph is, with tighter bounds, as a person waits for the answer.
import type { Clock } from '../base/clock.ts'
import { isMicrosoftRoot } from '../graph/clouds.ts'
import { DEFAULT_LIMITS } from '../graph/limits.ts'
import { createSender, type Sender, type SenderOptions } from '../graph/request.ts'

const LIMITS = { ...DEFAULT_LIMITS, requestTimeoutMs: 15_000, maxBodyBytes: 1024 * 1024 }

/** Names of Microsoft's own clouds never lead to private addresses; authorities of custom clouds may. */
export function createOidcSender(options: { readonly clock: Clock } & Pick<SenderOptions, 'proxy' | 'caFile'>): Sender {
  const common = { ...options, limits: LIMITS }
  const microsoft = createSender({ ...common, graphUrl: 'https://graph.microsoft.com' })
  const custom = createSender({ ...common, graphUrl: 'https://localhost' })
  return {
    send: (request) => (isMicrosoftRoot(request.origin) ? microsoft : custom).send(request),
    async stop() {
      await Promise.all([microsoft.stop(), custom.stop()])
    },
  }
}
