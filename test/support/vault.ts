// A vault with a key of its own, for tests that seal or look up.
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Queries } from '../../src/database/connect.ts'
import { openVault, type Vault } from '../../src/vault/keys.ts'

/** Makes a key file in a temporary folder and notes it in `db`, as a first start does. */
export async function createTestVault(db: Queries): Promise<Vault> {
  const folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-key-`))
  return openVault({ keyFile: join(folder, 'key'), db, allowCreate: true })
}
