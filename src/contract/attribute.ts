// Which attribute somebody may have meant, for mistakes in mappings, filters, templates and expressions.
import { ATTRIBUTE_NAMES, attributeProblem } from '../directory/attributes.ts'
import { nearest } from './nearest.ts'

/** Why a name is no attribute that can be mapped, with the one that was meant where that is clear; `undefined` when it is one. */
export function attributeMistake(name: string): string | undefined {
  const problem = attributeProblem(name)
  if (problem === undefined || problem.includes('did you mean') || problem.startsWith('Microsoft Graph')) return problem
  const meant =
    (Object.hasOwn(OTHER_NAMES, name.toLowerCase()) ? OTHER_NAMES[name.toLowerCase()] : undefined) ??
    nearest(name, ATTRIBUTE_NAMES)
  return meant === undefined ? problem : `unknown attribute "${name}"; did you mean "${meant}"?`
}

/** What Entra's own provisioning screens and Active Directory call the attributes of Graph. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  objectid: 'id',
  mobile: 'mobilePhone',
  telephonenumber: 'businessPhones',
  facsimiletelephonenumber: 'faxNumber',
  physicaldeliveryofficename: 'officeLocation',
  samaccountname: 'onPremisesSamAccountName',
  sn: 'surname',
  lastname: 'surname',
  firstname: 'givenName',
  upn: 'userPrincipalName',
  email: 'mail',
  title: 'jobTitle',
  company: 'companyName',
  costcenter: 'employeeOrgData.costCenter',
  division: 'employeeOrgData.division',
}
