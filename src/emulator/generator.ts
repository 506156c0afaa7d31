// A tenant of any size from a seed: the same seed gives the same tenant, object for object.
import type { Clock } from '../base/clock.ts'
import { createRandom } from './random.ts'
import { generateGroups } from './generatedgroups.ts'
import { type GeneratorContext, generateUsers } from './generatedusers.ts'
import { Tenant } from './tenant.ts'

export interface GeneratorOptions {
  readonly users: number
  readonly groups: number
  /** Direct memberships of users in groups, over all groups. Nested groups, devices and service principals come on top. */
  readonly memberships: number
  readonly seed: number
  /** The emulator's clock, so that what is generated ages with it. */
  readonly clock: Clock
  readonly displayName?: string
  readonly domain?: string
  /** How many Microsoft 365 groups hide their members (graph.md 10.4). None unless given. */
  readonly hiddenGroups?: number
}

/**
 * Makes a tenant with exactly the numbers asked for. Group sizes have a long tail; about one person in twenty is a
 * guest, one in twenty-five disabled, three in five are synced from an on-premises directory.
 *
 * One million users with ten million memberships take well under a minute and about 4 GB.
 *
 * @throws RangeError when so many memberships do not fit
 */
export function generateTenant(options: GeneratorOptions): Tenant {
  const { users, groups, memberships, seed, clock } = options
  if (memberships > users * groups) throw new RangeError(`${memberships} memberships do not fit ${users} × ${groups}`)
  const random = createRandom(seed)
  const domain = options.domain ?? 'contoso.com'
  const tenant = new Tenant({
    tenantId: random.guid(),
    displayName: options.displayName ?? 'Contoso',
    clock,
    domain,
    random: createRandom(seed + 1),
  })
  tenant.onPremisesSyncEnabled = true
  tenant.onPremisesLastSyncDateTime = clock.now().toISOString()
  const context: GeneratorContext = { tenant, random, domain, nowMs: clock.now().getTime() }
  generateUsers(context, users)
  generateGroups(context, { users, groups, memberships, hiddenGroups: options.hiddenGroups ?? 0 })
  return tenant
}
