// What can happen in a random history, as plain data: in the tenants, to the settings, by hand in the registry, and how runs go.
import * as fc from 'fast-check'
import type { FaultSpec } from '../../src/emulator/faultkinds.ts'
import { EXPRESSIONS } from '../support/model-entra.ts'
import type { Settings } from './stage.ts'

/** Numbers are taken modulo of what there is. */
export type TenantStep =
  | { readonly kind: 'hire'; readonly name: number; readonly attributes: Record<string, unknown> }
  | { readonly kind: 'rename'; readonly who: number; readonly name: number }
  /** Two people exchange their UPNs. */
  | { readonly kind: 'swap'; readonly who: number; readonly other: number }
  /** The name of a leaver goes to somebody else at once. */
  | { readonly kind: 'reuse'; readonly who: number }
  | { readonly kind: 'update'; readonly who: number; readonly attributes: Record<string, unknown> }
  | { readonly kind: 'disable' | 'enable' | 'remove' | 'purge' | 'restore'; readonly who: number }
  | { readonly kind: 'restoreAs'; readonly who: number; readonly name: number }
  | { readonly kind: 'group'; readonly name: number; readonly type: number }
  | { readonly kind: 'renameGroup'; readonly group: number; readonly name: number }
  | { readonly kind: 'removeGroup' | 'restoreGroup' | 'recreateGroup'; readonly group: number }
  | { readonly kind: 'join' | 'leave'; readonly group: number; readonly who: number }
  | { readonly kind: 'nest' | 'unnest'; readonly group: number; readonly below: number }

export type HandStep =
  | { readonly kind: 'addAlias' | 'addCard'; readonly who: number; readonly value: number }
  | { readonly kind: 'deactivate' | 'reactivate' | 'protect'; readonly who: number }
  | { readonly kind: 'addLocal'; readonly name: number; readonly number: number | null }

export type Disturbance =
  | { readonly kind: 'none' }
  | { readonly kind: 'fault'; readonly fault: FaultSpec }
  /** The process dies at this statement. */
  | { readonly kind: 'kill'; readonly at: number }
  /** Cancelled after so many progress reports. */
  | { readonly kind: 'cancel'; readonly after: number }
  /** Somebody else takes the source over after so many progress reports. */
  | { readonly kind: 'fence'; readonly after: number }

export type Step =
  | { readonly do: 'tenant'; readonly tenant: number; readonly step: TenantStep }
  | { readonly do: 'hand'; readonly step: HandStep }
  | { readonly do: 'settings'; readonly source: number; readonly settings: Settings }
  | {
      readonly do: 'run'
      readonly source: number
      readonly mode: 'auto' | 'full'
      readonly disturbance: Disturbance
      /** What becomes of it when it is held. */
      readonly held: 'approve' | 'reject' | 'leave' | 'withoutRemovals'
      /** Once applied it is taken back at once. */
      readonly undo: boolean
    }
  /** The last applied run is taken back, whatever has happened since. */
  | { readonly do: 'revert'; readonly source: number }
  | { readonly do: 'preview'; readonly source: number; readonly mode: 'auto' | 'full' }
  /** The plan that is still held, if any, whatever has happened since. */
  | { readonly do: 'approve'; readonly source: number }
  | { readonly do: 'wait'; readonly hours: number }
  | { readonly do: 'removeSource'; readonly source: number }
  /** The source is given the other connection. */
  | { readonly do: 'connect'; readonly source: number }
  /** The connection names the other tenant. */
  | { readonly do: 'lead'; readonly connection: number }

export interface History {
  readonly seed: number
  /** The second source: on the same tenant, on another one, or none. */
  readonly second: 'none' | 'same' | 'other'
  /** Connections change; in most histories they do not, so that these go deeper elsewhere. */
  readonly moves: boolean
  readonly settings: readonly [Settings, Settings]
  /** What the tenants hold before anybody looks. */
  readonly start: readonly TenantStep[]
  readonly steps: readonly Step[]
}

const few = fc.nat(11)
/** Few names, cards and numbers for many people: conflicts, swaps and reuse are the rule here. */
export const NAMES = ['ann', 'bob', 'Cid', 'dée', 'eve', 'fay', "o'neil", 'ZOË'] as const
/** Of aliases that administrators add. */
export const OWN_ENDING = '.own'
const CARDS = ['04a1', '04A1', 'b2c3', 'd4e5', '0077', '77', null] as const
export const PINS = ['483920', '590184', '720395', '864201', null] as const
const NUMBERS = ['1001', '1002', '1003', 'x-9', null] as const
const DEPARTMENTS = ['Sales', 'IT', 'Ward|3', ' padded ', null] as const

/** Attributes that settings map, one card in two attributes. */
const attributes = fc.record(
  {
    displayName: fc.constantFrom('Ann B', 'Bob', 'Čeněk Ř', '=cmd', null),
    mailNickname: fc.constantFrom(...NAMES, null),
    onPremisesSamAccountName: fc.constantFrom(...NAMES, null, null),
    mail: fc.constantFrom('a@contoso.com', 'b@contoso.com', null),
    faxNumber: fc.constantFrom(...CARDS),
    businessPhones: fc.array(fc.constantFrom('04a1', 'b2c3', 'd4e5', '9999'), { maxLength: 2 }),
    otherMails: fc.array(fc.constantFrom('a@contoso.com', 'A@contoso.com', 'o@contoso.com'), { maxLength: 2 }),
    employeeId: fc.constantFrom(...NUMBERS),
    state: fc.constantFrom(...PINS),
    department: fc.constantFrom(...DEPARTMENTS),
    companyName: fc.constantFrom('Contoso', 'Fabrikam'),
    userType: fc.constantFrom('Member', 'Member', 'Guest'),
  },
  { requiredKeys: [] },
)

const on = <K extends string>(kind: K) => fc.constant(kind)
const tenantStep: fc.Arbitrary<TenantStep> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: on('hire'), name: few, attributes }) },
  { weight: 3, arbitrary: fc.record({ kind: on('rename'), who: few, name: few }) },
  { weight: 1, arbitrary: fc.record({ kind: on('swap'), who: few, other: few }) },
  { weight: 1, arbitrary: fc.record({ kind: on('reuse'), who: few }) },
  { weight: 6, arbitrary: fc.record({ kind: on('update'), who: few, attributes }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('disable' as const, 'enable', 'remove', 'remove', 'purge', 'restore', 'restore'),
      who: few,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: on('restoreAs'), who: few, name: few }) },
  { weight: 3, arbitrary: fc.record({ kind: on('group'), name: few, type: few }) },
  { weight: 1, arbitrary: fc.record({ kind: on('renameGroup'), group: few, name: few }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('removeGroup', 'restoreGroup', 'recreateGroup'), group: few }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('join', 'join', 'leave'), group: few, who: few }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('nest', 'nest', 'unnest'), group: few, below: few }) },
)

const startStep: fc.Arbitrary<TenantStep> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: on('hire'), name: few, attributes }) },
  { weight: 2, arbitrary: fc.record({ kind: on('group'), name: few, type: few }) },
  { weight: 3, arbitrary: fc.record({ kind: on('join'), group: few, who: few }) },
  { weight: 1, arbitrary: fc.record({ kind: on('nest'), group: few, below: few }) },
)

const handStep: fc.Arbitrary<HandStep> = fc.oneof(
  fc.record({ kind: fc.constantFrom('addAlias', 'addCard'), who: few, value: few }),
  fc.record({ kind: fc.constantFrom('deactivate', 'reactivate', 'protect'), who: few }),
  fc.record({ kind: on('addLocal'), name: few, number: fc.option(few) }),
)

/** Object ids that settings name: groups are created with ids from this list. */
export const GROUP_IDS = [1, 2, 3, 4, 5].map((n) => `00000000-0000-4000-8000-00000000000${n}`)

const apply = fc.constantFrom('always' as const, 'always', 'whenCreated', 'whenEmpty')
const nullable = <T>(value: fc.Arbitrary<T>) => fc.oneof(fc.constant('none' as const), value)

const settings: fc.Arbitrary<Settings> = fc.record(
  {
    enabled: fc.constant(true),
    priority: fc.constantFrom(50, 100, 150),
    adoptions: fc.constantFrom('hold' as const, 'automatic'),
    safeguard: fc.constantFrom<Settings['safeguard']>(
      'off',
      'off',
      { removals: { count: 0 } },
      { removals: { count: 1 }, credentials: { count: 1 }, rewrites: { count: 1 }, memberships: { count: 1 } },
      {},
    ),
    users: fc.record(
      {
        import: fc.oneof(
          { weight: 3, arbitrary: fc.constant('all' as const) },
          { weight: 1, arbitrary: fc.record({ groups: fc.subarray(GROUP_IDS.slice(0, 3), { minLength: 1 }) }) },
        ),
        disabledAccounts: fc.constantFrom('deactivate' as const, 'deactivate', 'import', 'ignore'),
        guests: fc.constantFrom('import' as const, 'ignore'),
        filter: fc.constantFrom<NonNullable<Settings['users']>['filter']>(
          'none',
          'none',
          {
            any: [
              { all: [{ attribute: 'department', eq: 'sales' }] },
              { all: [{ attribute: 'mail', absent: true as const }] },
            ],
          },
          {
            any: [
              {
                all: [
                  { attribute: 'companyName', ne: 'FABRIKAM' },
                  { attribute: 'displayName', present: true as const },
                ],
              },
            ],
          },
        ),
        properties: fc.record(
          {
            userName: fc.constantFrom('userPrincipalName', 'userPrincipalName', 'upnPrefix', 'mailNickname'),
            aliases: fc.constantFrom<NonNullable<NonNullable<Settings['users']>['properties']>['aliases']>(
              [],
              ['upnPrefix'],
              ['mailNickname', 'onPremisesSamAccountName'],
              [{ from: 'mailNickname', mode: 'append' as const }],
              [{ expression: EXPRESSIONS.alias }],
            ),
            cards: fc.constantFrom<NonNullable<NonNullable<Settings['users']>['properties']>['cards']>(
              [],
              ['faxNumber'],
              ['faxNumber', 'businessPhones'],
              [{ from: 'faxNumber', transform: 'hex2dec' }],
              [{ from: 'faxNumber', mode: 'append' as const }],
              [{ from: 'faxNumber', apply: 'whenEmpty' as const }],
              [{ from: 'faxNumber', apply: 'whenCreated' as const }],
            ),
            pin: fc.oneof(
              { weight: 3, arbitrary: nullable(fc.record({ from: on('state'), apply })) },
              { weight: 1, arbitrary: on('generate') },
            ),
            personalNumber: nullable(fc.record({ from: on('employeeId'), apply })),
            department: nullable(fc.record({ from: on('department'), apply })),
            email: nullable(fc.record({ from: on('mail'), apply })),
            alternateEmails: fc.constantFrom<
              NonNullable<NonNullable<Settings['users']>['properties']>['alternateEmails']
            >(
              [],
              ['otherMails'],
              ['otherMails', 'mail'],
              [{ from: 'otherMails', mode: 'append' as const }],
              [{ from: 'mail', apply: 'whenCreated' as const }],
              [{ from: 'otherMails', apply: 'whenEmpty' as const }],
            ),
            office: nullable(fc.record({ template: on('%companyName%/%userPrincipalName%'), apply })),
            notes: nullable(fc.record({ expression: fc.constantFrom(EXPRESSIONS.notes, EXPRESSIONS.mail), apply })),
            own: fc.constantFrom({}, { badge: 'faxNumber' }),
          },
          { requiredKeys: [] },
        ),
        options: fc.record(
          {
            pairBy: fc.constantFrom('userName' as const, 'personalNumber', 'none'),
            pairByObjectId: fc.constantFrom(true, true, true, true, false),
            addNewUsers: fc.constantFrom(true, true, true, false),
            deactivateMissingUsers: fc.constantFrom(true, true, false),
            graceDays: fc.constantFrom(0, 0, 2),
            deleteAfterDays: fc.constantFrom<'never' | number>('never', 'never', 3),
            lowercaseUserNames: fc.boolean(),
            keepOldUserName: fc.boolean(),
          },
          { requiredKeys: [] },
        ),
      },
      { requiredKeys: [] },
    ),
    groups: fc.record(
      {
        import: fc.constantFrom(true, true, true, false),
        ignore: fc.subarray(GROUP_IDS.slice(1, 3)),
        ignoreContaining: fc.constantFrom<string[]>([], ['BOB']),
        types: fc.constantFrom(
          'all' as const,
          ['security' as const],
          ['microsoft365' as const, 'distribution' as const],
        ),
        membership: fc.constantFrom('direct' as const, 'transitive'),
        under: fc.constantFrom('none', 'none', 'Entra ID', 'Entra ID|Groups'),
        fromAttributes: fc.constantFrom<NonNullable<NonNullable<Settings['groups']>['fromAttributes']>>(
          [],
          [{ template: '%companyName%|%department%', makeDefault: true }],
          [{ template: 'Companies|%companyName%' }, { template: '%department%', makeDefault: true }],
        ),
        keepDefaultGroup: fc.boolean(),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
)

const paths = fc.constantFrom<(string | RegExp | undefined)[]>(
  undefined,
  '/users',
  '/groups',
  /^\/users\/delta/,
  /^\/groups\/delta/,
  '/groups/*/members',
  '/$batch',
  '/organization',
)
const fault: fc.Arbitrary<FaultSpec> = fc
  .tuple(
    fc.oneof(
      fc.record({ kind: on('throttled'), retryAfter: fc.constantFrom(1, 7, 0, null, 'abc', 40) }),
      fc.record({ kind: on('status'), status: fc.constantFrom(500, 502, 503, 504, 507, 400, 404, 409) }),
      fc.record({
        kind: fc.constantFrom(
          'html',
          'unauthorized',
          'claims-challenge',
          'forbidden',
          'expired-page-token',
          'dead-page-token',
          'malformed-json',
          'no-value',
          'repeat-link',
        ),
      }),
      fc.record({ kind: fc.constantFrom('delta-expired', 'delta-reset') }),
      fc.record({ kind: on('reset'), at: fc.constantFrom('headers', 'body') }),
      fc.record({ kind: on('truncated'), framing: fc.constantFrom('content-length', 'chunked', 'close', 'gzip') }),
      fc.record({ kind: on('encoding'), as: fc.constantFrom('bom', 'utf-16', 'nul') }),
      fc.record({
        kind: on('odd-json'),
        how: fc.constantFrom('duplicate-keys', 'proto', 'big-number', 'deep-nesting'),
      }),
      fc.record({ kind: on('redirect'), location: fc.constant('https://evil.example/') }),
      fc.record({ kind: on('content-type'), value: fc.constant('text/html') }),
      fc.record({ kind: on('hostile-link'), link: fc.constant('https://evil.example{path}') }),
      fc.record({ kind: on('page-size-refused'), max: fc.constant(100) }),
      fc.record({
        kind: on('token-error'),
        aadsts: fc.constant(7000222),
        status: fc.constant(401),
        error: fc.constant('invalid_client'),
      }),
      fc.record({ kind: fc.constantFrom('null-storm') }),
      fc.record({ kind: on('missing-properties'), keep: fc.constant(['displayName']) }),
      fc.record({ kind: on('short-list'), keep: fc.nat(2) }),
      fc.record({ kind: on('latency'), ms: fc.constantFrom(5, 3_000) }),
    ),
    fc.record({ path: paths, after: fc.constantFrom(0, 0, 1, 3), count: fc.constantFrom(1, 2, 9, undefined) }),
  )
  .map(
    ([what, { path, after, count }]): FaultSpec => ({
      ...what,
      after,
      ...(path !== undefined && { path }),
      ...(count !== undefined && { count }),
    }),
  )

const disturbance: fc.Arbitrary<Disturbance> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: on('none') }) },
  { weight: 4, arbitrary: fc.record({ kind: on('fault'), fault }) },
  { weight: 2, arbitrary: fc.record({ kind: on('kill'), at: fc.integer({ min: 2, max: 90 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: on('cancel'), after: few }) },
  { weight: 1, arbitrary: fc.record({ kind: on('fence'), after: few }) },
)

const source = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: on('tenant'), tenant: fc.constantFrom(0, 0, 0, 1), step: tenantStep }) },
  { weight: 2, arbitrary: fc.record({ do: on('hand'), step: handStep }) },
  { weight: 2, arbitrary: fc.record({ do: on('settings'), source, settings }) },
  {
    weight: 9,
    arbitrary: fc.record({
      do: on('run'),
      source,
      mode: fc.constantFrom('auto' as const, 'auto', 'auto', 'full'),
      disturbance,
      held: fc.constantFrom('approve' as const, 'approve', 'reject', 'leave', 'withoutRemovals'),
      undo: fc.constantFrom(false, false, false, false, false, false, false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: on('preview'), source, mode: fc.constantFrom('auto' as const, 'full') }) },
  { weight: 1, arbitrary: fc.record({ do: on('approve'), source }) },
  { weight: 1, arbitrary: fc.record({ do: on('revert'), source }) },
  { weight: 1, arbitrary: fc.record({ do: on('wait'), hours: fc.constantFrom(1, 26, 60, 100) }) },
  { weight: 1, arbitrary: fc.record({ do: on('removeSource'), source }) },
  { weight: 1, arbitrary: fc.record({ do: on('connect'), source }) },
  { weight: 1, arbitrary: fc.record({ do: on('lead'), connection: fc.constantFrom(0, 0, 1) }) },
)

const SECOND: fc.Arbitrary<History['second']> = fc.constantFrom('none', 'other', 'same')

export const history: fc.Arbitrary<History> = fc.record({
  seed: fc.nat(1_000_000),
  second: SECOND,
  moves: fc.constantFrom(false, false, true),
  settings: fc.tuple(settings, settings),
  start: fc.array(startStep, { minLength: 8, maxLength: 16, size: 'max' }),
  steps: fc.array(step, { minLength: 12, maxLength: 40, size: 'max' }),
})
