// Cards and PINs by hand. The audit keeps that they changed, never what they are.
import { ConflictError, InvariantError, NotFoundError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { HIDDEN, mask } from '../directory/mask.ts'
import { holderOf } from './claim-values.ts'
import { aboutUser, type Edit, type EditedUser, lockUser, touchUser, withEdit } from './edit.ts'
import { pinsInUse } from './pins.ts'
import { listSources, type Source } from './sources.ts'
import { isOwned } from './user-view.ts'

/**
 * Gives a user a card that no source takes away. One that a source gave him already becomes the registry's own where an administrator
 * does so.
 *
 * @param edit.atTerminal where he registers it himself: not while he is deactivated, and no more than so many. Of one that
 * he has nothing is written, and one that was parked stays what it was: whether a source may take it away again is not for him to say
 * @throws NotFoundError; ConflictError `card-conflict`, `deactivated`, `too-many-cards`
 */
export async function addCard(
  db: Database,
  edit: Edit & {
    readonly userId: number
    readonly card: string
    readonly atTerminal?: { readonly name: string; readonly most: number }
  },
): Promise<void> {
  const card = edit.card.trim()
  const lookup = edit.vault.lookup('card', canonical(card))
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const { atTerminal } = edit
    if (atTerminal !== undefined && !user.active)
      throw new ConflictError('deactivated', 'The user was deactivated; the card was not added')
    const holder = user.active ? await holderOf(tx, { kind: 'card', lookup, userId: user.id }) : undefined
    if (holder !== undefined)
      throw new ConflictError(
        'card-conflict',
        `This card belongs to ${JSON.stringify(holder)}; take it from there first`,
      )
    if (atTerminal !== undefined && (await hasCard(tx, { userId: user.id, lookup })))
      return { result: undefined, audit: [] }
    const known = await tx.query(
      `update credentials set origin = case when $4 then 'o' else origin end, held = $3
       where user_id = $1 and kind = 'card' and lookup = $2`,
      [user.id, lookup, user.active, atTerminal === undefined],
    )
    if (known.rowCount === 0) {
      if (atTerminal !== undefined) await requireFewRegistered(tx, { userId: user.id, most: atTerminal.most })
      await tx.query(
        `insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, 'card', $2, $3, 'o', $4)`,
        [user.id, edit.vault.seal(card, 'card'), lookup, user.active],
      )
      // He may have had it before.
      await tx.query('delete from registered_cards where user_id = $1 and lookup = $2', [user.id, lookup])
      if (atTerminal !== undefined) {
        await tx.query(
          'insert into registered_cards (user_id, lookup, terminal, registered_at) values ($1, $2, $3, $4)',
          [user.id, lookup, atTerminal.name, edit.clock.now()],
        )
      }
    }
    await touchUser(tx, user.id)
    return { result: undefined, audit: [aboutUser(user, 'card.add', { new: { kind: 'card', shown: mask(card) } })] }
  })
}

/** Whether he has it and it is found: one that is parked is not. */
async function hasCard(
  tx: Queries,
  { userId, lookup }: { readonly userId: number; readonly lookup: Buffer },
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `select 1 from credentials where user_id = $1 and kind = 'card' and lookup = $2 and held`,
    [userId, lookup],
  )
  return rowCount !== 0
}

/** Those that he has still. */
async function requireFewRegistered(
  tx: Queries,
  { userId, most }: { readonly userId: number; readonly most: number },
): Promise<void> {
  const { size } = await listRegisteredCards(tx, userId)
  if (size < most) return
  throw new ConflictError(
    'too-many-cards',
    `Nobody has more than ${most} cards that he registered himself; ask whoever looks after the cards`,
  )
}

/** Which of his cards somebody registered himself, and at which terminal. By the card's id. */
export async function listRegisteredCards(db: Queries, userId: number): Promise<ReadonlyMap<number, string>> {
  const { rows } = await db.query<{ credential_id: number; terminal: string }>(
    `select c.id as credential_id, r.terminal from registered_cards r
       join credentials c on c.user_id = r.user_id and c.kind = 'card' and c.lookup = r.lookup where r.user_id = $1`,
    [userId],
  )
  return new Map(rows.map((row) => [row.credential_id, row.terminal]))
}

/** @throws NotFoundError; ConflictError `owned-by-source` */
export async function removeCard(
  db: Database,
  edit: Edit & { readonly userId: number; readonly cardId: number },
): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const card = await requireCard(tx, edit)
    const owner = await ownerOf(tx, user)
    if (card.origin === 's' && owner !== undefined) {
      throw new ConflictError(
        'owned-by-source',
        `This card is given by ${owner.name}; remove it in Entra, or map another attribute`,
      )
    }
    await tx.query('delete from credentials where id = $1', [card.id])
    await touchUser(tx, user.id)
    const shown = card.sealed === null ? HIDDEN : mask(edit.vault.open(card.sealed, 'card'))
    return { result: undefined, audit: [aboutUser(user, 'card.remove', { old: { kind: 'card', shown } })] }
  })
}

/** The number of a card. Who looked is audited before anybody sees it. @throws NotFoundError */
export async function revealCard(
  db: Database,
  edit: Edit & { readonly userId: number; readonly cardId: number },
): Promise<string> {
  return withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const card = await requireCard(tx, edit)
    if (card.sealed === null) throw new InvariantError('a card is kept without its number')
    const number = edit.vault.open(card.sealed, 'card')
    return { result: number, audit: [aboutUser(user, 'card.reveal', { new: { shown: mask(number) } })] }
  })
}

/** Draws after which the source of randomness is taken for broken: a PIN is free 999 times in 1,000. */
const MOST_DRAWS = 1_000

/**
 * Draws a PIN that nobody has or does without, in place of the one that the user had. It is the registry's own.
 *
 * @param edit.draw one PIN where there are so many people; undefined when it is too easily guessed
 * @returns the PIN: nobody can read it again
 * @throws NotFoundError; ConflictError `deactivated`, `owned-by-source`
 */
export async function resetPin(
  db: Database,
  edit: Edit & { readonly userId: number; readonly draw: (people: number) => string | undefined },
): Promise<string> {
  return withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    if (!user.active)
      throw new ConflictError('deactivated', 'A deactivated user has no use for a PIN; restore him first')
    await requireOwnPin(tx, user)
    const people = await tx.query<{ count: number }>('select count(*) as count from users')
    const { pin, lookup } = await drawFree(tx, edit, people.rows[0]?.count ?? 0)
    await tx.query(`delete from credentials where user_id = $1 and kind = 'pin'`, [user.id])
    await tx.query(
      `insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, 'pin', null, $2, 'o', true)`,
      [user.id, lookup],
    )
    await touchUser(tx, user.id)
    return { result: pin, audit: [aboutUser(user, 'pin.reset', { new: { kind: 'pin', shown: HIDDEN } })] }
  })
}

/** @throws NotFoundError; ConflictError `owned-by-source` */
export async function removePin(db: Database, edit: Edit & { readonly userId: number }): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    await requireOwnPin(tx, user)
    const gone = await tx.query(`delete from credentials where user_id = $1 and kind = 'pin'`, [user.id])
    if (gone.rowCount === 0) throw new NotFoundError('PIN of user', String(user.id))
    await touchUser(tx, user.id)
    return { result: undefined, audit: [aboutUser(user, 'pin.remove', { old: { kind: 'pin', shown: HIDDEN } })] }
  })
}

async function drawFree(
  tx: Queries,
  edit: Edit & { readonly draw: (people: number) => string | undefined },
  people: number,
): Promise<{ readonly pin: string; readonly lookup: Buffer }> {
  for (let draws = 0; draws < MOST_DRAWS; draws += 1) {
    const pin = edit.draw(people)
    if (pin === undefined) continue
    const lookup = edit.vault.lookup('pin', canonical(pin))
    const inUse = await pinsInUse(tx, [lookup.toString('hex')])
    if (inUse.size === 0) return { pin, lookup }
  }
  throw new RangeError('no PIN was found that is free')
}

async function requireOwnPin(tx: Queries, user: EditedUser): Promise<void> {
  const owner = await ownerOf(tx, user)
  if (owner === undefined || !givesPin(owner)) return
  throw new ConflictError('owned-by-source', `The PIN is given by ${owner.name}; change it in Entra`)
}

function givesPin({ settings }: Source): boolean {
  const { pin } = settings.users.properties
  return pin !== undefined && pin !== null && pin !== 'generate' && isOwned(pin)
}

/** Whether a PIN can be drawn for a user here: his source does not give it. */
export async function isPinOwn(db: Queries, userId: number): Promise<boolean> {
  const { rows } = await db.query<{ source_id: number | null }>('select source_id from users where id = $1', [userId])
  const owner = (await listSources(db)).find((source) => source.id === rows[0]?.source_id)
  return owner === undefined || !givesPin(owner)
}

async function ownerOf(tx: Queries, user: EditedUser): Promise<Source | undefined> {
  return (await listSources(tx)).find((source) => source.id === user.sourceId)
}

async function requireCard(
  tx: Queries,
  { userId, cardId }: { readonly userId: number; readonly cardId: number },
): Promise<{ readonly id: number; readonly sealed: Buffer | null; readonly origin: 's' | 'o' }> {
  const found = await tx.query<{ id: number; sealed: Buffer | null; origin: 's' | 'o' }>(
    `select id, sealed, origin from credentials where id = $1 and user_id = $2 and kind = 'card'`,
    [cardId, userId],
  )
  const [card] = found.rows
  if (card === undefined) throw new NotFoundError('card', String(cardId))
  return card
}
