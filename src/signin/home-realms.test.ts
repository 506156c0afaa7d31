// Which organization a user name belongs to: told by whole domains, and by nothing that a single person would be known by.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { systemClock } from '../base/clock.ts'
import { HomeRealms } from './home-realms.ts'

const OPTION = { users: { options: { useAsAuthenticationServer: true } } }
let test: TestDatabase
let first: Place
let second: Place

interface Place {
  readonly connectionId: number
  readonly sourceId: number
  readonly tenantId: string
}

beforeAll(async () => {
  test = await createTestDatabase()
  first = await aPlace('first')
  second = await aPlace('second')
})
afterAll(() => test.drop())

async function aPlace(name: string, credential = 'secret'): Promise<Place> {
  const tenantId = randomUUID()
  const { rows } = await test.db.query<{ connection_id: number; source_id: number }>(
    `with c as (insert into connections (name, tenant_id, client_id, cloud, sign_in_with_microsoft)
         values ($1, $2, $2, 'global', true) returning id),
       k as (insert into connection_credentials (connection_id, kind, sealed, fingerprint) select id, $3, '', '' from c),
       s as (insert into sources (name, connection_id, enabled, priority, settings) select $1, id, true, 100, $4 from c returning id)
     select c.id as connection_id, s.id as source_id from c, s`,
    [name, tenantId, credential, JSON.stringify(OPTION)],
  )
  return { connectionId: rows[0]!.connection_id, sourceId: rows[0]!.source_id, tenantId }
}

/** Puts so many people with user names of the domain into a source. */
async function people(place: Place, domain: string, count: number, active = true): Promise<void> {
  await test.db.query(
    `insert into users (tenant_id, object_id, source_id, user_name, active, deactivated_by, created_at, updated_at)
     select $1, gen_random_uuid(), $2, gen_random_uuid() || '@' || $3, $5, case when not $5 then 'administrator' end, now(), now()
       from generate_series(1, $4)`,
    [place.tenantId, place.sourceId, domain, count, active],
  )
}

/** Anew each time: what was found is kept for some minutes. */
const realmOf = (userName: string) => new HomeRealms({ db: test.db, clock: systemClock }).find(userName)

describe('the organization of a user name', () => {
  it('is told by a domain of five people, not of four: that would tell who is here', async () => {
    await people(first, 'four.example', 4)
    await people(first, 'FIVE.example', 5)

    expect(await realmOf('anybody@four.example')).toBeUndefined()
    expect(await realmOf('anybody@five.example')).toBe(first.connectionId)
    await people(first, 'four.example', 3, false)
    expect(await realmOf('anybody@four.example')).toBeUndefined()
    await people(first, 'four.example', 1)
    expect(await realmOf('Anybody@Four.Example')).toBe(first.connectionId)
  })

  it('is the one that most of the domain sign in through, where both have people of it', async () => {
    await people(first, 'shared.example', 5)
    await people(second, 'shared.example', 6)

    expect(await realmOf('anybody@shared.example')).toBe(second.connectionId)
    await people(first, 'shared.example', 2)
    expect(await realmOf('anybody@shared.example')).toBe(first.connectionId)
  })

  it('is none that nobody can sign in through, however many it has', async () => {
    const managed = await aPlace('managed', 'managedIdentity')
    await people(managed, 'moved.example', 9)
    expect(await realmOf('anybody@moved.example')).toBeUndefined()
    await people(second, 'moved.example', 5)

    expect(await realmOf('anybody@moved.example')).toBe(second.connectionId)
  })
})
