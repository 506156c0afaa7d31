// What an administrator does about each kind of issue, and about each way to fail.
import type { IssueCode } from './runs.ts'

/** By code; the sentence of an issue tells about whom it is. */
export const REMEDIES: Readonly<Record<IssueCode, string>> = {
  'user-name-empty':
    'Fill the attribute that the user name is taken from, in Entra, or map the user name from one that everybody has.',
  'user-name-conflict':
    'Change the user name of one of the two in Entra, or map user names from an attribute that is unique; the loser follows in the next run.',
  'alias-conflict':
    'Change the value of one of the two in Entra, or leave it: everything else about the loser is synchronized.',
  'card-conflict':
    'Find out who carries the card, and take its number away from the other one in Entra, or here where it was added by hand.',
  'pin-conflict': 'Give one of the two another PIN, or map the PIN to generate.',
  'personal-number-conflict': 'Correct the number of one of the two in Entra; two people never share one.',
  'pairing-refused':
    'Look who of the records it names is meant: correct name or number of the others, or end the protection of the one, then run again.',
  'owned-by-source':
    'Nothing, where that is meant: a source with a lower priority number owns him. Else change the priorities.',
  'value-rejected':
    'Correct the value in Entra, or the card transformation of the source; what was there before stays.',
  'expression-failed':
    'Correct the expression in the settings of the source for values like this one, or the value in Entra.',
  'scope-group-missing':
    'Restore the group in Entra, or select another one for Users to import; it is looked for again within a day, at once where everything is compared (Compare everything, or sync --full).',
  'membership-unknown':
    'Where Entra hides the members of the group: grant Member.Read.Hidden with admin consent, or ignore the group. Else nothing, where it passes. It is asked again within a day, at once where everything is compared (Compare everything, or sync --full).',
  'listing-incomplete':
    'Nothing, where it passes: what was left for later is done by the next run, and nobody is missing until a full compare is complete. Where it stays, look whether somebody changes many users at that time.',
  'listing-contradicted':
    'Nothing, where it passes: what was left for later is done by the next run. Where it stays, report the object to Microsoft.',
}

const CHECK_NETWORK = 'Check network, proxy and firewall of this machine; the next run goes on where this one stood.'
const PASSING = 'This usually passes by itself; the next run goes on where this one stood.'

/** What an administrator does about a run that failed, by the code of its error. */
export const FAILURES: Readonly<Record<string, string>> = {
  'no-answer': CHECK_NETWORK,
  timeout: CHECK_NETWORK,
  unreachable: CHECK_NETWORK,
  throttled: PASSING,
  'throttled-too-long': 'Microsoft asked for this pause; the next run goes on where this one stood.',
  'bad-request':
    'Microsoft Graph does not take what the settings ask for, most often an attribute that the tenant does not have; correct the attribute in the mapping and apply it.',
  'bad-upstream': `${PASSING} If it stays, look whether a proxy answers in Microsoft's place.`,
  'listing-contradicted': 'Microsoft Graph contradicted itself, so nothing was believed; a later run compares again.',
  'listing-incomplete': 'Nobody is taken for missing meanwhile; the next full run compares again.',
  'attributes-unreadable': 'Grant User.Read.All of Microsoft Graph again, with admin consent.',
  'tenant-mismatch': "Correct the connection's tenantId, and apply the config file.",
  'tenant-unsupported': 'Use a connection to a workforce tenant.',
  'config-invalid': 'Correct the config file and apply it.',
  interrupted:
    'Look why the process ended (memory, restart of the machine); the next run goes on where this one stood.',
  'disk-full':
    'Make room on the disk of the database, or enlarge it. No restart is needed; the next run goes on where this one stood.',
  'database-unavailable': 'Look whether the database runs and is reached.',
}
