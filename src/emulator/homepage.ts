// The emulator's own page: what it serves, who can sign in and how, and where it is changed.
import { assignmentsOf } from './authenticate.ts'
import type { DirectoryObject } from './object.ts'
import { escape, page } from './signinpages.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import type { WireRequest, WireResponse } from './wire.ts'

const SHOWN_PEOPLE = 50

/** Passwords stand on it: there is nothing behind them. The administration key does not. */
export function homePage({ origin }: WireRequest, tenants: readonly Tenant[]): WireResponse {
  const body = `<p>A made-up Microsoft Entra ID on this machine, for tests and demonstrations. Programs find the token service and Graph at <code>${escape(origin)}</code>.</p>
${tenants.map((tenant) => describeTenant(tenant, origin)).join('\n')}
<h2>Change it</h2>
<p>With the administration key that was printed at start, in the header <code>x-admin-key</code>: <code>GET ${escape(origin)}/_admin/state</code> shows everything; <code>POST ${escape(origin)}/_admin/tenants/&lt;tenant&gt;/&lt;action&gt;</code> hires, disables, deletes, restores, sets passwords and second factors (<code>setAccount</code>), registers redirect URIs (<code>addRedirectUri</code>) and assigns app roles (<code>assign</code>).</p>`
  return page({ title: 'Entra emulator', body, wide: true })
}

function describeTenant(tenant: Tenant, origin: string): string {
  const people = [...tenant.live('user')].slice(0, SHOWN_PEOPLE)
  const left = tenant.count('user') - people.length
  const apps = [...tenant.apps.values()]
  const password = tenant.accounts.defaultPassword
  return `<h2>${escape(tenant.displayName)}</h2>
<p>Tenant <code>${tenant.id}</code>, ${tenant.count('user')} users, ${tenant.count('group')} groups.
${password === null ? 'Nobody has a password unless one was set.' : `Everybody’s password is <code>${escape(password)}</code> unless another one was set.`}
Codes of devices are typed at <a href="${escape(origin)}/devicelogin">${escape(origin)}/devicelogin</a>.</p>
<table tabindex="0">
<thead><tr><th>App</th><th>Client id</th><th>Redirect URIs</th><th>Device code, password</th></tr></thead>
<tbody>
${apps.map(describeApp).join('\n')}
</tbody>
</table>
<table tabindex="0">
<thead><tr><th>Name</th><th>User name</th><th>Signs in</th><th>App roles</th></tr></thead>
<tbody>
${people.map((user) => describePerson(tenant, user, apps)).join('\n')}
</tbody>
</table>
${left > 0 ? `<p>And ${left} more.</p>` : ''}`
}

function describeApp({ displayName, appId, signIn }: AppRegistration): string {
  const addresses = signIn.redirectUris.map(({ uri }) => `<code>${escape(uri)}</code>`).join('<br>')
  return row([escape(displayName), `<code>${appId}</code>`, addresses || 'none', signIn.publicClient ? 'yes' : 'no'])
}

function describePerson(tenant: Tenant, user: DirectoryObject, apps: readonly AppRegistration[]): string {
  const { password, passwordExpired, mfa, blockedByPolicy } = tenant.accounts.of(user.id)
  const ways = [
    user.properties['accountEnabled'] === false ? 'disabled' : 'yes',
    ...(password === undefined ? [] : [password === null ? 'has no password' : `password ${password}`]),
    ...(passwordExpired ? ['password expired'] : []),
    ...(mfa === 'none' ? [] : ['second factor']),
    ...(blockedByPolicy ? ['blocked by policy'] : []),
  ]
  const roles = apps.flatMap((app) =>
    assignmentsOf({ tenant, user, home: undefined }, app).flatMap(({ role }) => role ?? []),
  )
  return row([
    escape(String(user.properties['displayName'])),
    escape(String(user.properties['userPrincipalName'])),
    escape(ways.join(', ')),
    escape(roles.join(', ')),
  ])
}

function row(cells: readonly string[]): string {
  return `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}
