// Contoso, the company of the demo: forty people with names, cards and groups that one can recognize on a screen.
import type { Clock } from '../../base/clock.ts'
import { extensionAttributes } from '../generatedusers.ts'
import { addMember, addMembers, createGroup } from '../memberships.ts'
import { foldName } from '../names.ts'
import { hire, remove, setManager } from '../operations.ts'
import type { AppSignInOptions } from '../appsignin.ts'
import { createRandom } from '../random.ts'
import type { DirectoryObject } from '../object.ts'
import { Tenant } from '../tenant.ts'

/** Name, job, department, card (bytes in hex) or none, office, and whether the account is synced from on-premises. */
type Row = readonly [name: string, job: string, department: string, card: string | null, office: string, synced?: 'ad']

const PEOPLE: readonly Row[] = [
  ['Adele Vance', 'Chief Executive Officer', 'Executive', '04A23B1C558001', 'Prague/5.01', 'ad'],
  ['Miriam Graham', 'VP Marketing', 'Marketing', '04A23B1C558002', 'Prague/5.02', 'ad'],
  ['Patti Fernandez', 'President', 'Executive', '04A23B1C558003', 'Prague/5.03', 'ad'],
  ['Isaiah Langer', 'Sales Manager', 'Sales', '04A23B1C558004', 'Prague/2.10', 'ad'],
  ['Lynne Robbins', 'Account Manager', 'Sales', '04A23B1C558005', 'Prague/2.11', 'ad'],
  ['Pradeep Gupta', 'Accountant', 'Finance', '04A23B1C558006', 'Prague/3.01', 'ad'],
  ['Nestor Wilke', 'Director of Operations', 'Operations', '04A23B1C558007', 'Prague/1.01', 'ad'],
  ['Lee Gu', 'Engineering Director', 'Engineering', '04A23B1C558008', 'Brno/4.01', 'ad'],
  ['Diego Siciliani', 'HR Manager', 'Human Resources', '04A23B1C558009', 'Prague/3.10', 'ad'],
  ['Megan Bowen', 'Marketing Specialist', 'Marketing', '04A23B1C55800A', 'Prague/5.04'],
  ['Grady Archie', 'Designer', 'Engineering', '04A23B1C55800B', 'Brno/4.02'],
  ['Joni Sherman', 'Paralegal', 'Legal', '04A23B1C55800C', 'Prague/3.20'],
  ['Henrietta Mueller', 'Developer', 'Engineering', '04A23B1C55800D', 'Brno/4.03', 'ad'],
  ['Johanna Lorenz', 'Senior Engineer', 'Engineering', '04A23B1C55800E', 'Brno/4.04', 'ad'],
  ['Irvin Sayers', 'Project Manager', 'Engineering', '04A23B1C55800F', 'Brno/4.05'],
  ['Alex Wilber', 'Marketing Assistant', 'Marketing', null, 'Prague/5.05'],
  ['Allan Deyoung', 'Corporate Security Officer', 'IT', '04A23B1C558011', 'Prague/1.20', 'ad'],
  ['Ben Walters', 'VP Sales', 'Sales', '04A23B1C558012', 'Prague/2.01', 'ad'],
  ['Christie Cline', 'Buyer', 'Operations', '04A23B1C558013', 'Prague/1.02'],
  ['Debra Berger', 'Administrative Assistant', 'Executive', '04A23B1C558014', 'Prague/5.06'],
  ['Emily Braun', 'Budget Analyst', 'Finance', '04A23B1C558015', 'Prague/3.02'],
  ['Enrico Cattaneo', 'Attorney', 'Legal', '04A23B1C558016', 'Prague/3.21'],
  ['Jiří Novák', 'Technik', 'IT', '04A23B1C558017', 'Brno/1.01', 'ad'],
  ['Žofie Dvořáková', 'Účetní', 'Finance', '04A23B1C558018', 'Brno/3.01', 'ad'],
  ["Siobhán O'Brien", 'Support Engineer', 'Customer Support', '04A23B1C558019', 'Dublin/1.01'],
  ['José García', 'Support Engineer', 'Customer Support', '04A23B1C55801A', 'Madrid/1.01'],
  ['Łukasz Wiśniewski', 'Developer', 'Engineering', '04A23B1C55801B', 'Kraków/2.01', 'ad'],
  ['Søren Jørgensen', 'Developer', 'Engineering', '04A23B1C55801C', 'Aarhus/1.01'],
  ['Mai Nguyễn', 'Tester', 'Engineering', '04A23B1C55801D', 'Brno/4.06'],
  ['Kwame Mensah', 'Support Lead', 'Customer Support', '04A23B1C55801E', 'Dublin/1.02'],
  ['Yuki Tanaka', 'Sales Representative', 'Sales', '04A23B1C55801F', 'Tokyo/7.01'],
  ['Fatima Haddad', 'Recruiter', 'Human Resources', '04A23B1C558020', 'Prague/3.11'],
  ['Petra Černá', 'Receptionist', 'Facilities', '04A23B1C558021', 'Prague/0.01', 'ad'],
  ['Karel Procházka', 'Caretaker', 'Facilities', '04A23B1C558022', 'Prague/0.02', 'ad'],
  ['Anne-Marie Lefèvre', 'Translator', 'Marketing', '04A23B1C558023', 'Paris/1.01'],
  ['Raul Razo', 'IT Administrator', 'IT', '04A23B1C558024', 'Prague/1.21', 'ad'],
]

const MANAGERS: Readonly<Record<string, string>> = {
  Executive: 'Patti Fernandez',
  Marketing: 'Miriam Graham',
  Sales: 'Ben Walters',
  Finance: 'Pradeep Gupta',
  Operations: 'Nestor Wilke',
  Engineering: 'Lee Gu',
  'Human Resources': 'Diego Siciliani',
  Legal: 'Enrico Cattaneo',
  IT: 'Raul Razo',
  'Customer Support': 'Kwame Mensah',
  Facilities: 'Nestor Wilke',
}

const DOMAIN = 'contoso.com'

/** App roles of the demo, by user principal name. */
const ROLES: Readonly<Record<string, string>> = {
  [`raul.razo@${DOMAIN}`]: 'Administrator',
  [`allan.deyoung@${DOMAIN}`]: 'Operator',
  [`kwame.mensah@${DOMAIN}`]: 'Helpdesk',
}

/**
 * The tenant of the demo, always the same: 36 employees, two guests, a disabled account and one in the recycle bin;
 * groups of every kind, nested, one with hidden members.
 *
 * @param options.clock the emulator's clock
 */
export function demoCompany(options: { readonly clock: Clock }): Tenant {
  const tenant = new Tenant({
    tenantId: '5a1e0c1d-0000-4000-8000-00000c0a7050',
    displayName: 'Contoso',
    clock: options.clock,
    domain: DOMAIN,
    random: createRandom(2026),
  })
  tenant.onPremisesSyncEnabled = true
  tenant.onPremisesLastSyncDateTime = tenant.clock.now().toISOString()
  const people = new Map<string, DirectoryObject>()
  PEOPLE.forEach((row, index) => people.set(row[0], hire(tenant, employee(row, index))))
  for (const [name, , department] of PEOPLE) {
    const manager = MANAGERS[department] === name ? 'Patti Fernandez' : MANAGERS[department]
    const [person, above] = [people.get(name), people.get(manager ?? '')]
    if (person !== undefined && above !== undefined && person !== above) setManager(tenant, person.id, above.id)
  }
  const guests = addGuests(tenant)
  hire(tenant, {
    ...employee(['Max Leaver', 'Consultant', 'Sales', '04A23B1C558030', 'Prague/2.12'], 40),
    accountEnabled: false,
  })
  remove(tenant, hire(tenant, employee(['Gone Yesterday', 'Intern', 'Marketing', null, 'Prague/5.07'], 41)).id)
  addGroups(tenant, { people, guests })
  const security = people.get('Allan Deyoung')
  if (security !== undefined) tenant.accounts.of(security.id).mfa = 'required'
  return tenant
}

/** How Contoso signs in to Muster: everybody with the tenant's default password, three of them with a role. */
export function contosoSignIn(tenant: Tenant): AppSignInOptions {
  const assigned = Object.entries(ROLES).map(([userPrincipalName, role]) => {
    const user = tenant.findByUpn(userPrincipalName)
    if (user === undefined) throw new Error(`the made-up company has no ${userPrincipalName}`)
    return { principalId: user.id, role }
  })
  return {
    publicClient: true,
    groupMembershipClaims: 'SecurityGroup',
    appRoles: [...new Set(Object.values(ROLES))].map((value) => ({ value, displayName: value })),
    assignments: assigned,
  }
}

function employee(row: Row, index: number): Record<string, unknown> {
  const [displayName, jobTitle, department, cardHex, officeLocation, synced] = row
  const [givenName = '', ...rest] = displayName.split(' ')
  const surname = rest.join(' ')
  const alias = [givenName, surname].map(foldName).join('.')
  const cardNumber = cardHex === null ? null : (cardHex.match(/../g) ?? []).join(':')
  return {
    displayName,
    givenName,
    surname,
    jobTitle,
    department,
    companyName: 'Contoso',
    officeLocation,
    userPrincipalName: `${alias}@${DOMAIN}`,
    mail: `${alias}@${DOMAIN}`,
    mailNickname: alias,
    proxyAddresses: [`SMTP:${alias}@${DOMAIN}`],
    employeeId: `C${String(1001 + index)}`,
    employeeType: 'Employee',
    employeeOrgData: { costCenter: `CC-${100 + department.length}`, division: 'EMEA' },
    mobilePhone: index % 3 === 0 ? `+420 601 000 ${String(100 + index)}` : null,
    businessPhones: [],
    usageLocation: 'CZ',
    onPremisesExtensionAttributes: extensionAttributes(cardNumber),
    ...(synced === undefined
      ? {}
      : {
          onPremisesSyncEnabled: true,
          onPremisesSamAccountName: alias.replace(/[^a-z]/g, '').slice(0, 20),
          onPremisesDomainName: 'corp.contoso.com',
        }),
  }
}

function addGuests(tenant: Tenant): readonly DirectoryObject[] {
  return [
    ['Rosa Partner', 'rosa@fabrikam.example'],
    ['Wei Auditor', 'wei.auditor@northwind.example'],
  ].map(([displayName = '', mail = '']) =>
    hire(tenant, {
      displayName,
      mail,
      userPrincipalName: `${mail.replace('@', '_')}#EXT#@contoso.onmicrosoft.com`,
      userType: 'Guest',
      creationType: 'Invitation',
      externalUserState: 'Accepted',
      otherMails: [mail],
    }),
  )
}

function addGroups(
  tenant: Tenant,
  who: { readonly people: ReadonlyMap<string, DirectoryObject>; readonly guests: readonly DirectoryObject[] },
): void {
  const { people, guests } = who
  const everyone = [...people.values()]
  const of = (...departments: readonly string[]): DirectoryObject[] =>
    everyone.filter((person) => departments.includes(String(person.properties['department'])))
  const group = (
    displayName: string,
    members: readonly DirectoryObject[],
    more: Record<string, unknown> = {},
  ): string => {
    const { id } = createGroup(tenant, { displayName, ...more })
    addMembers(tenant, id, members)
    return id
  }
  const unified = (nickname: string): Record<string, unknown> => ({
    groupTypes: ['Unified'],
    mailEnabled: true,
    mail: `${nickname}@${DOMAIN}`,
    mailNickname: nickname,
    visibility: 'Private',
  })
  const allStaff = group('All Staff', [])
  for (const department of new Set(Object.keys(MANAGERS)))
    addMember(tenant, allStaff, group(department, of(department), { description: `Everyone in ${department}` }))
  const printing = group('Printing – colour', [...of('Marketing', 'Executive'), ...guests])
  addMember(
    tenant,
    printing,
    group(
      'Designers',
      everyone.filter((p) => p.properties['jobTitle'] === 'Designer'),
    ),
  )
  group('Project Ořech', [...of('Engineering').slice(0, 5), ...guests], unified('orech'))
  group('Works Council', of('Human Resources', 'Operations'), { ...unified('council'), visibility: 'HiddenMembership' })
  group('Newsletter', everyone, {
    mailEnabled: true,
    securityEnabled: false,
    mail: `news@${DOMAIN}`,
    mailNickname: 'news',
  })
  group(
    'Brno office',
    everyone.filter((p) => String(p.properties['officeLocation']).startsWith('Brno')),
    {
      groupTypes: ['DynamicMembership'],
      membershipRule: '(user.officeLocation -startsWith "Brno")',
      membershipRuleProcessingState: 'On',
    },
  )
  group('temp-migration', of('IT'))
}
