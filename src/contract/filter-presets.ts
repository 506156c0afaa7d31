// Filters with a name, for what many organizations want. A preset is written out into its clauses when the source is saved, so that a
// later version that words it better changes nobody's scope until somebody saves the source again.
import type { Filter } from './filter.ts'

export interface FilterPreset {
  readonly label: string
  /** For administrators: whom it takes and whom it leaves out. */
  readonly description: string
  readonly filter: Filter
}

/** By the name that the config file uses: `filter: realPeopleOnly`. */
export const FILTER_PRESETS = {
  realPeopleOnly: {
    label: 'Real people only',
    description:
      'Takes accounts that have a first and a last name, or an employee ID. Leaves out service accounts, rooms, shared mailboxes and ' +
      'other accounts that belong to nobody.',
    filter: {
      any: [
        {
          all: [
            { attribute: 'givenName', present: true },
            { attribute: 'surname', present: true },
          ],
        },
        { all: [{ attribute: 'employeeId', present: true }] },
      ],
    },
  },
  employeesOnly: {
    label: 'Employees only',
    description:
      'Takes accounts of the tenant itself that have an employee ID. Leaves out guests, and everybody whom the personnel system does not know.',
    filter: {
      any: [
        {
          all: [
            { attribute: 'employeeId', present: true },
            { attribute: 'userType', ne: 'Guest' },
          ],
        },
      ],
    },
  },
  withMail: {
    label: 'Only those with a mailbox',
    description: 'Takes accounts that have a mail address. Leaves out everybody who could not be written to.',
    filter: { any: [{ all: [{ attribute: 'mail', present: true }] }] },
  },
} as const satisfies Readonly<Record<string, FilterPreset>>
export type FilterPresetName = keyof typeof FILTER_PRESETS

export const FILTER_PRESET_NAMES = [
  'realPeopleOnly',
  'employeesOnly',
  'withMail',
] as const satisfies readonly FilterPresetName[]
