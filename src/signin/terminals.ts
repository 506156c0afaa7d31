// Terminals: each a device with a token of its own that is shown once, kept as a digest, and good for identifying people only. Every
// change is audited with it.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { TELLS, type Told, UNKNOWN_CARDS, type UnknownCards, type Way, WAYS } from '../contract/api/terminals.ts'
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { changedMeanwhile } from '../registry/meanwhile.ts'
import { canonicalName } from './accounts.ts'
import type { TerminalIdentity } from './identity.ts'
import { makerOf } from './makers.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

/** So that scanners of repositories and logs recognize a lost one. */
export const TERMINAL_PREFIX = 'mtt_'
/** How much of a token is listed, to recognize it by. */
const SHOWN = TERMINAL_PREFIX.length + 6
const DAY_MS = 86_400_000

/** What an administrator says about a terminal. */
export interface TerminalSettings {
  readonly name: string
  readonly may: readonly Way[]
  readonly tells: readonly Told[]
  readonly unknownCard: UnknownCards
  readonly cardTransform: string | null
}

type TerminalChange = { readonly [Key in keyof TerminalSettings]?: TerminalSettings[Key] | undefined }

export interface ListedTerminal extends TerminalSettings {
  readonly id: number
  readonly prefix: string
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
  readonly lastAddress: string | null
}

/** SQL: whether the terminal `t` may still be used, at a time and with a digest that parameters name. */
export function isUsable(parameters: { readonly digest: string; readonly now: string }): string {
  return `(t.digest = ${parameters.digest} and ${isLive(parameters.now)})`
}

function isLive(now: string): string {
  return `t.revoked_at is null and (t.expires_at is null or t.expires_at > ${now})`
}

/** SQL: another text for each set of settings, also those that this version does not know. */
export const TERMINAL_STATE = 'md5(row(t.name, t.may, t.tells, t.unknown_card, t.card_transform)::text)'

/** Whose token this is; undefined where it never was, has ended or was revoked. */
export async function findTerminal(
  parts: Pick<SignInParts, 'db' | 'clock'>,
  digest: Buffer,
): Promise<TerminalIdentity | undefined> {
  return (await findTerminals(parts, [digest]))[0]
}

/** Those of the tokens that are one now, in no order. */
export async function findTerminals(
  parts: Pick<SignInParts, 'db' | 'clock'>,
  digests: readonly Buffer[],
): Promise<readonly TerminalIdentity[]> {
  const { rows } = await parts.db.query<TerminalRow & { readonly digest: Buffer; readonly state: string }>(
    `select ${COLUMNS}, digest, ${TERMINAL_STATE} as state from terminals t where t.digest = any($1::bytea[]) and ${isLive('$2')}`,
    [digests, parts.clock.now()],
  )
  return rows.map((row) => {
    const { id, name, may, tells, unknownCard, cardTransform, expiresAt } = parse(row)
    const { digest, state } = row
    return { kind: 'terminal', id, name, may, tells, unknownCard, cardTransform, expiresAt, digest, state }
  })
}

/** Those that were not revoked, by name. */
export async function listTerminals(db: Queries): Promise<readonly ListedTerminal[]> {
  const { rows } = await db.query<TerminalRow>(
    `select ${COLUMNS} from terminals where revoked_at is null order by name_key collate "C", id`,
  )
  return rows.map(parse)
}

export interface IssuedTerminal {
  /** Told here and never again. */
  readonly token: string
  readonly listed: ListedTerminal
}

/** @param wanted.days until its token ends; null: it does not end by itself. @throws ConflictError `name-taken` */
export async function createTerminal(
  parts: SignInParts,
  wanted: TerminalSettings & { readonly days: number | null },
  actor: Actor,
): Promise<IssuedTerminal> {
  return withTransaction(parts.db, async (tx) => {
    const now = parts.clock.now()
    const { token, digest, prefix } = draw()
    const maker = makerOf(actor)
    const { rows } = await tx.query<TerminalRow>(
      `insert into terminals (name, name_key, digest, prefix, may, tells, unknown_card, card_transform, created_by, created_at, expires_at,
         maker_kind, maker_id)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       on conflict (name_key) where revoked_at is null do nothing returning ${COLUMNS}`,
      [
        wanted.name,
        canonicalName(wanted.name),
        digest,
        prefix,
        WAYS.filter((way) => wanted.may.includes(way)),
        TELLS.filter((told) => wanted.tells.includes(told)),
        wanted.unknownCard,
        wanted.cardTransform,
        actor.name,
        now,
        endOf(wanted.days, now),
        maker.kind,
        maker.id,
      ],
    )
    const [row] = rows
    if (row === undefined) throw nameTaken(wanted.name)
    const listed = parse(row)
    const { name, may, tells, unknownCard, cardTransform, expiresAt } = listed
    const details = { prefix, may, tells, unknownCard, cardTransform, expiresAt }
    await recordAudit(tx, parts, { actor, action: 'terminal.create', subject: subjectOf(name), details })
    return { token, listed }
  })
}

/**
 * @param seen the settings that it had for whoever changes them
 * @param checkProof throws where a session was not proved of late; called only where the terminal may do more than before
 * @throws NotFoundError; ConflictError `name-taken`, `changed-meanwhile`; whatever `checkProof` throws
 */
export async function changeTerminal(
  parts: SignInParts,
  {
    id,
    change,
    seen,
    checkProof,
  }: {
    readonly id: number
    readonly change: TerminalChange
    readonly seen?: TerminalSettings | undefined
    readonly checkProof: () => void
  },
  actor: Actor,
): Promise<ListedTerminal> {
  return withTransaction(parts.db, async (tx) => {
    const before = await lockTerminal(tx, id)
    if (seen !== undefined && Object.keys(differences(before, seen)).length > 0)
      throw changedMeanwhile(`the terminal ${JSON.stringify(before.name)}`)
    const after: TerminalSettings = { ...before, ...definedOf(change) }
    if (mayMore(before, after)) checkProof()
    const taken = await tx.query('select 1 from terminals where name_key = $1 and revoked_at is null and id <> $2', [
      canonicalName(after.name),
      id,
    ])
    if (taken.rowCount !== 0) throw nameTaken(after.name)
    const { rows } = await tx.query<TerminalRow>(
      `update terminals set name = $2, name_key = $3, may = $4, tells = $5, unknown_card = $6, card_transform = $7
       where id = $1 returning ${COLUMNS}`,
      [
        id,
        after.name,
        canonicalName(after.name),
        WAYS.filter((way) => after.may.includes(way)),
        TELLS.filter((told) => after.tells.includes(told)),
        after.unknownCard,
        after.cardTransform,
      ],
    )
    const [row] = rows
    if (row === undefined) throw new NotFoundError('terminal', String(id))
    const changed = parse(row)
    if (before.unknownCard !== changed.unknownCard || before.may.join() !== changed.may.join())
      await dropRegistrations(tx, id)
    const details = differences(before, changed)
    await recordAudit(tx, parts, { actor, action: 'terminal.change', subject: subjectOf(before.name), details })
    return changed
  })
}

/** How cards are read says whose card one is, so that another way is never less. */
function mayMore(before: TerminalSettings, after: TerminalSettings): boolean {
  return (
    after.may.some((way) => !before.may.includes(way)) ||
    after.tells.some((told) => !before.tells.includes(told)) ||
    UNKNOWN_CARDS.indexOf(after.unknownCard) > UNKNOWN_CARDS.indexOf(before.unknownCard) ||
    after.cardTransform !== before.cardTransform
  )
}

/** Another token in place of the one before, which ends at once. @throws NotFoundError */
export async function renewTerminal(
  parts: SignInParts,
  { id, days }: { readonly id: number; readonly days: number | null },
  actor: Actor,
): Promise<IssuedTerminal> {
  return withTransaction(parts.db, async (tx) => {
    const before = await lockTerminal(tx, id)
    const { token, digest, prefix } = draw()
    const maker = makerOf(actor)
    const { rows } = await tx.query<TerminalRow>(
      `update terminals set digest = $2, prefix = $3, expires_at = $4, maker_kind = $5, maker_id = $6 where id = $1 returning ${COLUMNS}`,
      [id, digest, prefix, endOf(days, parts.clock.now()), maker.kind, maker.id],
    )
    const [row] = rows
    if (row === undefined) throw new NotFoundError('terminal', String(id))
    await dropPending(tx, id)
    const listed = parse(row)
    const details = { prefix: { old: before.prefix, new: prefix }, expiresAt: listed.expiresAt }
    await recordAudit(tx, parts, { actor, action: 'terminal.renew', subject: subjectOf(before.name), details })
    return { token, listed }
  })
}

/** Ends a terminal at once. @throws NotFoundError where it was revoked already */
export async function revokeTerminal(parts: SignInParts, id: number, actor: Actor): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const { name, prefix } = await lockTerminal(tx, id)
    await tx.query('update terminals set revoked_at = $2 where id = $1', [id, parts.clock.now()])
    await dropPending(tx, id)
    await recordAudit(tx, parts, { actor, action: 'terminal.revoke', subject: subjectOf(name), details: { prefix } })
  })
}

/** What was begun at a terminal does not outlive its token. */
async function dropPending(tx: Queries, id: number): Promise<void> {
  await dropRegistrations(tx, id)
  await tx.query('delete from terminal_device_codes where terminal_id = $1', [id])
}

/** What may be registered is decided when it is issued: it ends with what allowed it. */
async function dropRegistrations(tx: Queries, id: number): Promise<void> {
  await tx.query('delete from terminal_registrations where terminal_id = $1', [id])
}

function draw(): { readonly token: string; readonly digest: Buffer; readonly prefix: string } {
  const token = `${TERMINAL_PREFIX}${drawToken()}`
  return { token, digest: digestOf(token), prefix: token.slice(0, SHOWN) }
}

function endOf(days: number | null, now: Date): Date | null {
  return days === null ? null : new Date(now.getTime() + days * DAY_MS)
}

function subjectOf(name: string): string {
  return `terminal ${name}`
}

function nameTaken(name: string): ConflictError {
  return new ConflictError(
    'name-taken',
    `There is a terminal ${JSON.stringify(name)} already; choose another name, renew its token, or revoke it first`,
  )
}

async function lockTerminal(tx: Transaction, id: number): Promise<ListedTerminal> {
  const { rows } = await tx.query<TerminalRow>(
    `select ${COLUMNS} from terminals where id = $1 and revoked_at is null for update`,
    [id],
  )
  const [row] = rows
  if (row === undefined) throw new NotFoundError('terminal', String(id), 'it was never made, or revoked already')
  return parse(row)
}

function definedOf(change: TerminalChange): Partial<TerminalSettings> {
  return Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
}

/** Old and new of what differs. */
function differences(before: TerminalSettings, after: TerminalSettings): Readonly<Record<string, unknown>> {
  const keys = ['name', 'may', 'tells', 'unknownCard', 'cardTransform'] as const
  return Object.fromEntries(
    keys
      .filter((key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]))
      .map((key) => [key, { old: before[key], new: after[key] }]),
  )
}

const COLUMNS = `id, name, prefix, may, tells, unknown_card, card_transform, created_by, created_at, expires_at, last_used_at, last_address`

interface TerminalRow {
  readonly id: number
  readonly name: string
  readonly prefix: string
  readonly may: readonly string[]
  readonly tells: readonly string[]
  readonly unknown_card: string
  readonly card_transform: string | null
  readonly created_by: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly last_used_at: Date | null
  readonly last_address: string | null
}

function parse(row: TerminalRow): ListedTerminal {
  return {
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    may: WAYS.filter((way) => row.may.includes(way)),
    tells: TELLS.filter((told) => row.tells.includes(told)),
    // What this version does not know is refused.
    unknownCard: UNKNOWN_CARDS.find((policy) => policy === row.unknown_card) ?? 'refuse',
    cardTransform: row.card_transform,
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
    lastAddress: row.last_address,
  }
}
