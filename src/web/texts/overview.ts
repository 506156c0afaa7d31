// Texts of the overview.
import { formatCount } from '../format.ts'

export const overviewTexts = {
  title: 'Overview',
  well: 'All is well',
  wellText: 'Every source is in step with Entra, and nothing waits for you.',
  concerns: 'Needs attention',
  open: 'Open',
  active: 'Active people',
  deactivated: 'Deactivated',
  local: 'Local',
  groups: 'Groups',
  openIssues: 'Open issues',
  figures: 'In figures',
  sources: 'Sources',
  people: 'Active people over time',
  peopleFromTo: (from: string, before: string, to: string, now: string) => `${before} on ${from}, ${now} on ${to}`,
  peopleOf: (count: number) => formatCount(count, 'person', 'people'),
  peopleTooShort: 'The line begins when Muster has been here for two days.',
  changes: 'Last changes',
  noChanges: 'No run has changed anything yet.',
  expiring: 'Credentials that expire',
  startTitle: 'Welcome to Muster',
  startText:
    'Muster keeps people and groups here in step with Microsoft Entra ID. You see what a synchronization will do before it does anything.',
  steps: {
    connect: 'Connect to your tenant',
    connectText:
      'The app registration that Muster reads through: tenant ID, application ID and a secret or certificate.',
    check: 'Check the connection',
    checkText: 'One click tells which permissions are there, and what to do about those that are not.',
    choose: 'Choose what to import',
    chooseText:
      'All people or some groups, which attribute becomes which property. The result is shown for real users while you choose.',
    preview: 'Preview',
    previewText: 'See every change that a synchronization would make. Nothing is changed.',
    synchronize: 'Synchronize',
    synchronizeText: 'From then on by itself, every 15 minutes.',
  },
  startAction: 'Add Entra ID source',
  noSourcesViewer: 'There is no source yet. An administrator adds one under Settings › User Synchronization.',
} as const
