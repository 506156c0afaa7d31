// The user name and aliases that a person ends with.
import type { Issue, IssueCode } from '../contract/runs.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryName, RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { WantedUser } from './map/users.ts'
import { issue, type PlanUserContext, type UserInput } from './plan-person.ts'

interface TargetName {
  readonly userName: string
  /** He is deactivated and neither the new nor the old name is free. */
  readonly impossible: boolean
}

export function targetName(
  input: UserInput,
  o: { context: PlanUserContext; wanted: WantedUser; user: RegistryUser; issues: Issue[] },
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
  readonly wanted: WantedUser
  readonly userName: string
  readonly user: RegistryUser | undefined
  readonly issues: Issue[]
}

/** The complete final list of names, in a fixed order, and what is claimed for it. */
export function namesOf(input: UserInput, o: NamesOptions): { list: RegistryName[]; claims: Claim[] } {
  const { wanted, user } = o
  const claims: Claim[] = []
  const list: RegistryName[] = []
  const taken = new Set<string>()
  const claimName = wanted.userName ?? o.userName
  claims.push({ space: 'name', key: canonical(claimName), rank: 'userName' })
  const userName = { kind: 'n', value: o.userName, key: canonical(o.userName), origin: 's' } as const
  list.push(userName)
  taken.add(userName.key)
  const parked = user !== undefined && !user.active
  const add = (name: RegistryName, rank: Claim['rank'], code: IssueCode | undefined) => {
    if (taken.has(name.key)) return
    const claim = `name:${name.key}`
    claims.push({ space: 'name', key: name.key, rank })
    if (input.denied.has(claim)) {
      if (code !== undefined)
        o.issues.push(
          issue(
            input,
            code,
            `The alias ${JSON.stringify(name.value)} belongs to ${o.context.winnerOf(claim)}; this user does without it.`,
          ),
        )
      return
    }
    taken.add(name.key)
    list.push(name)
  }
  for (const name of user?.names ?? [])
    if (name.kind === 'a' && name.origin === 'o')
      add(name, parked ? 'parked' : 'own', parked ? 'alias-conflict' : undefined)
  const keepGiven = wanted.aliases === undefined || wanted.rejected.some((r) => r.target === 'aliases')
  for (const value of wanted.aliases ?? [])
    add({ kind: 'a', value, key: canonical(value), origin: 's' }, 'value', 'alias-conflict')
  if (keepGiven) {
    for (const name of user?.names ?? [])
      if (name.kind === 'a' && name.origin === 's') add(name, 'value', 'alias-conflict')
  }
  for (const name of user?.names ?? []) if (name.kind === 'a' && name.origin === 'k') add(name, 'kept', undefined)
  if (
    user !== undefined &&
    o.context.settings.users.options.keepOldUserName &&
    canonical(user.userName) !== userName.key
  ) {
    add({ kind: 'a', value: user.userName, key: canonical(user.userName), origin: 'k' }, 'kept', undefined)
  }
  return { list, claims }
}

export function sameNames(a: readonly RegistryName[], b: readonly RegistryName[]): boolean {
  if (a.length !== b.length) return false
  const text = (n: RegistryName) => `${n.kind}${n.origin}${n.value}`
  const known = new Set(b.map(text))
  return a.every((n) => known.has(text(n)))
}
