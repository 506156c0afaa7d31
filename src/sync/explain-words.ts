// How an explanation says things: one sentence for each way in which somebody can stand to a source.
import type { HealthState } from '../contract/health.ts'
import type { PersonRefusal } from '../contract/sign-in-refusals.ts'
import type { Judgement } from './judge.ts'
import type { IgnoreRule } from './map/groups.ts'

interface ScopeWords {
  readonly judgement: Judgement
  /** From the group that he is in up to the selected one. */
  readonly chain: readonly string[]
  readonly importsAll: boolean
}

/** Why he is in scope or not. */
export function scopeSentence({ judgement, chain, importsAll }: ScopeWords): string {
  switch (judgement.kind) {
    case 'wanted':
      return importsAll
        ? 'In scope: all users are imported, and no other setting leaves him out.'
        : `In scope: he is in a selected group (${chain.join(' → ')}).`
    case 'disabled':
      return 'The account is disabled in Entra, and users.disabledAccounts is deactivate: he is never created so, and one who exists is deactivated at once.'
    case 'soft-deleted':
      return 'Deleted in Entra, and still in its recycle bin: missing. Restored there, he is back with all that he had.'
    case 'gone':
      return 'Deleted in Entra for good (neither found by id nor in the recycle bin): missing, and his memberships have ended.'
    case 'out-of-scope':
      return OUT_OF_SCOPE[judgement.rule]
    case 'frozen':
      return FROZEN[judgement.why]
  }
}

const OUT_OF_SCOPE = {
  'users.guests': 'Out of scope: he is a guest, and users.guests is ignore.',
  'users.import': 'Out of scope: he is in none of the selected groups, nor in a group nested in one.',
  'users.filter': 'Out of scope: he does not meet users.filter.',
  'users.disabledAccounts': 'Out of scope: the account is disabled in Entra, and users.disabledAccounts is ignore.',
} as const

const FROZEN = {
  'removal-unproven':
    'Frozen: Entra said that he was removed, and that is not proven yet. It is asked for by id in the next run.',
  'scope-group-missing':
    'Frozen: a selected group does not exist in Entra any more, so that nothing can be said about whoever came through it alone.',
  'membership-unknown':
    'Frozen: Entra does not show the members of a selected group, so that nothing can be said about whoever is in no other.',
  'listing-incomplete':
    'Frozen: the last reading contradicted itself or was incomplete, so nobody is taken for missing.',
} as const

/** What a skip in the next plan means for him. */
const SKIPPED = {
  'pairing-refused': 'Not paired: the registry record that the pairing key finds may not be taken, or there are two.',
  'owned-by-source': 'Another source comes first and owns him; its mapping alone applies. Memberships count from both.',
  'new-users-off': 'Not in the registry, and users.options.addNewUsers is off: he is not created.',
  protected: 'The record is protected, or an administrator: no source changes it.',
  'user-name-empty': 'The attribute mapped to the user name is empty, so he is not imported.',
  'user-name-conflict': 'Somebody else has the user name, so he is not imported, or keeps what he has.',
  'deactivated-by-administrator': 'An administrator deactivated him: no source reactivates him.',
  'restored-by-administrator':
    'An administrator restored him: no source deactivates him until he was wanted once more.',
  'missing-kept':
    'Missing, and users.options.deactivateMissingUsers is off: he stays as he is, and nothing of him changes.',
  'grace-period': 'Missing, and his days of grace are not over: he stays as he is until then.',
  'not-owned': 'This source does not want him, and another one owns him.',
  'value-rejected': 'What is mapped to the user name cannot be kept, so he is not imported.',
  'expression-failed': 'The expression of the user name could not be worked out, so he is not imported.',
} as const
export type PairingSkip = keyof typeof SKIPPED

function isPairingSkip(reason: string): reason is PairingSkip {
  return Object.hasOwn(SKIPPED, reason)
}

interface PairingWords {
  /** Of his line in the next plan, where it has one. */
  readonly next: { readonly action: string; readonly reason: string } | undefined
  /** How he came to be linked, from the history. */
  readonly past: { readonly action: string; readonly reason: string; readonly run: number } | undefined
  readonly isLinked: boolean
}

/** How he is paired with a registry user, in a word and a sentence. */
export function pairingOf({ next, past, isLinked }: PairingWords): { result: string; sentence: string } {
  if (next?.action === 'skip' && isPairingSkip(next.reason))
    return { result: next.reason, sentence: SKIPPED[next.reason] }
  if (next?.action === 'create')
    return {
      result: 'create',
      sentence:
        'No registry user has his object id, and none that may be paired has his pairing key: the next run creates him.',
    }
  if (next?.action === 'adopt') {
    return {
      result: 'adopt',
      sentence: `The next run links a registry user without object id to him (${next.reason}); adoptions hold the plan unless adoptions is automatic.`,
    }
  }
  if (next?.action === 'take over') {
    return {
      result: 'take over',
      sentence: `Linked by tenant and object id; the next run takes him over from the source that owns him now (${next.reason}).`,
    }
  }
  if (!isLinked) return { result: 'none', sentence: 'The registry has nobody with his object id.' }
  const how = past === undefined ? '' : `, since run ${past.run} (${past.action}, ${past.reason})`
  return { result: 'linked', sentence: `Linked by tenant and object id${how}, whatever his name is now.` }
}

/** Whether a skip in the next plan is about who he is, and no removal. */
export function isAboutPairing(reason: string): boolean {
  return isPairingSkip(reason)
}

const IGNORED = {
  'groups.import': 'Not imported: groups.import is off.',
  'groups.ignore': 'Not imported: its object id is in groups.ignore.',
  'groups.ignoreContaining': 'Not imported: its name contains a string of groups.ignoreContaining.',
  'groups.types': 'Not imported: it is none of the groups.types.',
} as const satisfies Record<IgnoreRule, string>

/** Why a group of his is not in the registry. */
export function ignoredSentence(rule: IgnoreRule): string {
  return IGNORED[rule]
}

/** Why nothing is said of the filter. */
export function unreadFilterSentence(unread: readonly string[]): string {
  return `users.filter names attributes that were not read yet (${unread.join(', ')}): the next run reads them first.`
}

interface SignInWords {
  /** Null: he may. */
  readonly refusal: PersonRefusal | null
  readonly isLocal: boolean
  /** The one that owns him. */
  readonly source: string | null
  /** Of that source. */
  readonly connection: string | null
}

/** Whether he may sign in with Microsoft, and what stands against it. */
export function signInSentence(words: SignInWords): string {
  return words.refusal === null
    ? `He may sign in with Microsoft through ${words.connection}.`
    : `He cannot sign in with Microsoft: ${whatRefuses(words, words.refusal)}.`
}

function whatRefuses({ isLocal, source, connection }: SignInWords, refusal: PersonRefusal): string {
  switch (refusal) {
    case 'unknown-person':
      return 'the registry does not have him'
    case 'person-inactive':
      return 'he is deactivated'
    case 'account-ended':
      return `his account was disabled or deleted in Entra when ${source} read him last. Where it is enabled again, the next run lets him in`
    case 'account-ended-source-disabled':
      return `his account was disabled or deleted in Entra when ${source} read him last, and that source is disabled, so that nothing finds out whether he is back. Enable it and synchronize it`
    case 'source-not-for-sign-in':
      if (isLocal) return 'no tenant knows a local user'
      return source === null ? 'no source owns him' : `users.options.useAsAuthenticationServer of ${source} is off`
    case 'connection-not-for-sign-in':
      return `signInWithMicrosoft of the connection ${connection} is off`
    case 'other-connection':
      return `the connection of ${source} leads to another tenant than his`
  }
}

interface NextWords {
  /** Attributes that the settings name and nobody has read yet. */
  readonly unread: readonly string[]
  readonly items: number
  /** By itself the plan for him would be held. */
  readonly isHeld: boolean
  readonly hasIssues: boolean
  readonly isEnabled: boolean
  /** It has a schedule, and somebody has had it synchronized. */
  readonly isScheduled: boolean
  /** Its schedule waits, because it is failing. */
  readonly pause: { readonly state: HealthState; readonly until: Date } | undefined
  /** The run whose plan for everybody waits for approval. */
  readonly waiting: number | undefined
}

/** What the next run does to him, and what has to come before it. */
export function nextSentence(next: NextWords): string {
  if (next.unread.length > 0)
    return `The settings name attributes that were not read yet (${next.unread.join(', ')}): what the next run does depends on what it reads.`
  const held = next.isHeld ? ', and by itself that would be held for approval' : ''
  const what = next.items === 1 ? 'one change' : `${next.items} changes`
  const does = next.items === 0 ? 'changes nothing' : `makes ${what} to him${held}`
  const would = next.items === 0 ? 'would change nothing' : `would make ${what} to him${held}`
  const end = next.items === 0 && next.hasIssues ? '; see the issues.' : '.'
  if (!next.isEnabled) return `The source is disabled: no run changes anything. Enabled, its next run ${would}${end}`
  if (next.waiting !== undefined && next.items > 0) {
    return `The plan of run ${next.waiting} waits for approval: the schedule changes nothing while what held it still holds. Run by hand, the source makes a new plan, which ${would}${end}`
  }
  if (next.pause !== undefined && next.isScheduled) {
    const until = next.pause.until.toISOString().slice(0, 16).replace('T', ' ')
    return `The source is ${next.pause.state}: its schedule tries again after ${until} UTC, a run by hand at any time. That run ${does}${end}`
  }
  if (!next.isScheduled) return `No schedule runs the source. The next run, by hand, ${does}${end}`
  return `The next run ${does}${end}`
}
