// What has to change so that the registry has one person right. Pure: no clock, no database, nothing that can wait.
import type { Issue, IssueCode } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import { canonical } from '../directory/canonical.ts'
import { TEXT_FIELDS, type RegistryCredential, type RegistryName, type RegistryUser } from '../directory/user.ts'
import type { ItemDraft } from './item.ts'
import type { Judgement } from './judge.ts'
import type { WantedUser } from './map/users.ts'
import { match } from './match.ts'

/** A value that must be unique among active users. */
export interface Claim {
  readonly space: 'name' | 'card' | 'pin' | 'number'
  /** Canonical form; for cards and PINs its keyed look-up. */
  readonly key: string
  /** `own`: the registry's, never given up. `value`: an alias, card, PIN or number that the source gives. `kept`: an old user name. `parked`: comes back where free. */
  readonly rank: 'own' | 'userName' | 'value' | 'kept' | 'parked'
}

export interface UserInput {
  readonly objectId: string
  readonly judgement: Judgement
  /** Present when the judgement is `wanted`. */
  readonly wanted: WantedUser | undefined
  /** The registry user with this tenant and object id. */
  readonly linked: RegistryUser | undefined
  /** Registry users without object id whose user name is the wanted one. */
  readonly candidates: readonly RegistryUser[]
  /** Claims that somebody else wins, as `space:key`. */
  readonly denied: ReadonlySet<string>
  /** The id that a new user would get. */
  readonly newId: () => number
}

export interface PlanUserContext {
  readonly sourceId: number
  readonly settings: SourceSettings
  /** Keyed look-up of a card or PIN, lower-case hex. */
  readonly lookup: (space: 'card' | 'pin', canonicalValue: string) => string
  /** Seals a card number; base64. */
  readonly sealCard: (value: string) => string
  /** Who wins a denied claim, for the issue's sentence; never names a card or PIN. */
  readonly winnerOf: (claim: string) => string
}

export interface PlannedUser {
  readonly kind: 'created' | 'adopted' | 'existing' | 'skipped'
  /** The registry user that the object is, or will be, linked to. */
  readonly user: { readonly id: number; readonly active: boolean } | undefined
  readonly items: readonly ItemDraft[]
  readonly issues: readonly Issue[]
  readonly claims: readonly Claim[]
  /** No membership of this user may change. */
  readonly frozen: boolean
  /** Whether this source claims the user from now on; `undefined` leaves the claim as it is. */
  readonly claimed: boolean | undefined
}

const NOTHING = { items: [], issues: [], claims: [] } as const

/** Plans one person of a source. Deterministic; the same input gives the same items. */
export function planUser(input: UserInput, context: PlanUserContext): PlannedUser {
  const { judgement } = input
  switch (judgement.kind) {
    case 'wanted':
      return planWanted(input, context)
    case 'frozen':
      return {
        ...NOTHING,
        kind: 'skipped',
        user: input.linked,
        frozen: true,
        claimed: undefined,
        items: [skip(input, judgement.why, 'sync')],
      }
    case 'disabled':
      return planLeaver(input, context, { reason: 'disabled', rule: 'users.disabledAccounts', always: true })
    case 'soft-deleted':
    case 'gone':
      return planLeaver(input, context, {
        reason: judgement.kind,
        rule: 'users.options.deactivateMissingUsers',
        always: false,
      })
    case 'out-of-scope':
      return planLeaver(input, context, { reason: 'out-of-scope', rule: judgement.rule, always: false })
  }
}

interface Leaving {
  readonly reason: string
  readonly rule: string
  /** Also where *Deactivate missing users* is off. */
  readonly always: boolean
}

function planLeaver(input: UserInput, context: PlanUserContext, leaving: Leaving): PlannedUser {
  const { linked } = input
  const skipped = (reason: string, frozen: boolean): PlannedUser => ({
    ...NOTHING,
    kind: 'skipped',
    user: linked,
    frozen,
    claimed: false,
    items: [skip(input, reason, leaving.rule)],
  })
  if (linked === undefined) return skipped(leaving.reason, true)
  if (linked.sourceId !== context.sourceId) return skipped('not-owned', true)
  if (linked.untouchable) return skipped('protected', true)
  if (!linked.active) return { ...NOTHING, kind: 'existing', user: linked, frozen: false, claimed: false }
  if (!leaving.always && !context.settings.users.options.deactivateMissingUsers) return skipped('missing-kept', true)
  if (linked.restoredByAdministrator) return skipped('restored-by-administrator', true)
  const item: ItemDraft = {
    ...userItem(input, linked),
    action: 'deactivate',
    old: { active: true },
    new: { active: false },
    rule: leaving.rule,
    reason: leaving.reason,
  }
  return {
    ...NOTHING,
    kind: 'existing',
    user: { id: linked.id, active: false },
    items: [item],
    frozen: false,
    claimed: false,
  }
}

function planWanted(input: UserInput, context: PlanUserContext): PlannedUser {
  const wanted = input.wanted
  if (wanted === undefined) throw new TypeError('a wanted user needs a mapping')
  const issues: Issue[] = wanted.rejected.map((r) =>
    issue(
      input,
      'value-rejected',
      `A value for ${r.target} ${r.problem}; the field stays as it is. Correct it in Entra or map another attribute.`,
    ),
  )
  const matched = match(input, { sourceId: context.sourceId, options: context.settings.users.options })
  switch (matched.kind) {
    case 'skip':
      return {
        kind: 'skipped',
        user: input.linked,
        items: [skip(input, matched.reason, matched.rule)],
        issues: matched.issue === undefined ? issues : [...issues, issue(input, matched.issue, matched.message)],
        claims: [],
        frozen: true,
        claimed: matched.reason === 'owned-by-source' ? true : undefined,
      }
    case 'create':
      return planNew(input, { context, wanted, issues })
    case 'linked':
    case 'adopt':
      return planExisting(input, { context, wanted, issues, user: matched.user, adopt: matched.kind === 'adopt' })
  }
}

interface NewOptions {
  readonly context: PlanUserContext
  readonly wanted: WantedUser
  readonly issues: Issue[]
}

function planNew(input: UserInput, { context, wanted, issues }: NewOptions): PlannedUser {
  const notImported = (reason: string, code: IssueCode, message: string, claims: readonly Claim[]): PlannedUser => ({
    kind: 'skipped',
    user: undefined,
    items: [skip(input, reason, 'users.properties.userName')],
    issues: [issue(input, code, message)],
    claims,
    frozen: true,
    claimed: false,
  })
  if (wanted.userName === null) {
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
  if (wanted.alternateEmails !== undefined && wanted.alternateEmails.length > 0)
    after['alternateEmails'] = wanted.alternateEmails
  const own = Object.fromEntries([...wanted.own].filter(([, value]) => value !== null))
  if (Object.keys(own).length > 0) after['own'] = own
  const item: ItemDraft = {
    object: 'user',
    action: 'create',
    userId: id,
    groupId: null,
    objectId: input.objectId,
    name: wanted.userName,
    old: null,
    new: after,
    names: names.list,
    rule: 'users.options.addNewUsers',
    reason: 'new-in-entra',
    sawVersion: null,
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
    kind: 'created',
    user: { id, active: true },
    items: [item, ...credentials.items],
    issues,
    claims: [...names.claims, ...number.claims, ...credentials.claims],
    frozen: false,
    claimed: true,
  }
}

interface ExistingOptions extends NewOptions {
  readonly user: RegistryUser
  readonly adopt: boolean
}

function planExisting(input: UserInput, { context, wanted, issues, user, adopt }: ExistingOptions): PlannedUser {
  if (!user.active && user.deactivatedBy === 'administrator' && !adopt) {
    return {
      ...NOTHING,
      kind: 'skipped',
      user,
      frozen: false,
      claimed: true,
      items: [skip(input, 'deactivated-by-administrator', 'administrator')],
    }
  }
  const reactivate = !user.active && user.deactivatedBy !== 'administrator'
  const target = targetName(input, { context, wanted, user, issues })
  const names = namesOf(input, { context, wanted, userName: target.userName, user, issues })
  if (target.impossible) {
    // Two who are paired with one record: it belongs to the other one.
    const isLinked = input.linked?.id === user.id
    return {
      kind: 'skipped',
      user: isLinked ? user : undefined,
      items: [skip(input, 'user-name-conflict', 'users.properties.userName')],
      issues,
      claims: names.claims,
      frozen: !isLinked,
      claimed: isLinked,
    }
  }
  const items: ItemDraft[] = []
  const base = userItem(input, user)
  const changes = fieldChanges(input, { context, wanted, user, issues })
  const namesChanged = !sameNames(names.list, user.names) || reactivate
  const rename = target.userName !== user.userName
  const aliasesBefore = user.names.filter((n) => n.kind === 'a').map((n) => n.value)
  const aliasesAfter = names.list.filter((n) => n.kind === 'a').map((n) => n.value)
  // The registry keeps names in no order, so that order is no change.
  const aliasesChanged = aliasesBefore.toSorted().join('\0') !== aliasesAfter.toSorted().join('\0')
  if (adopt) {
    items.push({
      ...base,
      action: 'adopt',
      old: {
        ...changes.old,
        objectId: user.objectId,
        ...(rename ? { userName: user.userName } : {}),
        ...(aliasesChanged ? { aliases: aliasesBefore } : {}),
      },
      new: {
        ...changes.new,
        objectId: input.objectId,
        ...(rename ? { userName: target.userName } : {}),
        ...(aliasesChanged ? { aliases: aliasesAfter } : {}),
      },
      names: names.list,
      rule: user.objectId === null ? 'users.options.pairBy' : 'users.options.pairByObjectId',
      reason: user.objectId === null ? 'paired-by-user-name' : 'linked-again',
    })
  }
  if (reactivate) {
    items.push({
      ...base,
      action: 'reactivate',
      old: { active: false },
      new: { active: true },
      names: names.list,
      rule: 'users.import',
      reason: 'wanted-again',
      numberKey: numberKeyAfter(input, user, changes.new),
    })
  }
  if (!adopt) {
    if (rename) {
      items.push({
        ...base,
        action: 'rename',
        old: { userName: user.userName, ...(aliasesChanged ? { aliases: aliasesBefore } : {}) },
        new: { userName: target.userName, ...(aliasesChanged ? { aliases: aliasesAfter } : {}) },
        names: names.list,
        rule: 'users.properties.userName',
        reason: 'changed-in-entra',
      })
    }
    const aliasUpdate = aliasesChanged && !rename
    if (Object.keys(changes.new).length > 0 || aliasUpdate || (namesChanged && !rename && !reactivate)) {
      items.push({
        ...base,
        action: 'update',
        old: { ...changes.old, ...(aliasUpdate ? { aliases: aliasesBefore } : {}) },
        new: { ...changes.new, ...(aliasUpdate ? { aliases: aliasesAfter } : {}) },
        names: namesChanged ? names.list : null,
        rule: 'users.properties',
        reason: 'changed-in-entra',
      })
    }
  }
  const credentials = credentialsOf(input, { context, wanted, issues, user, userId: user.id, name: target.userName })
  const moved =
    adopt && input.linked !== undefined && input.linked.id !== user.id
      ? [objectIdMoved(input, input.linked, context)]
      : []
  return {
    kind: adopt ? 'adopted' : 'existing',
    user: { id: user.id, active: user.active || reactivate },
    items: [...moved.flat(), ...items, ...credentials.items],
    issues,
    claims: [...names.claims, ...changes.claims, ...credentials.claims],
    frozen: false,
    claimed: true,
  }
}

/** The number with which he comes back: the new one, else the parked one where it is still free. */
function numberKeyAfter(
  input: UserInput,
  user: RegistryUser,
  changed: Readonly<Record<string, unknown>>,
): string | null {
  const number = 'personalNumber' in changed ? changed['personalNumber'] : user.personalNumber
  if (typeof number !== 'string') return null
  const key = canonical(number)
  return input.denied.has(`number:${key}`) ? null : key
}

/** Pair by Object ID is off and another record was found: the record that had the object id becomes missing. */
function objectIdMoved(input: UserInput, old: RegistryUser, context: PlanUserContext): readonly ItemDraft[] {
  const deactivate = old.active && !old.untouchable && context.settings.users.options.deactivateMissingUsers
  return [
    {
      ...userItem(input, old),
      action: deactivate ? 'deactivate' : 'update',
      objectId: input.objectId,
      old: { objectId: old.objectId, ...(deactivate ? { active: true } : {}) },
      new: { objectId: null, ...(deactivate ? { active: false } : {}) },
      rule: 'users.options.pairByObjectId',
      reason: 'object-id-moved',
    },
  ]
}

interface TargetName {
  readonly userName: string
  /** He is deactivated and neither the new nor the old name is free. */
  readonly impossible: boolean
}

function targetName(
  input: UserInput,
  o: { context: PlanUserContext; wanted: WantedUser; user: RegistryUser; issues: Issue[] },
): TargetName {
  const { user, wanted, issues } = o
  if (wanted.userName === null) {
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
function namesOf(input: UserInput, o: NamesOptions): { list: RegistryName[]; claims: Claim[] } {
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

function sameNames(a: readonly RegistryName[], b: readonly RegistryName[]): boolean {
  if (a.length !== b.length) return false
  const text = (n: RegistryName) => `${n.kind}${n.origin}${n.value}`
  const known = new Set(b.map(text))
  return a.every((n) => known.has(text(n)))
}

interface ChangesOptions extends NewOptions {
  readonly user: RegistryUser
}

function fieldChanges(
  input: UserInput,
  o: ChangesOptions,
): { old: Record<string, unknown>; new: Record<string, unknown>; claims: Claim[] } {
  const { user, wanted } = o
  const before: Record<string, unknown> = {}
  const after: Record<string, unknown> = {}
  for (const field of TEXT_FIELDS) {
    const value = wanted.fields.get(field)
    if (value === undefined || value === user.fields[field]) continue
    before[field] = user.fields[field]
    after[field] = value
  }
  const number = personalNumber(input, o)
  if (number.value !== undefined && number.value !== user.personalNumber) {
    before['personalNumber'] = user.personalNumber
    after['personalNumber'] = number.value
  } else if (number.isFreeAgain) {
    before['personalNumber'] = null
    after['personalNumber'] = user.personalNumber
  }
  if (wanted.alternateEmails !== undefined && wanted.alternateEmails.join('\0') !== user.alternateEmails.join('\0')) {
    before['alternateEmails'] = user.alternateEmails
    after['alternateEmails'] = wanted.alternateEmails
  }
  const ownBefore: Record<string, string | null> = {}
  const ownAfter: Record<string, string | null> = {}
  for (const [name, value] of wanted.own) {
    const current = user.own[name] ?? null
    if (current === value) continue
    ownBefore[name] = current
    ownAfter[name] = value
  }
  if (Object.keys(ownAfter).length > 0) {
    before['own'] = ownBefore
    after['own'] = ownAfter
  }
  // Wanted once more: from now on the source may deactivate him again.
  if (user.restoredByAdministrator) {
    before['restoredByAdministrator'] = true
    after['restoredByAdministrator'] = false
  }
  return { old: before, new: after, claims: number.claims }
}

interface PlannedNumber {
  /** `undefined`: stays as it is. */
  readonly value: string | null | undefined
  /** His own number, which somebody else had when he came back. */
  readonly isFreeAgain: boolean
  readonly claims: Claim[]
}

function personalNumber(input: UserInput, o: NewOptions & { readonly user?: RegistryUser }): PlannedNumber {
  const { user } = o
  const isKept = o.wanted.personalNumber === undefined
  const number = isKept ? user?.personalNumber : o.wanted.personalNumber
  if (number === undefined || number === null) return { value: number, isFreeAgain: false, claims: [] }
  const key = canonical(number)
  const holds = user?.active === true && user.holdsNumber
  const claims: Claim[] = [{ space: 'number', key, rank: isKept ? (holds ? 'own' : 'parked') : 'value' }]
  if (!input.denied.has(`number:${key}`)) {
    const isFreeAgain = user?.active === true && !user.holdsNumber && number === user.personalNumber
    return { value: isKept ? undefined : number, isFreeAgain, claims }
  }
  o.issues.push(
    issue(
      input,
      'personal-number-conflict',
      `The personal number ${JSON.stringify(number)} belongs to ${o.context.winnerOf(`number:${key}`)}; this user does without it.`,
    ),
  )
  return { value: isKept ? undefined : null, isFreeAgain: false, claims }
}

interface CredentialOptions extends NewOptions {
  readonly user: RegistryUser | undefined
  readonly userId: number
  readonly name: string
}

function credentialsOf(input: UserInput, o: CredentialOptions): { items: ItemDraft[]; claims: Claim[] } {
  const items: ItemDraft[] = []
  const claims: Claim[] = []
  const existing = o.user?.credentials ?? []
  const parked = o.user !== undefined && !o.user.active
  const plan = (kind: 'card' | 'pin', values: readonly string[] | undefined) => {
    const have = existing.filter((c) => c.kind === kind)
    const conflict = (claim: string) =>
      o.issues.push(
        issue(
          input,
          kind === 'card' ? 'card-conflict' : 'pin-conflict',
          `A ${kind === 'card' ? 'card' : 'PIN'} belongs to ${o.context.winnerOf(claim)}; this user does without it.`,
        ),
      )
    /** What the source does not decide about: the registry's own, or all where nothing is mapped. */
    const keep = (credential: RegistryCredential, rank: Claim['rank']) => {
      const { lookup } = credential
      const isMissing = parked || !credential.held
      claims.push({ space: kind, key: lookup, rank: isMissing ? 'parked' : rank })
      if (!isMissing) return
      const claim = `${kind}:${lookup}`
      if (input.denied.has(claim)) conflict(claim)
      // With a reactivation it comes back by itself.
      else if (!parked)
        items.push(credentialItem(input, o, { action: 'add', kind, lookup, content: { shown: '••••' } }))
    }
    for (const credential of have) if (credential.origin === 'o') keep(credential, 'own')
    if (values === undefined) {
      for (const credential of have) if (credential.origin === 's') keep(credential, 'value')
      return
    }
    const wanted = new Set<string>()
    for (const value of values) {
      const lookup = o.context.lookup(kind, canonical(value))
      if (wanted.has(lookup)) continue
      wanted.add(lookup)
      if (have.some((c) => c.lookup === lookup && c.origin === 'o')) continue
      const claim = `${kind}:${lookup}`
      claims.push({ space: kind, key: lookup, rank: 'value' })
      if (input.denied.has(claim)) {
        wanted.delete(lookup)
        conflict(claim)
        continue
      }
      if (have.some((c) => c.lookup === lookup)) continue
      const shown = kind === 'card' ? { sealed: o.context.sealCard(value), shown: mask(value) } : { shown: '••••' }
      items.push(credentialItem(input, o, { action: 'add', kind, lookup, content: shown }))
    }
    const keepAll = o.wanted.rejected.some((r) => r.target === (kind === 'card' ? 'cards' : 'pin'))
    for (const credential of have) {
      if (credential.origin !== 's' || wanted.has(credential.lookup)) continue
      if (keepAll) claims.push({ space: kind, key: credential.lookup, rank: 'value' })
      else items.push(credentialItem(input, o, { action: 'remove', kind, lookup: credential.lookup, content: {} }))
    }
  }
  plan('card', o.wanted.cards)
  plan('pin', o.wanted.pin === undefined ? undefined : o.wanted.pin === null ? [] : [o.wanted.pin])
  return { items, claims }
}

interface CredentialContent {
  readonly action: 'add' | 'remove'
  readonly kind: RegistryCredential['kind']
  readonly lookup: string
  readonly content: Record<string, string>
}

function credentialItem(input: UserInput, o: CredentialOptions, c: CredentialContent): ItemDraft {
  const value = { kind: c.kind, lookup: c.lookup, ...c.content }
  return {
    object: 'credential',
    action: c.action,
    userId: o.userId,
    groupId: null,
    objectId: input.objectId,
    name: o.name,
    old: c.action === 'remove' ? value : null,
    new: c.action === 'add' ? value : null,
    names: null,
    rule: c.kind === 'card' ? 'users.properties.cards' : 'users.properties.pin',
    reason: c.action === 'add' ? 'given-in-entra' : 'withdrawn-in-entra',
    sawVersion: o.user?.version ?? null,
  }
}

/** Enough to recognise a card in hand, too little to copy it. */
function mask(value: string): string {
  return value.length >= 9 ? `••••${value.slice(-4)}` : '••••'
}

function userItem(
  input: UserInput,
  user: RegistryUser,
): Pick<ItemDraft, 'object' | 'userId' | 'groupId' | 'objectId' | 'name' | 'names' | 'sawVersion'> {
  return {
    object: 'user',
    userId: user.id,
    groupId: null,
    objectId: input.objectId,
    name: user.userName,
    names: null,
    sawVersion: user.version,
  }
}

function skip(input: UserInput, reason: string, rule: string): ItemDraft {
  return {
    object: 'user',
    action: 'skip',
    userId: input.linked?.id ?? null,
    groupId: null,
    objectId: input.objectId,
    name: input.linked?.userName ?? input.wanted?.userName ?? null,
    old: null,
    new: null,
    names: null,
    rule,
    reason,
    sawVersion: null,
  }
}

function issue(input: UserInput, code: IssueCode, message: string): Issue {
  return { code, objectId: input.objectId, message }
}
