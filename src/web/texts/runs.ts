// Texts of runs.

export const runsTexts = {
  title: (run: string) => `Run ${run}`,
  of: (source: string) => `of ${source}`,
  changes: 'Changes',
  changesWouldBe: 'What it would change',
  held: 'Why it waits for approval',
  failed: 'The run failed',
  outcomes: {
    applied: 'Applied',
    'no-change': 'No change',
    planned: 'Previewed',
    held: 'Held',
    cancelled: 'Cancelled',
    failed: 'Failed',
    running: 'Running',
  },
} as const
