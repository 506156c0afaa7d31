// The administration interface: what a test or the demo changes in a running emulator over HTTP. JSON in and out under
// `/_admin/`, guarded by the key that is printed at start.
import { timingSafeEqual } from 'node:crypto'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { addSecret } from './applications.ts'
import { BadInput, flag, number, optionalText, parseInput, record, text, textList } from './admininput.ts'
import { toFaultSpec } from './adminfaults.ts'
import { actOnKeys, actOnDevices, presentSignIn, SIGN_IN_ACTIONS } from './adminsignin.ts'
import { appOf, idOf, type TenantAction } from './admintargets.ts'
import type { MovableClock } from './clock.ts'
import type { Faults } from './faults.ts'
import { addMember, createGroup, removeMember, renameGroup } from './memberships.ts'
import {
  disable,
  enable,
  hire,
  purge,
  remove,
  rename,
  requireLive,
  resetDelta,
  restore,
  setManager,
  update,
} from './operations.ts'
import type { Random } from './random.ts'
import type { DirectoryObject } from './object.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import type { ThrottleSettings } from './throttle.ts'
import type { TokenService } from './token.ts'
import { jsonResponse, type LoggedRequest, type WireRequest, type WireResponse } from './wire.ts'

/** The part of an emulator that the interface reaches. */
export interface Administered {
  readonly adminKey: string
  readonly clock: MovableClock
  readonly random: Random
  readonly faults: Faults
  readonly throttling: ThrottleSettings
  readonly requests: readonly LoggedRequest[]
  readonly tenants: readonly Tenant[]
  readonly tokens: TokenService
  latencyMs: number
  clearRequests(): void
  revokeTokens(app: AppRegistration): void
  withdrawRoles(app: AppRegistration, roles: Iterable<string>): void
  grantRoles(app: AppRegistration, roles: Iterable<string>): void
  setEnabled(app: AppRegistration, isEnabled: boolean): void
}

/** `POST /_admin/tenants/{tenant}/{action}`; ids are object ids or user principal names. */
const TENANT_ACTIONS: Readonly<Record<string, TenantAction<Administered>>> = {
  ...SIGN_IN_ACTIONS,
  hire: ({ tenant, input }) => present(hire(tenant, input)),
  update: ({ tenant, input }) => present(update(tenant, idOf(tenant, input, 'id'), record(input, 'patch'))),
  rename: ({ tenant, input }) => present(rename(tenant, idOf(tenant, input, 'id'), text(input, 'userPrincipalName'))),
  disable: ({ tenant, input }) => present(disable(tenant, idOf(tenant, input, 'id'))),
  enable: ({ tenant, input }) => present(enable(tenant, idOf(tenant, input, 'id'))),
  setManager: ({ tenant, input }) =>
    present(
      setManager(
        tenant,
        idOf(tenant, input, 'id'),
        input['managerId'] === null ? null : idOf(tenant, input, 'managerId'),
      ),
    ),
  delete: ({ tenant, input }) => present(remove(tenant, idOf(tenant, input, 'id'))),
  purge: ({ tenant, input }) => present(purge(tenant, idOf(tenant, input, 'id'))),
  restore: ({ tenant, input }) => {
    const newUserPrincipalName = optionalText(input, 'newUserPrincipalName')
    const options = newUserPrincipalName === undefined ? {} : { newUserPrincipalName }
    return present(restore(tenant, text(input, 'id'), options))
  },
  createGroup: ({ tenant, input }) => present(createGroup(tenant, input)),
  renameGroup: ({ tenant, input }) => present(renameGroup(tenant, text(input, 'id'), text(input, 'displayName'))),
  deleteGroup: ({ tenant, input }) => present(remove(tenant, requireLive(tenant, text(input, 'id'), 'group').id)),
  addMember: ({ tenant, input }) => {
    addMember(tenant, text(input, 'groupId'), idOf(tenant, input, 'memberId'))
    return { kind: 'added' }
  },
  removeMember: ({ tenant, input }) => {
    removeMember(tenant, text(input, 'groupId'), idOf(tenant, input, 'memberId'))
    return { kind: 'removed' }
  },
  revokePermission: ({ emulator, tenant, input }) => {
    const app = appOf(tenant, input)
    emulator.withdrawRoles(app, textList(input, 'roles'))
    return presentApp(app)
  },
  grantPermission: ({ emulator, tenant, input }) => {
    const app = appOf(tenant, input)
    emulator.grantRoles(app, textList(input, 'roles'))
    return presentApp(app)
  },
  revokeTokens: ({ emulator, tenant, input }) => {
    emulator.revokeTokens(appOf(tenant, input))
    return { kind: 'revoked' }
  },
  setAppEnabled: ({ emulator, tenant, input }) => {
    emulator.setEnabled(appOf(tenant, input), flag(input, 'enabled'))
    return { kind: 'set' }
  },
  expireSecret: ({ emulator, tenant, input }) => {
    const app = appOf(tenant, input)
    const keyId = optionalText(input, 'keyId')
    for (const secret of app.secrets)
      if (keyId === undefined || secret.keyId === keyId) secret.endDateTime = emulator.clock.now().toISOString()
    return presentApp(app)
  },
  addSecret: ({ emulator, tenant, input }) => {
    const value = optionalText(input, 'value')
    const added = addSecret(appOf(tenant, input), emulator.random, {
      now: emulator.clock.now(),
      ...(value === undefined ? {} : { value }),
    })
    return { keyId: added.keyId, secretText: added.secretText, endDateTime: added.endDateTime }
  },
  expireDelta: ({ tenant, input }) => {
    resetDelta(tenant, input['answer'] === '410' ? '410' : '400')
    return { kind: 'expired' }
  },
  behaviour: ({ tenant, input }) => {
    const { behaviour } = tenant
    for (const [name, value] of Object.entries(input)) {
      if (!(name in behaviour) || name === 'fired') throw new BadInput(`there is no behaviour ${JSON.stringify(name)}`)
      Object.assign(behaviour, { [name]: value })
    }
    return behaviour
  },
}

/** Answers a request under `/_admin/`. 401 without the key, 400 and 409 with a sentence. */
export async function handleAdmin(request: WireRequest, emulator: Administered): Promise<WireResponse> {
  if (!isKey(request.headers.get('x-admin-key') ?? '', emulator.adminKey))
    return jsonResponse(401, { error: 'the header x-admin-key must carry the key that was printed at start' })
  try {
    return jsonResponse(200, act(request, emulator))
  } catch (error) {
    if (error instanceof BadInput) return jsonResponse(400, { error: error.message })
    if (error instanceof NotFoundError) return jsonResponse(404, { error: error.message })
    if (error instanceof ConflictError) return jsonResponse(409, { error: error.message, code: error.code })
    throw error
  }
}

function act(request: WireRequest, emulator: Administered): unknown {
  const [noun = '', first = '', second = '', third = ''] = request.path
    .slice('/_admin/'.length)
    .split('/')
    .map(decodeURIComponent)
  const input = parseInput(request.body)
  switch (`${request.method} ${noun}`) {
    case 'GET state':
      return presentState(emulator)
    case 'GET requests':
      return presentRequests(emulator, new URLSearchParams(request.rawQuery))
    case 'DELETE requests':
      emulator.clearRequests()
      return { kind: 'cleared' }
    case 'POST clock':
      emulator.clock.advance(number(input, 'advanceMs'))
      return { now: emulator.clock.now().toISOString() }
    case 'POST latency':
      emulator.latencyMs = number(input, 'ms')
      return { latencyMs: emulator.latencyMs }
    case 'POST throttling':
      Object.assign(emulator.throttling, {
        ...('enabled' in input ? { enabled: flag(input, 'enabled') } : {}),
        ...('scale' in input ? { scale: number(input, 'scale') } : {}),
      })
      return emulator.throttling
    case 'POST tokens':
      actOnKeys(emulator.tokens, input)
      actOnDevices(emulator.tokens, input)
      if ('lifetimeSeconds' in input) {
        const seconds = number(input, 'lifetimeSeconds')
        emulator.tokens.lifetimeSeconds = { min: seconds, max: seconds }
      }
      return { lifetimeSeconds: emulator.tokens.lifetimeSeconds, device: emulator.tokens.codes.device }
    case 'GET faults':
      return { faults: emulator.faults.list().map(presentFault), pending: emulator.faults.pending().length }
    case 'POST faults':
      return { number: emulator.faults.add(toFaultSpec(input)).number }
    case 'DELETE faults':
      if (first === '') emulator.faults.clear()
      else if (!emulator.faults.remove(Number(first))) throw new NotFoundError('fault', first)
      return { kind: 'removed' }
    case 'GET tenants':
      return readTenant(tenantOf(emulator, first), second, third)
    case 'POST tenants': {
      const action = Object.hasOwn(TENANT_ACTIONS, second) ? TENANT_ACTIONS[second] : undefined
      if (action === undefined) throw new NotFoundError('action', second)
      return action({ emulator, tenant: tenantOf(emulator, first), input })
    }
    default:
      throw new NotFoundError('administration path', `${request.method} ${request.path}`)
  }
}

function readTenant(tenant: Tenant, noun: string, id: string): unknown {
  if (noun === '') return presentTenant(tenant)
  const object = tenant.find(id) ?? tenant.findByUpn(id)
  if (noun !== 'objects' || object === undefined) throw new NotFoundError('object', id)
  return {
    ...present(object),
    members: object.members.map((no) => tenant.at(no).id),
    memberOf: object.memberOf.map((no) => tenant.at(no).id),
    managerId: object.managerNo < 0 ? null : tenant.at(object.managerNo).id,
  }
}

function isKey(given: string, key: string): boolean {
  return given.length === key.length && timingSafeEqual(new TextEncoder().encode(given), new TextEncoder().encode(key))
}

function tenantOf(emulator: Administered, name: string): Tenant {
  const found = emulator.tenants.find(
    (tenant) => tenant.id === name.toLowerCase() || tenant.verifiedDomains.some((domain) => domain.name === name),
  )
  if (found === undefined) throw new NotFoundError('tenant', name)
  return found
}

function present(object: DirectoryObject): Record<string, unknown> {
  return { kind: object.kind, presence: object.presence, ...object.properties, id: object.id }
}

function presentApp(app: AppRegistration): unknown {
  return {
    appId: app.appId,
    displayName: app.displayName,
    asksFor: [...app.asksFor],
    roles: [...app.roles],
    secrets: app.secrets.map(({ keyId, displayName, endDateTime }) => ({ keyId, displayName, endDateTime })),
    certificates: app.certificates.map(({ keyId, displayName, x5t, endDateTime }) => ({
      keyId,
      displayName,
      x5t,
      endDateTime,
    })),
    ...presentSignIn(app),
  }
}

function presentTenant(tenant: Tenant): Record<string, unknown> {
  return {
    tenantId: tenant.id,
    displayName: tenant.displayName,
    domains: tenant.verifiedDomains.map((domain) => domain.name),
    users: tenant.count('user'),
    groups: tenant.count('group'),
    apps: [...tenant.apps.values()].map(presentApp),
    behaviour: tenant.behaviour,
  }
}

function presentState(emulator: Administered): unknown {
  return {
    now: emulator.clock.now().toISOString(),
    latencyMs: emulator.latencyMs,
    throttling: emulator.throttling,
    tenants: emulator.tenants.map(presentTenant),
    faults: emulator.faults.list().map(presentFault),
    requests: emulator.requests.length,
  }
}

function presentFault(fault: ReturnType<Faults['list']>[number]): unknown {
  const { path } = fault.spec
  return {
    number: fault.number,
    fired: fault.fired,
    ...fault.spec,
    ...(path === undefined ? {} : { path: String(path) }),
  }
}

function presentRequests(emulator: Administered, query: URLSearchParams): unknown {
  const since = Number(query.get('since') ?? 0)
  return {
    requests: emulator.requests.filter((entry) => entry.number > since).map(({ headers: _headers, ...entry }) => entry),
  }
}
