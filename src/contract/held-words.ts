// Why a plan is held, in sentences: what of it goes beyond which limit.
import type { HeldReason } from './runs.ts'

const REWRITTEN: Readonly<Record<string, string>> = {
  userName: 'user names',
  card: 'cards',
  pin: 'PINs',
  personalNumber: 'personal numbers',
  email: 'email addresses',
}

/** One sentence for each rule that held it, in the order of the reasons. */
export function heldInWords(reasons: readonly HeldReason[]): string[] {
  return reasons.map(sentence)
}

function sentence({ rule, count, limit }: HeldReason): string {
  const dot = rule.indexOf('.')
  const [what, of] = dot === -1 ? [rule, ''] : [rule.slice(0, dot), rule.slice(dot + 1)]
  const over = `${counted(count)}; a day may have ${counted(limit)} without approval`
  switch (what) {
    case 'removals':
      return of === 'users' ? `Users deactivated or deleted: ${over}.` : `Groups deleted: ${over}.`
    case 'memberships':
      return `Memberships removed: ${over}.`
    case 'credentials':
      return `Cards and PINs removed: ${over}.`
    case 'rewrites':
      return `Existing ${REWRITTEN[of] ?? of} rewritten: ${over}.`
    case 'cleared':
      return `The attribute ${of} is emptied for people who had it: ${over}.`
    case 'cleared-everywhere':
      return `The attribute ${of} would be empty for everybody who had it, which is more often a lost permission than meant.`
    case 'groups-emptied':
      return `${count === 1 ? 'A large group or a group that people are chosen by loses' : `${counted(count)} large groups or groups that people are chosen by lose`} all members.`
    case 'no-users':
      return `Microsoft Entra returned no users at all, where there were ${counted(count)}.`
    case 'connection-changed':
      return 'The connection leads to another tenant or another app registration than before.'
    case 'upgraded':
      return 'This is the first plan since an upgrade that changed how plans are made.'
    case 'adoptions':
      return `${count === 1 ? 'One user who is in the registry already would be paired' : `${counted(count)} users who are in the registry already would be paired`} with an Entra account; the source wants that to be approved.`
    case 'reverted':
      return `${count === 1 ? 'One change that was taken back by hand would be made' : `${counted(count)} changes that were taken back by hand would be made`} again.`
    case 'plan-outdated':
      return 'The plan that was approved was not true any more; this is the one of now.'
    default:
      return `${rule}: ${over}.`
  }
}

function counted(value: number): string {
  return value.toLocaleString('en-US')
}
