// A database that was restored or copied elsewhere does not synchronize until somebody says that the original is gone: the two cannot see
// each other.
import { ConflictError } from '../base/errors.ts'
import { isCopy } from '../registry/installation.ts'
import type { Engine } from './engine.ts'

/** @throws ConflictError `copied` */
export async function requireOriginal({ db, local }: Pick<Engine, 'db' | 'local'>): Promise<void> {
  if (!(await isCopy(db, local))) return
  throw new ConflictError(
    'copied',
    'This database was restored or copied from another place, and the original may still be synchronizing. Make sure that it is stopped, ' +
      'then say so with: muster take-over. Until then plans can be made, and nothing is applied',
  )
}
