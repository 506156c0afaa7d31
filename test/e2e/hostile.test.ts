// 20,000 hostile values from Graph through mirror, mapping, plan and registry into every export: each is there exactly as it
// was given, or refused with an issue, and no spreadsheet would run one.
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { parse } from 'csv-parse/sync'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunDocument } from '../../src/contract/runs.ts'
import type { CsvDialect, ExportFormat, ExportKind } from '../../src/contract/exports.ts'
import { canonical } from '../../src/directory/canonical.ts'
import { splitPath } from '../../src/directory/group.ts'
import { writeExport } from '../../src/registry/export-stream.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { splitValues, unprotected, wouldRun } from '../support/hostile.ts'
import {
  type ExpectedPerson,
  fillHostileTenant,
  HOSTILE_SETTINGS,
  type HostileTenant,
  OWN_FIELD,
} from '../support/hostile-tenant.ts'
import { aSyncWorld, type SyncWorld } from '../support/world.ts'

const COUNT = 20_000
const SEED = 20_261_122
/** Readers differ in what ends a row; none may find a row inside a cell. */
const ANY_LINE_END = { record_delimiter: ['\r\n', '\n', '\r'] }

let test: TestDatabase
let world: SyncWorld
let tenant: HostileTenant
let run: RunDocument
beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { settings: HOSTILE_SETTINGS })
  tenant = fillHostileTenant(world.tenant, { seed: SEED, count: COUNT })
  run = await world.sync()
})
afterAll(async () => {
  await world.stop()
  await test.drop()
})

async function exported(kind: ExportKind, format: ExportFormat, dialect: CsvDialect = 'muster'): Promise<string> {
  const destination = new PassThrough()
  const content = text(destination)
  const { signal } = new AbortController()
  await writeExport(test.db, { kind, format, dialect }, { vault: world.engine.vault, destination, signal })
  destination.end()
  return content
}

const sorted = (list: readonly string[]) => [...list].sort()

/** What an export must say of a person. */
function rowOf(person: ExpectedPerson): Record<string, unknown> {
  const one = (values: readonly string[]) => values[0] ?? null
  const { fullName, email, phone, language, department, personalNumber, aliases, cards } = person.values
  return {
    userName: person.userName,
    fullName: one(fullName),
    email: one(email),
    phone: one(phone),
    language: one(language),
    department: one(department),
    personalNumber: one(personalNumber),
    aliases: sorted(aliases),
    cards: sorted(cards),
  }
}

interface Row {
  readonly objectId: string
  readonly userName: unknown
  readonly fullName: unknown
  readonly email: unknown
  readonly phone: unknown
  readonly language: unknown
  readonly department: unknown
  readonly personalNumber: unknown
  readonly aliases: readonly string[]
  readonly cards: readonly string[]
}

/** A row of an export, by the keys that {@link rowOf} has. */
function seen(row: Row): Record<string, unknown> {
  const { userName, fullName, email, phone, language, department, personalNumber, aliases, cards } = row
  const texts = { userName, fullName, email, phone, language, department, personalNumber }
  return { ...texts, aliases: sorted(aliases), cards: sorted(cards) }
}

describe('D8, D10, D13: 20,000 hostile values', () => {
  it('D10: none ends the run, everybody with a name is imported, the others are told', async () => {
    expect(run.error).toBeNull()
    expect(run.outcome).toBe('applied')
    expect(run.users).toMatchObject({ created: tenant.people.size, skipped: tenant.nameless.size })
    expect(tenant.people.size).toBeGreaterThan(1000)
    const issues = await test.db.query<{ object_id: string; count: number }>(
      `select object_id, count(*)::int as count from issues where code = 'value-rejected' group by object_id`,
    )
    const told = new Map(issues.rows.map((row) => [row.object_id, row.count]))
    const refused = new Map<string, number>()
    for (const [id, person] of tenant.people) if (person.refused > 0) refused.set(id, person.refused)
    for (const id of tenant.nameless) refused.set(id, 1)
    for (const [id, name] of tenant.groups) if (name === undefined) refused.set(id, 1)
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(refused))
  })

  it('D10: the registry has every other value exactly as given, trimmed', async () => {
    const found = await test.db.query<{
      object_id: string
      user_name: string
      full_name: string | null
      email: string | null
      phone: string | null
      language: string | null
      department: string | null
      office: string | null
      notes: string | null
      own: Record<string, string>
      personal_number: string | null
      alternate_emails: string[]
      aliases: string[]
      cards: Buffer[]
    }>(
      `select object_id, user_name, full_name, email, phone, language, department, office, notes, own, personal_number, alternate_emails,
         array(select value from user_names n where n.user_id = u.id and kind = 'a') as aliases,
         array(select sealed from credentials c where c.user_id = u.id) as cards from users u`,
    )
    const wrong: unknown[] = []
    for (const row of found.rows) {
      const person = tenant.people.get(row.object_id)
      const values = {
        fullName: row.full_name === null ? [] : [row.full_name],
        email: row.email === null ? [] : [row.email],
        phone: row.phone === null ? [] : [row.phone],
        language: row.language === null ? [] : [row.language],
        department: row.department === null ? [] : [row.department],
        office: row.office === null ? [] : [row.office],
        notes: row.notes === null ? [] : [row.notes],
        own: Object.hasOwn(row.own, OWN_FIELD) ? [row.own[OWN_FIELD]] : [],
        personalNumber: row.personal_number === null ? [] : [row.personal_number],
        aliases: sorted(row.aliases),
        cards: sorted(row.cards.map((sealed: Buffer) => world.engine.vault.open(sealed, 'card'))),
        alternateEmails: row.alternate_emails,
      }
      const wanted = {
        ...person?.values,
        aliases: sorted(person?.values.aliases ?? []),
        cards: sorted(person?.values.cards ?? []),
      }
      if (row.user_name !== person?.userName || JSON.stringify(values) !== JSON.stringify(wanted))
        wrong.push({ values, wanted })
    }
    expect(wrong.slice(0, 3)).toEqual([])
    expect(found.rows).toHaveLength(tenant.people.size)
    const groups = await test.db.query<{ object_id: string; name: string }>('select object_id, name from groups')
    const named = [...tenant.groups].filter((entry): entry is [string, string] => entry[1] !== undefined)
    expect(Object.fromEntries(groups.rows.map((g) => [g.object_id, g.name]))).toEqual(Object.fromEntries(named))
  })

  it('D8: every name, number and card is found by any spelling of it that counts as the same', async () => {
    const asked: { id: string; space: 'name' | 'number'; key: string }[] = []
    const cards: { id: string; lookup: Buffer }[] = []
    for (const [id, person] of tenant.people) {
      for (const name of [person.userName, ...person.values.aliases]) {
        const spellings = [
          name,
          name.normalize('NFKC'),
          name.normalize('NFD'),
          ` ${name.normalize('NFD').toUpperCase()}\u00a0`,
        ]
        for (const spelling of spellings) asked.push({ id, space: 'name', key: canonical(spelling) })
      }
      for (const number of person.values.personalNumber) asked.push({ id, space: 'number', key: canonical(number) })
      for (const card of person.values.cards)
        cards.push({ id, lookup: world.engine.vault.lookup('card', canonical(card.toUpperCase())) })
    }
    const found = await test.db.query<{ n: number; id: string | null }>(
      `select n::int, coalesce(
         (select u.object_id from user_names k join users u on u.id = k.user_id where space = 'name' and k.key = asked.key and k.held),
         (select u.object_id from users u where space = 'number' and u.personal_number_key = asked.key)) as id
       from unnest($1::text[], $2::text[]) with ordinality as asked (space, key, n)`,
      [asked.map((a) => a.space), asked.map((a) => a.key)],
    )
    const byCard = await test.db.query<{ n: number; id: string }>(
      `select n::int, u.object_id as id from unnest($1::bytea[]) with ordinality as asked (lookup, n)
         join credentials c on c.kind = 'card' and c.lookup = asked.lookup and c.held join users u on u.id = c.user_id`,
      [cards.map((c) => c.lookup)],
    )

    expect(found.rows.filter((row) => asked[row.n - 1]!.id !== row.id).map((row) => asked[row.n - 1])).toEqual([])
    expect(asked.length).toBeGreaterThan(10_000)
    expect(byCard.rows).toHaveLength(cards.length)
    expect(byCard.rows.filter((row) => cards[row.n - 1]!.id !== row.id)).toEqual([])
  })

  it('D10: a full compare of the same tenant changes nothing', async () => {
    const again = await world.sync({ mode: 'full' })

    expect(again.outcome).toBe('no-change')
  })

  it.each(['ndjson', 'json'] as const)('D10: export as %s gives every value back', async (format) => {
    const content = await exported('users', format)
    const rows: Row[] =
      format === 'json'
        ? JSON.parse(content)
        : content
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line))

    const wrong = rows.filter(
      (row) => JSON.stringify(seen(row)) !== JSON.stringify(rowOf(tenant.people.get(row.objectId)!)),
    )
    expect(wrong.slice(0, 3)).toEqual([])
    expect(rows).toHaveLength(tenant.people.size)
  })

  it('D13: export as CSV gives every value back, and no cell that a spreadsheet would run', async () => {
    const content = await exported('users', 'csv')
    const cells: string[][] = parse(content, ANY_LINE_END)
    const [header, ...lines] = cells as [string[], ...string[][]]

    expect(cells.flat().filter(wouldRun)).toEqual([])
    const wrong: unknown[] = []
    for (const line of lines) {
      const cell = (key: keyof Row) => unprotected(line[header.indexOf(key)]!)
      const orNull = (key: keyof Row) => (cell(key) === '' ? null : cell(key))
      const row: Row = {
        objectId: cell('objectId'),
        userName: cell('userName'),
        fullName: orNull('fullName'),
        email: orNull('email'),
        phone: orNull('phone'),
        language: orNull('language'),
        department: orNull('department'),
        personalNumber: orNull('personalNumber'),
        aliases: splitValues(cell('aliases')),
        cards: splitValues(cell('cards')),
      }
      const wanted = rowOf(tenant.people.get(row.objectId)!)
      if (JSON.stringify(seen(row)) !== JSON.stringify(wanted)) wrong.push([seen(row), wanted])
    }
    expect(wrong.slice(0, 3)).toEqual([])
    expect(lines).toHaveLength(tenant.people.size)
  })

  it('D13: the print server layout has no cell that a spreadsheet would run and as many as it has columns', async () => {
    const cells: string[][] = parse(await exported('users', 'csv', 'myq'), ANY_LINE_END)
    const [, ...lines] = cells

    expect(cells.flat().filter(wouldRun)).toEqual([])
    expect(lines).toHaveLength(tenant.people.size)
    const wanted = [...tenant.people.values()].map((p) =>
      [p.values.fullName[0] ?? '', p.values.email[0] ?? '', p.values.personalNumber[0] ?? ''].join('\n'),
    )
    const got = lines.map((line) => [unprotected(line[0]!), unprotected(line[2]!), unprotected(line[5]!)].join('\n'))
    expect(sorted(got)).toEqual(sorted(wanted))
  })

  it('D13: group names come back from CSV too, with and without their path', async () => {
    const [, ...lines]: string[][] = parse(await exported('groups', 'csv'), ANY_LINE_END)

    expect(lines.flat().filter(wouldRun)).toEqual([])
    const named = [...tenant.groups.values()].filter((name) => name !== undefined)
    expect(sorted(lines.map((line) => unprotected(line[1]!)))).toEqual(sorted(named))
    expect(lines.map((line) => splitPath(line[2]!))).toEqual(lines.map((line) => ['Entra ID', unprotected(line[1]!)]))
  })
})
