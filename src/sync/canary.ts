// Whether Graph still shows what it showed: an app that has lost a permission is answered 200 with nulls, not 403.
// https://devblogs.microsoft.com/microsoft365dev/upcoming-api-changes-to-return-limited-information-for-inaccessible-member-resources/
import { RunError } from '../base/errors.ts'
import type { AttributeValue } from '../directory/change.ts'
import { type KnownUser, listBarest, listCanaries, listCleared } from '../mirror/canaries.ts'
import { noteClearedEverywhere } from '../mirror/cleared.ts'
import { writeMirror } from '../mirror/fence.ts'
import { openSecrets, sealContext } from '../mirror/rows.ts'
import type { Pull } from './pull-env.ts'

/** Asked first; one of them showing an attribute clears the suspicion. */
const FIRST = 3
/** Asked at most; one batch. */
const MOST = 20

/**
 * Reads known users by id and compares them with the mirror. An attribute that at least two of them have lost and none
 * still shows is no longer readable, or was cleared for everybody. A user principal name is never null, so losing one is
 * enough. Where Graph still lets the app read what needs the permission, and shows nothing of the attribute again, it is
 * believed and noted: the plan that follows is held, however small, for an attribute that was renamed or unmapped in Entra
 * looks the same.
 *
 * @param options.wanted attributes in question; `except`: users about whom the question is
 * @throws RunError `attributes-unreadable`
 */
export async function checkCanaries(
  pull: Pull,
  options: { readonly wanted: readonly string[]; readonly except: readonly string[] },
): Promise<void> {
  const { needs, env, source } = pull
  const canaries = await listCanaries(env.db, source.id, {
    wanted: options.wanted,
    wantsSealed: options.wanted.some((name) => needs.secretAttributes.has(name)),
    except: options.except,
    limit: MOST,
  })
  const judged = new Set([...options.wanted, 'userPrincipalName'])
  const first = await compare(pull, canaries.slice(0, FIRST))
  if (suspicious(first, judged).length === 0) return
  const all = [...first, ...(await compare(pull, canaries.slice(FIRST)))]
  const lost = suspicious(all, judged).filter(
    (name) => name === 'userPrincipalName' || all.filter((c) => c.lost.has(name)).length > 1,
  )
  if (lost.length === 0) return
  if (lost.includes('userPrincipalName') || !(await env.graph.hasPermission('User.Read.All', env.signal)))
    throw unreadable(lost)
  const again = suspicious(await compare(pull, canaries), judged)
  if (lost.some((name) => !again.includes(name)) || again.includes('userPrincipalName')) throw unreadable(lost)
  await writeMirror(env.db, pull.owner, (tx) => noteClearedEverywhere(tx, source.id, lost))
}

/**
 * Reads users anew whom the finished walk shows with fewer attributes than expected: in a first load those with most
 * nulls, in a full compare some of whom a value would be cleared.
 *
 * @throws RunError `attributes-unreadable` when Graph shows values where the walk was given null
 */
export async function checkWalked(pull: Pull, walk: 'first' | 'full'): Promise<void> {
  const { db } = pull.env
  const suspects =
    walk === 'first' ? await listBarest(db, pull.source.id, MOST) : await listCleared(db, pull.source.id, MOST)
  const compared = await compare(pull, suspects)
  const wronged = compared.filter((c) => c.gained.size > 0)
  if (wronged.length > 1 || (wronged.length === 1 && compared.length === 1)) {
    throw unreadable([...new Set(wronged.flatMap((c) => [...c.gained]))])
  }
}

interface Compared {
  /** Attributes that are known and that Graph shows, shows as null, or shows though null was known. */
  readonly kept: ReadonlySet<string>
  readonly lost: ReadonlySet<string>
  readonly gained: ReadonlySet<string>
}

async function compare(pull: Pull, users: readonly KnownUser[]): Promise<readonly Compared[]> {
  if (users.length === 0) return []
  const { env, needs } = pull
  const ids = users.map((u) => u.objectId)
  const answers = await env.graph.lookUpUsers(ids, { select: needs.userAttributes, signal: env.signal })
  return users.flatMap((user) => {
    const answer = answers.get(user.objectId)
    if (answer?.kind !== 'found') return []
    const kept = new Set<string>()
    const lost = new Set<string>()
    const gained = new Set<string>()
    for (const [name, value] of Object.entries(knownOf(pull, user))) {
      const shown = answer.attributes[name]
      if (shown === undefined) continue
      if (!isEmpty(value)) (isEmpty(shown) ? lost : kept).add(name)
      else if (!isEmpty(shown)) gained.add(name)
    }
    return [{ kept, lost, gained }]
  })
}

function knownOf(pull: Pull, user: KnownUser): Record<string, AttributeValue> {
  const context = sealContext(pull.source.id, user.objectId)
  const known = { ...user.attributes, ...openSecrets(pull.env, user.sealed, context) }
  if (pull.needs.userAttributes.includes('manager') && user.manager !== null) known['manager'] = user.manager
  return known
}

function isEmpty(value: AttributeValue): boolean {
  return value === null || (Array.isArray(value) && value.length === 0)
}

function suspicious(compared: readonly Compared[], judged: ReadonlySet<string>): string[] {
  const lost = new Set(compared.flatMap((c) => [...c.lost]))
  return [...lost].filter((name) => judged.has(name) && !compared.some((c) => c.kept.has(name)))
}

function unreadable(names: readonly string[]): RunError {
  return new RunError(
    'attributes-unreadable',
    `Microsoft Graph no longer shows ${names.join(', ')}: it answers null for users who have values there. Nothing was ` +
      'changed. Grant User.Read.All again, with admin consent',
  )
}
