// Whether Graph still shows what it showed: an app that has lost a permission is answered 200 with nulls, not 403.
// https://devblogs.microsoft.com/microsoft365dev/upcoming-api-changes-to-return-limited-information-for-inaccessible-member-resources/
import { RunError } from '../base/errors.ts'
import type { AttributeValue, UserEntry } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import { type KnownUser, listBarest, listCanaries, listCleared } from '../mirror/canaries.ts'
import { noteClearedEverywhere } from '../mirror/cleared.ts'
import { writeMirror } from '../mirror/fence.ts'
import { setPageLink } from '../mirror/rounds.ts'
import { openSecrets, sealContext } from '../mirror/rows.ts'
import type { Pull } from './pull-env.ts'

/** Asked first; one of them showing an attribute clears the suspicion. */
const FIRST = 3
/** Asked at most; one batch. */
const MOST = 20
/** Of the people of a page of changes who lose values: with the first canaries five batches, however many they are. */
const MOST_OF_PAGE = 97

/**
 * Nobody in Entra is without a user principal name. Where it is null, so is what else is shown of him.
 *
 * @throws RunError `attributes-unreadable`
 */
export function requireNames(entries: readonly Pick<UserEntry, 'attributes'>[]): void {
  if (entries.some((entry) => entry.attributes[NAME] === null)) throw unreadable([NAME])
}

const NAME = 'userPrincipalName'

/**
 * Reads known users by id and compares them with the mirror. An attribute that at least two of them have lost and none
 * still shows is no longer readable, or was cleared for everybody. Where Graph still lets the app read what needs the
 * permission, and shows nothing of the attribute again, it is believed and noted: the plan that follows is held, however
 * small, for an attribute that was renamed or unmapped in Entra looks the same.
 *
 * @param wanted attributes in question
 * @throws RunError `attributes-unreadable`
 */
export async function checkCanaries(pull: Pull, wanted: readonly string[]): Promise<void> {
  const canaries = await canariesFor(pull, { wanted, except: [] })
  const first = await compare(pull, canaries.slice(0, FIRST))
  if (lostBy(first, wanted).length === 0) return
  const all = [...first, ...(await compare(pull, canaries.slice(FIRST)))]
  await believe(pull, { canaries, everywhere: lostByTwo(all, wanted), among: [], byThemAlone: [] })
}

/**
 * Before changes clear values: the people who lose them are read again by id, and with them other users who have such values.
 *
 * A value that somebody shows by id, and that the changes say is null, ends the run; the next one reads the changes again.
 * What nobody else shows is judged as {@link checkCanaries} says. Of what nobody else is known to have, they themselves are
 * asked once more, if the app may still read what needs the permission. Nothing is asked where nothing becomes null.
 *
 * @param page.cleared who loses what; `known`: them, as the mirror has them
 * @throws RunError `attributes-unreadable`
 */
export async function checkCleared(
  pull: Pull,
  page: {
    readonly cleared: ReadonlyMap<ObjectId, readonly string[]>
    readonly known: ReadonlyMap<string, KnownUser>
  },
): Promise<void> {
  const { cleared, known } = page
  if (cleared.size === 0) return
  const wanted = [...new Set([...cleared.values()].flat())]
  const canaries = await canariesFor(pull, { wanted, except: [...known.keys()] })
  const people = mostCleared(cleared).flatMap((id) => known.get(id) ?? [])
  const compared = await compare(pull, [...canaries.slice(0, FIRST), ...people])
  const isOfPage = ({ objectId }: Compared) => cleared.has(objectId)
  const denied = compared
    .filter(isOfPage)
    .flatMap((c) => cleared.get(c.objectId)?.filter((name) => c.kept.has(name)) ?? [])
  if (denied.length > 0) throw await contradicted(pull, [...new Set(denied)])
  const first = compared.filter((c) => !isOfPage(c))
  const unshown = wanted.filter((name) => !first.some((c) => c.kept.has(name)))
  if (unshown.length === 0) return
  const others = canaries
    .slice(FIRST)
    .filter((user) => unshown.some((name) => !isEmpty(knownOf(pull, user)[name] ?? null)))
  const all = [...first, ...(await compare(pull, others))]
  await believe(pull, {
    canaries: [...canaries.slice(0, FIRST), ...others],
    everywhere: lostByTwo(all, unshown),
    among: people,
    byThemAlone: unshown.filter((name) => !all.some((c) => c.kept.has(name) || c.lost.has(name))),
  })
}

interface Doubtful {
  readonly canaries: readonly KnownUser[]
  /** What no canary shows any more. */
  readonly everywhere: readonly string[]
  /** The people in question. */
  readonly among: readonly KnownUser[]
  /** What nobody beside them is known to have. */
  readonly byThemAlone: readonly string[]
}

/** Asks for the permission, and everybody once more; returns where what they have lost can be believed. */
async function believe(pull: Pull, doubtful: Doubtful): Promise<void> {
  const { env, source, owner } = pull
  const { canaries, everywhere, among, byThemAlone } = doubtful
  const lost = [...everywhere, ...byThemAlone]
  if (lost.length === 0) return
  if (!(await env.graph.hasPermission('User.Read.All', env.signal))) throw unreadable(lost)
  const again = await compare(pull, [
    ...(everywhere.length > 0 ? canaries : []),
    ...(byThemAlone.length > 0 ? among : []),
  ])
  const still = lostBy(again, everywhere)
  if (everywhere.some((name) => !still.includes(name))) throw unreadable(everywhere)
  const shown = byThemAlone.filter((name) => again.some((c) => c.kept.has(name)))
  if (shown.length > 0) throw await contradicted(pull, shown)
  if (everywhere.length > 0) await writeMirror(env.db, owner, (tx) => noteClearedEverywhere(tx, source.id, everywhere))
}

async function canariesFor(
  pull: Pull,
  options: { readonly wanted: readonly string[]; readonly except: readonly string[] },
): Promise<readonly KnownUser[]> {
  const { needs, env, source } = pull
  const wantsSealed = options.wanted.some((name) => needs.secretAttributes.has(name))
  return listCanaries(env.db, source.id, { ...options, wantsSealed, limit: MOST })
}

/** Who loses most comes first, for a broken answer shows nothing at all; else by object id, which nobody chooses. */
function mostCleared(cleared: ReadonlyMap<ObjectId, readonly string[]>): ObjectId[] {
  return [...cleared]
    .sort(([one, ones], [other, others]) => others.length - ones.length || (one < other ? -1 : 1))
    .slice(0, MOST_OF_PAGE)
    .map(([id]) => id)
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
  readonly objectId: ObjectId
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
    requireNames([answer])
    const kept = new Set<string>()
    const lost = new Set<string>()
    const gained = new Set<string>()
    for (const [name, value] of Object.entries(knownOf(pull, user))) {
      const shown = answer.attributes[name]
      if (shown === undefined) continue
      if (!isEmpty(value)) (isEmpty(shown) ? lost : kept).add(name)
      else if (!isEmpty(shown)) gained.add(name)
    }
    return [{ objectId: user.objectId, kept, lost, gained }]
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

/** Of these attributes: those that somebody has lost and nobody still shows. */
function lostBy(compared: readonly Compared[], wanted: readonly string[]): string[] {
  return wanted.filter((name) => compared.some((c) => c.lost.has(name)) && !compared.some((c) => c.kept.has(name)))
}

function lostByTwo(compared: readonly Compared[], wanted: readonly string[]): string[] {
  return lostBy(compared, wanted).filter((name) => compared.filter((c) => c.lost.has(name)).length > 1)
}

function unreadable(names: readonly string[]): RunError {
  return new RunError(
    'attributes-unreadable',
    `Microsoft Graph no longer shows ${names.join(', ')}: it answers null for users who have values there. Nothing was ` +
      'changed. Grant User.Read.All again, with admin consent',
  )
}

/** The pages of a round are as of its end, and so deny again and again what was filled since: the next run begins the round anew. */
async function contradicted({ env, source, owner }: Pull, names: readonly string[]): Promise<RunError> {
  await writeMirror(env.db, owner, (tx) => setPageLink(tx, source.id, { feed: 'users', link: undefined }))
  return new RunError(
    'attributes-unreadable',
    `Microsoft Graph contradicts itself about ${names.join(', ')}: it said null for users who have values there when asked ` +
      'for by id. Nothing was changed. The next run reads it again; if this stays, look whether User.Read.All is granted still',
  )
}
