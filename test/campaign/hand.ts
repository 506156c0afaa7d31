// What an administrator does by hand in the registry, as rows, and the same told to the model.
import type { Database } from '../../src/database/connect.ts'
import { canonical } from '../support/model-entra.ts'
import type { Person, Registry } from '../support/model.ts'
import { testSealing } from '../support/world.ts'
import { type HandStep, NAMES, OWN_ENDING } from './steps.ts'

const OWN_CARDS = ['04a1', 'own-1', 'own-2', 'd4e5']
const OWN_NUMBERS = ['1001', '1002']

interface Edit {
  readonly step: HandStep
  readonly expected: Registry
}

/** @returns the model's registry afterwards; values that somebody holds already are refused, as an administrator's form does */
export async function changeByHand(db: Database, { step, expected }: Edit): Promise<Registry> {
  if (step.kind === 'addLocal') return addLocal(db, { step, expected })
  const people = expected.people.filter((p) => p.ref !== 0)
  const person = people[step.who % Math.max(1, people.length)]
  if (person === undefined) return expected
  const changed = await change(db, { step, person })
  if (changed === undefined) return expected
  // Whoever is edited is planned anew, and so is whoever waits for what became free.
  await db.query('update sources set marked_all = true, marked_all_at = fence')
  await db.query('update users set version = version + 1 where id = $1', [person.ref])
  return { ...expected, people: expected.people.map((p) => (p === person ? changed : p)) }
}

async function addLocal(
  db: Database,
  { step, expected }: { step: Extract<HandStep, { kind: 'addLocal' }>; expected: Registry },
): Promise<Registry> {
  const name = `${NAMES[step.name % NAMES.length]}@contoso.com`
  const taken = await db.query('select 1 from user_names where key = $1 and held', [canonical(name)])
  if (taken.rows.length > 0) return expected
  const wanted = step.number === null ? null : OWN_NUMBERS[step.number % OWN_NUMBERS.length]!
  const inUse = await db.query('select 1 from users where personal_number_key = $1', [
    wanted === null ? '' : canonical(wanted),
  ])
  const number = inUse.rows.length > 0 ? null : wanted
  const made = await db.query<{ id: number }>(
    'insert into users (user_name, personal_number, personal_number_key, canonical_number) values ($1, $2, $3, $3) returning id',
    [name, number, number === null ? null : canonical(number)],
  )
  const ref = made.rows[0]!.id
  await db.query(
    `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'n', $2, $3, 'o', true)`,
    [ref, name, canonical(name)],
  )
  await db.query('update sources set marked_all = true, marked_all_at = fence')
  const person: Person = {
    ref,
    tenantId: null,
    objectId: null,
    owner: null,
    claims: [],
    isActive: true,
    deactivatedBy: null,
    wasRestored: false,
    isUntouchable: false,
    userName: name,
    aliases: [],
    cards: [],
    emails: [],
    pin: null,
    personalNumber: number,
    holdsNumber: number !== null,
    fields: {},
    missingSince: null,
    deactivatedAt: null,
    open: [],
  }
  return { ...expected, people: [...expected.people, person] }
}

async function change(
  db: Database,
  { step, person }: { step: Exclude<HandStep, { kind: 'addLocal' }>; person: Person },
): Promise<Person | undefined> {
  const id = person.ref
  switch (step.kind) {
    case 'addAlias': {
      const value = `${NAMES[step.value % NAMES.length]}${OWN_ENDING}`
      const key = canonical(value)
      const taken = await db.query('select 1 from user_names where key = $1 and (held or user_id = $2)', [key, id])
      if (taken.rows.length > 0 || !person.isActive) return undefined
      await db.query(
        `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'a', $2, $3, 'o', true)`,
        [id, value, key],
      )
      return { ...person, aliases: [...person.aliases, { value, origin: 'own', isHeld: true }] }
    }
    case 'addCard': {
      const value = OWN_CARDS[step.value % OWN_CARDS.length]!
      const lookup = testSealing.lookup('card', canonical(value))
      const taken = await db.query(
        `select 1 from credentials where kind = 'card' and lookup = $1 and (held or user_id = $2)`,
        [lookup, id],
      )
      if (taken.rows.length > 0 || !person.isActive) return undefined
      await db.query(
        `insert into credentials (user_id, kind, sealed, lookup, origin, held) values ($1, 'card', $2, $3, 'o', true)`,
        [id, testSealing.seal(value, 'card'), lookup],
      )
      return { ...person, cards: [...person.cards, { value, origin: 'own', isHeld: true }] }
    }
    case 'protect':
      if (person.objectId !== null) return undefined
      await db.query('update users set protected = true where id = $1', [id])
      return { ...person, isUntouchable: true }
    case 'deactivate':
      if (!person.isActive) return undefined
      await db.query(
        `update users set active = false, deactivated_by = 'administrator', deactivated_at = now(), personal_number_key = null where id = $1`,
        [id],
      )
      await db.query('update user_names set held = false where user_id = $1', [id])
      await db.query('update credentials set held = false where user_id = $1', [id])
      return {
        ...person,
        isActive: false,
        deactivatedBy: 'administrator',
        aliases: person.aliases.map((a) => ({ ...a, isHeld: false })),
        cards: person.cards.map((c) => ({ ...c, isHeld: false })),
        pin: person.pin === null ? null : { ...person.pin, isHeld: false },
        holdsNumber: false,
      }
    case 'reactivate':
      return reactivate(db, person)
  }
}

/** Everything of his must be free, else the administrator is told so and nothing happens. */
async function reactivate(db: Database, person: Person): Promise<Person | undefined> {
  const id = person.ref
  if (person.isActive) return undefined
  const numberKey = person.personalNumber === null ? null : canonical(person.personalNumber)
  const taken = await db.query(
    `select 1 from user_names n join user_names o on o.key = n.key and o.held where n.user_id = $1
     union all select 1 from credentials n join credentials o on o.kind = n.kind and o.lookup = n.lookup and o.held where n.user_id = $1
     union all select 1 from users where personal_number_key = $2`,
    [id, numberKey],
  )
  if (taken.rows.length > 0) return undefined
  await db.query(
    `update users set active = true, deactivated_by = null, deactivated_at = null, deactivated_reason = null, restored_by_administrator = true,
       personal_number_key = $2 where id = $1`,
    [id, numberKey],
  )
  await db.query('update user_names set held = true where user_id = $1', [id])
  await db.query('update credentials set held = true where user_id = $1', [id])
  const hold = <T>(holding: T) => ({ ...holding, isHeld: true })
  return {
    ...person,
    isActive: true,
    deactivatedBy: null,
    deactivatedAt: null,
    wasRestored: true,
    aliases: person.aliases.map(hold),
    cards: person.cards.map(hold),
    pin: person.pin === null ? null : hold(person.pin),
    holdsNumber: person.personalNumber !== null,
  }
}
