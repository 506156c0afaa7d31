// Where the databases of tests lie: in memory where there is room, because they are made and dropped by the thousand and none
// of them outlives its test.
import { accessSync, constants, readFileSync, statfsSync } from 'node:fs'
import { chmod, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'

const MEMORY = '/dev/shm'
const DISK = '/tmp'
/** What a whole test run needs at its worst is a quarter of this. */
const ROOM_BYTES = 2 ** 32

/** Folders in which homes may lie that an ended test run left behind. */
export const SCRATCH_FOLDERS: readonly string[] = [MEMORY, DISK]

/** Names the process that made it, so that what is left of a killed one can be told. */
export const HOME_PREFIX = 'muster-test-'

/**
 * A new MUSTER_HOME for an embedded server of tests. What is killed there is processes, never the machine, and the pages of a
 * file outlive its writers in memory as well as on a disk: `onDisk` is for who measures or wants it as the product has it.
 */
export async function makeTestHome(options: { readonly onDisk?: boolean } = {}): Promise<string> {
  const isInMemory = options.onDisk !== true && hasRoom()
  const home = await mkdtemp(join(isInMemory ? MEMORY : DISK, `${HOME_PREFIX}${process.pid}-`))
  // mkdtemp closes it to everybody else; PostgreSQL runs as another user when the tests run as root.
  await chmod(home, 0o711)
  return home
}

/** Containers often have no more than 64 MB there, and forbid programs, which PostgreSQL's may have to be copied to. */
function hasRoom(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK | constants.X_OK)
    const { bavail, bsize } = statfsSync(MEMORY)
    const mount = readFileSync('/proc/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .find(([, folder]) => folder === MEMORY)
    return bavail * bsize > ROOM_BYTES && mount?.[2] === 'tmpfs' && !mount[3]?.split(',').includes('noexec')
  } catch {
    // Not there, or not Linux.
    return false
  }
}
