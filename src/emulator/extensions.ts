// Directory extensions that a tenant has not registered: what becomes of a request that names one.
import { countFired } from './behaviour.ts'
import { badRequest, type Call, unsupportedQuery } from './respond.ts'
import type { Tenant } from './tenant.ts'

const NAMES = /\bextension_[0-9a-f]{32}_\w+/g

/**
 * Refuses what the switch `unregisteredExtensions` says.
 *
 * @throws GraphRefusal 400 that names the first one
 */
export function checkExtensions(
  call: Call,
  asked: { readonly select?: string | undefined; readonly filter?: string | undefined },
): void {
  const { behaviour, tenant } = call
  if (behaviour.unregisteredExtensions === 'taken') return
  const [filtered] = unregistered(tenant, asked.filter)
  if (filtered !== undefined) {
    countFired(behaviour, 'unregisteredExtensions')
    throw unsupportedQuery(`Property '${filtered}' does not exist as a declared property or extension property.`)
  }
  const [selected] = unregistered(tenant, asked.select)
  if (selected === undefined) return
  countFired(behaviour, 'unregisteredExtensions')
  if (behaviour.unregisteredExtensions === 'refused')
    throw badRequest(`Could not find a property named '${selected}' on type 'microsoft.graph.user'.`)
}

/** Nobody can be given a value of an extension that is not registered. */
function unregistered(tenant: Tenant, text = ''): readonly string[] {
  const names = [...text.matchAll(NAMES)].map(([name]) => name).filter((name) => !tenant.extensions.has(name))
  if (names.length === 0) return names
  const users = [...tenant.live('user')]
  return names.filter((name) => !users.some(({ properties }) => properties[name] !== undefined))
}
