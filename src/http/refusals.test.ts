// Refusals are audited one by one or counted, and none is lost.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '../base/log.ts'
import { withTransaction } from '../database/transaction.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { testSealing } from '../../test/support/world.ts'
import { type Refusal, Refusals } from './refusals.ts'

let test: TestDatabase
let now = 0
let wake: (() => void) | undefined
const clock = {
  now: () => new Date(Date.parse('2026-11-02T08:00:00Z') + now),
  monotonicMs: () => 1_000_000 + now,
  sleep: (_ms: number, signal?: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      wake = resolve
      signal?.addEventListener('abort', () => reject(new Error('aborted')), { once: true })
    }),
}
const refusals = () => new Refusals({ db: test.db, vault: testSealing, clock, log: silentLog })

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  now = 0
  await test.empty()
})

function aRefusal(over: Partial<Refusal> & { readonly address?: string } = {}): Refusal {
  const { address = '192.0.2.1', ...more } = over
  const actor = { kind: 'nobody', name: 'nobody', address } as const
  return { actor, action: null, endpoint: 'listUsers', reason: 'token-invalid', ...more }
}

async function audited(): Promise<readonly { readonly action: string; readonly details: Record<string, unknown> }[]> {
  const found = await test.db.query<{ action: string; details: string }>(
    'select action, details from audit order by id',
  )
  return found.rows.map(({ action, details }) => ({ action, details: JSON.parse(details) }))
}

const SIGN_IN = { action: 'session.start', endpoint: 'signIn', reason: 'sign-in-failed' } as const

describe('refusals', () => {
  it('of one network do not silence those of others', async () => {
    const told = refusals()
    for (let nth = 0; nth < 100; nth += 1) await told.note(aRefusal({ endpoint: `endpoint${nth}` }))
    await told.note(aRefusal({ address: '198.51.100.9' }))

    expect((await audited()).at(-1)?.details).toEqual({ endpoint: 'listUsers', reason: 'token-invalid' })
    expect(await audited()).toHaveLength(21)
  })

  it('of one customer of a provider, from however many networks of his, do not silence those of others', async () => {
    const told = refusals()
    for (let nth = 0; nth < 300; nth += 1)
      await told.note(aRefusal({ ...SIGN_IN, address: `2001:db8:1:${(nth % 15).toString(16)}::${nth.toString(16)}` }))
    expect(await audited()).toHaveLength(40)
    await told.note(aRefusal({ ...SIGN_IN, address: '2001:db8:2::1' }))

    expect(await audited()).toHaveLength(41)
  })

  it('of one account have some room of their own, whoever else is refused, and not for one reason all of it', async () => {
    const told = refusals()
    for (let nth = 0; nth < 300; nth += 1) await told.note(aRefusal({ ...SIGN_IN, address: `198.51.${nth}.1` }))
    expect(await audited()).toHaveLength(120)
    const ann = (address: string, reason: string) =>
      told.note(aRefusal({ ...SIGN_IN, reason, actor: { kind: 'nobody', name: 'Ann', address } }))
    for (let nth = 0; nth < 50; nth += 1) await ann(`203.0.113.${nth}`, 'sign-in-failed')
    for (let nth = 0; nth < 50; nth += 1) await ann(`203.0.113.${nth}`, 'second-factor-wrong')

    const reasons = (await audited()).slice(120).map(({ details }) => details['reason'])
    expect(reasons).toEqual([...Array(5).fill('sign-in-failed'), ...Array(5).fill('second-factor-wrong')])
  })

  it('of signing in with Microsoft, from however many networks, do not silence those of passwords', async () => {
    const told = refusals()
    const back = { action: 'session.start', endpoint: 'microsoftCallback', reason: 'code-refused' } as const
    for (let nth = 0; nth < 300; nth += 1)
      await told.note(aRefusal({ ...back, address: `198.51.${nth % 2}.${nth % 250}` }))
    expect(await audited()).toHaveLength(120)
    await told.note(aRefusal(SIGN_IN))

    expect((await audited()).at(-1)?.details).toMatchObject({ endpoint: 'signIn' })
  })

  it('of two people at one address are two, and carry whom they were about', async () => {
    const told = refusals()
    const back = { action: 'session.start', endpoint: 'microsoftCallback', reason: 'person-inactive' } as const
    for (const person of ['ann', 'ben', 'ann'])
      await told.note(aRefusal({ ...back, about: person, subject: `user ${person}`, facts: { objectId: person } }))
    const { rows } = await test.db.query('select subject from audit order by id')

    expect(rows).toEqual([{ subject: 'user ann' }, { subject: 'user ben' }])
    expect((await audited())[1]?.details).toMatchObject({ reason: 'person-inactive', objectId: 'ben' })
  })

  it('for which Microsoft gave other numbers are others: each says what is to be done', async () => {
    const told = refusals()
    const back = { action: 'session.start', endpoint: 'microsoftCallback', reason: 'application-refused' } as const
    for (const aadsts of [7000222, 700016, 7000222]) await told.note(aRefusal({ ...back, facts: { aadsts } }))

    expect((await audited()).map(({ details }) => details['aadsts'])).toEqual([7000222, 700016])
  })

  it('elsewhere, from however many networks, do not silence those of signing in', async () => {
    const told = refusals()
    for (let nth = 0; nth < 300; nth += 1) await told.note(aRefusal({ address: `198.51.${nth % 2}.${nth % 250}` }))
    expect(await audited()).toHaveLength(120)
    await told.note(aRefusal(SIGN_IN))

    expect((await audited()).at(-1)).toEqual({
      action: 'session.start.refused',
      details: { endpoint: 'signIn', reason: 'sign-in-failed' },
    })
  })

  it('beyond that are told together after a minute: how many, at what, from where', async () => {
    const told = refusals()
    for (let nth = 0; nth < 30; nth += 1)
      await told.note(aRefusal({ ...SIGN_IN, address: '192.0.2.7', about: `somebody ${nth}` }))
    now += 60_000
    wake?.()
    await expect
      .poll(async () => (await audited()).at(-1))
      .toEqual({
        action: 'access.refused',
        details: { reason: 'many', count: 10, endpoints: { signIn: 10 }, from: { '192.0.2.7': 10 } },
      })
    await told.close()
    expect(await audited()).toHaveLength(21)
  })

  it('that come while those of before are being written are not forgotten', async () => {
    const told = refusals()
    const ofOne = (nth: number) =>
      told.note(
        aRefusal({ ...SIGN_IN, actor: { kind: 'nobody', name: 'nobody', address: '192.0.2.7' }, reason: `r${nth}` }),
      )
    for (let nth = 0; nth < 21; nth += 1) await ofOne(nth)
    now += 30_000
    await withTransaction(test.db, async (tx) => {
      await tx.query('select * from audit_head for update')
      wake?.()
      const isWritten = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      await expect.poll(async () => (await test.db.query(isWritten)).rowCount).toBe(1)
      await ofOne(21)
    })
    await told.close()

    const counts = (await audited()).slice(20).map(({ details }) => details['count'])
    expect(counts).toEqual([1, 1])
  })

  it('that were equal and stopped are told as well', async () => {
    const told = refusals()
    for (let nth = 0; nth < 500; nth += 1) await told.note(aRefusal(SIGN_IN))
    expect(await audited()).toHaveLength(1)
    await told.close()

    expect((await audited()).at(-1)?.details).toEqual({
      reason: 'many',
      count: 499,
      endpoints: { signIn: 499 },
      from: { '192.0.2.1': 499 },
    })
  })

  it('that go on are told once a minute, with how many there were', async () => {
    const told = refusals()
    for (let nth = 0; nth < 5; nth += 1) await told.note(aRefusal(SIGN_IN))
    now += 60_000
    await told.note(aRefusal(SIGN_IN))

    expect((await audited()).at(-1)?.details).toEqual({
      endpoint: 'signIn',
      reason: 'sign-in-failed',
      alsoSinceTheLast: 4,
    })
  })
})
