// The user name and aliases that a person ends with.
import type { Issue, IssueCode } from '../contract/runs.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryName, RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import { issue, type PlanUserContext, type UserInput } from './plan-person.ts'
import type { TakenUser } from './plan-terms.ts'

interface TargetName {
  readonly userName: string
  /** He is deactivated and neither the new nor the old name is free. */
  readonly impossible: boolean
}

export function targetName(
  input: UserInput,
  o: { context: PlanUserContext; wanted: TakenUser; user: RegistryUser; issues: Issue[] },
): TargetName {
  const { user, wanted, issues } = o
  if (wanted.userName === null) {
    // One that cannot be kept is told already, as what it is.
    if (!wanted.rejected.some((r) => r.target === 'userName'))
      issues.push(
        issue(
          input,
          'user-name-empty',
          `The attribute mapped to the user name is empty; ${JSON.stringify(user.userName)} is kept. Fill it in Entra or map another attribute.`,
        ),
      )
    return { userName: user.userName, impossible: input.denied.has(`name:${canonical(user.userName)}`) }
  }
  const claim = `name:${canonical(wanted.userName)}`
  if (!input.denied.has(claim)) return { userName: wanted.userName, impossible: false }
  const oldFree = !input.denied.has(`name:${canonical(user.userName)}`)
  issues.push(
    issue(
      input,
      'user-name-conflict',
      `The user name ${JSON.stringify(wanted.userName)} belongs to ${o.context.winnerOf(claim)}; ${oldFree ? `${JSON.stringify(user.userName)} is kept` : user.active ? 'the user is not imported' : 'the user stays deactivated'}. Change one of the two names in Entra.`,
    ),
  )
  return { userName: user.userName, impossible: !oldFree }
}

interface NamesOptions {
  readonly context: PlanUserContext
  readonly wanted: TakenUser
  readonly userName: string
  readonly user: RegistryUser | undefined
  readonly issues: Issue[]
}

/**
 * The complete final list of names, in a fixed order, and what is claimed for it. An alias of the registry's own that somebody else
 * has is in it as not held.
 */
export function namesOf(input: UserInput, o: NamesOptions): { list: RegistryName[]; claims: Claim[] } {
  const { wanted, user } = o
  const claims: Claim[] = []
  const list: RegistryName[] = []
  const taken = new Set<string>()
  const claimName = wanted.userName ?? o.userName
  claims.push({ space: 'name', key: canonical(claimName), rank: 'userName' })
  const userName = { kind: 'n', value: o.userName, key: canonical(o.userName), origin: 's', held: true } as const
  list.push(userName)
  taken.add(userName.key)
  const add = (name: Pick<RegistryName, 'value' | 'origin'>, rank: Claim['rank'], code: IssueCode | undefined) => {
    const alias = { kind: 'a', key: canonical(name.value), ...name } as const
    if (taken.has(alias.key)) return
    taken.add(alias.key)
    const claim = `name:${alias.key}`
    claims.push({ space: 'name', key: alias.key, rank })
    const isDenied = input.denied.has(claim)
    if (isDenied && code !== undefined) {
      o.issues.push(
        issue(
          input,
          code,
          `The alias ${JSON.stringify(name.value)} belongs to ${o.context.winnerOf(claim)}; this user does without it.`,
        ),
      )
    }
    // What the registry itself gave him is not lost: it is his again when it is free.
    const isHis = user?.names.some((n) => n.kind === 'a' && n.origin === 'o' && n.key === alias.key) === true
    if (!isDenied || isHis) list.push({ ...alias, held: !isDenied })
  }
  for (const name of user?.names ?? []) {
    if (name.kind !== 'a' || name.origin !== 'o') continue
    const isBack = user?.active !== true || !name.held
    add(name, isBack ? 'parked' : 'own', isBack ? 'alias-conflict' : undefined)
  }
  const { aliases } = wanted
  const given = user?.names.filter((name) => name.kind === 'a' && name.origin === 's') ?? []
  if (aliases?.withdraws !== true) for (const name of given) add(name, 'value', 'alias-conflict')
  for (const { value, own } of aliases?.values ?? []) add({ value, origin: own ? 'o' : 's' }, 'value', 'alias-conflict')
  for (const name of user?.names ?? []) if (name.kind === 'a' && name.origin === 'k') add(name, 'kept', undefined)
  if (
    user !== undefined &&
    o.context.settings.users.options.keepOldUserName &&
    canonical(user.userName) !== userName.key
  ) {
    add({ value: user.userName, origin: 'k' }, 'kept', undefined)
  }
  return { list, claims }
}

export function sameNames(a: readonly RegistryName[], b: readonly RegistryName[]): boolean {
  if (a.length !== b.length) return false
  const text = (n: RegistryName) => `${n.kind}${n.origin}${n.held}${n.value}`
  const known = new Set(b.map(text))
  return a.every((n) => known.has(text(n)))
}
