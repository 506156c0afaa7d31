// Which organizations people sign in through at terminals.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import type { Connection } from '../registry/connections.ts'
import { signInConnections } from '../registry/sign-in-rule.ts'
import type { HomeRealms } from './home-realms.ts'

/** Those whose people may type their Microsoft passwords at terminals, by name. */
export async function passwordConnections(db: Queries): Promise<readonly Connection[]> {
  return (await signInConnections(db)).filter((connection) => connection.passwordsAtTerminals)
}

/**
 * The one that is named, the only one, or the one of the user name's domain.
 *
 * @param asked.needs what a connection has to say to be among `usable`, beside what lets anybody sign in
 * @throws NotFoundError; ConflictError `choose-connection`
 */
export async function chooseConnection(
  usable: readonly Connection[],
  asked: {
    readonly name?: string | undefined
    readonly userName?: string | undefined
    readonly realms: Pick<HomeRealms, 'find'>
    readonly needs: string
  },
): Promise<Connection> {
  const { name, userName, realms, needs } = asked
  const [only, ...others] = name === undefined ? usable : usable.filter((connection) => connection.name === name)
  if (only === undefined)
    throw new NotFoundError(
      'connection for sign-in',
      name ?? '',
      `none says ${needs} and lacks nothing else; see Settings › Sign-in`,
    )
  if (others.length === 0) return only
  const id = userName === undefined ? undefined : await realms.find(userName)
  const found = usable.find((connection) => connection.id === id)
  if (found !== undefined) return found
  throw new ConflictError('choose-connection', 'There are several organizations here; say which one by connection')
}
