// The source that is measured: what an installation with cards and aliases maps, so that sealing is part of the work.
import type { Access } from './tenant.ts'

export const SOURCE = 'bench'
const CONNECTION = 'bench'

const SETTINGS = {
  connection: CONNECTION,
  users: {
    properties: {
      aliases: ['upnPrefix', 'onPremisesSamAccountName'],
      cards: [{ from: 'onPremisesExtensionAttributes.extensionAttribute5' }],
      personalNumber: 'employeeId',
      costCenter: 'employeeOrgData.costCenter',
      office: 'officeLocation',
      jobTitle: 'jobTitle',
      company: 'companyName',
    },
  },
  groups: { under: 'Entra ID' },
}

/** As in a config file. */
export function configFile(access: Access): object {
  return {
    connections: {
      [CONNECTION]: {
        tenantId: access.tenantId,
        clientId: access.clientId,
        clientSecret: { env: 'BENCH_SECRET' },
        cloud: 'custom',
        authorityUrl: access.url,
        graphUrl: access.url,
      },
    },
    sources: { [SOURCE]: SETTINGS },
  }
}
