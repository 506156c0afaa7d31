// node bench/keys.ts [cards]
//
// What sealing everything anew under a new version of the key costs, beside the least: opening and sealing in memory, and one
// statement that rewrites the same rows.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { connect, type Database } from '../src/database/connect.ts'
import { openEmbeddedDatabase } from '../src/database/embedded.ts'
import { migrate } from '../src/database/migrate.ts'
import { rotateKeys } from '../src/registry/rotate-keys.ts'
import { openVault, type Vault } from '../src/vault/keys.ts'

const cards = Number(process.argv[2] ?? 100_000)
const home = await mkdtemp(join(tmpdir(), 'muster-bench-keys-'))
const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
const db = await connect({ embedded, log: silentLog, applicationName: 'muster bench', max: 3 })
try {
  await migrate(db, { log: silentLog })
  const keyFile = join(home, 'key')
  const vault = await openVault({ keyFile, db, allowCreate: true })
  await fill(db, vault)
  await db.query('vacuum analyze')
  const inMemory = await timed(async () => {
    const { rows } = await db.query<{ sealed: Buffer }>('select sealed from credentials')
    for (const { sealed } of rows) vault.seal(vault.open(sealed, 'card'), 'card')
  })
  const inDatabase = await timed(() => db.query(`update credentials set sealed = sealed || ''::bytea`))
  await db.query('vacuum analyze')
  const parts = { db, vault, clock: systemClock, random: Math.random, keyFile }
  const actor = { kind: 'command line', name: 'bench' } as const
  let values = 0
  const seconds = await timed(async () => {
    const signal = new AbortController().signal
    values = (await rotateKeys(parts, { actor, isEverywhere: false, signal })).resealed
  })
  const rate = (count: number, s: number) => Math.round(count / s)
  process.stdout.write(
    `${JSON.stringify({ values, seconds, perSecond: rate(values, seconds), inMemory: rate(cards, inMemory), inDatabase: rate(cards, inDatabase) })}\n`,
  )
} finally {
  await db.close()
  await embedded.release()
  await rm(home, { recursive: true })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = systemClock.monotonicMs()
  await work()
  return Math.round(systemClock.monotonicMs() - from) / 1_000
}

/** A card, and the attribute that it came from, for each person. */
async function fill(to: Database, vault: Vault): Promise<void> {
  await to.query(
    `insert into connections (name, tenant_id, client_id, cloud) values ('c', gen_random_uuid(), gen_random_uuid(), 'global')`,
  )
  await to.query(
    `insert into sources (name, connection_id, enabled, priority, settings) select 's', id, true, 100, '{}' from connections`,
  )
  for (let from = 0; from < cards; from += 10_000) {
    const batch = Array.from({ length: Math.min(10_000, cards - from) }, (_, n) => {
      const card = (0x04a1b2c3 + from + n).toString(16).toUpperCase()
      const id = crypto.randomUUID()
      return {
        id,
        name: `user${from + n}@contoso.example`,
        card: vault.seal(card, 'card'),
        lookup: vault.lookup('card', card),
        attributes: vault.seal(JSON.stringify({ extensionAttribute5: card }), `mirror:1:${id}`),
      }
    })
    await to.query(
      `with u as (insert into users (user_name) select * from unnest($1::text[]) returning id, user_name)
       insert into credentials (user_id, kind, sealed, lookup, origin, held)
       select u.id, 'card', v.sealed, v.lookup, 's', true from u join unnest($1::text[], $2::bytea[], $3::bytea[]) v (name, sealed, lookup)
         on v.name = u.user_name`,
      [batch.map((b) => b.name), batch.map((b) => b.card), batch.map((b) => b.lookup)],
    )
    await to.query(
      `insert into mirror_objects (source_id, object_id, kind, state, attributes, sealed)
       select 1, v.id, 'u', 'l', '{}', v.sealed from unnest($1::uuid[], $2::bytea[]) v (id, sealed)`,
      [batch.map((b) => b.id), batch.map((b) => b.attributes)],
    )
  }
}
