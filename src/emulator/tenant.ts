// One Entra tenant in memory: its objects, their edges and the log of changes. State only; operations.ts changes it,
// directory.ts and delta.ts show it as Graph would.
//
// Measured for one million users with ten million memberships: objects are numbered, lists and edges are ascending
// arrays of those numbers, and a page starts at a number, so that a walk stays valid while the tenant changes.
import type { Clock } from '../base/clock.ts'
import { assert } from '../base/errors.ts'
import { Accounts } from './accounts.ts'
import type { AppSignIn } from './appsignin.ts'
import { type Behaviour, defaultBehaviour } from './behaviour.ts'
import { type Change, ChangeLog, type Snapshot } from './changelog.ts'
import type { DirectoryObject, ObjectKind, Presence, Properties } from './object.ts'
import { PageTexts } from './pagetexts.ts'
import { PageMemory, TokenSeal } from './pagetoken.ts'
import { createRandom, type Random } from './random.ts'
import { Rounds } from './rounds.ts'
import { insertNumber } from './sorted.ts'

/** A client secret. `secretText` never leaves through Graph, only its first three characters as `hint`. */
export interface AppSecret {
  readonly keyId: string
  readonly displayName: string
  readonly secretText: string
  startDateTime: string
  endDateTime: string
}

/** A certificate that may sign assertions. */
export interface AppCertificate {
  readonly keyId: string
  readonly displayName: string
  /** PEM of the public key. */
  readonly publicKeyPem: string
  /** SHA-1 and SHA-256 of the certificate's DER, base64url, as in `x5t` and `x5t#S256`. */
  readonly x5t: string
  readonly x5tS256: string
  startDateTime: string
  endDateTime: string
}

/** An app registration of this tenant with its service principal and the application permissions granted to it. */
export interface AppRegistration {
  readonly appId: string
  /** Object id of the application. */
  readonly id: string
  readonly servicePrincipalId: string
  displayName: string
  /** What is listed under *API permissions*, and granted once an administrator consents. */
  readonly asksFor: Set<string>
  readonly roles: Set<string>
  readonly secrets: AppSecret[]
  readonly certificates: AppCertificate[]
  readonly federated: AppFederatedCredential[]
  readonly signIn: AppSignIn
}

/** A foreign issuer whose tokens are taken in place of a secret (graph.md 5.1). Compared letter by letter. */
export interface AppFederatedCredential {
  readonly issuer: string
  readonly subject: string
  readonly audience: string
  /** SPKI PEM; Entra reads keys from the issuer's discovery document, the emulator asks nobody. */
  readonly publicKeyPem: string
}

export interface VerifiedDomain {
  readonly name: string
  readonly isDefault: boolean
  readonly isInitial: boolean
  readonly capabilities: string
  readonly type: 'Managed' | 'Federated'
}

export interface TenantOptions {
  /** Lower-case UUID. */
  readonly tenantId: string
  readonly displayName: string
  readonly clock: Clock
  /** The default is seeded by the tenant id. */
  readonly random?: Random
  /** Default domain; `contoso.com` unless given. */
  readonly domain?: string
  readonly behaviour?: Behaviour
}

/** What index of first characters a user is found under. */
function firstCharacter(userPrincipalName: string): string {
  return userPrincipalName.toLowerCase().slice(0, 1)
}

export class Tenant {
  readonly id: string
  readonly clock: Clock
  readonly random: Random
  readonly behaviour: Behaviour
  readonly log = new ChangeLog()
  readonly seal: TokenSeal
  readonly pages = new PageMemory()
  readonly rounds = new Rounds()
  readonly pageTexts = new PageTexts()
  /** App registrations by appId, for reading the own application; the token service keeps the same objects. */
  readonly apps = new Map<string, AppRegistration>()
  /** Passwords and the like. */
  readonly accounts = new Accounts()
  /** Directory extensions that are registered beside those that somebody has a value of. */
  readonly extensions = new Set<string>()
  displayName: string
  verifiedDomains: readonly VerifiedDomain[]
  /** `AAD`, `AAD B2C` or `CIAM`. */
  tenantType = 'AAD'
  onPremisesSyncEnabled: boolean | null = null
  onPremisesLastSyncDateTime: string | null = null
  /** Delta tokens of older generations are refused, with this answer. */
  deltaGeneration = 0
  deltaResetAnswer: '400' | '410' = '410'
  /** Numbers of soft-deleted objects in order of deletion; may name objects restored since. */
  readonly recycleBin: number[] = []
  /** Counts every change, for caches. */
  version = 0

  readonly #sorted = new Map<string, { version: number; numbers: readonly number[] }>()
  readonly #objects: DirectoryObject[] = []
  readonly #byId = new Map<string, DirectoryObject>()
  readonly #byUpn = new Map<string, DirectoryObject>()
  readonly #upnInitials = new Map<string, number[]>()
  readonly #numbers: Record<ObjectKind, number[]> = {
    user: [],
    group: [],
    device: [],
    servicePrincipal: [],
    orgContact: [],
  }
  readonly #liveCounts: Record<ObjectKind, number> = {
    user: 0,
    group: 0,
    device: 0,
    servicePrincipal: 0,
    orgContact: 0,
  }

  constructor(options: TenantOptions) {
    this.id = options.tenantId
    this.displayName = options.displayName
    this.clock = options.clock
    this.seal = new TokenSeal(options.tenantId)
    this.random = options.random ?? createRandom(Number.parseInt(options.tenantId.slice(0, 8), 16))
    this.behaviour = options.behaviour ?? defaultBehaviour()
    this.verifiedDomains = [
      {
        name: options.domain ?? 'contoso.com',
        isDefault: true,
        isInitial: false,
        capabilities: 'Email, OfficeCommunicationsOnline',
        type: 'Managed',
      },
    ]
  }

  nowMs(): number {
    return this.clock.now().getTime()
  }

  /** The object whatever its presence. Ids are compared without case. */
  find(id: string): DirectoryObject | undefined {
    return this.#byId.get(id) ?? this.#byId.get(id.toLowerCase())
  }

  /** The live user of that name, compared without case. */
  findByUpn(userPrincipalName: string): DirectoryObject | undefined {
    return this.#byUpn.get(userPrincipalName.toLowerCase())
  }

  /** @throws InvariantError for a number that was never given out */
  at(no: number): DirectoryObject {
    const object = this.#objects[no]
    assert(object !== undefined, `no object has the number ${no}`)
    return object
  }

  /** Ascending numbers of a kind, whatever the presence of the objects. */
  numbers(kind: ObjectKind): readonly number[] {
    return this.#numbers[kind]
  }

  /** How many objects of a kind are live. */
  count(kind: ObjectKind): number {
    return this.#liveCounts[kind]
  }

  /** Every live object of a kind in list order. */
  *live(kind: ObjectKind): Generator<DirectoryObject> {
    for (const no of this.#numbers[kind]) {
      const object = this.at(no)
      if (object.presence === 'live') yield object
    }
  }

  /** Numbers of a kind by a text property, then by number. Sorted again only after a change. */
  sortedBy(kind: ObjectKind, name: string): readonly number[] {
    const key = `${kind} ${name}`
    const known = this.#sorted.get(key)
    if (known?.version === this.version) return known.numbers
    const numbers = sortByText(this, this.#numbers[kind], name)
    this.#sorted.set(key, { version: this.version, numbers })
    return numbers
  }

  /** Ascending numbers that contain every user whose UPN begins like this text's first character; some of them may no longer. */
  usersByInitial(prefix: string): readonly number[] {
    return this.#upnInitials.get(firstCharacter(prefix)) ?? []
  }

  /** Adds a live object. Checks nothing: operations.ts does. */
  insert(kind: ObjectKind, properties: Properties & { readonly id: string }): DirectoryObject {
    const object: DirectoryObject = {
      no: this.#objects.length,
      kind,
      id: properties.id,
      presence: 'live',
      properties,
      managerNo: -1,
      members: [],
      memberOf: [],
      deletedAtMs: 0,
    }
    this.#objects.push(object)
    this.#byId.set(object.id, object)
    this.#numbers[kind].push(object.no)
    this.#liveCounts[kind] += 1
    this.#indexUpn(object)
    return object
  }

  /** Sets properties and presence, keeping the indexes true. */
  replace(object: DirectoryObject, next: { properties?: Properties; presence?: Presence }): void {
    const wasLive = object.presence === 'live'
    const upn = upnOf(object)
    if (wasLive && upn !== undefined) this.#byUpn.delete(upn.toLowerCase())
    object.properties = next.properties ?? object.properties
    object.presence = next.presence ?? object.presence
    const isLive = object.presence === 'live'
    if (isLive) this.#indexUpn(object)
    if (wasLive !== isLive) this.#liveCounts[object.kind] += isLive ? 1 : -1
    if (object.presence === 'gone') this.#byId.delete(object.id)
  }

  /** Writes to the log. `before` is what {@link snapshot} said before the change. */
  record(change: Pick<Change, 'what' | 'no'> & Partial<Pick<Change, 'before' | 'names' | 'memberNo'>>): void {
    this.version += 1
    this.log.add({
      atMs: this.nowMs(),
      what: change.what,
      no: change.no,
      before: change.before,
      names: change.names ?? [],
      memberNo: change.memberNo ?? -1,
    })
  }

  #indexUpn(object: DirectoryObject): void {
    const upn = upnOf(object)
    if (upn === undefined) return
    this.#byUpn.set(upn.toLowerCase(), object)
    const initial = firstCharacter(upn)
    const numbers = this.#upnInitials.get(initial)
    if (numbers === undefined) this.#upnInitials.set(initial, [object.no])
    else insertNumber(numbers, object.no)
  }
}

/** What an object looks like now, for the log. */
export function snapshot(object: DirectoryObject): Snapshot {
  return { presence: object.presence, properties: object.properties, managerNo: object.managerNo }
}

function upnOf(object: DirectoryObject): string | undefined {
  const upn = object.properties['userPrincipalName']
  return object.kind === 'user' && typeof upn === 'string' ? upn : undefined
}

/** A text property as lists are ordered by it: without case, missing ones first. */
export function orderText(properties: Properties, name: string): string {
  const value = properties[name]
  return typeof value === 'string' ? value.toLowerCase() : ''
}

/** Object numbers by a text property, then by number. */
export function sortByText(tenant: Tenant, numbers: readonly number[], name: string): number[] {
  const texts = new Map(numbers.map((no) => [no, orderText(tenant.at(no).properties, name)]))
  return numbers.toSorted((a, b) => {
    const [left, right] = [texts.get(a) ?? '', texts.get(b) ?? '']
    if (left !== right) return left < right ? -1 : 1
    return a - b
  })
}
