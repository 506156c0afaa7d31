// Somebody who is not in the registry yet.
import type { IssueCode } from '../contract/runs.ts'
import { canonical } from '../directory/canonical.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import { credentialsOf } from './plan-credentials.ts'
import { defaultGroupOfNew } from './plan-default-group.ts'
import { emailsOf, personalNumber } from './plan-fields.ts'
import { namesOf } from './plan-names.ts'
import { issue, type PersonOptions, type UserInput } from './plan-person.ts'
import { rejectionText } from './plan-rejected.ts'
import { NOTHING, type PlannedUser, skip } from './planned-user.ts'

/** Plans a user to be created; without a user name of his own he is not imported. */
export function planNew(input: UserInput, { context, wanted, issues }: PersonOptions): PlannedUser {
  const notImported = (reason: string, code: IssueCode, message: string, claims: readonly Claim[]): PlannedUser => ({
    ...NOTHING,
    kind: 'skipped',
    user: undefined,
    items: [skip(input, reason, 'users.properties.userName')],
    issues: [issue(input, code, message)],
    claims,
    frozen: true,
  })
  if (wanted.userName === null) {
    const refused = wanted.rejected.find((r) => r.target === 'userName')
    if (refused !== undefined) {
      return notImported(refused.code, refused.code, rejectionText(refused, 'the user is not imported'), [])
    }
    return notImported(
      'user-name-empty',
      'user-name-empty',
      'The attribute mapped to the user name is empty; the user is not imported. Fill it in Entra or map another attribute.',
      [],
    )
  }
  const key = canonical(wanted.userName)
  const names = namesOf(input, { context, wanted, userName: wanted.userName, user: undefined, issues })
  if (input.denied.has(`name:${key}`)) {
    return notImported(
      'user-name-conflict',
      'user-name-conflict',
      `The user name ${JSON.stringify(wanted.userName)} belongs to ${context.winnerOf(`name:${key}`)}; the user is not imported. Change one of the two names in Entra.`,
      names.claims,
    )
  }
  const id = input.newId()
  const after: Record<string, unknown> = { userName: wanted.userName }
  for (const [field, value] of wanted.fields) if (value !== null) after[field] = value
  const number = personalNumber(input, { context, wanted, issues })
  if (number.value !== undefined && number.value !== null) after['personalNumber'] = number.value
  const aliases = names.list.filter((n) => n.kind === 'a').map((n) => n.value)
  if (aliases.length > 0) after['aliases'] = aliases
  const emails = emailsOf(wanted.alternateEmails, undefined)
  if (emails.list.length > 0) after['alternateEmails'] = emails.list
  const own = Object.fromEntries([...wanted.own].filter(([, value]) => value !== null))
  if (Object.keys(own).length > 0) after['own'] = own
  const defaultGroup = defaultGroupOfNew(input)
  if (defaultGroup !== undefined) after['defaultGroup'] = defaultGroup.path
  const item: ItemDraft = {
    object: 'user',
    action: 'create',
    userId: id,
    groupId: defaultGroup?.id ?? null,
    objectId: input.objectId,
    name: wanted.userName,
    old: null,
    new: after,
    names: names.list,
    rule: 'users.options.addNewUsers',
    reason: 'new-in-entra',
    sawVersion: null,
    ...(emails.given.length > 0 ? { givenEmails: emails.given } : {}),
  }
  const credentials = credentialsOf(input, {
    context,
    wanted,
    issues,
    user: undefined,
    userId: id,
    name: wanted.userName,
  })
  return {
    ...NOTHING,
    kind: 'created',
    user: { id, active: true },
    items: [item, ...credentials.items],
    issues,
    claims: [...names.claims, ...number.claims, ...credentials.claims],
    frozen: false,
  }
}
