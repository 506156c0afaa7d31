// Which properties there are, which come without being asked for, and which filter works on which (graph.md 3, 4, 9.2).
import type { ObjectKind } from './object.ts'

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

/** Properties returned without `$select` (graph.md 3 for users, 4 for groups). */
export const DEFAULT_PROPERTIES: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: words(`businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname
    userPrincipalName`),
  group: words(`id deletedDateTime classification createdDateTime description displayName expirationDateTime groupTypes
    isAssignableToRole mail mailEnabled mailNickname membershipRule membershipRuleProcessingState
    onPremisesDomainName onPremisesLastSyncDateTime onPremisesNetBiosName onPremisesSamAccountName
    onPremisesSecurityIdentifier onPremisesSyncEnabled preferredDataLocation preferredLanguage proxyAddresses
    renewedDateTime securityEnabled securityIdentifier theme visibility`),
  device: words(
    'id deletedDateTime accountEnabled deviceId displayName operatingSystem operatingSystemVersion trustType',
  ),
  servicePrincipal: words('id deletedDateTime accountEnabled appDisplayName appId displayName servicePrincipalType'),
  orgContact: words('id deletedDateTime companyName department displayName givenName jobTitle mail surname'),
}

const MORE_PROPERTIES: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: words(`accountEnabled ageGroup assignedLicenses assignedPlans authorizationInfo city companyName
    consentProvidedForMinor country createdDateTime creationType customSecurityAttributes deletedDateTime department
    employeeHireDate employeeId employeeLeaveDateTime employeeOrgData employeeType externalUserState
    externalUserStateChangeDateTime faxNumber identities identityParentId imAddresses isManagementRestricted
    isResourceAccount lastPasswordChangeDateTime legalAgeGroupClassification licenseAssignmentStates mailNickname
    onPremisesDistinguishedName onPremisesDomainName onPremisesExtensionAttributes onPremisesImmutableId
    onPremisesLastSyncDateTime onPremisesProvisioningErrors onPremisesSamAccountName onPremisesSecurityIdentifier
    onPremisesSyncEnabled onPremisesUserPrincipalName otherMails passwordPolicies passwordProfile postalCode
    preferredDataLocation provisionedPlans proxyAddresses refreshTokensValidFromDateTime securityIdentifier
    serviceProvisioningErrors showInAddressList signInActivity signInSessionsValidFromDateTime state streetAddress
    usageLocation userType`),
  group: words(`allowExternalSenders assignedLabels assignedLicenses autoSubscribeNewMembers creationOptions
    hideFromAddressLists hideFromOutlookClients isArchived isManagementRestricted isSubscribedByMail licenseProcessingState
    onPremisesProvisioningErrors resourceBehaviorOptions resourceProvisioningOptions serviceProvisioningErrors uniqueName
    unseenCount`),
  device: words('createdDateTime registrationDateTime isCompliant isManaged approximateLastSignInDateTime'),
  servicePrincipal: words('createdDateTime servicePrincipalNames tags passwordCredentials keyCredentials'),
  orgContact: words('createdDateTime mailNickname proxyAddresses phones'),
}

const KNOWN: Readonly<Record<ObjectKind, ReadonlySet<string>>> = {
  user: new Set([...DEFAULT_PROPERTIES.user, ...MORE_PROPERTIES.user]),
  group: new Set([...DEFAULT_PROPERTIES.group, ...MORE_PROPERTIES.group]),
  device: new Set([...DEFAULT_PROPERTIES.device, ...MORE_PROPERTIES.device]),
  servicePrincipal: new Set([...DEFAULT_PROPERTIES.servicePrincipal, ...MORE_PROPERTIES.servicePrincipal]),
  orgContact: new Set([...DEFAULT_PROPERTIES.orgContact, ...MORE_PROPERTIES.orgContact]),
}

/** Properties stored elsewhere: 501 in a collection, never in delta (graph.md 3). */
export const NOT_IN_COLLECTIONS: ReadonlySet<string> = new Set(
  words(`aboutMe birthday hireDate interests mySite pastProjects preferredName responsibilities schools skills
    mailboxSettings`),
)

/** Readable in collections but not tracked by delta (graph.md 3, 4). */
export const NOT_IN_DELTA: ReadonlySet<string> = new Set(
  words(`signInActivity cloudLicensing mailboxSettings deviceEnrollmentLimit print accessType allowExternalSenders
    autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients isFavorite isSubscribedByMail unseenCount
    unseenConversationsCount unseenMessagesCount membershipRuleProcessingStatus isArchived`),
)

/** Group properties that only `GET /groups/{id}` fills (graph.md 4). */
export const GROUP_SINGLE_ONLY: ReadonlySet<string> = new Set(
  words(
    'allowExternalSenders autoSubscribeNewMembers hideFromAddressLists hideFromOutlookClients isSubscribedByMail unseenCount',
  ),
)

const COLLECTIONS: ReadonlySet<string> = new Set(
  words(`businessPhones proxyAddresses otherMails identities imAddresses assignedLicenses assignedPlans provisionedPlans
    licenseAssignmentStates onPremisesProvisioningErrors serviceProvisioningErrors groupTypes assignedLabels creationOptions
    resourceBehaviorOptions resourceProvisioningOptions servicePrincipalNames tags passwordCredentials keyCredentials phones`),
)

/** The basic profile, all that User.ReadBasic.All opens (graph.md 2.2). */
export const BASIC_PROFILE: ReadonlySet<string> = new Set(
  words('displayName givenName id mail surname userPrincipalName'),
)

/** Properties that need a permission of their own (graph.md 3). */
export const EXTRA_PERMISSION: Readonly<Record<string, string>> = {
  employeeLeaveDateTime: 'User-LifeCycleInfo.Read.All',
  customSecurityAttributes: 'CustomSecAttributeAssignment.Read.All',
  signInActivity: 'AuditLog.Read.All',
}

/** Whether unset values show as `[]` instead of `null`. */
export function isCollectionProperty(name: string): boolean {
  return COLLECTIONS.has(name)
}

/** Directory extensions are named `extension_{appId without dashes}_{name}`; unset ones are left out of answers. */
export function isExtension(name: string): boolean {
  return /^extension_[0-9a-f]{32}_./.test(name)
}

export function isKnownProperty(kind: ObjectKind, name: string): boolean {
  return KNOWN[kind].has(name) || isExtension(name) || (kind === 'user' && NOT_IN_COLLECTIONS.has(name))
}

/** How a property may be filtered: by default, as an advanced query only, or not at all. */
export type Support = 'default' | 'advanced' | 'none'

/** One row of the index table of graph.md 9.2. */
export interface FilterRow {
  readonly eq: Support
  readonly startsWith: Support
  readonly ge: Support
  readonly eqNull: Support
  readonly endsWith: Support
}

const SUPPORT: Readonly<Record<string, Support>> = { D: 'default', A: 'advanced' }

// columns: eq startsWith ge eqNull endsWith
function rows(table: Readonly<Record<string, string>>): ReadonlyMap<string, FilterRow> {
  const found = new Map<string, FilterRow>()
  for (const [columns, names] of Object.entries(table)) {
    const [eq, startsWith, ge, eqNull, endsWith] = columns.split('').map((letter) => SUPPORT[letter] ?? 'none')
    for (const name of words(names)) {
      found.set(name, {
        eq: eq ?? 'none',
        startsWith: startsWith ?? 'none',
        ge: ge ?? 'none',
        eqNull: eqNull ?? 'none',
        endsWith: endsWith ?? 'none',
      })
    }
  }
  return found
}

const EXTENSION_ATTRIBUTES = Array.from(
  { length: 15 },
  (_, i) => `onPremisesExtensionAttributes/extensionAttribute${i + 1}`,
).join(' ')

const USER_FILTERS = rows({
  'D----': 'accountEnabled creationType externalUserState ageGroup onPremisesImmutableId id',
  'DD--A': 'userPrincipalName proxyAddresses otherMails',
  'DD-A-': 'displayName mailNickname givenName surname jobTitle department city state country usageLocation',
  'DD-AA': 'mail',
  'DA-A-': 'employeeId',
  'D--A-': 'userType onPremisesSyncEnabled',
  'D-D--': 'onPremisesLastSyncDateTime externalUserStateChangeDateTime',
  'A-A--': 'createdDateTime employeeHireDate',
  'AA-A-': 'companyName mobilePhone officeLocation postalCode streetAddress faxNumber preferredLanguage',
  'AA---': 'onPremisesSamAccountName',
  'A----': 'employeeOrgData/costCenter employeeOrgData/division employeeType',
  'A--A-': EXTENSION_ATTRIBUTES,
  '---A-': 'onPremisesSecurityIdentifier',
  'D--D-': 'identities',
})

const GROUP_FILTERS = rows({
  'D----': 'securityEnabled mailEnabled groupTypes id',
  'DD-A-': 'displayName mail mailNickname',
  'D--A-': 'onPremisesSyncEnabled',
  'DD---': 'classification membershipRule',
  'D-D--': 'onPremisesLastSyncDateTime renewedDateTime',
  'AA-A-': 'description onPremisesSamAccountName',
  'AA---': 'preferredLanguage',
  'A-A--': 'expirationDateTime',
})

/** Of directory extensions https://learn.microsoft.com/graph/extensibility-overview shows `eq` alone (seen 2026-12). */
const EXTENSION_FILTER = rows({ 'D----': 'extension' })

const OTHER_FILTERS = rows({ 'D----': 'id accountEnabled appId deviceId', 'DD---': 'displayName' })

/** The row of the index table; `undefined` for a property that is not indexed at all. */
export function filterRow(kind: ObjectKind, path: string): FilterRow | undefined {
  if (isExtension(path)) return EXTENSION_FILTER.get('extension')
  if (kind === 'user') return USER_FILTERS.get(path)
  return kind === 'group' ? GROUP_FILTERS.get(path) : OTHER_FILTERS.get(path)
}

/** `$orderby` works on these (graph.md 7). */
export function isOrderable(kind: ObjectKind, name: string): boolean {
  return name === 'displayName' || (kind === 'user' && name === 'userPrincipalName')
}

/** `User` for `user`: how Graph names a type in its messages. */
export function resourceName(kind: ObjectKind): string {
  return kind.charAt(0).toUpperCase() + kind.slice(1)
}
