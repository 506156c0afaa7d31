// Texts of the list of issues.

export const issues = {
  title: 'Issues',
  intro:
    'What could not be done for single people and groups. Everything else was done. An issue closes by itself with the next run that meets it no more.',
  source: 'Source',
  allSources: 'All sources',
  code: 'Kind',
  allCodes: 'All kinds',
  issue: 'Issue',
  since: 'Since',
  nextTry: 'Next try',
  why: 'Why?',
  whyOf: (message: string) => `Why? ${message}`,
  empty: 'No open issues',
  emptyText: 'Every person and every group could be taken over as the settings say.',
  emptyFiltered: 'No open issues of this kind',
  emptyFilteredText: 'There may be others.',
  showAll: 'Show all issues',
  total: (text: string) => `${text} open`,
  one: 'issue',
  several: 'issues',
} as const
