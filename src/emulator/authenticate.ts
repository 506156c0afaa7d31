// Who is it? People of a tenant and its guests by the name that they type, and whether they may in.
import type { DirectoryObject } from './object.ts'
import { update } from './operations.ts'
import { deny } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import type { Refusal } from './tokenerrors.ts'

/** Somebody in the tenant that is signed in to. A guest's password and second factor are those of the home, where that is known. */
export interface Person {
  readonly tenant: Tenant
  readonly user: DirectoryObject
  readonly home: { readonly tenant: Tenant; readonly user: DirectoryObject } | undefined
}

/** The tenant that a domain is verified in. */
export function tenantOfDomain(tenants: readonly Tenant[], userName: string): Tenant | undefined {
  const domain = userName.slice(userName.lastIndexOf('@') + 1).toLowerCase()
  return tenants.find((tenant) => tenant.verifiedDomains.some((known) => known.name.toLowerCase() === domain))
}

/** A live member by user principal name, or a guest by the address that was invited. */
export function findPerson(tenants: readonly Tenant[], tenant: Tenant, userName: string): Person | undefined {
  const name = userName.trim()
  const user = tenant.findByUpn(name) ?? findGuest(tenant, name)
  if (user === undefined) return undefined
  if (!isGuest(user)) return { tenant, user, home: undefined }
  const address = invitedAddress(user)
  const homeTenant = tenantOfDomain(tenants, address)
  const atHome = homeTenant === tenant ? undefined : homeTenant?.findByUpn(address)
  return {
    tenant,
    user,
    home: homeTenant === undefined || atHome === undefined ? undefined : { tenant: homeTenant, user: atHome },
  }
}

export function isGuest(user: DirectoryObject): boolean {
  return /#EXT#@/i.test(String(user.properties['userPrincipalName']))
}

/** What a guest is called at home: the name that was invited. */
export function invitedAddress(user: DirectoryObject): string {
  const mail = user.properties['mail']
  if (typeof mail === 'string' && mail !== '') return mail
  const before = String(user.properties['userPrincipalName']).replace(/#EXT#@.*$/i, '')
  return before.replace(/_(?=[^_]*$)/, '@')
}

/** Why the password does not prove the person, undefined when it does. Order of checks as far as it is known. */
export function refusePassword(person: Person, password: string): Refusal | undefined {
  const { tenant, user } = person.home ?? person
  const nowMs = tenant.nowMs()
  if (tenant.accounts.isLocked(user.id, nowMs)) return deny.locked()
  const tried = tenant.accounts.tryPassword(user.id, password, nowMs)
  if (tried === 'none') return deny.noPassword()
  if (tried === 'wrong') return tenant.accounts.isLocked(user.id, nowMs) ? deny.locked() : deny.wrongPassword()
  return refuseAccount(person) ?? (tenant.accounts.of(user.id).passwordExpired ? deny.expiredPassword() : undefined)
}

/** Disabled and deleted accounts, at home and where they are guests. */
export function refuseAccount(person: Person): Refusal | undefined {
  for (const user of [person.user, ...(person.home === undefined ? [] : [person.home.user])]) {
    if (user.presence !== 'live') return deny.deletedUser(user.id, person.tenant.id)
    if (user.properties['accountEnabled'] === false) return deny.disabledUser()
  }
  return undefined
}

/** The second factor that applies: of the home for guests, and of the tenant that is signed in to. */
export function secondFactor(person: Person): 'none' | 'required' | 'enrol' {
  const asked = [person, ...(person.home === undefined ? [] : [person.home])].map(
    ({ tenant, user }) => tenant.accounts.of(user.id).mfa,
  )
  return asked.find((one) => one === 'enrol') ?? asked.find((one) => one === 'required') ?? 'none'
}

/** Assignment and policies of the tenant that is signed in to. */
export function refuseAdmission(person: Person, app: AppRegistration): Refusal | undefined {
  const { tenant, user } = person
  if (app.signIn.assignmentRequired && assignmentsOf(person, app).length === 0) return deny.notAssigned(app)
  if (tenant.accounts.of(user.id).blockedByPolicy) return deny.blockedByPolicy()
  return undefined
}

/** Assignments of the person and of groups that he is in directly; nested groups do not count for apps. */
export function assignmentsOf(person: Person, app: AppRegistration): AppRegistration['signIn']['assignments'] {
  const { tenant, user } = person
  const groups = user.memberOf.map((no) => tenant.at(no)).filter(({ presence }) => presence === 'live')
  const principals = new Set([user.id, ...groups.map(({ id }) => id)])
  return app.signIn.assignments.filter(({ principalId }) => principals.has(principalId))
}

/** A guest who signs in takes the invitation. */
export function acceptInvitation({ tenant, user }: Person): void {
  if (user.properties['externalUserState'] === 'PendingAcceptance')
    update(tenant, user.id, { externalUserState: 'Accepted' })
}

function findGuest(tenant: Tenant, address: string): DirectoryObject | undefined {
  if (!address.includes('@')) return undefined
  const prefix = `${address.replace(/@(?=[^@]*$)/, '_').toLowerCase()}#ext#@`
  for (const no of tenant.usersByInitial(prefix)) {
    const user = tenant.at(no)
    const name = String(user.properties['userPrincipalName']).toLowerCase()
    if (user.presence === 'live' && name.startsWith(prefix)) return user
  }
  return undefined
}
