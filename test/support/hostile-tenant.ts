// A tenant of people whose every value is hostile, and what must be kept of each: judged from the rules alone, without the
// code that maps.
import { randomUUID } from 'node:crypto'
import { canonical } from '../../src/directory/canonical.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import type { Settings } from './world.ts'
import { type HostileValue, hostileValues } from './hostile.ts'

/** How long a value may be, by where it goes: names, cards and numbers are short, texts are not. */
const SHORT = 256
const LONG = 10_000

type Target =
  | 'fullName'
  | 'email'
  | 'phone'
  | 'language'
  | 'department'
  | 'office'
  | 'notes'
  | 'own'
  | 'personalNumber'
  | 'aliases'
  | 'cards'
  | 'alternateEmails'

interface Place {
  readonly target: Target
  readonly attribute: string
  readonly max: number
  /** Two people may not have the same. */
  readonly unique: boolean
}

const PLACES: readonly Place[] = [
  { target: 'fullName', attribute: 'displayName', max: LONG, unique: false },
  { target: 'email', attribute: 'mail', max: LONG, unique: false },
  { target: 'phone', attribute: 'mobilePhone', max: LONG, unique: false },
  { target: 'language', attribute: 'preferredLanguage', max: LONG, unique: false },
  { target: 'department', attribute: 'department', max: LONG, unique: false },
  { target: 'office', attribute: 'officeLocation', max: LONG, unique: false },
  { target: 'notes', attribute: 'streetAddress', max: LONG, unique: false },
  { target: 'own', attribute: 'city', max: LONG, unique: false },
  { target: 'personalNumber', attribute: 'faxNumber', max: SHORT, unique: true },
  { target: 'aliases', attribute: 'mailNickname', max: SHORT, unique: true },
  { target: 'aliases', attribute: 'onPremisesSamAccountName', max: SHORT, unique: true },
  { target: 'cards', attribute: 'employeeId', max: SHORT, unique: true },
  { target: 'cards', attribute: 'postalCode', max: SHORT, unique: true },
  { target: 'alternateEmails', attribute: 'otherMails', max: SHORT, unique: false },
  { target: 'alternateEmails', attribute: 'otherMails', max: SHORT, unique: false },
]

/** An own field of a name that every object of JavaScript has already. */
export const OWN_FIELD = 'constructor'

export const HOSTILE_SETTINGS: Settings = {
  users: {
    properties: {
      aliases: ['mailNickname', 'onPremisesSamAccountName'],
      cards: ['employeeId', 'postalCode'],
      alternateEmails: 'otherMails',
      personalNumber: 'faxNumber',
      office: 'officeLocation',
      notes: 'streetAddress',
      own: { [OWN_FIELD]: 'city' },
    },
  },
  groups: { under: 'Entra ID' },
}

/** What must be in the registry of one person. Lists in no order. */
export interface ExpectedPerson {
  readonly userName: string
  readonly values: Readonly<Record<Target, readonly string[]>>
  /** How many of his values cannot be kept. */
  readonly refused: number
}

export interface HostileTenant {
  readonly people: ReadonlyMap<string, ExpectedPerson>
  /** Object ids of those whose user name cannot be kept: they are not imported, and an issue says why. */
  readonly nameless: ReadonlySet<string>
  /** Names by object id; undefined where the name cannot be kept. */
  readonly groups: ReadonlyMap<string, string | undefined>
  /** How many values there are in all. */
  readonly count: number
}

/** Fills a tenant with people until they have about `count` values, a tenth of them user names, and 1 in 50 values a group's name. */
export function fillHostileTenant(
  tenant: Tenant,
  options: { readonly seed: number; readonly count: number },
): HostileTenant {
  const queue = hostileValues(options.seed, options.count)[Symbol.iterator]()
  const next = (): HostileValue | undefined => queue.next().value
  const people = new Map<string, ExpectedPerson>()
  const nameless = new Set<string>()
  const groups = new Map<string, string | undefined>()
  for (let n = 0; ; n += 1) {
    const first = next()
    if (first === undefined) break
    const id = randomUUID()
    if (n % 4 === 3) {
      groups.set(id, keptOf(first.value, SHORT))
      tenant.insert('group', {
        id,
        displayName: first.value,
        securityEnabled: true,
        mailEnabled: false,
        groupTypes: [],
      })
      continue
    }
    const name = marked(first.value, n)
    const userName = keptOf(name, SHORT)
    const properties: Record<string, unknown> & { id: string } = {
      id,
      userPrincipalName: name,
      accountEnabled: true,
      userType: 'Member',
    }
    if (userName === undefined) nameless.add(id)
    else people.set(id, { userName, ...fillPerson(properties, { n, next }) })
    tenant.insert('user', properties)
  }
  return { people, nameless, groups, count: options.count }
}

function fillPerson(
  properties: Record<string, unknown>,
  { n, next }: { readonly n: number; readonly next: () => HostileValue | undefined },
): Pick<ExpectedPerson, 'values' | 'refused'> {
  const values: Record<Target, string[]> = {
    fullName: [],
    email: [],
    phone: [],
    language: [],
    department: [],
    office: [],
    notes: [],
    own: [],
    personalNumber: [],
    aliases: [],
    cards: [],
    alternateEmails: [],
  }
  let refused = 0
  for (const [at, place] of PLACES.entries()) {
    const hostile = next()
    if (hostile === undefined) break
    const value = place.unique ? marked(hostile.value, n * PLACES.length + at) : hostile.value
    const list = properties[place.attribute]
    properties[place.attribute] =
      place.target !== 'alternateEmails' ? value : Array.isArray(list) ? [...list, value] : [value]
    if (value.trim() === '') continue
    const kept = keptOf(value, place.max)
    if (kept === undefined) refused += 1
    else if (!values[place.target].includes(kept)) values[place.target].push(kept)
  }
  return { values, refused }
}

/** The value as it must be kept; undefined when it must be refused: what cannot be stored as it is, or is too long. */
function keptOf(value: string, max: number): string | undefined {
  const trimmed = value.trim()
  const isBroken = /[\0\ufffd]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(trimmed)
  if (trimmed === '' || isBroken || trimmed.length > max) return undefined
  return max === SHORT && canonical(trimmed).length > 768 ? undefined : trimmed
}

/** Something in the middle that nobody else has, so that both ends stay hostile. */
function marked(value: string, n: number): string {
  const characters = Array.from(value.trim())
  const half = Math.floor(characters.length / 2)
  return `${characters.slice(0, half).join('')}·${n}·${characters.slice(half).join('')}`
}
