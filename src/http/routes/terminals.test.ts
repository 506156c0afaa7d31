// Terminals: made, shown, changed and ended by administrators; identifying people by card and PIN; limits; unknown cards.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { listening, placeGroup } from '../../../test/support/registry.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { PIN_CEILING } from '../../signin/terminal-misses.ts'
import { systemClock } from '../../base/clock.ts'
import type { IdentifiedUser, Terminal } from '../../contract/api/terminals.ts'
import { removeEnded } from '../../signin/upkeep.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
/** Everything that the server asks of the database outside of transactions. */
let heard: { readonly sql: string }[]
/** Time stands still but for this, in milliseconds. */
let later = 0
const BEGIN = Date.now()
const clock = { ...systemClock, now: () => new Date(BEGIN + later), monotonicMs: () => later }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { clock })
  await test.db.query('update setup set done_at = now()')
  const { db, asked } = listening(test.db)
  heard = asked
  http = await aServer({ ...world.engine, db })
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later += 60_000
  admin = await anAdministrator()
  await test.db.query('truncate audit')
  await test.db.query(`update audit_head set last_id = 0, digest = ''`)
  await test.db.query('truncate terminals, terminal_misses, terminal_sightings, terminal_registrations cascade')
  for (const table of ['credentials', 'user_names', 'memberships', 'users']) await test.db.query(`delete from ${table}`)
})

async function anAdministrator(): Promise<Ask> {
  const headers = sessionHeaders(await sessionOf(world.engine, 'administrator'))
  return (method, url, body) => http.asNobody(method, url, body, headers)
}

interface Somebody {
  readonly id: string
  readonly pin: string
}

async function aUser(userName: string, fields: object = {}, ...cards: readonly string[]): Promise<Somebody> {
  const { id } = (await admin('POST', '/api/v1/users', { userName, fields })).json<{ id: string }>()
  for (const card of cards) expect((await admin('POST', `/api/v1/users/${id}/cards`, { card })).statusCode).toBe(201)
  const { pin } = (await admin('POST', `/api/v1/users/${id}/pin`)).json<{ pin: string }>()
  return { id, pin }
}

async function deactivate(id: string): Promise<void> {
  const { version } = (await admin('GET', `/api/v1/users/${id}`)).json<{ version: number }>()
  const done = await admin('POST', `/api/v1/users/${id}/deactivate`, { version, reason: 'left' })
  expect(done.statusCode, done.body).toBe(200)
}

const show = (terminal: Ask, body: object) => terminal('POST', '/api/v1/terminal/authenticate', body)
const byCard = (terminal: Ask, card: string) => show(terminal, { by: 'card', card })
const byPin = (terminal: Ask, pin: string) => show(terminal, { by: 'pin', pin })
const byName = (terminal: Ask, userName: string, pin: string) => show(terminal, { by: 'userNamePin', userName, pin })
/** Six digits that are not this PIN, a different one for each number. */
const notPin = (pin: string, nth = 0) => String((Number(pin) + 1 + nth) % 1_000_000).padStart(6, '0')
const SETTINGS = { name: 'Printer 2nd floor', may: ['card', 'pin'], tells: ['groups'], unknownCard: 'refuse' }
const create = (settings: object = {}) =>
  admin('POST', '/api/v1/terminals', { ...SETTINGS, cardTransform: null, days: 365, ...settings })
const withToken =
  (token: string): Ask =>
  (method, url, body) =>
    http.server.inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    })
const audited = async (action: string) =>
  (
    await test.db.query<{ actor_kind: string; actor_name: string; subject: string; details: string }>(
      'select actor_kind, actor_name, subject, details from audit where action = $1 order by id desc',
      [action],
    )
  ).rows.map(({ details, ...row }) => ({ ...row, details: JSON.parse(details) as Record<string, unknown> }))

describe('a terminal', () => {
  it('is made with a token that is shown once, listed without it, and kept as a digest', async () => {
    const made = await create()
    const { token, ...rest } = made.json<{ token: string }>()
    const listed = await admin('GET', '/api/v1/terminals')

    expect(made.statusCode, made.body).toBe(201)
    expect(token).toMatch(/^mtt_[\w-]{43}$/)
    expect(rest).toMatchObject({
      ...SETTINGS,
      createdBy: 'administrator',
      lastUsedAt: null,
      prefix: token.slice(0, 10),
    })
    expect(listed.json()).toEqual({ items: [rest] })
    const { rows } = await test.db.query<Record<string, unknown>>('select * from terminals')
    expect(JSON.stringify(rows)).not.toContain(token.slice(10))
    expect((await audited('terminal.create'))[0]).toMatchObject({
      actor_name: 'administrator',
      subject: 'terminal Printer 2nd floor',
      details: { may: ['card', 'pin'], tells: ['groups'], prefix: token.slice(0, 10) },
    })
    expect(JSON.stringify(await audited('terminal.create'))).not.toContain(token.slice(10))
  })

  it('has a name that no other one has, until it is revoked', async () => {
    const first = await create()
    const same = await create({ name: 'printer 2ND floor' })
    await admin('DELETE', `/api/v1/terminals/${first.json().id}`)
    const again = await create({ name: 'printer 2ND floor' })

    expect(same.json()).toMatchObject({ status: 409, code: 'name-taken' })
    expect(again.statusCode).toBe(201)
  })

  it('learns who it is and what it may, and is noted as used with its address', async () => {
    const { token } = (await create({ tells: ['email', 'language'] })).json<{ token: string }>()
    const own = await withToken(token)('GET', '/api/v1/terminal')
    await http.parts.terminals.flush(test.db)
    const [listed] = (await admin('GET', '/api/v1/terminals')).json<{ items: object[] }>().items

    expect(own.json()).toMatchObject({ name: SETTINGS.name, may: ['card', 'pin'], tells: ['language', 'email'] })
    expect(listed).toMatchObject({ lastUsedAt: new Date(BEGIN + later).toISOString(), lastAddress: '127.0.0.1' })
  })

  it('that somebody else changed meanwhile does not get back unseen what was taken from it', async () => {
    const made = await create()
    const { id, name, may, tells, unknownCard, cardTransform } = made.json<Terminal>()
    const seen = { name, may, tells, unknownCard, cardTransform }
    const change = (body: object) => admin('PATCH', `/api/v1/terminals/${id}`, body)
    const first = await change({ ...seen, may: ['card'], seen })
    const second = await change({ ...seen, tells: [], seen })
    const again = await change({ ...seen, may: ['card'], tells: [], seen: { ...seen, may: ['card'] } })

    expect([first.statusCode, second.statusCode, again.statusCode]).toEqual([200, 409, 200])
    expect(second.json()).toMatchObject({ code: 'changed-meanwhile' })
    expect(again.json()).toMatchObject({ may: ['card'], tells: [] })
  })

  it('is changed at once, and the audit keeps what was changed', async () => {
    const { id, token } = (await create()).json<{ id: string; token: string }>()
    const { pin } = await aUser('ann@x')
    const changed = await admin('PATCH', `/api/v1/terminals/${id}`, { may: ['card'], unknownCard: 'register' })
    const refused = await byPin(withToken(token), pin)

    expect(changed.json()).toMatchObject({ may: ['card'], tells: ['groups'], unknownCard: 'register' })
    expect(refused.json()).toMatchObject({ status: 403, code: 'way-not-allowed' })
    expect((await audited('terminal.change'))[0]?.details).toEqual({
      may: { old: ['card', 'pin'], new: ['card'] },
      unknownCard: { old: 'refuse', new: 'register' },
    })
    expect((await audited('terminal.identify.refused'))[0]).toMatchObject({
      actor_kind: 'terminal',
      actor_name: SETTINGS.name,
      details: { reason: 'way-not-allowed' },
    })
  })

  it('is out at once when it is revoked, renewed, or its time is over', async () => {
    const { id, token } = (await create({ days: 1 })).json<{ id: string; token: string }>()
    const renewed = await admin('POST', `/api/v1/terminals/${id}/token`, { days: 1 })
    const next = renewed.json<{ token: string }>().token
    const statusOf = async (used: string) => (await withToken(used)('GET', '/api/v1/terminal')).statusCode
    const met = [await statusOf(token), await statusOf(next)]
    later += 86_400_000
    met.push(await statusOf(next))
    admin = await anAdministrator()
    const last = (await admin('POST', `/api/v1/terminals/${id}/token`, { days: null })).json<{ token: string }>().token
    met.push(await statusOf(last))
    await admin('DELETE', `/api/v1/terminals/${id}`)
    met.push(await statusOf(last))

    expect(renewed.statusCode).toBe(201)
    expect(met).toEqual([401, 200, 401, 200, 401])
    expect((await admin('DELETE', `/api/v1/terminals/${id}`)).statusCode).toBe(404)
    expect(await audited('terminal.renew')).toHaveLength(2)
    expect(await audited('terminal.revoke')).toHaveLength(1)
  })

  it('cannot be made to do nothing, or with a card transformation that cannot be read', async () => {
    expect((await create({ may: [] })).statusCode).toBe(400)
    expect((await create({ cardTransform: 'hex2oct' })).json()).toMatchObject({
      status: 400,
      problems: [{ at: expect.stringContaining('cardTransform'), message: expect.stringContaining('hex2oct') }],
    })
    expect((await create({ days: 0 })).statusCode).toBe(400)
  })
})

describe('identifying by card', () => {
  it('finds who has it, in whatever way it is written, and tells names and nothing else', async () => {
    const terminal = await http.asTerminal()
    const { id } = await aUser('ann@x', { fullName: 'Ann Smith', email: 'ann@mail', language: 'de' }, '04a2b91c')
    const answers = await Promise.all(
      ['04a2b91c', '04A2B91C', '  04a2b91c\t', '０４ａ２ｂ９１ｃ'].map((card) => byCard(terminal, card)),
    )

    for (const answer of answers)
      expect(answer.json()).toEqual({
        kind: 'identified',
        by: 'card',
        user: { id, userName: 'ann@x', fullName: 'Ann Smith' },
        registration: null,
      })
  })

  it('tells exactly what the terminal is told, groups by their paths', async () => {
    const { id } = await aUser('ann@x', { email: 'ann@mail', language: 'de', department: 'Sales' }, 'card-1')
    const [sales, hidden] = [await placeGroup(test.db, 'Staff|Sales'), await placeGroup(test.db, 'Gone')]
    await test.db.query('update groups set hidden = true where id = $1', [hidden])
    for (const group of [sales, hidden])
      await test.db.query('insert into memberships (group_id, user_id, source_id, run_id) values ($1, $2, 0, 0)', [
        group,
        id,
      ])
    const tells = ['groups', 'email', 'personalNumber'] as const
    const { user } = (await byCard(await http.asTerminal({ tells }), 'card-1')).json<{ user: IdentifiedUser }>()

    expect(user).toEqual({
      id,
      userName: 'ann@x',
      fullName: null,
      groups: [{ id: String(sales), path: 'Staff|Sales' }],
      email: 'ann@mail',
      personalNumber: null,
    })
  })

  it('reads cards as the terminal’s reader is set up', async () => {
    const { id } = await aUser('ann@x', {}, String(0x04a3221c))
    const reader = await http.asTerminal({ cardTransform: "strip(':') reverse hex2dec" })

    expect((await byCard(reader, '1C:22:A3:04')).json()).toMatchObject({ kind: 'identified', user: { id } })
    expect((await byCard(reader, 'no hex')).json()).toMatchObject({ kind: 'refused', reason: 'unknown-card' })
  })

  it('does not find who was deactivated, nor a card that is parked', async () => {
    const terminal = await http.asTerminal()
    const { id, pin } = await aUser('ann@x', {}, 'card-1')
    await deactivate(id)

    expect((await byCard(terminal, 'card-1')).json()).toMatchObject({ kind: 'refused', reason: 'unknown-card' })
    expect((await byPin(terminal, pin)).json()).toMatchObject({ kind: 'refused', reason: 'wrong-pin' })
    expect((await byName(terminal, 'ann@x', pin)).json()).toMatchObject({ reason: 'wrong-user-name-or-pin' })
  })

  it('asks the database once and writes nothing', async () => {
    const terminal = await http.asTerminal({ tells: ['groups', 'language'] })
    await aUser('ann@x', {}, 'card-1')
    await byCard(terminal, 'card-1')
    const before = heard.length
    // Where and by which transaction each row was written.
    const written = async () => {
      const tables = [
        'terminals',
        'terminal_misses',
        'terminal_sightings',
        'users',
        'user_names',
        'credentials',
        'audit',
      ]
      const rows = tables.map((name) => `select '${name} ' || ctid || ' ' || xmin as row from ${name}`)
      return (await test.db.query(`${rows.join(' union all ')} order by 1`)).rows
    }
    const first = await written()
    for (let i = 0; i < 20; i += 1)
      expect((await byCard(terminal, 'card-1')).json()).toMatchObject({ kind: 'identified' })
    const last = await written()

    expect(heard.length - before).toBe(20)
    expect(last).toEqual(first)
    expect(first.length).toBeGreaterThan(3)
  })

  it('looks at the terminal with each card: what an administrator changes counts at once, though it is remembered', async () => {
    const settings = { may: ['card'], tells: ['email'] }
    const { id, token } = (await create(settings)).json<{ id: string; token: string }>()
    const person = await aUser('ann@x', { email: 'ann@mail' }, 'card-1', '2BC')
    const change = (to: object) => admin('PATCH', `/api/v1/terminals/${id}`, to)
    const terminal = withToken(token)
    const seen = async (card = 'card-1') => (await byCard(terminal, card)).json()
    const first = [await seen(), await seen()]
    await change({ tells: ['groups'] })
    const told = await seen()
    await change({ cardTransform: `strip(':')` })
    const transformed = await seen('2B:C')
    await change({ may: ['pin'] })
    const forbidden = await seen()
    const byOther = (await byPin(terminal, person.pin)).json()
    await change({ may: ['card'], unknownCard: 'register' })
    const allowed = await seen()
    const { token: next } = (await admin('POST', `/api/v1/terminals/${id}/token`, { days: 1 })).json<{
      token: string
    }>()
    const before = await seen()
    const after = [await byCard(withToken(next), 'card-1'), await byCard(withToken(next), 'card-1')]
    later += 86_400_000
    const ended = (await byCard(withToken(next), 'card-1')).json()
    await test.db.query('update terminals set expires_at = null')
    const endless = (await byCard(withToken(next), 'card-1')).json()
    await test.db.query('update terminals set revoked_at = $1', [clock.now()])
    const revoked = [(await byCard(withToken(next), 'card-1')).json(), (await byCard(withToken(next), 'card-1')).json()]

    for (const answer of first) expect(answer).toMatchObject({ kind: 'identified', user: { email: 'ann@mail' } })
    expect(told.user).toEqual({ id: person.id, userName: 'ann@x', fullName: null, groups: [] })
    expect(transformed).toMatchObject({ kind: 'identified' })
    expect(forbidden).toMatchObject({ status: 403, code: 'way-not-allowed' })
    expect(byOther).toMatchObject({ kind: 'identified' })
    expect(allowed).toMatchObject({ kind: 'identified' })
    expect(before).toMatchObject({ status: 401, code: 'token-invalid' })
    for (const answer of after) expect(answer.json()).toMatchObject({ kind: 'identified' })
    expect(ended).toMatchObject({ status: 401, code: 'token-invalid' })
    expect(endless).toMatchObject({ kind: 'identified' })
    for (const answer of revoked) expect(answer).toMatchObject({ status: 401, code: 'token-invalid' })
  })

  it('is looked up also where another version gave the terminal what this one does not know', async () => {
    const terminal = await http.asTerminal({ may: ['card'] })
    const { id } = await aUser('ann@x', {}, 'card-1')
    await test.db.query(`update terminals set may = may || '{iris}', tells = tells || '{shoeSize}'`)
    const answers = [await byCard(terminal, 'card-1'), await byCard(terminal, 'card-1')]

    for (const answer of answers) expect(answer.json()).toMatchObject({ kind: 'identified', user: { id } })
  })

  it('notes where somebody was identified when it is written down, for him alone', async () => {
    const terminal = await http.asTerminal()
    const { id, pin } = await aUser('ann@x', {}, 'card-1')
    await byCard(terminal, 'card-1')
    await byCard(terminal, 'card-1')
    await byPin(terminal, pin)
    await http.parts.terminals.flush(test.db)
    await byCard(terminal, 'card-1')
    await http.parts.terminals.flush(test.db)

    const { rows } = await test.db.query('select user_id, way, times from terminal_sightings order by way')
    expect(rows).toEqual([
      { user_id: Number(id), way: 'card', times: 3 },
      { user_id: Number(id), way: 'pin', times: 1 },
    ])
  })
})

describe('identifying by PIN', () => {
  it('finds who has it, by it alone or with his user name or an alias', async () => {
    const terminal = await http.asTerminal()
    const { id, pin } = await aUser('Ann@x')
    await aUser('bob@x')
    const { version } = (await admin('GET', `/api/v1/users/${id}`)).json<{ version: number }>()
    await admin('PATCH', `/api/v1/users/${id}`, { version, aliases: ['annie'] })
    const answers = [
      await byPin(terminal, pin),
      await byPin(terminal, ` ${pin} `),
      await byName(terminal, 'ann@X', pin),
      await byName(terminal, ' ANNIE', pin),
    ]

    for (const answer of answers) expect(answer.json()).toMatchObject({ kind: 'identified', user: { id } })
  })

  it('answers a wrong PIN, somebody else’s PIN, a name without PIN and a name that nobody has alike', async () => {
    const { pin } = await aUser('ann@x')
    await aUser('bob@x')
    const cyd = await aUser('cyd@x')
    await admin('DELETE', `/api/v1/users/${cyd.id}/pin`)
    const terminal = await http.asTerminal()
    const answers = [
      await byName(terminal, 'ann@x', notPin(pin)),
      await byName(terminal, 'bob@x', pin),
      await byName(terminal, 'cyd@x', cyd.pin),
      await byName(terminal, 'eve@x', pin),
    ]

    for (const answer of answers) {
      expect(answer.json()).toEqual({
        kind: 'refused',
        reason: 'wrong-user-name-or-pin',
        message: 'User name or PIN is wrong.',
        mayRegister: false,
      })
      expect(answer.body).toBe(answers[0]!.body)
    }
  })

  it('asks the same of the database for a name that nobody has', async () => {
    await aUser('ann@x')
    const terminal = await http.asTerminal()
    const askedFor = async (name: string) => {
      const before = heard.length
      await byName(terminal, name, '000000')
      return heard.slice(before).map(({ sql }) => sql)
    }

    expect(await askedFor('eve@x')).toEqual(await askedFor('ann@x'))
  })

  it('does not take what a PIN is made of for a card, nor a card for a PIN', async () => {
    const terminal = await http.asTerminal()
    const { pin } = await aUser('ann@x', {}, '123456')

    expect((await byCard(terminal, pin)).json()).toMatchObject({ kind: 'refused' })
    expect((await byPin(terminal, '123456')).json()).toMatchObject({ kind: 'refused' })
  })
})

describe('attempts in vain', () => {
  /** Tries until the terminal has to wait. */
  async function exhaust(tries: (nth: number) => ReturnType<Ask>): Promise<number> {
    for (let nth = 0; ; nth += 1) if ((await tries(nth)).statusCode === 429) return nth
  }

  it('make a terminal wait, also for the right PIN, and longer each time; other terminals and its cards do not', async () => {
    const { pin } = await aUser('ann@x', {}, 'card-1')
    const [terminal, other] = [await http.asTerminal(), await http.asTerminal()]
    const free = await exhaust((nth) => byPin(terminal, notPin(pin, nth)))
    const right = await byPin(terminal, pin)
    const waits: string[] = []
    for (let nth = 0; nth < 5; nth += 1) {
      const { headers } = await byPin(terminal, notPin(pin))
      waits.push(String(headers['retry-after']))
      later += Number(headers['retry-after']) * 1_000
      expect((await byPin(terminal, notPin(pin))).statusCode).toBe(200)
    }

    expect(free).toBe(10)
    expect(right.json()).toMatchObject({ status: 429, code: 'slow-down' })
    expect(waits).toEqual(['1', '2', '4', '8', '16'])
    expect((await byPin(other, pin)).json()).toMatchObject({ kind: 'identified' })
    expect((await byCard(terminal, 'card-1')).json()).toMatchObject({ kind: 'identified' })
  })

  it('are not bought off with a PIN or a card of one’s own', async () => {
    const { pin } = await aUser('mallory@x', {}, 'own-card')
    const terminal = await http.asTerminal()
    const pins = await exhaust(async (nth) => {
      await byPin(terminal, pin)
      return byPin(terminal, notPin(pin, nth))
    })
    const cards = await exhaust(async (nth) => {
      await byCard(terminal, 'own-card')
      return byCard(terminal, `guess-${nth}`)
    })

    expect([pins, cards]).toEqual([10, 30])
  })

  it('do not add up for people who are right', async () => {
    const { pin } = await aUser('ann@x', {}, 'card-1')
    const terminal = await http.asTerminal()
    for (let nth = 0; nth < 15; nth += 1) {
      expect((await byPin(terminal, pin)).statusCode).toBe(200)
      expect((await byName(terminal, 'ann@x', pin)).statusCode).toBe(200)
    }

    const { rows } = await test.db.query('select secret_misses, card_misses from terminals')
    expect(rows).toEqual([{ secret_misses: 0, card_misses: 0 }])
    const { rows: buckets } = await test.db.query('select distinct misses from terminal_misses')
    expect(buckets).toEqual([{ misses: 0 }])
  })

  it.each([
    ['PINs', 10, (nth: number) => ({ by: 'pin', pin: `00${nth}`.padStart(6, '9') })],
    ['one name', 10, (nth: number) => ({ by: 'userNamePin', userName: 'ann', pin: `${135_790 + nth}` })],
    ['names', 40, (nth: number) => ({ by: 'userNamePin', userName: `user${nth}`, pin: '135790' })],
  ])('that come all at once are counted as many: %s', async (_what, free, guess) => {
    const terminal = await http.asTerminal()
    const answers = await Promise.all(Array.from({ length: 80 }, (_, nth) => show(terminal, guess(nth))))

    expect(answers.filter((answer) => answer.statusCode === 200)).toHaveLength(free)
    expect(answers.filter((answer) => answer.statusCode === 429)).toHaveLength(80 - free)
  })

  it('of one name keep neither PINs nor other names from being looked at; those of several names do', async () => {
    const { pin } = await aUser('ann@x')
    const terminal = await http.asTerminal()
    const ofOne = []
    for (const name of ['bob@x', 'carl@x', 'dora@x', 'emil@x']) {
      const wrong = await exhaust((nth) => byName(terminal, name, notPin(pin, nth)))
      ofOne.push(wrong, (await byName(terminal, 'ann@x', pin)).statusCode, (await byPin(terminal, pin)).statusCode)
    }

    expect(ofOne).toEqual([10, 200, 200, 10, 200, 200, 10, 200, 200, 10, 429, 200])
  })

  it('of PINs alone keep nobody who types his name from being looked at', async () => {
    const { pin } = await aUser('ann@x')
    const terminal = await http.asTerminal()
    await exhaust((nth) => byPin(terminal, notPin(pin, nth)))

    expect((await byPin(terminal, pin)).statusCode).toBe(429)
    expect((await byName(terminal, 'ann@x', pin)).json()).toMatchObject({ kind: 'identified' })
  })

  it('of PINs alone at very many terminals are looked at no more where there are some, and stop no other terminal', async () => {
    const { pin } = await aUser('ann@x', {}, 'card-1')
    const [guessing, clean] = [await http.asTerminal(), await http.asTerminal()]
    await test.db.query(`insert into terminal_misses (bucket, misses, missed_at) values ('overall pin', $1, $2)`, [
      PIN_CEILING.free,
      clock.now(),
    ])
    const looked = await exhaust((nth) => byPin(guessing, notPin(pin, nth)))
    const told = await byPin(guessing, pin)
    const elsewhere = []
    for (let nth = 0; nth < 3; nth += 1) {
      elsewhere.push((await byPin(clean, pin)).json<{ kind: string }>().kind)
      if (nth < 2) await byPin(clean, notPin(pin, nth))
    }
    const otherwise = [await byName(guessing, 'ann@x', pin), await byCard(guessing, 'card-1')]

    expect(looked).toBe(3)
    expect(Number(told.headers['retry-after'])).toBe(21_600)
    expect(elsewhere).toEqual(['identified', 'identified', 'identified'])
    for (const answer of otherwise) expect(answer.json()).toMatchObject({ kind: 'identified' })
  })

  it('that come all at once are counted as many: cards, of which those under way may pass beside those that are counted', async () => {
    const terminal = await http.asTerminal()
    const guesses = Array.from({ length: 80 }, (_, nth) => show(terminal, { by: 'card', card: `guess ${nth}` }))
    const answers = await Promise.all(guesses)

    const looked = answers.filter((answer) => answer.statusCode === 200).length
    expect(looked).toBeGreaterThanOrEqual(30)
    expect(looked).toBeLessThan(2 * 30)
    expect(answers.filter((answer) => answer.statusCode === 429)).toHaveLength(80 - looked)
    expect((await show(terminal, { by: 'card', card: 'one more' })).statusCode).toBe(429)
  })

  it('of one user at one terminal do not make him wait at another one, however long they go on', async () => {
    const { pin } = await aUser('ann@x')
    const [guessed, other] = [await http.asTerminal(), await http.asTerminal()]
    for (let nth = 0; nth < 30; ) {
      const { statusCode, headers } = await byName(guessed, 'ann@x', notPin(pin, nth))
      if (statusCode === 429) later += Number(headers['retry-after']) * 1_000
      else nth += 1
      expect((await byName(other, 'ann@x', pin)).json()).toMatchObject({ kind: 'identified' })
    }

    expect((await byName(guessed, 'ann@x', pin)).statusCode).toBe(429)
  })

  it('of one user at many terminals make him wait for ten seconds at most', async () => {
    const { pin } = await aUser('ann@x')
    await aUser('bob@x')
    const waits: number[] = []
    for (let nth = 0; nth < 27; nth += 1) {
      const terminal = await http.asTerminal()
      let answer = await byName(terminal, 'ann@x', notPin(pin, nth))
      if (answer.statusCode === 429) {
        waits.push(Number(answer.headers['retry-after']))
        later += waits.at(-1)! * 1_000
        answer = await byName(terminal, 'ann@x', notPin(pin, nth))
      }
      expect(answer.statusCode).toBe(200)
    }
    const own = await http.asTerminal()
    const blocked = await byName(own, 'ann@x', pin)
    later += Number(blocked.headers['retry-after']) * 1_000

    expect(waits).toEqual([1, 2, 4, 8, 10, 10, 10])
    expect(blocked.statusCode).toBe(429)
    expect((await byName(own, 'ann@x', pin)).json()).toMatchObject({ kind: 'identified' })
    expect((await byName(own, 'bob@x', '000000')).statusCode).toBe(200)
  })

  it('count for a user by whichever of his names they are, so that aliases give no more tries', async () => {
    const { id, pin } = await aUser('ann@x')
    const { version } = (await admin('GET', `/api/v1/users/${id}`)).json<{ version: number }>()
    await admin('PATCH', `/api/v1/users/${id}`, { version, aliases: ['annie'] })
    let tried = 0
    for (; tried < 40; tried += 1) {
      const terminal = await http.asTerminal()
      const answer = await byName(terminal, tried % 2 === 0 ? 'ann@x' : 'annie', notPin(pin, tried))
      if (answer.statusCode === 429) break
    }

    expect(tried).toBe(20)
  })

  it('over all terminals make those wait earlier that have some of their own, and no others', async () => {
    const { pin } = await aUser('ann@x')
    await test.db.query(`insert into terminal_misses (bucket, misses, missed_at) values ('overall secret', 9999, $1)`, [
      clock.now(),
    ])
    const [guessing, clean] = [await http.asTerminal(), await http.asTerminal()]

    expect(await exhaust((nth) => byPin(guessing, notPin(pin, nth)))).toBe(2)
    for (let nth = 0; nth < 12; nth += 1) expect((await byPin(clean, pin)).json()).toMatchObject({ kind: 'identified' })
  })

  it('outlive a restart of the server', async () => {
    const { pin } = await aUser('ann@x')
    const { token } = (await create()).json<{ token: string }>()
    await exhaust((nth) => byPin(withToken(token), notPin(pin, nth)))
    const second = await aServer(world.engine)
    const answer = await second.server.inject({
      method: 'POST',
      url: '/api/v1/terminal/authenticate',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      payload: JSON.stringify({ by: 'pin', pin }),
    })
    await second.stop()

    expect(answer.statusCode).toBe(429)
  })

  it('are audited once a minute with their number, without what was tried', async () => {
    const { pin } = await aUser('ann@x')
    const { token } = (await create({ name: 'Audited' })).json<{ token: string }>()
    for (let nth = 0; nth < 4; nth += 1) await byPin(withToken(token), notPin(pin, nth))
    later += 60_000
    await byPin(withToken(token), notPin(pin, 5))

    const entries = (await audited('terminal.identify.refused')).filter((entry) => entry.actor_name === 'Audited')
    expect(entries.map((entry) => entry.details)).toEqual([
      { endpoint: 'authenticate', reason: 'wrong-pin', alsoSinceTheLast: 3 },
      { endpoint: 'authenticate', reason: 'wrong-pin' },
    ])
    expect(JSON.stringify(entries)).not.toContain(notPin(pin))
  })
})

describe('an unknown card', () => {
  const register = (terminal: Ask, registration: string, card: string) =>
    terminal('POST', '/api/v1/terminal/cards', { registration, card })
  const registrationOf = (answer: Awaited<ReturnType<Ask>>) =>
    answer.json<{ registration: { code: string } | null }>().registration?.code

  it('is registered to who identified himself there in another way; it is the registry’s own and audited', async () => {
    const { token } = (await create({ name: 'Door', unknownCard: 'register' })).json<{ token: string }>()
    const door = withToken(token)
    const { id, pin } = await aUser('ann@x')
    const unknown = await byCard(door, 'NEW-CARD-1234')
    const registration = registrationOf(await byPin(door, pin))!
    const done = await register(door, registration, ' new-card-1234')
    const known = await byCard(door, 'NEW-CARD-1234')

    expect(unknown.json()).toMatchObject({ kind: 'refused', reason: 'unknown-card', mayRegister: true })
    expect(done.statusCode, done.body).toBe(204)
    expect(known.json()).toMatchObject({ kind: 'identified', user: { id }, registration: null })
    const { cards } = (await admin('GET', `/api/v1/users/${id}`)).json<{ cards: object[] }>()
    expect(cards).toMatchObject([{ origin: 'registry', isHeld: true }])
    expect((await audited('card.add'))[0]).toMatchObject({
      actor_kind: 'terminal',
      actor_name: 'Door',
      subject: `user ${id}`,
    })
    expect(JSON.stringify(await audited('card.add'))).not.toMatch(/new-card/i)
  })

  it('is not registered twice, after two minutes, at another terminal, or where the terminal refuses', async () => {
    const [door, other, refusing] = [
      await http.asTerminal({ unknownCard: 'register' }),
      await http.asTerminal({ unknownCard: 'register' }),
      await http.asTerminal(),
    ]
    const { pin } = await aUser('ann@x')
    const once = registrationOf(await byPin(door, pin))!
    const elsewhere = registrationOf(await byPin(door, pin))!
    const met = [
      (await register(door, once, 'card-1')).statusCode,
      (await register(door, once, 'card-2')).json().code,
      (await register(other, elsewhere, 'card-2')).json().code,
    ]
    const late = registrationOf(await byPin(door, pin))!
    later += 120_000
    met.push((await register(door, late, 'card-2')).json().code)

    expect(met).toEqual([204, 'registration-ended', 'registration-ended', 'registration-ended'])
    expect(registrationOf(await byPin(refusing, pin))).toBeUndefined()
    expect((await byCard(refusing, 'card-9')).json()).toMatchObject({ mayRegister: false })
  })

  it('that is somebody else’s is refused without telling whose', async () => {
    const door = await http.asTerminal({ unknownCard: 'register' })
    await aUser('bob@x', {}, 'bobs-card')
    const { id, pin } = await aUser('ann@x')
    const answer = await register(door, registrationOf(await byPin(door, pin))!, 'BOBS-card')

    expect(answer.json()).toMatchObject({ status: 409, code: 'card-conflict' })
    expect(answer.body).not.toContain('bob@x')
    expect((await admin('GET', `/api/v1/users/${id}`)).json().cards).toEqual([])
  })

  it('that is somebody else’s counts as a card in vain and is audited, so that registering tells no more than showing', async () => {
    const { token, id: terminalId } = (await create({ name: 'Door', unknownCard: 'register' })).json<{
      token: string
      id: string
    }>()
    const door = withToken(token)
    await aUser('bob@x', {}, 'bobs-card')
    const { pin } = await aUser('ann@x')
    const answers = []
    for (let i = 0; i < 35; i += 1) {
      const code = registrationOf(await byPin(door, pin))!
      answers.push((await register(door, code, 'bobs-card')).statusCode)
    }

    // One may be forgiven on the way.
    expect(answers.slice(0, 30)).toEqual(Array.from({ length: 30 }, () => 409))
    expect(answers.at(-1)).toBe(429)
    const { rows } = await test.db.query<{ card_misses: number }>('select card_misses from terminals where id = $1', [
      terminalId,
    ])
    expect(rows[0]!.card_misses).toBeGreaterThan(29)
    expect(await audited('card.add.refused')).toContainEqual(
      expect.objectContaining({ actor_name: 'Door', details: expect.objectContaining({ reason: 'card-conflict' }) }),
    )
  })

  it('is registered three times by one person, and once more when one of them is gone', async () => {
    const door = await http.asTerminal({ unknownCard: 'register' })
    const { id, pin } = await aUser('ann@x')
    const add = async (card: string) => {
      const answer = await register(door, registrationOf(await byPin(door, pin))!, card)
      return answer.statusCode === 204 ? 'added' : answer.json().code
    }
    const met = [
      await add('card-1'),
      await add('card-2'),
      await add('card-3'),
      await add('card-4'),
      await add('card-3'),
    ]
    const { cards } = (await admin('GET', `/api/v1/users/${id}`)).json<{ cards: { id: string }[] }>()
    await admin('DELETE', `/api/v1/users/${id}/cards/${cards[0]!.id}`)

    expect(met).toEqual(['added', 'added', 'added', 'too-many-cards', 'added'])
    expect(await add('card-4')).toBe('added')
    await removeEnded(test.db, new Date())
    const { rows } = await test.db.query('select 1 from registered_cards where user_id = $1', [id])
    expect(rows).toHaveLength(3)
  })

  it('is not registered any more where the terminal was changed in between', async () => {
    const { token, id } = (await create({ name: 'Door', unknownCard: 'register' })).json<{
      token: string
      id: string
    }>()
    const door = withToken(token)
    const { pin } = await aUser('ann@x')
    const code = registrationOf(await byPin(door, pin))!
    await admin('PATCH', `/api/v1/terminals/${id}`, { unknownCard: 'refuse' })
    const refusing = (await register(door, code, 'card-1')).json()
    await admin('PATCH', `/api/v1/terminals/${id}`, { unknownCard: 'register' })

    expect(refusing).toMatchObject({ status: 403, code: 'way-not-allowed' })
    expect((await register(door, code, 'card-1')).json()).toMatchObject({ code: 'registration-ended' })
  })

  it('is not given to who was deactivated in between', async () => {
    const door = await http.asTerminal({ unknownCard: 'register' })
    const { id, pin } = await aUser('ann@x')
    const code = registrationOf(await byPin(door, pin))!
    await deactivate(id)

    expect((await register(door, code, 'card-1')).json()).toMatchObject({ status: 409, code: 'deactivated' })
  })

  it('that cannot be kept is refused and leaves the registration as it was', async () => {
    const door = await http.asTerminal({ unknownCard: 'register', cardTransform: 'hex2dec' })
    const { pin } = await aUser('ann@x')
    const code = registrationOf(await byPin(door, pin))!

    expect((await register(door, code, 'no hex')).statusCode).toBe(400)
    expect((await register(door, code, 'FF')).statusCode).toBe(204)
  })
})
