// Signing in with Microsoft at a terminal by a code that is typed on another device. Microsoft is asked when the terminal asks, by one
// server at a time and never faster than Microsoft wants; where nobody asks any more, nothing is asked.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { DeviceCodeAnswer, Identification, MicrosoftRefusal } from '../contract/api/terminals.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, recordAlone } from '../registry/audit.ts'
import { findPerson } from '../registry/identify.ts'
import { userSubject } from '../registry/person-history.ts'
import { judgePerson } from '../registry/sign-in-rule.ts'
import type { HomeRealms } from './home-realms.ts'
import type { TerminalIdentity } from './identity.ts'
import { beginDeviceCode, pollDeviceCode } from './oidc.ts'
import type { Oidc } from './oidc-exchange.ts'
import { digestOf, drawToken } from './random.ts'
import { slowDown } from './terminal-attempts.ts'
import { chooseConnection, signInConnections } from './terminal-connections.ts'
import { presentIdentified, type TerminalParts } from './terminal-identify.ts'
import { refused } from './terminal-refusals.ts'

export interface TerminalMicrosoftParts extends TerminalParts {
  readonly vault: Pick<Vault, 'lookup' | 'seal' | 'open'>
  readonly oidc: Oidc
  readonly realms: Pick<HomeRealms, 'find'>
}

/** Codes that one terminal may begin within a minute: each asks Microsoft. */
const MOST_A_MINUTE = 10
/** Longest time that one question to Microsoft takes; after it another server may ask. */
const ASKING_MS = 60_000
/** How long the end of a sign-in can be read again. */
const TOLD_MS = 60_000
/** RFC 8628, 3.5. */
const SLOWER_SECONDS = 5
const SEALED_FOR = 'terminal device code'

export interface BegunAtTerminal {
  readonly flow: string
  readonly userCode: string
  readonly verificationUri: string
  readonly expiresAt: Date
  readonly intervalSeconds: number
}

/**
 * @param asked.connection by name; undefined: the only one
 * @throws NotFoundError; ConflictError `choose-connection`, or a reason of {@link beginDeviceCode}; SlowDownError
 */
export async function startDeviceCode(
  parts: TerminalMicrosoftParts,
  asked: {
    readonly terminal: TerminalIdentity
    readonly connection?: string | undefined
    readonly signal: AbortSignal
  },
): Promise<BegunAtTerminal> {
  const { terminal, signal } = asked
  const connection = await chooseConnection(await signInConnections(parts.db), {
    name: asked.connection,
    realms: parts.realms,
    needs: 'Enable Sign in with Microsoft',
  })
  await requireFew(parts, terminal)
  const begun = await beginDeviceCode(parts.oidc, { connection, signal })
  if (begun.kind === 'refused') {
    throw new ConflictError(
      begun.reason,
      `Cannot begin to sign in through ${JSON.stringify(connection.name)}: ${begun.hint ?? 'Microsoft does not answer; try again in a minute'}`,
    )
  }
  const flow = drawToken()
  const now = parts.clock.now().getTime()
  const expiresAt = new Date(now + begun.expiresInSeconds * 1_000)
  const { userCode, verificationUri, intervalSeconds } = begun
  await parts.db.query(
    `insert into terminal_device_codes
       (digest, terminal_id, connection_id, device_code, interval_seconds, created_at, next_poll_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      digestOf(flow),
      terminal.id,
      connection.id,
      parts.vault.seal(begun.deviceCode, SEALED_FOR),
      intervalSeconds,
      new Date(now),
      new Date(now + intervalSeconds * 1_000),
      expiresAt,
    ],
  )
  return { flow, userCode, verificationUri, expiresAt, intervalSeconds }
}

async function requireFew({ db, clock }: TerminalParts, { id }: TerminalIdentity): Promise<void> {
  const since = new Date(clock.now().getTime() - 60_000)
  const { rows } = await db.query<{ first: Date | null; count: number }>(
    'select min(created_at) as first, count(*)::int as count from terminal_device_codes where terminal_id = $1 and created_at > $2',
    [id, since],
  )
  const [found] = rows
  if (found === undefined || found.first === null || found.count < MOST_A_MINUTE) return
  throw slowDown(Math.max(1, Math.ceil((found.first.getTime() - since.getTime()) / 1_000)))
}

interface Pending {
  readonly connection_id: number
  readonly device_code: Buffer
  readonly interval_seconds: number
}

/**
 * How a sign-in stands; asks Microsoft where it is time to.
 *
 * @throws NotFoundError for one that was not begun at this terminal, was ended, or is over for long
 */
export async function readDeviceCode(
  parts: TerminalMicrosoftParts,
  asked: {
    readonly terminal: TerminalIdentity
    readonly flow: string
    readonly actor: Actor
    readonly signal: AbortSignal
  },
): Promise<DeviceCodeAnswer> {
  const digest = digestOf(asked.flow)
  const now = parts.clock.now()
  const { rows } = await parts.db.query<Pending>(
    `update terminal_device_codes set next_poll_at = $4
     where digest = $1 and terminal_id = $2 and user_id is null and reason is null and next_poll_at <= $3 and expires_at > $3
     returning connection_id, device_code, interval_seconds`,
    [digest, asked.terminal.id, now, new Date(now.getTime() + ASKING_MS)],
  )
  const [due] = rows
  return due === undefined ? told(parts, asked.terminal, digest) : poll(parts, { ...asked, digest, due })
}

async function poll(
  parts: TerminalMicrosoftParts,
  asking: {
    readonly terminal: TerminalIdentity
    readonly actor: Actor
    readonly signal: AbortSignal
    readonly digest: Buffer
    readonly due: Pending
  },
): Promise<DeviceCodeAnswer> {
  const { terminal, digest, due, signal } = asking
  const connection = (await signInConnections(parts.db)).find(({ id }) => id === due.connection_id)
  const refuse = async (reason: MicrosoftRefusal) => {
    await end(parts, digest, { reason })
    return refused(reason)
  }
  if (connection === undefined) return refuse('connection-not-for-sign-in')
  const deviceCode = parts.vault.open(due.device_code, SEALED_FOR)
  const answer = await pollDeviceCode(parts.oidc, { connection, deviceCode, signal })
  // A fault of Microsoft's does not end the person's sign-in.
  if (answer.kind === 'pending' || (answer.kind === 'refused' && answer.reason === 'provider-unavailable')) {
    const slower = answer.kind === 'pending' && answer.slowDown ? SLOWER_SECONDS : 0
    return wait(parts, digest, due.interval_seconds + slower)
  }
  if (answer.kind !== 'verified') return refuse(answer.kind === 'refused' ? answer.reason : answer.kind)
  const judged = await judgePerson(parts.db, { ...answer.person, connectionId: connection.id })
  if (judged.kind === 'refused') return refuse(judged.reason)
  await recordAlone(parts.db, parts, {
    actor: asking.actor,
    action: 'terminal.identify',
    subject: userSubject(judged.userId),
    details: { by: 'deviceCode', connection: connection.name },
  })
  await end(parts, digest, { userId: judged.userId })
  return identified(parts, terminal, judged.userId)
}

/** Ends a sign-in that the person walked away from. */
export async function endDeviceCode(
  { db }: TerminalParts,
  { terminal, flow }: { readonly terminal: TerminalIdentity; readonly flow: string },
): Promise<void> {
  await db.query('delete from terminal_device_codes where digest = $1 and terminal_id = $2', [
    digestOf(flow),
    terminal.id,
  ])
}

async function wait({ db, clock }: TerminalParts, digest: Buffer, seconds: number): Promise<DeviceCodeAnswer> {
  await db.query('update terminal_device_codes set interval_seconds = $2, next_poll_at = $3 where digest = $1', [
    digest,
    seconds,
    new Date(clock.now().getTime() + seconds * 1_000),
  ])
  return { kind: 'pending', intervalSeconds: seconds }
}

async function end(
  { db, clock }: TerminalParts,
  digest: Buffer,
  how: { readonly userId: number } | { readonly reason: MicrosoftRefusal },
): Promise<void> {
  await db.query('update terminal_device_codes set user_id = $2, reason = $3, expires_at = $4 where digest = $1', [
    digest,
    'userId' in how ? how.userId : null,
    'reason' in how ? how.reason : null,
    new Date(clock.now().getTime() + TOLD_MS),
  ])
}

/** What is known without asking Microsoft. */
async function told(parts: TerminalParts, terminal: TerminalIdentity, digest: Buffer): Promise<DeviceCodeAnswer> {
  const { rows } = await parts.db.query<{
    user_id: number | null
    reason: MicrosoftRefusal | null
    interval_seconds: number
    expires_at: Date
  }>(
    'select user_id, reason, interval_seconds, expires_at from terminal_device_codes where digest = $1 and terminal_id = $2',
    [digest, terminal.id],
  )
  const [row] = rows
  if (row === undefined)
    throw new NotFoundError('sign-in', 'of this code', 'it was ended, or not begun at this terminal; begin again')
  if (row.expires_at <= parts.clock.now()) return refused('expired')
  if (row.reason !== null) return refused(row.reason)
  if (row.user_id !== null) return identified(parts, terminal, row.user_id, true)
  return { kind: 'pending', intervalSeconds: row.interval_seconds }
}

async function identified(
  parts: TerminalParts,
  terminal: TerminalIdentity,
  userId: number,
  isAgain = false,
): Promise<Identification> {
  const person = await findPerson(parts.db, { userId, withGroups: terminal.tells.includes('groups') })
  if (person === undefined) return refused('person-inactive')
  return presentIdentified(parts, { terminal, person, by: 'deviceCode', mayRegister: !isAgain })
}
