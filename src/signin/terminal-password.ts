// Signing in at a terminal by user name and Microsoft password, where the connection allows that. The password goes to the token
// service of the tenant and nowhere else: it is not kept, logged or audited, and nothing is made of it.
import type { Identification } from '../contract/api/terminals.ts'
import { canonical } from '../directory/canonical.ts'
import { findName, findPerson } from '../registry/identify.ts'
import { judgePerson } from '../registry/sign-in-rule.ts'
import type { TerminalIdentity } from './identity.ts'
import { signInWithPassword } from './oidc.ts'
import type { Refused } from './oidc-refusals.ts'
import { countAttempt } from './terminal-attempts.ts'
import { chooseConnection, passwordConnections } from './terminal-connections.ts'
import type { TerminalMicrosoftParts } from './terminal-device-code.ts'
import { presentIdentified } from './terminal-identify.ts'
import { passwordRulesOf } from './terminal-misses.ts'
import { factsOf, factsOfPerson, type RefusalFacts, refused } from './terminal-refusals.ts'

export interface TypedPassword {
  /** At Microsoft, or a name of the registry whose user name is the one at Microsoft. */
  readonly userName: string
  readonly password: string
  readonly connection?: string | undefined
}

/**
 * What may have been a guess. Everything else that Microsoft refuses, it refuses after the password was right, or before it looked at
 * it: who needs a second factor and tries ten times makes nobody else at the terminal wait.
 */
const GUESSES: ReadonlySet<Refused['reason']> = new Set(['password-refused', 'account-blocked'])

/**
 * The person is the (tid, oid) of Microsoft's token, whatever name was typed.
 *
 * @param asked.signal not that of the terminal's request: who hangs up would try passwords that nobody counts as wrong
 * @throws NotFoundError, ConflictError `choose-connection`, SlowDownError
 */
export async function identifyByPassword(
  parts: TerminalMicrosoftParts,
  asked: {
    readonly terminal: TerminalIdentity
    readonly typed: TypedPassword
    readonly signal: AbortSignal
  },
): Promise<{ readonly answer: Identification; readonly refusal?: RefusalFacts }> {
  const { terminal, typed, signal } = asked
  const asTyped = typed.userName.trim()
  // By the text alone: what somebody of this name has for a domain would tell that there is somebody.
  const connection = await chooseConnection(await passwordConnections(parts.db), {
    name: typed.connection,
    userName: asTyped,
    realms: parts.realms,
    needs: 'passwordsAtTerminals',
  })
  const named = await findName(parts.db, canonical(typed.userName))
  const userName = asTyped.includes('@') ? asTyped : (named?.userName ?? asTyped)
  const of = named === undefined ? `name ${canonical(typed.userName)}` : `user ${named.userId}`
  const rules = passwordRulesOf(connection)
  // By where it counts: a bucket of two clouds would be forgiven by the rule of whichever was asked last.
  const attempt = await countAttempt(parts, {
    terminalId: terminal.id,
    shown: {
      bucket: `password of ${of} in ${connection.authorityUrl}`,
      atTerminal: rules.atTerminal,
      overall: rules.overall,
    },
  })
  const proved = await signInWithPassword(parts.oidc, { connection, userName, password: typed.password, signal })
  if (proved.kind === 'refused') {
    await (GUESSES.has(proved.reason) ? attempt.fail() : attempt.succeed())
    return { answer: refused(proved.reason), refusal: factsOf('password', connection.name, proved) }
  }
  await attempt.succeed()
  const { tenantId, objectId } = proved.person
  const about = { person: proved.person }
  const judged = await judgePerson(parts.db, { tenantId, objectId, connectionId: connection.id })
  if (judged.kind === 'refused')
    return { answer: refused(judged.reason), refusal: factsOfPerson('password', connection.name, { ...about, judged }) }
  const person = await findPerson(parts.db, { userId: judged.userId, withGroups: terminal.tells.includes('groups') })
  if (person === undefined)
    return { answer: refused('person-inactive'), refusal: factsOfPerson('password', connection.name, about) }
  return { answer: await presentIdentified(parts, { terminal, person, by: 'password' }) }
}
