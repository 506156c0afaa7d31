// How long a backup and a restore take, and how much memory: `npx node bench/backup.ts [USERS]`. The rows are made by SQL in the shapes that a
// synchronization leaves, ten memberships a user.
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { restoreBackup } from '../src/backup/restore.ts'
import { writeBackup } from '../src/backup/write.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { connect } from '../src/database/connect.ts'
import { openEmbeddedDatabase } from '../src/database/embedded.ts'
import { migrate } from '../src/database/migrate.ts'
import { openKeyRing, openVault } from '../src/vault/keys.ts'

const users = Number(process.argv[2] ?? 100_000)
const groups = Math.max(1, Math.floor(users / 10))
const FILL = `
  insert into groups (id, name) select n, 'Group ' || n from generate_series(1, ${groups}) n;
  insert into users (id, tenant_id, object_id, user_name, full_name, email, department)
    select n, '00000000-0000-4000-8000-000000000000', gen_random_uuid(), 'user' || n || '@contoso.com', 'First' || n % 997 || ' Last' || n % 1913,
      'user' || n || '@contoso.com', 'Department ' || n % 50 from generate_series(1, ${users}) n;
  insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', user_name, user_name, 's', true from users;
  insert into credentials (user_id, kind, sealed, lookup, origin, held)
    select id, 'card', decode(md5(id::text) || md5(id::text), 'hex'), decode(md5(id::text), 'hex'), 's', true from users;
  insert into memberships (group_id, user_id, source_id, run_id)
    select distinct 1 + (id::bigint * k * 7919) % ${groups}, id, 1, 1 from users, generate_series(1, 10) k;
  insert into mirror_objects (key, source_id, object_id, kind, state, attributes)
    select id, 1, object_id, 'u', 'l', jsonb_build_object('userPrincipalName', user_name, 'displayName', full_name, 'mail', email) from users;
  insert into mirror_members (group_key, member_key) select group_id, user_id from memberships;
  select setval('registry_ids', ${users}), setval('mirror_keys', ${users});`

let peak = 0
const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 20)

async function measured<T>(what: string, work: () => Promise<T>): Promise<T> {
  global.gc?.()
  peak = process.memoryUsage().rss
  const [cpu, since] = [process.cpuUsage(), systemClock.monotonicMs()]
  const result = await work()
  const { user, system } = process.cpuUsage(cpu)
  const seconds = ((systemClock.monotonicMs() - since) / 1000).toFixed(1)
  console.log(
    `${what}: ${seconds} s, CPU of Node ${((user + system) / 1e6).toFixed(1)} s, peak ${Math.round(peak / 2 ** 20)} MB`,
  )
  return result
}

const home = await mkdtemp(join(tmpdir(), 'muster-bench-backup-'))
await chmod(home, 0o711)
const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
const db = await connect({ embedded, log: silentLog })
try {
  await migrate(db, { log: silentLog })
  const keyFile = join(home, 'key')
  await openVault({ keyFile, db, allowCreate: true })
  const keys = await openKeyRing(keyFile)
  await db.query(FILL)
  await db.query('analyze')
  const file = join(home, 'backup')
  const signal = new AbortController().signal
  const destination = createWriteStream(file)
  const { rows } = await measured('backup', () =>
    writeBackup(db, { keys, clock: systemClock, version: 'bench', destination, signal }),
  )
  await finished(destination.end())
  console.log(`${users} users, ${rows} rows, ${((await stat(file)).size / 1e6).toFixed(1)} MB`)
  await measured('restore', () =>
    restoreBackup(db, {
      file,
      keyFile,
      unlock: {},
      replace: true,
      takeOver: false,
      local: undefined,
      clock: systemClock,
      actor: { kind: 'command line', name: 'bench' },
      signal,
      onProgress: () => {},
    }),
  )
} finally {
  clearInterval(watching)
  await db.close()
  await embedded.release()
  await rm(home, { recursive: true, force: true })
}
