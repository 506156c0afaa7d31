// Migrations that decide something about what an installation has already: from the schema of before, with rows, to this one.
import { afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { silentLog } from '../base/log.ts'
import { listKeptSettings, requireKeptSettings } from '../registry/earlier-settings.ts'
import { listHealth } from '../registry/health.ts'
import { takeJob } from '../registry/jobs.ts'
import { MAKER_JOINS, makerRole } from '../signin/makers.ts'
import { migrate, readMigrations } from './migrate.ts'

const open: TestDatabase[] = []
afterEach(async () => {
  for (const database of open.splice(0)) await database.drop()
})

/** A database as the migration before this one left it. */
async function before(number: number): Promise<TestDatabase> {
  const database = await createTestDatabase({ schema: 'empty' })
  open.push(database)
  const migrations = (await readMigrations()).filter((migration) => migration.number < number)
  await migrate(database.db, { log: silentLog, migrations })
  return database
}

async function aSource(database: TestDatabase, name = 'staff'): Promise<number> {
  const { rows } = await database.db.query<{ id: number }>(
    `with c as (insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
       values ($1, gen_random_uuid(), gen_random_uuid(), 'custom', 'https://login', 'https://graph', true) returning id)
     insert into sources (name, connection_id, enabled, priority, settings)
       select $1, id, true, 100, '{"users":{"options":{"useAsAuthenticationServer":true}}}' from c returning id`,
    [name],
  )
  return rows[0]!.id
}

describe('0034: makers of tokens', () => {
  const DAYS = (n: number) => `now() - interval '${n} days'`

  async function upgraded(): Promise<{ maker: Record<string, string | null>; role: Record<string, string | null> }> {
    const database = await before(34)
    const { db } = database
    const source = await aSource(database)
    const user = (name: string, days: number) =>
      db.query(
        `insert into users (tenant_id, object_id, source_id, user_name, created_at)
         select c.tenant_id, gen_random_uuid(), s.id, $2, ${DAYS(days)} from sources s join connections c on c.id = s.connection_id where s.id = $1`,
        [source, name],
      )
    const token = async (name: string, by: string, kind: string | undefined, days = 100) => {
      await db.query(
        `insert into api_tokens (name, digest, prefix, scopes, created_by, created_at)
         values ($1, sha256(convert_to($1, 'UTF8')), $2, '{read}', $3, ${DAYS(days)})`,
        [name, `mst_${name}`, by],
      )
      if (kind !== undefined)
        await db.query(
          `insert into audit (id, at, actor_kind, actor_name, action, details, digest)
           select coalesce(max(id), 0) + 1, ${DAYS(days)}, $1, $2, 'token.create', $3, '' from audit`,
          [kind, by, JSON.stringify({ prefix: `mst_${name}`, scopes: ['read'], expiresAt: null })],
        )
    }
    for (const [name, days] of [
      ['seen@x', 300],
      ['demoted@x', 300],
      ['away@x', 300],
      ['reused@x', 50],
      ['taken@x', 300],
      ['ada', 300],
    ] as const)
      await user(name, days)
    const session = (name: string, role: string | null, days: number) =>
      db.query(
        `insert into sessions (digest, created_at, last_seen_at, expires_at, address, user_agent, user_id, connection_id, role)
         select sha256(convert_to($1 || $3, 'UTF8')), ${DAYS(days)}, now(), now() + interval '1 hour', '', '', u.id, s.connection_id, $2
           from users u join sources s on s.id = u.source_id where u.user_name = $1`,
        [name, role, String(days)],
      )
    await session('seen@x', 'viewer', 9)
    await session('seen@x', 'administrator', 2)
    await session('demoted@x', 'helpdesk', 1)
    await db.query(
      `insert into administrators (name, name_key, role, password, created_at) values ('ada', 'ada', 'operator', 'x', ${DAYS(300)}),
         ('late', 'late', 'administrator', 'x', ${DAYS(5)})`,
    )
    // The name of somebody who was renamed to it after the token was made.
    await db.query(
      `with r as (insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version, ended_at)
         values ($1, 'staff', 'sync', 'full', 'manual', 'ended', 'applied', 1, '', 1, '', 1, ${DAYS(20)}) returning id)
       insert into plan_items (run_id, seq, object, action, user_id, rule, reason) select r.id, 1, 'user', 'rename', u.id, '', '' from r, users u
        where u.user_name = 'taken@x'`,
      [source],
    )
    await token('of-seen', 'seen@x', 'person')
    await token('of-demoted', 'demoted@x', 'person')
    await token('of-away', 'away@x', 'person')
    await token('of-reused', 'reused@x', 'person')
    await token('of-taken', 'taken@x', 'person')
    await token('of-gone', 'gone@x', 'person')
    await token('of-ada', 'ada', 'account')
    await token('of-ada-unaudited', 'ada', undefined)
    await token('of-ada-the-person', 'ada', 'person')
    await token('of-late', 'late', 'account')
    await token('of-shell', 'root@host', 'command line')
    await migrate(db, { log: silentLog })
    const found = await db.query<{ name: string; maker: string | null; role: string | null }>(
      `select t.name, t.maker_kind || coalesce(':' || coalesce(mu.user_name, ma.name), '') as maker, ${makerRole('now()')} as role
         from api_tokens t ${MAKER_JOINS} left join users mu on t.maker_kind = 'person' and mu.id = t.maker_id`,
    )
    return {
      maker: Object.fromEntries(found.rows.map((row) => [row.name, row.maker])),
      role: Object.fromEntries(found.rows.map((row) => [row.name, row.role])),
    }
  }

  it('leaves a token to whoever made it, and to nobody who came to his name later', async () => {
    const { maker, role } = await upgraded()

    expect(maker).toEqual({
      'of-seen': 'person:seen@x',
      'of-demoted': 'person:demoted@x',
      'of-away': 'person:away@x',
      'of-reused': null,
      'of-taken': null,
      'of-gone': null,
      'of-ada': 'account:ada',
      'of-ada-unaudited': 'account:ada',
      'of-ada-the-person': 'person:ada',
      'of-late': null,
      'of-shell': 'command line',
    })
    expect(role).toEqual({
      // What his last sign-in gave him.
      'of-seen': 'administrator',
      'of-demoted': 'helpdesk',
      // Nothing is known of him, so it works on for a while.
      'of-away': 'administrator',
      'of-ada-the-person': 'administrator',
      'of-reused': null,
      'of-taken': null,
      'of-gone': null,
      'of-ada': 'operator',
      'of-ada-unaudited': 'operator',
      'of-late': null,
      'of-shell': 'administrator',
    })
  })

  it('lets a token of a person who does not sign in work for 14 days', async () => {
    await upgraded()
    const { rows } = await open[0]!.db.query(
      `select ${makerRole(`(now() + interval '13 days')`)} as soon, ${makerRole(`(now() + interval '15 days')`)} as late
         from api_tokens t ${MAKER_JOINS} where t.name = 'of-away'`,
    )

    expect(rows).toEqual([{ soon: 'administrator', late: null }])
  })

  it('does the same for terminals, by the entry of their own; of two people of one name it is neither', async () => {
    const { db } = await before(34)
    const source = await aSource(open[0]!)
    const user = (name: string, active: boolean) =>
      db.query(
        `insert into users (tenant_id, object_id, source_id, user_name, created_at, active, deactivated_by, deactivated_reason)
         select c.tenant_id, gen_random_uuid(), s.id, $2, ${DAYS(300)}, $3, case when $3 then null else 'source' end, case when $3 then null else '' end
           from sources s join connections c on c.id = s.connection_id where s.id = $1`,
        [source, name, active],
      )
    await user('pia@x', true)
    await user('twice@x', true)
    await user('twice@x', false)
    await db.query(
      `insert into administrators (name, name_key, role, password, created_at) values ('ada', 'ada', 'administrator', 'x', ${DAYS(300)})`,
    )
    const audited = (action: string, kind: string, details: object) =>
      db.query(
        `insert into audit (id, at, actor_kind, actor_name, action, details, digest)
         select coalesce(max(id), 0) + 1, ${DAYS(100)}, $1, '', $2, $3, '' from audit`,
        [kind, action, JSON.stringify(details)],
      )
    const terminal = async (name: string, by: string, kind: string, { action = 'terminal.create' } = {}) => {
      await db.query(
        `insert into terminals (name, name_key, digest, prefix, may, tells, unknown_card, created_by, created_at)
         values ($1, $1, sha256(convert_to($1, 'UTF8')), $2, '{card}', '{}', 'refuse', $3, ${DAYS(100)})`,
        [name, `mtt_${name}`, by],
      )
      await audited(action, kind, { prefix: `mtt_${name}` })
    }
    await terminal('of-pia', 'pia@x', 'person')
    await terminal('of-twice', 'twice@x', 'person')
    await terminal('of-ada', 'ada', 'account')
    await terminal('of-shell', 'root@host', 'command line')
    // An entry about something else of the same beginning counts for nothing.
    await terminal('of-token', 'ada', 'person', { action: 'token.create' })
    // Drawn twice, long apart: the one that was made last.
    await audited('terminal.create', 'account', { prefix: 'mtt_of-later' })
    await terminal('of-later', 'pia@x', 'person')
    await migrate(db, { log: silentLog })
    const { rows } = await db.query<{ name: string; maker: string | null }>(
      `select t.name, t.maker_kind || coalesce(':' || coalesce(mu.user_name, ma.name), '') as maker
         from terminals t left join users mu on t.maker_kind = 'person' and mu.id = t.maker_id
         left join administrators ma on t.maker_kind = 'account' and ma.id = t.maker_id`,
    )

    expect(Object.fromEntries(rows.map(({ name, maker }) => [name, maker]))).toEqual({
      'of-pia': 'person:pia@x',
      'of-twice': null,
      'of-ada': 'account:ada',
      'of-shell': 'command line',
      'of-token': 'account:ada',
      'of-later': 'person:pia@x',
    })
  })
})

describe('0037: jobs', () => {
  it('that wait have those who asked for them, a schedule among them where it is its slot', async () => {
    const database = await before(37)
    const source = await aSource(database)
    const job = async (kind: string, actor: string, slot: string | null) => {
      const id = crypto.randomUUID()
      await database.db.query(
        `insert into jobs (id, source_id, source_name, kind, is_full, trigger, actor_kind, actor_name, actor_id, slot)
         values ($1, $2, 'staff', $3, true, 'manual', $4, 'ada', 1, $5)`,
        [id, source, kind, actor, slot],
      )
      return id
    }
    const [both, hers] = [await job('sync', 'account', '2026-01-01T03:00:00Z'), await job('plan', 'token', null)]
    await migrate(database.db, { log: silentLog })

    const ada = { name: 'ada', id: 1 }
    expect(await takeJob(database.db, both)).toMatchObject({
      kind: 'taken',
      job: { full: true, actor: { kind: 'account', ...ada }, alsoAsked: [{ kind: 'schedule' }] },
    })
    expect(await takeJob(database.db, hers)).toMatchObject({
      kind: 'taken',
      job: { full: true, trigger: 'api', actor: { kind: 'token', ...ada }, alsoAsked: [] },
    })
  })
})

describe('0044: sources', () => {
  it('whose schedule has had them run go on, also where none succeeded; whose nobody ran wait', async () => {
    const database = await before(44)
    const ended = async (name: string, outcome: string | undefined, kind = 'sync') => {
      const source = await aSource(database, name)
      if (outcome !== undefined)
        await database.db.query(
          `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version, ended_at)
           values ($1, $2, $4, 'full', 'schedule', 'ended', $3, 1, '', 1, '', 1, now())`,
          [source, name, outcome, kind],
        )
      return source
    }
    const old = await ended('whose runs were forgotten', undefined)
    await database.db.query(
      `insert into source_health (source_id, state, since, last_success_at) values ($1, 'healthy', now(), now())`,
      [old],
    )
    for (const outcome of ['applied', 'no-change', 'held', 'failed', 'cancelled']) await ended(outcome, outcome)
    await ended('previewed', 'failed', 'plan')
    await ended('new', undefined)
    await migrate(database.db, { log: silentLog })

    const begun = Object.fromEntries((await listHealth(database.db)).map(({ source, hasBegun }) => [source, hasBegun]))
    expect(begun).toEqual({
      'whose runs were forgotten': true,
      applied: true,
      'no-change': true,
      held: true,
      failed: true,
      cancelled: false,
      previewed: false,
      new: false,
    })
  })
})

describe('0048: settings of sources', () => {
  it('O4: as they are when Muster is upgraded are the first that are kept', async () => {
    const database = await before(48)
    for (const name of ['staff', 'pupils']) {
      await aSource(database, name)
      await database.db.query(
        `update sources set settings = settings || jsonb_build_object('connection', name) where name = $1`,
        [name],
      )
    }
    await migrate(database.db, { log: silentLog })

    expect(await listKeptSettings(database.db, 'staff')).toMatchObject([{ number: 1, savedBy: null, isCurrent: true }])
    expect(
      (await requireKeptSettings(database.db, { source: 'pupils', number: 1 })).settings.users.options,
    ).toMatchObject({
      useAsAuthenticationServer: true,
    })
  })
})

describe('0050 and 0052: runs that left a plan waiting', () => {
  it('lead to it, also where they ended before the upgrade or their source was removed; other superseded ones do not', async () => {
    const database = await before(50)
    const run = (source: number, reason: string | null) =>
      database.db.query(
        `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version, decision, decided_reason)
         select id, name, 'sync', 'delta', 'schedule', 'ended', 'held', 1, '', 1, '', 1, 'superseded', $2 from sources where id = $1`,
        [source, reason],
      )
    const [staff, removed] = [await aSource(database), await aSource(database, 'removed')]
    for (const reason of [null, 'the plan of run 1 still waits', null, 'the source was removed'])
      await run(staff, reason)
    for (const reason of [
      null,
      'the plan of run 5 still waits',
      'the source was removed',
      'the plan of run 4711 still waits',
    ])
      await run(removed, reason)
    await database.db.query('delete from sources where id = $1', [removed])
    await migrate(database.db, { log: silentLog })

    const { rows } = await database.db.query(
      'select id, left_waiting from runs where left_waiting is not null order by id',
    )
    expect(rows).toEqual([
      { id: 2, left_waiting: 1 },
      { id: 6, left_waiting: 5 },
    ])
  })
})
