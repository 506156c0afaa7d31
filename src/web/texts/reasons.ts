// What a plan does and why, in words. The codes stay in files and on the command line, where programs and settings use them.
import type { PlanItemLine } from '../../contract/plan-items.ts'

const REASONS: Readonly<Record<string, string>> = {
  // users
  'new-in-entra': 'New in Entra',
  'changed-in-entra': 'Changed in Entra',
  'settings-changed': 'The settings make something else of it than before',
  'changed-in-entra-or-settings': 'Changed in Entra, or by settings that were changed as well',
  'free-again': 'What he did without is free again',
  'alias-conflict': 'Somebody else has the alias now',
  'personal-number-conflict': 'Somebody else has the personal number now',
  'card-conflict': 'Somebody else has the card now',
  'pin-conflict': 'Somebody else has the PIN now',
  'wanted-again': 'Wanted by the source again',
  'linked-again': 'Linked to the object in Entra again',
  'object-id-moved': 'The record belongs to another object of Entra now',
  'old-name-wanted': 'Somebody else has this user name in Entra now; it was kept as an old one',
  'paired-by-user-name': 'Paired by user name',
  'paired-by-personal-number': 'Paired by personal number',
  paired: 'Paired',
  'dropped-by-owner': 'The source that owned him does not want him any more',
  'comes-before-owner': 'This source comes before the one that owns him',
  disabled: 'The account is disabled in Entra',
  'soft-deleted': 'Deleted in Entra, and still in its recycle bin',
  gone: 'Deleted in Entra for good',
  'out-of-scope': 'Not in the scope of the source any more',
  // users that are left as they are
  'pairing-refused': 'Not paired: the record that the key finds may not be taken, or there are two',
  'owned-by-source': 'Another source comes first and owns him',
  'new-users-off': 'Not in the registry, and Add new users is off',
  protected: 'The record is protected',
  'user-name-empty': 'He has no user name in Entra',
  'user-name-conflict': 'Somebody else has the user name',
  'deactivated-by-administrator': 'An administrator deactivated him',
  'restored-by-administrator': 'An administrator restored him',
  'missing-kept': 'Missing, and Deactivate missing users is off',
  'grace-period': 'Missing, and his days of grace are not over',
  'not-owned': 'Another source owns him',
  // what taking a run back leaves as it is
  'changed-since': 'It was changed after the run',
  'there-again': 'It exists again by now',
  'value-taken': 'An old name, card, PIN, number or object id belongs to somebody else by now',
  'claimed-by-another-source': 'Another source wants it as well',
  // groups
  'back-again': 'In Entra again',
  ignored: 'Ignored by the settings',
  setting: 'The settings put it elsewhere',
  // memberships
  'member-in-entra': 'Member in Entra',
  'not-member-in-entra': 'No member in Entra any more, neither directly nor through other groups',
  'not-direct-member-in-entra': 'No direct member in Entra any more',
  'group-not-imported': 'The source does not import the group any more',
  'group-gone': 'The group is deleted in Entra',
  'user-not-wanted': 'The source does not want him any more',
  'not-given': 'The source gives it no more',
  'from-attributes': 'His attributes put him there',
  'not-from-attributes': 'His attributes do not put him there any more',
  // cards and PINs
  'given-in-entra': 'Given in Entra',
  'withdrawn-in-entra': 'Not in Entra any more',
  'replaced-in-entra': 'Another one is given in Entra',
  'kept-from-now-on': 'Kept by the registry from now on',
  generated: 'Drawn by Muster',
  'by-hand': 'By hand',
}

/** Of those who are left out, the setting says more than the reason does. */
const LEFT_OUT_BY: Readonly<Record<string, string>> = {
  'users.guests': 'He is a guest, and guests are ignored',
  'users.import': 'In none of the selected groups',
  'users.filter': 'Does not meet the filter',
  'users.disabledAccounts': 'The account is disabled in Entra, and disabled accounts are ignored',
  'groups.import': 'Groups are not imported',
  'groups.ignore': 'The group is on the list of ignored ones',
  'groups.ignoreContaining': 'Its name has a text that is ignored',
  'groups.types': 'Groups of this type are not imported',
}

/** A sentence for what a plan or a history carries as codes; the codes themselves where nobody has written one. */
export function reasonInWords({ rule, reason }: { readonly rule: string; readonly reason: string }): string {
  const [, run] = /^run-(\d+)$/.exec(reason) ?? []
  if (run !== undefined) return `Run ${run} is taken back`
  if (rule === 'users.options.deleteAfterDays') return 'Deactivated for longer than the source keeps anybody'
  const leftOut =
    reason === 'out-of-scope' || reason === 'ignored' || reason === 'group-not-imported' ? LEFT_OUT_BY[rule] : undefined
  return leftOut ?? REASONS[reason] ?? `${rule}: ${reason}`
}

const DOES: Readonly<Record<PlanItemLine['object'], Readonly<Record<string, string>>>> = {
  user: {
    create: 'Create user',
    adopt: 'Adopt user',
    'take over': 'Take user over',
    update: 'Update user',
    rename: 'Rename user',
    deactivate: 'Deactivate user',
    reactivate: 'Reactivate user',
    delete: 'Delete user',
    skip: 'Leave user as he is',
  },
  group: {
    create: 'Create group',
    update: 'Update group',
    rename: 'Rename group',
    move: 'Move group',
    delete: 'Delete group',
    skip: 'Leave group as it is',
  },
  membership: { add: 'Add to group', remove: 'Remove from group', skip: 'Leave members as they are' },
  credential: { add: 'Add card or PIN', remove: 'Remove card or PIN', skip: 'Leave card or PIN as it is' },
}

const KINDS: Readonly<Record<string, string>> = { card: 'card', pin: 'PIN' }

/** `Deactivate user`, `Add to group`, `Remove card`. @param kind of a credential, where it is known */
export function actionInWords(object: string, action: string, kind?: unknown): string {
  const known = Object.entries(DOES).find(([name]) => name === object)?.[1][action]
  const one = typeof kind === 'string' ? KINDS[kind] : undefined
  if (known === undefined) return `${object} ${action}`
  return object === 'credential' && one !== undefined ? known.replace('card or PIN', one) : known
}
