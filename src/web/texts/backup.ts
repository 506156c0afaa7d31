// Texts of backups, and of an installation that is a copy of another one.

export const backupTexts = {
  backup: 'Backup',
  backupText:
    'Everything that the database holds, as it is at one moment, in one file; runs go on meanwhile. Names and mail addresses can be read in it; cards, PINs and secrets are sealed.',
  key: 'The key file is not in it',
  keyText: (path: string) =>
    `Without it nobody can restore a backup. Keep a copy of ${path} in another place than the backups.`,
  download: 'Download backup',
  audited: 'The audit keeps that it was made. It is restored where Muster is installed:',
  command: 'muster restore FILE',
  copied: 'This installation is a copy',
  copiedText:
    'Its database was restored or copied from another place. Until somebody takes over, it makes plans, but applies nothing, runs nothing by schedule and alerts nobody, because the original does all that.',
  takeOver: 'Take over',
  takeOverTitle: 'Make this the installation?',
  takeOverText:
    'From now on this one applies changes, runs sources by schedule, alerts, and gives out numbers, names and PINs. If the original still runs, both do so, and they will disagree about the same people.',
  takeOverHow:
    'Stop the original first, or keep it from reaching its database and Microsoft. This cannot be taken back here; the audit keeps who did it.',
  isStopped: 'The original is stopped, and stays so',
  tookOver: 'This is the installation now',
  tookOverText: 'Sources run by schedule again.',
} as const
