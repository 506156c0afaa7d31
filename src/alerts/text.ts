// Alerts in words, for a person who reads a mail: what happened, what it means, what to do.
import { shellWord } from '../base/shell.ts'
import type {
  AlertFacts,
  CodesAlert,
  ExpiringAlert,
  FailedAlert,
  GuessingAlert,
  HeldAlert,
  RefusedAlert,
  RoleAlert,
  SilentAlert,
  TerminalsAlert,
} from './alert.ts'

export interface AlertText {
  /** One line. */
  readonly title: string
  /** Paragraphs, separated by empty lines. */
  readonly text: string
}

export function presentAlert(facts: AlertFacts): AlertText {
  switch (facts.kind) {
    case 'held':
      return heldText(facts)
    case 'failed':
    case 'quarantined':
      return failedText(facts)
    case 'silent':
      return silentText(facts)
    case 'refused':
      return refusedText(facts)
    case 'expiring':
      return expiringText(facts)
    case 'terminals':
      return terminalsText(facts)
    case 'role':
      return roleText(facts)
    case 'guessing':
      return guessingText(facts)
    case 'codes':
      return codesText(facts)
  }
}

function heldText({ source, run, planHash, reasons, approveBy }: HeldAlert): AlertText {
  const lines = reasons.map(({ rule, count, limit }) => `  ${rule}: ${number(count)}, more than ${number(limit)}`)
  return {
    title: `${source}: a plan is held and waits for approval`,
    text: paragraphs(
      `Run ${run} of the source ${source} was held, because its plan does more than the safeguard lets through unseen:`,
      lines.join('\n'),
      'Nothing was written to the registry. The people in it keep what they have until somebody decides.',
      [
        `Look at the plan: muster runs ${run}`,
        `If it is right, approve it until ${time(approveBy)}:`,
        `  muster approve ${run} --hash ${planHash} --reason "why it is right"`,
        `If not: muster reject ${run} --reason "why not", and correct the cause in Entra or in the source's settings.`,
      ].join('\n'),
    ),
  }
}

function failedText(facts: FailedAlert): AlertText {
  const { kind, source, run, reason, remedy, requestId, failures, nextTryAt } = facts
  const again =
    nextTryAt === null
      ? ''
      : ` A schedule tries again after ${time(nextTryAt)}; to try now: muster sync ${shellWord(source)}`
  const meaning =
    kind === 'quarantined'
      ? `${failures === 1 ? 'A run' : `${number(failures)} runs in a row`} failed, and that is unlikely to pass by itself. The source stays on and is tried less and less often, once a day at least.`
      : 'Nothing was written to the registry; what has changed in Entra is not in it yet.'
  return {
    title: `${source}: ${kind === 'quarantined' ? 'quarantined, its runs go on failing' : 'a run failed'}`,
    text: paragraphs(
      `Run ${run} of the source ${source} failed: ${reason}`,
      `${meaning}${again}`,
      `What to do: ${remedy}`,
      requestId === null ? undefined : `Microsoft's request id: ${requestId}`,
    ),
  }
}

function silentText({ source, hours, lastSuccessAt }: SilentAlert): AlertText {
  const last =
    lastSuccessAt === null ? 'It has never been brought up to date.' : `The last time was ${time(lastSuccessAt)}.`
  return {
    title: `${source}: not brought up to date for ${number(hours)} hours`,
    text: paragraphs(
      `No run of the source ${source} has brought the registry up to date for ${number(hours)} hours. ${last}`,
      'Whoever joined, left or changed in Entra since then is not known here: leavers may still be active.',
      `What to do: muster runs --source ${source} tells what its runs came to. Where there are none, look at what starts them.`,
    ),
  }
}

function refusedText({ source, code, reason, job, askedBy }: RefusedAlert): AlertText {
  const by = askedBy === 'schedule' ? 'Its schedule' : 'A program with an API token'
  return {
    title: `${source}: ${askedBy === 'schedule' ? 'its schedule' : 'a program'} asked for a run, and none came of it`,
    text: paragraphs(
      `${by} asked for a run of the source ${source}, which was refused before it began (${code}, job ${job}): ${reason}`,
      'No run tells of it. What has changed in Entra since the last one is not in the registry: leavers may still be active.',
      `What to do: muster sync ${shellWord(source)} tries it now and says what is wrong. This is told once, until a run of the source has brought the registry up to date again.`,
    ),
  }
}

function roleText({ user, role, connection }: RoleAlert): AlertText {
  return {
    title: `${connection}: somebody has become ${role} by Entra`,
    text: paragraphs(
      `User ${user} has signed in through the connection ${connection} and is ${role} for the first time, by an app role or a group of the tenant.`,
      'Whoever may assign app roles or change that group in Entra decides who may do this here.',
      `What to do: if nobody meant it, take the person out of the group or the app role and end his sessions; the audit (session.start) names what gave the role.`,
    ),
  }
}

function guessingText({ terminal, tried, misses }: GuessingAlert): AlertText {
  const what = tried === 'card' ? 'cards that nobody has' : 'wrong PINs, user names or passwords'
  const audit = 'The audit (terminal.identify.refused) tells where it came from.'
  if (terminal === null) {
    return {
      title: `terminals: more ${tried === 'card' ? 'unknown cards' : 'wrong PINs and passwords'} than mistakes account for`,
      text: paragraphs(
        `Over all terminals together ${number(misses)} ${what} are counted and not forgiven yet.`,
        'Terminals that have some of their own wait earlier and longer until it is over. Those that have none go on as before.',
        `What to do: look under Settings › Terminals which ones were used from places that you do not know, and revoke them: that counts at once. ${audit}`,
      ),
    }
  }
  return {
    title: `${terminal}: somebody is guessing ${tried === 'card' ? 'cards' : 'PINs or passwords'} at this terminal`,
    text: paragraphs(
      `At the terminal ${terminal} ${number(misses)} ${what} were tried, faster than mistakes are made, and it went on while the terminal waited.`,
      'It waits longer and longer between two tries, also for people who are right; no other terminal does. Nobody is locked out for good.',
      `What to do: see who stands there, or whether its reader is broken. If the token may be in other hands, give the terminal a new one under Settings › Terminals: the one before ends at once. ${audit}`,
    ),
  }
}

function codesText({ account, wrong }: CodesAlert): AlertText {
  return {
    title: 'a local account: somebody has its password and tries codes of its second factor',
    text: paragraphs(
      `Signing in to the local account with the id ${account}, ${number(wrong)} codes were wrong after the right password, more than are mistyped.`,
      'After five each further one waits longer, up to an hour, also where it is the owner who types it. He gets in with a recovery code, or by a link from the console.',
      'What to do: if it was not the owner, give the account another password at once, under Settings › Administrators or My account; what was guessed is worth nothing then. The audit (second-factor.guessed) names the account, session.start.refused tells where it came from.',
    ),
  }
}

function expiringText({ connection, thumbprint, expiresAt, days }: ExpiringAlert): AlertText {
  const kind = thumbprint === null ? 'client secret' : 'certificate'
  const what = `The ${kind}${thumbprint === null ? '' : ` ${thumbprint}`} of the connection ${connection}`
  const when =
    days < 0 ? `expired on ${expiresAt.slice(0, 10)}` : `expires on ${expiresAt.slice(0, 10)}, ${inDays(days)}`
  return {
    title: `${connection}: its ${kind} ${days < 0 ? 'has expired' : `expires ${inDays(days)}`}`,
    text: paragraphs(
      `${what} ${when}.`,
      'After that Microsoft refuses Muster: sources of this connection fail, and nobody can sign in through it.',
      `What to do: ${thumbprint === null ? 'make a new client secret in' : 'upload a new certificate to'} the app registration and add it to the connection beside the old one, in the web or in the config file; both may be there at once, so that there is no gap. Check connection tells whether it works.`,
    ),
  }
}

function terminalsText({ terminals, count, expiresAt, days }: TerminalsAlert): AlertText {
  const more = count - terminals.length
  const named = `${terminals.join(', ')}${more > 0 ? ` and ${number(more)} more` : ''}`
  const whose = count === 1 ? 'the token of a terminal' : `the tokens of ${number(count)} terminals`
  const day = expiresAt.slice(0, 10)
  return {
    title: `terminals: ${whose} ${days < 0 ? `${count === 1 ? 'has' : 'have'} ended` : `${count === 1 ? 'ends' : 'end'} ${inDays(days)}`}`,
    text: paragraphs(
      `${days < 0 ? `Ended on ${day}` : `On ${day} ends`}: ${named}.`,
      'A terminal whose token has ended is refused: it identifies nobody, by whatever way, until it has another one.',
      'What to do: give each a new token under Settings › Terminals and put it into the device. The one before ends at once, so do it when somebody is at the device. Revoke those that are not needed any more.',
    ),
  }
}

function inDays(days: number): string {
  if (days <= 0) return 'today'
  return days === 1 ? 'in 1 day' : `in ${days} days`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function time(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`
}

function paragraphs(...texts: readonly (string | undefined)[]): string {
  return `${texts.filter((text) => text !== undefined && text !== '').join('\n\n')}\n`
}
