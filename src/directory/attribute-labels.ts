// How Entra attributes are called when people pick one: the words of Entra's own pages.
import { attributeKind } from './attributes.ts'

export interface AttributeChoice {
  /** As Graph names it. */
  readonly name: string
  readonly label: string
  /** True: several values. */
  readonly isList: boolean
}

const LABELS: Readonly<Record<string, string>> = {
  userPrincipalName: 'User principal name',
  upnPrefix: 'User principal name up to the @',
  displayName: 'Display name',
  givenName: 'First name',
  surname: 'Last name',
  mail: 'Email',
  otherMails: 'Other emails',
  proxyAddresses: 'Proxy addresses',
  mailNickname: 'Mail nickname',
  onPremisesSamAccountName: 'On-premises SAM account name',
  'onPremisesSamAccountName@onPremisesDomainName': 'On-premises SAM account name @ domain',
  onPremisesUserPrincipalName: 'On-premises user principal name',
  onPremisesDomainName: 'On-premises domain name',
  onPremisesDistinguishedName: 'On-premises distinguished name',
  onPremisesImmutableId: 'On-premises immutable ID',
  onPremisesSecurityIdentifier: 'On-premises security identifier',
  onPremisesSyncEnabled: 'On-premises sync enabled',
  onPremisesLastSyncDateTime: 'On-premises last sync date time',
  id: 'Object ID',
  employeeId: 'Employee ID',
  employeeType: 'Employee type',
  employeeHireDate: 'Employee hire date',
  employeeLeaveDateTime: 'Employee leave date time',
  'employeeOrgData.costCenter': 'Cost center',
  'employeeOrgData.division': 'Division',
  jobTitle: 'Job title',
  companyName: 'Company name',
  department: 'Department',
  officeLocation: 'Office location',
  manager: 'Manager',
  mobilePhone: 'Mobile phone',
  businessPhones: 'Business phones',
  faxNumber: 'Fax number',
  imAddresses: 'IM addresses',
  streetAddress: 'Street address',
  city: 'City',
  state: 'State or province',
  postalCode: 'ZIP or postal code',
  country: 'Country or region',
  usageLocation: 'Usage location',
  preferredLanguage: 'Preferred language',
  preferredDataLocation: 'Preferred data location',
  userType: 'User type',
  accountEnabled: 'Account enabled',
  ageGroup: 'Age group',
  consentProvidedForMinor: 'Consent provided for minor',
  legalAgeGroupClassification: 'Legal age group classification',
  createdDateTime: 'Created date time',
  creationType: 'Creation type',
  externalUserState: 'Invitation state',
  externalUserStateChangeDateTime: 'Invitation state changed',
  passwordPolicies: 'Password policies',
  securityIdentifier: 'Security identifier',
  showInAddressList: 'Show in address list',
}

const EXTENSIONS = Array.from({ length: 15 }, (_, index) => ({
  name: `onPremisesExtensionAttributes.extensionAttribute${index + 1}`,
  label: `Extension attribute ${index + 1}`,
  isList: false,
}))

/** All attributes with a name of their own, the most used first. Directory extensions have names to be typed. */
export const ATTRIBUTE_CHOICES: readonly AttributeChoice[] = [
  ...Object.entries(LABELS).map(([name, label]) => ({ name, label, isList: attributeKind(name) === 'several' })),
  ...EXTENSIONS,
]
