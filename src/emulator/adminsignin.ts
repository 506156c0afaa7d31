// The administration interface's actions on signing in: accounts, app registrations, keys and device codes.
import type { Account } from './accounts.ts'
import { BadInput, flag, type Input, number, optionalText, text, textList } from './admininput.ts'
import { appOf, idOf, type TenantAction } from './admintargets.ts'
import { addRedirectUri, type AppSignIn, OPTIONAL_CLAIMS } from './appsignin.ts'
import { addFederatedCredential } from './applications.ts'
import { requireLive } from './operations.ts'
import type { Random } from './random.ts'
import type { AppRegistration } from './tenant.ts'
import type { TokenService } from './token.ts'

/** Further actions of `POST /_admin/tenants/{tenant}/{action}`. */
export const SIGN_IN_ACTIONS: Readonly<Record<string, TenantAction<{ readonly random: Random }>>> = {
  setDefaultPassword: ({ tenant, input }) => {
    tenant.accounts.defaultPassword = input['password'] === null ? null : text(input, 'password')
    return { kind: 'set' }
  },
  setAccount: ({ tenant, input }) => {
    const account = tenant.accounts.of(requireLive(tenant, idOf(tenant, input, 'id'), 'user').id)
    changeAccount(account, input)
    const { password: _secret, ...shown } = account
    return shown
  },
  unlock: ({ tenant, input }) => {
    tenant.accounts.unlock(idOf(tenant, input, 'id'))
    return { kind: 'unlocked' }
  },
  revokeSignIns: ({ tenant, input }) => {
    tenant.accounts.of(requireLive(tenant, idOf(tenant, input, 'id'), 'user').id).revokedAtMs = tenant.nowMs()
    return { kind: 'revoked' }
  },
  setApp: ({ tenant, input }) => {
    const app = appOf(tenant, input)
    changeApp(app.signIn, input)
    return presentSignIn(app)
  },
  addRedirectUri: ({ tenant, input }) => {
    const app = appOf(tenant, input)
    const platform = oneOf(optionalText(input, 'platform') ?? 'web', ['web', 'spa', 'publicClient'])
    addRedirectUri(app.signIn, { uri: text(input, 'uri'), platform })
    return presentSignIn(app)
  },
  addAppRole: ({ emulator, tenant, input }) => {
    const app = appOf(tenant, input)
    const value = text(input, 'value')
    app.signIn.appRoles.push({
      id: emulator.random.guid(),
      value,
      displayName: optionalText(input, 'displayName') ?? value,
    })
    return presentSignIn(app)
  },
  assign: ({ tenant, input }) => {
    const app = appOf(tenant, input)
    const role = optionalText(input, 'role')
    if (role !== undefined && !app.signIn.appRoles.some(({ value }) => value === role))
      throw new BadInput(`the app has no role ${JSON.stringify(role)}; addAppRole makes one`)
    app.signIn.assignments.push({ principalId: requireLive(tenant, idOf(tenant, input, 'principalId')).id, role })
    return presentSignIn(app)
  },
  unassign: ({ tenant, input }) => {
    const app = appOf(tenant, input)
    const id = idOf(tenant, input, 'principalId')
    const kept = app.signIn.assignments.filter(({ principalId }) => principalId !== id)
    app.signIn.assignments.splice(0, Number.POSITIVE_INFINITY, ...kept)
    return presentSignIn(app)
  },
  addFederatedCredential: ({ tenant, input }) => {
    const app = appOf(tenant, input)
    const audience = optionalText(input, 'audience')
    addFederatedCredential(app, {
      issuer: text(input, 'issuer'),
      subject: text(input, 'subject'),
      publicKeyPem: text(input, 'publicKeyPem'),
      ...(audience === undefined ? {} : { audience }),
    })
    return presentSignIn(app)
  },
}

/** `POST /_admin/tokens`: announceKey, rotateKey, dropOldKeys, rollKeys, and `tenantKey` with a tenant id. */
export function actOnKeys(tokens: TokenService, input: Input): void {
  if (input['announceKey'] === true) tokens.issuer.keys.announce()
  if (input['rotateKey'] === true) tokens.rotateKey()
  if (input['dropOldKeys'] === true) tokens.dropOldKeys()
  if (input['rollKeys'] === true) tokens.rollKeys()
  const tenantId = optionalText(input, 'tenantKey')
  if (tenantId !== undefined) tokens.issuer.keys.addForTenant(tenantId)
}

/** `POST /_admin/tokens`: how device codes live. */
export function actOnDevices(tokens: TokenService, input: Input): void {
  const { device } = tokens.codes
  if ('deviceExpiresInSeconds' in input) device.expiresInSeconds = number(input, 'deviceExpiresInSeconds')
  if ('deviceIntervalSeconds' in input) device.intervalSeconds = number(input, 'deviceIntervalSeconds')
  if ('deviceSlowDown' in input) device.slowDown = flag(input, 'deviceSlowDown')
}

export function presentSignIn({ signIn, federated }: AppRegistration): Record<string, unknown> {
  return {
    ...signIn,
    consented: [...signIn.consented],
    federated: federated.map(({ publicKeyPem: _key, ...shown }) => shown),
  }
}

function changeAccount(account: Account, input: Input): void {
  if ('password' in input) account.password = input['password'] === null ? null : text(input, 'password')
  if ('passwordExpired' in input) account.passwordExpired = flag(input, 'passwordExpired')
  if ('mfa' in input) account.mfa = oneOf(text(input, 'mfa'), ['none', 'required', 'enrol'])
  if ('blockedByPolicy' in input) account.blockedByPolicy = flag(input, 'blockedByPolicy')
}

function changeApp(signIn: AppSignIn, input: Input): void {
  for (const name of ['publicClient', 'implicitIdTokens', 'assignmentRequired'] as const)
    if (name in input) signIn[name] = flag(input, name)
  if ('groupMembershipClaims' in input)
    signIn.groupMembershipClaims = oneOf(text(input, 'groupMembershipClaims'), [
      'None',
      'SecurityGroup',
      'ApplicationGroup',
      'All',
    ])
  if ('consent' in input) signIn.consent = oneOf(text(input, 'consent'), ['granted', 'ask', 'missing'])
  if ('audience' in input) signIn.audience = oneOf(text(input, 'audience'), ['AzureADMyOrg', 'AzureADMultipleOrgs'])
  if ('optionalClaims' in input) {
    const names = textList(input, 'optionalClaims')
    for (const name of names) oneOf(name, OPTIONAL_CLAIMS)
    signIn.optionalClaims = names
  }
}

function oneOf<T extends string>(value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value)
  if (found === undefined) throw new BadInput(`${JSON.stringify(value)} is none of ${known.join(', ')}`)
  return found
}
