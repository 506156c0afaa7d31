// What actions of the administration interface act on, found by the names that callers use.
import { NotFoundError } from '../base/errors.ts'
import { type Input, optionalText, text } from './admininput.ts'
import type { AppRegistration, Tenant } from './tenant.ts'

export type TenantAction<E> = (context: {
  readonly emulator: E
  readonly tenant: Tenant
  readonly input: Input
}) => unknown

/** By `appId`; the first app of the tenant without. @throws NotFoundError */
export function appOf(tenant: Tenant, input: Input): AppRegistration {
  const appId = optionalText(input, 'appId')
  const app = appId === undefined ? [...tenant.apps.values()][0] : tenant.apps.get(appId)
  if (app === undefined) throw new NotFoundError('app', appId ?? '')
  return app
}

/** An object id, also of somebody who is given by user principal name. */
export function idOf(tenant: Tenant, input: Input, name: string): string {
  const given = text(input, name)
  return tenant.findByUpn(given)?.id ?? given
}
