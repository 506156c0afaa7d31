// Which Entra user attributes Muster can map, by the names that Microsoft Graph gives them, and which Graph
// property has to be selected for each.
// Source: https://learn.microsoft.com/graph/api/resources/user (seen 2026-11).

/** Attributes with one text, number or truth value. */
const SINGLE: ReadonlySet<string> = new Set([
  'accountEnabled',
  'ageGroup',
  'city',
  'companyName',
  'consentProvidedForMinor',
  'country',
  'createdDateTime',
  'creationType',
  'department',
  'displayName',
  'employeeHireDate',
  'employeeId',
  'employeeLeaveDateTime',
  'employeeType',
  'externalUserState',
  'externalUserStateChangeDateTime',
  'faxNumber',
  'givenName',
  'id',
  'jobTitle',
  'legalAgeGroupClassification',
  'mail',
  'mailNickname',
  'manager',
  'mobilePhone',
  'officeLocation',
  'onPremisesDistinguishedName',
  'onPremisesDomainName',
  'onPremisesImmutableId',
  'onPremisesLastSyncDateTime',
  'onPremisesSamAccountName',
  'onPremisesSecurityIdentifier',
  'onPremisesSyncEnabled',
  'onPremisesUserPrincipalName',
  'passwordPolicies',
  'postalCode',
  'preferredDataLocation',
  'preferredLanguage',
  'securityIdentifier',
  'showInAddressList',
  'state',
  'streetAddress',
  'surname',
  'usageLocation',
  'userPrincipalName',
  'userType',
])

/** Attributes with several text values. */
const SEVERAL: ReadonlySet<string> = new Set(['businessPhones', 'imAddresses', 'otherMails', 'proxyAddresses'])

/** Attributes that are true or false. */
const TRUTH: ReadonlySet<string> = new Set(['accountEnabled', 'onPremisesSyncEnabled', 'showInAddressList'])

/** Graph answers 501 for these in a collection, so they can never be synchronized. */
const UNREADABLE: ReadonlySet<string> = new Set([
  'aboutMe',
  'birthday',
  'hireDate',
  'interests',
  'mailboxSettings',
  'mySite',
  'pastProjects',
  'preferredName',
  'responsibilities',
  'schools',
  'signInActivity',
  'skills',
])

const EXTENSION_ATTRIBUTE = /^onPremisesExtensionAttributes\.extensionAttribute(?:[1-9]|1[0-5])$/
const ORG_DATA = /^employeeOrgData\.(?:costCenter|division)$/
const DIRECTORY_EXTENSION = /^extension_[0-9a-fA-F]{32}_\w{1,120}$/

/** Values that Muster makes of attributes; offered beside the attributes themselves. */
const COMBINATIONS: Readonly<Record<string, readonly string[]>> = {
  upnPrefix: ['userPrincipalName'],
  'onPremisesSamAccountName@onPremisesDomainName': ['onPremisesSamAccountName', 'onPremisesDomainName'],
}

/** Why a name cannot be mapped, in a sentence for the administrator; `undefined` when it can. */
export function attributeProblem(name: string): string | undefined {
  if (Object.hasOwn(COMBINATIONS, name) || SINGLE.has(name) || SEVERAL.has(name)) return undefined
  if (EXTENSION_ATTRIBUTE.test(name) || ORG_DATA.test(name) || DIRECTORY_EXTENSION.test(name)) return undefined
  if (UNREADABLE.has(name)) return `Microsoft Graph cannot list the attribute "${name}"; choose another one`
  const lower = name.toLowerCase()
  const near = [...SINGLE, ...SEVERAL, ...Object.keys(COMBINATIONS)].find((known) => known.toLowerCase() === lower)
  if (near !== undefined) return `unknown attribute "${name}"; did you mean "${near}"?`
  if (/^extensionAttribute\d+$/.test(name)) {
    return `unknown attribute "${name}"; did you mean "onPremisesExtensionAttributes.${name}"?`
  }
  return `unknown attribute "${name}"; use the name that Microsoft Graph gives it, e.g. department, employeeOrgData.costCenter or extension_<application id without dashes>_<name>`
}

/** All names that are not made of a number or an application's id: what somebody may have meant. */
export const ATTRIBUTE_NAMES: readonly string[] = [
  ...SINGLE,
  ...SEVERAL,
  ...Object.keys(COMBINATIONS),
  'employeeOrgData.costCenter',
  'employeeOrgData.division',
]

/** Whether an attribute is one that a tenant registers for itself, so that nobody else can know whether there is such a one. */
export function isDirectoryExtension(name: string): boolean {
  return DIRECTORY_EXTENSION.test(name)
}

/** What values an attribute has: one text or number, one truth value, or several texts. */
export function attributeKind(name: string): 'one' | 'truth' | 'several' {
  if (SEVERAL.has(name)) return 'several'
  return TRUTH.has(name) ? 'truth' : 'one'
}

/** The attributes that `name` is made of: itself, or the parts of a combination. */
export function attributesOf(name: string): readonly string[] {
  return (Object.hasOwn(COMBINATIONS, name) ? COMBINATIONS[name] : undefined) ?? [name]
}
