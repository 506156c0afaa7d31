// The log of a run as a person reads it: a sentence for each line, made of its fixed message and its fields. The lines themselves
// stay as they are stored, for programs.
import { heldInWords } from './held-words.ts'
import { FAILURES, REMEDIES } from './remedies.ts'
import type { RunLogLine } from './run-log.ts'

type Fields = RunLogLine['fields']

/** What Muster does or met, how much of it, and what to do where there is something to do. */
export function logLineInWords({ message, fields }: Pick<RunLogLine, 'message' | 'fields'>): string {
  return WORDS[message]?.(fields) ?? unchanged(message, fields)
}

/** As it is stored: `held what=removals.users count=12 limit=5`. What nobody has written words for is told so, with nothing left out. */
export function logLineAsStored({ message, fields }: Pick<RunLogLine, 'message' | 'fields'>): string {
  return unchanged(message, fields)
}

function unchanged(message: string, fields: Fields): string {
  return [message, ...Object.entries(fields).map(([name, value]) => `${name}=${value}`)].join(' ')
}

const WORDS: Readonly<Record<string, (fields: Fields) => string>> = {
  // of the run as a whole
  'run begins': ({ source, what, runId }) => {
    const [kind = '', mode = ''] = text(what).split(', ')
    const reads = READS[mode] ?? ''
    return `${BEGINS[kind]?.(text(source), reads) ?? `A run of ${text(source)} begins.`} It is run ${text(runId)}.`
  },
  'phase begins': ({ phase }) => PHASES[text(phase)] ?? `What begins now: ${text(phase)}.`,
  read: ({ what, count }) => `Microsoft Entra sent ${counted(count, ONE[text(what)] ?? text(what), text(what))}.`,
  planned: ({ what, count }) => {
    const words = PLANNED[text(what)]
    return words === undefined
      ? `The plan: ${counted(count, text(what), text(what))}.`
      : `The plan: ${words(counted(count, ...(NOUNS[text(what).split(' ')[0] ?? ''] ?? ['', ''])))}.`
  },
  issues: ({ code, count }) =>
    `${counted(count, 'thing', 'things')} could not be done: ${ISSUES[text(code)] ?? text(code)} (${text(code)}). What to do: ${
      remedyOf(REMEDIES, text(code)) ?? 'Look at the issues of the run.'
    }`,
  'issues in all': ({ count }) => `${counted(count, 'thing', 'things')} could not be done in all; Issues lists each.`,
  held: ({ what, count, limit }) =>
    `Held, nothing is written. ${heldInWords([{ rule: text(what), count: Number(count), limit: Number(limit) }]).join(' ')} What to do: look at the plan, and approve or reject it.`,
  'run ended': ({ outcome, code, requestId, ms, count, what }) => {
    const asked = count === undefined ? '' : `${counted(count, 'request', 'requests')} to Microsoft Graph, `
    const took = `${asked}${seconds(Number(ms ?? 0))}.${leftOutOf(text(what))}`
    if (outcome !== 'failed') return `${ENDINGS[text(outcome)] ?? `It ended: ${text(outcome)}.`} ${took}`
    const named = requestId === undefined ? '' : ` Microsoft's request id: ${requestId}.`
    const remedy =
      remedyOf(FAILURES, text(code)) ??
      REFUSED[text(code)] ??
      'Look at the outcome of the run, which says what was met.'
    return `It failed (${text(code)}), and nothing is half done. What to do: ${remedy}${named} ${took}`
  },
  'the log is cut here; only its end follows': ({ count }) =>
    `This log has ${counted(count, 'line', 'lines')}; what follows is left out, but for the end.`,

  // of reading
  'Graph asks for a pause': ({ ms }) =>
    `Microsoft asks for a pause of ${seconds(Number(ms ?? 0))}. Nothing to do: it goes on by itself.`,
  'request is tried again': ({ path, status, code, attempt }) =>
    `Microsoft ${answered(status, code)} when asked for ${text(path)}; it is asked again (try ${Number(attempt ?? 0) + 1}).`,
  'token request is tried again': ({ attempt, code }) =>
    `Microsoft gave no token (${text(code)}); it is asked again (try ${Number(attempt ?? 0) + 1}).`,
  'a credential was refused, the next one is tried': ({ code }) =>
    `Microsoft refused a credential of the connection (${text(code)}); the next one is tried. What to do: check the connection, and take that credential out.`,
  'the delta state has expired': ({ code }) =>
    `Microsoft does not know any more what was read last${inBrackets(code)}; everything is read anew. Nothing to do.`,
  'everything was read anew, the stored delta state was of no use': ({ code }) =>
    `Everything was read anew: what the last run remembered was of no use any more${inBrackets(code)}. Nothing to do.`,
  'a page token died, the listing begins anew': () =>
    'Microsoft lost its place in a list; this list is read from its beginning. Nothing to do.',
  'parted lists of users are refused, the plain list is read': ({ code }) =>
    `Microsoft refused to list users in parts${inBrackets(code)}; they are read one page after the other, which takes longer.`,
  'the lists of users do not sum up to the count, the plain list is read': ({ count }) =>
    `The lists of users and their count differ by ${counted(count, 'user', 'users')}: somebody is changing users now. They are read once more, one page after the other.`,
  'nobody is missing in this run, and nothing is removed': ({ code }) =>
    code === 'contradicted'
      ? 'Microsoft contradicted itself about who exists, so nobody counts as missing and nothing is removed in this run. Nothing to do, where the next run passes.'
      : 'The lists were not complete, so nobody counts as missing and nothing is removed in this run. Nothing to do, where the next run passes.',

  // of the database
  'heartbeat failed': ({ code }) => `The database did not answer for a moment (${text(code)}); it is asked again.`,
  'the database does not answer': ({ code }) =>
    `The database does not answer (${text(code)}). What to do: look whether it runs and is reached.`,
  'the end of the run could not be recorded': ({ code }) =>
    `The end of the run could not be written down (${text(code)}); the next run of the source notes that this one was interrupted. What to do: look whether the database runs and has room.`,
}

const CHECK = 'Look what Check connection says (muster check).'
const REFUSED: Readonly<Record<string, string>> = { 'auth-failed': CHECK, forbidden: CHECK }

const READS: Readonly<Record<string, string>> = {
  full: 'everything is read and compared',
  delta: 'what has changed since the last one is read',
}

const BEGINS: Readonly<Record<string, (source: string, reads: string) => string>> = {
  sync: (source, reads) => `The synchronization of ${source} begins: ${reads}.`,
  plan: (source, reads) => `The preview of ${source} begins: ${reads}, and nothing is changed.`,
  approve: (source) => `The approved plan of ${source} begins: its removals are proven once more, then it is applied.`,
  revert: (source) => `Taking back a run of ${source} begins.`,
}

const PHASES: Readonly<Record<string, string>> = {
  waiting: 'Waiting until the source is free.',
  users: 'Reading users.',
  groups: 'Reading groups.',
  memberships: 'Reading memberships, group by group.',
  changes: 'Reading what has changed.',
  proof: 'Proving removals: who is not listed any more is looked up by id, so that nobody is removed by mistake.',
  planning: 'Planning: Microsoft Entra is compared with the registry.',
  applying: 'Applying the plan: all of it, or nothing.',
}

const ONE: Readonly<Record<string, string>> = { users: 'user', groups: 'group' }

const NOUNS: Readonly<Record<string, readonly [one: string, several: string]>> = {
  users: ['user', 'users'],
  groups: ['group', 'groups'],
  memberships: ['membership', 'memberships'],
  credentials: ['card or PIN', 'cards and PINs'],
}

const PLANNED: Readonly<Record<string, (counted: string) => string>> = {
  'users created': (of) => `${of} to create`,
  'users adopted': (of) => `${of} to pair with records that are here already`,
  'users takenOver': (of) => `${of} to take over from another source`,
  'users updated': (of) => `${of} to update`,
  'users renamed': (of) => `${of} to rename`,
  'users deactivated': (of) => `${of} to deactivate`,
  'users reactivated': (of) => `${of} to reactivate`,
  'users deleted': (of) => `${of} to delete`,
  'users unchanged': (of) => `${of} right already`,
  'users skipped': (of) => `${of} to leave as they are, each with its reason in the plan`,
  'groups created': (of) => `${of} to create`,
  'groups renamed': (of) => `${of} to rename`,
  'groups deleted': (of) => `${of} to delete`,
  'groups unchanged': (of) => `${of} right already`,
  'groups ignored': (of) => `${of} ignored, as the settings say`,
  'memberships added': (of) => `${of} to add`,
  'memberships removed': (of) => `${of} to remove`,
  'credentials added': (of) => `${of} to add`,
  'credentials removed': (of) => `${of} to remove`,
}

const ISSUES: Readonly<Record<string, string>> = {
  'user-name-empty': 'there is no user name in Microsoft Entra',
  'user-name-conflict': 'somebody else has the user name',
  'alias-conflict': 'somebody else has the alias',
  'card-conflict': 'somebody else has the card',
  'pin-conflict': 'somebody else has the PIN',
  'personal-number-conflict': 'somebody else has the personal number',
  'pairing-refused': 'it is not clear which record belongs to whom',
  'owned-by-source': 'another source owns the user',
  'value-rejected': 'a value cannot be used',
  'expression-failed': 'an expression failed',
  'scope-group-missing': 'a selected group is missing',
  'membership-unknown': 'Microsoft Entra does not show who the members are',
  'listing-incomplete': 'an answer was not complete',
  'listing-contradicted': 'answers contradict each other',
}

const ENDINGS: Readonly<Record<string, string>> = {
  applied: 'Done: people and groups are as in Microsoft Entra.',
  'no-change': 'Done: there was nothing to change.',
  planned: 'Done: the plan is made, and nothing was changed.',
  held: 'The plan waits until somebody approves or rejects it. Nothing was changed.',
  cancelled: 'Cancelled; nothing is half done.',
}

function text(value: string | number | undefined): string {
  return value === undefined ? '' : String(value)
}

function counted(count: string | number | undefined, one = '', several = ''): string {
  const value = Number(count ?? 0)
  return `${value.toLocaleString('en-US')} ${value === 1 ? one : several}`
}

function seconds(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} seconds`
  return ms < 120_000 ? `${Math.round(ms / 1000)} seconds` : `${Math.round(ms / 60_000)} minutes`
}

function answered(status: Fields[string] | undefined, code: Fields[string] | undefined): string {
  if (status === undefined) return `did not answer${inBrackets(code)}`
  return `answered ${status}${inBrackets(code)}`
}

function inBrackets(code: string | number | undefined): string {
  return code === undefined ? '' : ` (${code})`
}

/** Of the end of a log that was cut: what it says of the lines that are not there. */
function leftOutOf(what: string): string {
  const [, leftOut] = /; (\d+ lines of the log were left out)$/.exec(what) ?? []
  return leftOut === undefined ? '' : ` ${leftOut}.`
}

function remedyOf(remedies: Readonly<Record<string, string>>, code: string): string | undefined {
  return remedies[code]
}
