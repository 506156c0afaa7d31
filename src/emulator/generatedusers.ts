// The people of a generated tenant, with every oddity that a real directory has.
import { CITIES, COMPANIES, DEPARTMENTS, foldName, GIVEN_NAMES, JOB_TITLES, SURNAMES } from './names.ts'
import type { Random } from './random.ts'
import type { Tenant } from './tenant.ts'

/** What the parts of the generator share. */
export interface GeneratorContext {
  readonly tenant: Tenant
  readonly random: Random
  readonly domain: string
  readonly nowMs: number
}

interface Person {
  readonly index: number
  readonly given: string
  readonly surname: string
  /** What stands before the @, unique in the tenant. */
  readonly alias: string
}

const DAY_MS = 86_400_000
const EMPLOYEE_TYPES = ['Employee', 'Contractor', 'Intern'] as const
const DIVISIONS = ['EMEA', 'AMER', 'APAC'] as const
const FOLDED: ReadonlyMap<string, string> = new Map([...GIVEN_NAMES, ...SURNAMES].map((name) => [name, foldName(name)]))
/** Inserts `count` users; those after the first few have a manager among those before them. */
export function generateUsers(context: GeneratorContext, count: number): void {
  const { tenant, random } = context
  const taken = new Map<string, number>()
  const numbers: number[] = []
  for (let index = 0; index < count; index++) {
    const person = drawPerson(random, { index, taken })
    const isGuest = index > 0 && random.next() < 0.05
    const user = tenant.insert('user', isGuest ? guest(context, person) : member(context, person))
    if (index > 0 && !isGuest && random.next() < 0.9) {
      // Toward the front, so that a few people have many below them and chains stay short.
      const at = Math.floor(index * random.next() ** 3)
      user.managerNo = numbers[at] ?? -1
    }
    numbers.push(user.no)
  }
}

function drawPerson(random: Random, context: { readonly index: number; readonly taken: Map<string, number> }): Person {
  const { index, taken } = context
  const given = random.pick(GIVEN_NAMES)
  const surname = random.pick(SURNAMES)
  const folded = [FOLDED.get(given), FOLDED.get(surname)].filter((part) => part !== undefined && part !== '').join('.')
  // User names need not begin with a letter: one in five hundred begins as few expect.
  const base =
    index % 500 === 499 ? `${random.pick(['_', '-', '+', '!', '7', "'", 'é'])}${folded || 'x'}` : folded || 'user'
  const count = (taken.get(base) ?? 0) + 1
  taken.set(base, count)
  return { index, given, surname, alias: count === 1 ? base : `${base}${count}` }
}

function member(context: GeneratorContext, person: Person): Record<string, unknown> & { id: string } {
  const { random, domain, nowMs } = context
  const { index, alias } = person
  const [city, country, usageLocation, preferredLanguage] = random.pick(CITIES)
  const upn = `${alias}@${domain}`
  const user: Record<string, unknown> & { id: string } = {
    id: random.guid(),
    userPrincipalName: upn,
    displayName:
      index % 997 === 996
        ? `${person.given} ${'long '.repeat(45)}${person.surname}`
        : `${person.given} ${person.surname}`,
    givenName: person.given,
    surname: person.surname,
    mailNickname: alias,
    accountEnabled: random.next() >= 0.04,
    userType: 'Member',
    createdDateTime: random.next() < 0.01 ? null : dateBefore(nowMs, random.int(3_000)),
    businessPhones: random.next() < 0.3 ? [`+420 2${digits(index, 8)}`] : [],
    usageLocation,
    proxyAddresses: [`SMTP:${upn}`],
  }
  if (random.next() >= 0.03) user['mail'] = upn
  const has = (name: string, share: number): boolean => drawProperty(user, { random, name, share })
  if (has('department', 0.95)) user['department'] = oddly(random, random.pick(DEPARTMENTS))
  if (has('companyName', 0.9)) user['companyName'] = random.pick(COMPANIES)
  if (has('jobTitle', 0.85)) user['jobTitle'] = random.pick(JOB_TITLES)
  if (has('officeLocation', 0.7)) user['officeLocation'] = `${city}/${1 + random.int(9)}.${random.int(40)}`
  if (has('mobilePhone', 0.5)) user['mobilePhone'] = `+420 6${digits(index * 7, 8)}`
  if (has('preferredLanguage', 0.4)) user['preferredLanguage'] = preferredLanguage
  if (has('city', 0.6)) user['city'] = city
  if (has('country', 0.6)) user['country'] = country
  if (has('employeeId', 0.9)) user['employeeId'] = `E${digits(index + 1, 7)}`
  if (has('employeeType', 0.6)) user['employeeType'] = random.pick(EMPLOYEE_TYPES)
  if (has('employeeOrgData', 0.5))
    user['employeeOrgData'] = { costCenter: `CC-${100 + random.int(60)}`, division: random.pick(DIVISIONS) }
  if (has('otherMails', 0.1)) user['otherMails'] = [`${alias}@home.example`]
  if (has('onPremisesExtensionAttributes', 0.8))
    user['onPremisesExtensionAttributes'] = extensionAttributes(card(index))
  if (random.next() < 0.6) setSynced(user, { context, person })
  else if (random.next() < 0.02) user['onPremisesSyncEnabled'] = false
  return user
}

function guest(context: GeneratorContext, person: Person): Record<string, unknown> & { id: string } {
  const { random, domain, nowMs } = context
  const mail = `${person.alias}@partner${random.int(20)}.example`
  const initial = domain.replace(/\..*$/, '.onmicrosoft.com')
  const isAccepted = random.next() < 0.8
  return {
    id: random.guid(),
    userPrincipalName: `${mail.replace('@', '_')}#EXT#@${initial}`,
    displayName: `${person.given} ${person.surname} (Guest)`,
    mail,
    mailNickname: `${mail.replace('@', '_')}#EXT#`,
    accountEnabled: true,
    userType: 'Guest',
    creationType: 'Invitation',
    externalUserState: isAccepted ? 'Accepted' : 'PendingAcceptance',
    createdDateTime: dateBefore(nowMs, random.int(900)),
    businessPhones: [],
    otherMails: [mail],
    proxyAddresses: [`SMTP:${mail}`],
  }
}

function setSynced(
  user: Record<string, unknown>,
  from: { readonly context: GeneratorContext; readonly person: Person },
): void {
  const { random, domain, nowMs } = from.context
  const { index, alias } = from.person
  // sAMAccountName ends at 20 characters in Active Directory
  const sam = `${alias.replace(/[^a-z0-9.]/g, '').slice(0, 12)}${index}`.slice(-20)
  user['onPremisesSyncEnabled'] = true
  user['onPremisesSamAccountName'] = sam
  user['onPremisesDomainName'] = `ad.${domain}`
  user['onPremisesUserPrincipalName'] = `${sam}@ad.${domain}`
  user['onPremisesImmutableId'] = `${digits(index, 10)}AAAAAAAAAAAA==`
  user['onPremisesSecurityIdentifier'] = `S-1-5-21-1004336348-1177238915-682003330-${1000 + index}`
  user['onPremisesLastSyncDateTime'] = dateBefore(nowMs, random.int(3))
}

// Whether a person has a property. Of those that he lacks, one in five was once set and then cleared, which delta tells
// from never set.
function drawProperty(
  user: Record<string, unknown>,
  drawing: { readonly random: Random; readonly name: string; readonly share: number },
): boolean {
  const { random, name, share } = drawing
  const drawn = random.next()
  if (drawn > share + (1 - share) * 0.8) user[name] = name === 'otherMails' ? [] : null
  return drawn < share
}

function oddly(random: Random, value: string): string {
  const drawn = random.next()
  if (drawn < 0.01) return ` ${value}  `
  if (drawn < 0.015) return ''
  if (drawn < 0.02) return value.toUpperCase()
  if (drawn < 0.025) return `${value}|${value}`
  return value
}

/** A seven-byte card number as hex with colons, different for every index below 2^31. */
function card(index: number): string {
  const mixed = Math.imul(index + 1, 0x9e3779b1) >>> 0
  const hex = `04${digits(index % 97, 2)}${mixed.toString(16).padStart(8, '0')}80`
  return (hex.toUpperCase().match(/../g) ?? []).join(':')
}

/** All fifteen, as Graph returns them. Written out, because a literal is ten times faster than a loop over names. */
export function extensionAttributes(extensionAttribute5: string | null): Readonly<Record<string, string | null>> {
  return {
    extensionAttribute1: null,
    extensionAttribute2: null,
    extensionAttribute3: null,
    extensionAttribute4: null,
    extensionAttribute5,
    extensionAttribute6: null,
    extensionAttribute7: null,
    extensionAttribute8: null,
    extensionAttribute9: null,
    extensionAttribute10: null,
    extensionAttribute11: null,
    extensionAttribute12: null,
    extensionAttribute13: null,
    extensionAttribute14: null,
    extensionAttribute15: null,
  }
}

function digits(value: number, length: number): string {
  return String(value % 10 ** length).padStart(length, '0')
}

function dateBefore(nowMs: number, days: number): string {
  return `${new Date(nowMs - days * DAY_MS).toISOString().slice(0, 19)}Z`
}
