// Signing in with Microsoft at a terminal by a code that is typed on another device. Microsoft is asked when the terminal asks, by one
// server at a time and never faster than Microsoft wants; where nobody asks any more, nothing is asked.
import { NotFoundError } from '../base/errors.ts'
import type { DeviceCodeAnswer, Identification, MicrosoftRefusal } from '../contract/api/terminals.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { listConnections } from '../registry/connections.ts'
import { findPerson } from '../registry/identify.ts'
import { judgePerson, signInConnections } from '../registry/sign-in-rule.ts'
import type { HomeRealms } from './home-realms.ts'
import type { TerminalIdentity } from './identity.ts'
import { beginDeviceCode, pollDeviceCode } from './oidc.ts'
import type { Oidc } from './oidc-exchange.ts'
import { digestOf, drawToken } from './random.ts'
import { slowDown } from './terminal-attempts.ts'
import { chooseConnection } from './terminal-connections.ts'
import { presentIdentified, type TerminalParts } from './terminal-identify.ts'
import { cannotBegin, factsOf, factsOfPerson, type RefusalFacts, refused } from './terminal-refusals.ts'

export interface TerminalMicrosoftParts extends TerminalParts {
  readonly vault: Pick<Vault, 'lookup' | 'seal' | 'open'>
  readonly oidc: Oidc
  readonly realms: Pick<HomeRealms, 'find'>
}

/** Codes that one terminal may begin within a minute: each asks Microsoft. */
const MOST_A_MINUTE = 10
/** So long one is counted of which nothing became. */
const COUNTED_MS = 60_000
/** Longest time that one question to Microsoft takes; after it another server may ask. */
const ASKING_MS = 60_000
/** How long the end of a sign-in can be read again. */
const TOLD_MS = 60_000
/** RFC 8628, 3.5. */
const SLOWER_SECONDS = 5
const SEALED_FOR = 'terminal device code'

/** A sign-in that a person can go on with. */
interface BegunAtTerminal {
  readonly kind: 'begun'
  readonly flow: string
  readonly userCode: string
  readonly verificationUri: string
  readonly expiresAt: Date
  readonly intervalSeconds: number
}

/** `message` is for whoever stands there, `facts` for the audit. */
interface NotBegun {
  readonly kind: 'refused'
  readonly reason: MicrosoftRefusal
  readonly message: string
  readonly facts: RefusalFacts
}

/**
 * @param asked.connection by name; undefined: the only one
 * @throws NotFoundError; ConflictError `choose-connection`; SlowDownError
 */
export async function startDeviceCode(
  parts: TerminalMicrosoftParts,
  asked: {
    readonly terminal: TerminalIdentity
    readonly connection?: string | undefined
    readonly signal: AbortSignal
  },
): Promise<BegunAtTerminal | NotBegun> {
  const { terminal, signal } = asked
  const connection = await chooseConnection(await signInConnections(parts.db), {
    name: asked.connection,
    realms: parts.realms,
    needs: 'Enable Sign in with Microsoft',
  })
  const flow = drawToken()
  const digest = digestOf(flow)
  await parts.terminals.inTurn(terminal.id, () =>
    countBegun(parts, { terminalId: terminal.id, connectionId: connection.id, digest }),
  )
  const begun = await beginDeviceCode(parts.oidc, { connection, signal })
  if (begun.kind === 'refused') {
    const facts = factsOf('deviceCode', connection.name, begun)
    return { kind: 'refused', reason: begun.reason, message: cannotBegin(begun.reason), facts }
  }
  const now = parts.clock.now().getTime()
  const expiresAt = new Date(now + begun.expiresInSeconds * 1_000)
  const { userCode, verificationUri, intervalSeconds } = begun
  await parts.db.query(
    `update terminal_device_codes set device_code = $2, interval_seconds = $3, next_poll_at = $4, expires_at = $5, reason = null
     where digest = $1`,
    [
      digest,
      parts.vault.seal(begun.deviceCode, SEALED_FOR),
      intervalSeconds,
      new Date(now + intervalSeconds * 1_000),
      expiresAt,
    ],
  )
  return { kind: 'begun', flow, userCode, verificationUri, expiresAt, intervalSeconds }
}

/**
 * Counts one that is about to begin, before Microsoft is asked: many at once are counted as many. It stays counted when nothing becomes
 * of it.
 */
async function countBegun(
  { db, clock }: TerminalParts,
  of: { readonly terminalId: number; readonly connectionId: number; readonly digest: Buffer },
): Promise<void> {
  const now = clock.now()
  const since = new Date(now.getTime() - 60_000)
  await withTransaction(db, async (tx) => {
    await tx.query('select 1 from terminals where id = $1 for update', [of.terminalId])
    const { rows } = await tx.query<{ first: Date | null; count: number }>(
      'select min(created_at) as first, count(*)::int as count from terminal_device_codes where terminal_id = $1 and created_at > $2',
      [of.terminalId, since],
    )
    const [found] = rows
    if (found !== undefined && found.first !== null && found.count >= MOST_A_MINUTE)
      throw slowDown(Math.max(1, Math.ceil((found.first.getTime() - since.getTime()) / 1_000)))
    await tx.query(
      `insert into terminal_device_codes
         (digest, terminal_id, connection_id, device_code, interval_seconds, created_at, next_poll_at, expires_at, reason)
       values ($1, $2, $3, '', 0, $4, $5, $5, 'expired')`,
      [of.digest, of.terminalId, of.connectionId, now, new Date(now.getTime() + COUNTED_MS)],
    )
  })
}

interface Pending {
  readonly connection_id: number
  readonly device_code: Buffer
  readonly interval_seconds: number
}

/** How a sign-in stands, and where it was refused just now, why, for the audit. */
interface DeviceCodeState {
  readonly answer: DeviceCodeAnswer
  readonly refusal?: RefusalFacts
}

/**
 * How a sign-in stands; asks Microsoft where it is time to.
 *
 * @param asked.signal not that of the terminal's request: what Microsoft answers is told once, and kept also for one that hung up
 * @throws NotFoundError for one that was not begun at this terminal, was ended, or is over for long
 */
export async function readDeviceCode(
  parts: TerminalMicrosoftParts,
  asked: {
    readonly terminal: TerminalIdentity
    readonly flow: string
    readonly signal: AbortSignal
  },
): Promise<DeviceCodeState> {
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
    readonly signal: AbortSignal
    readonly digest: Buffer
    readonly due: Pending
  },
): Promise<DeviceCodeState> {
  const { terminal, digest, due, signal } = asking
  const begun = (await listConnections(parts.db)).find(({ id }) => id === due.connection_id)
  const connection = begun?.signInWithMicrosoft === true ? begun : undefined
  const refuse = async (reason: MicrosoftRefusal, refusal: RefusalFacts) => {
    await end(parts, digest, { reason })
    return { answer: refused(reason), refusal }
  }
  const by = 'deviceCode'
  if (connection === undefined) return refuse('connection-not-for-sign-in', { by })
  const { name } = connection
  const deviceCode = parts.vault.open(due.device_code, SEALED_FOR)
  const answer = await pollDeviceCode(parts.oidc, { connection, deviceCode, signal })
  // A fault of Microsoft's does not end the person's sign-in.
  if (answer.kind === 'pending' || (answer.kind === 'refused' && answer.reason === 'provider-unavailable')) {
    const slower = answer.kind === 'pending' && answer.slowDown ? SLOWER_SECONDS : 0
    return { answer: await wait(parts, digest, due.interval_seconds + slower) }
  }
  if (answer.kind === 'refused') return refuse(answer.reason, factsOf(by, name, answer))
  if (answer.kind !== 'verified') return refuse(answer.kind, { by, connection: name })
  const judged = await judgePerson(parts.db, { ...answer.person, connectionId: connection.id })
  if (judged.kind === 'refused')
    return refuse(judged.reason, factsOfPerson(by, name, { person: answer.person, judged }))
  await end(parts, digest, { userId: judged.userId })
  return { answer: await identified(parts, terminal, judged.userId) }
}

/** Ends a sign-in that the person walked away from. Nobody finds it any more; it stays counted. */
export async function endDeviceCode(
  { db, clock }: TerminalParts,
  { terminal, flow }: { readonly terminal: TerminalIdentity; readonly flow: string },
): Promise<void> {
  await db.query(
    `update terminal_device_codes set digest = $3, device_code = '', reason = 'expired', expires_at = $4
     where digest = $1 and terminal_id = $2`,
    [digestOf(flow), terminal.id, digestOf(drawToken()), new Date(clock.now().getTime() + COUNTED_MS)],
  )
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
async function told(parts: TerminalParts, terminal: TerminalIdentity, digest: Buffer): Promise<DeviceCodeState> {
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
  // How one that ended was told is forgotten after a while; that is no other refusal.
  if (row.expires_at <= parts.clock.now()) {
    const hasEnded = row.user_id !== null || row.reason !== null
    return { answer: refused('expired'), ...(hasEnded ? {} : { refusal: { by: 'deviceCode' } }) }
  }
  if (row.reason !== null) return { answer: refused(row.reason) }
  if (row.user_id !== null) return { answer: await identified(parts, terminal, row.user_id, true) }
  return { answer: { kind: 'pending', intervalSeconds: row.interval_seconds } }
}

async function identified(
  parts: TerminalParts,
  terminal: TerminalIdentity,
  userId: number,
  isAgain = false,
): Promise<Identification> {
  const person = await findPerson(parts.db, { userId, withGroups: terminal.tells.includes('groups') })
  if (person === undefined) return refused('person-inactive')
  return presentIdentified(parts, { terminal, person, by: 'deviceCode', isAgain })
}
