// `npm run generate`: writes the committed files that are made from migrations and settings.
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { connect } from '../src/database/connect.ts'
import { openEmbeddedDatabase } from '../src/database/embedded.ts'
import { migrate } from '../src/database/migrate.ts'
import { makeGeneratedFiles, ROOT } from './support/generated.ts'

const home = await mkdtemp(join(tmpdir(), 'muster-generate-'))
await chmod(home, 0o711)
const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
try {
  const db = await connect({ embedded, log: silentLog })
  await migrate(db, { log: silentLog })
  for (const file of await makeGeneratedFiles(db)) {
    await writeFile(join(ROOT, file.path), file.text)
    console.log(file.path)
  }
  await db.close()
} finally {
  await embedded.release()
  await rm(home, { recursive: true, force: true })
}
