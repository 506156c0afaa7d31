// What expressions cost beside templates: the same people mapped by both in one process, in turns, so that a slow machine slows both.
// `node bench/mapping.ts`; the figures stand in docs/decisions.
import { cpuUsage } from 'node:process'
import { sourceSettings, type SourceSettingsInput } from '../src/contract/sources.ts'
import type { Attributes } from '../src/directory/change.ts'
import { mapUser, prepareMapping } from '../src/sync/map/users.ts'

const USERS = 100_000
const TURNS = 5

type Properties = NonNullable<NonNullable<SourceSettingsInput['users']>['properties']>

/** Pairs that say the same, and the expressions that templates cannot say. */
const CASES: readonly (readonly [string, Properties])[] = [
  ['nothing but defaults', {}],
  ['template: %givenName%.%surname%', { notes: { template: '%givenName%.%surname%' } }],
  ['expression: Join', { notes: { expression: 'Join(".", [givenName], [surname])' } }],
  [
    'expression: a user name',
    { notes: { expression: 'ToLower(NormalizeDiacritics(Left([givenName], 1) & Replace([surname], " ", "")))' } },
  ],
  [
    'expression: IIF and Switch',
    { notes: { expression: 'IIF([city] = "Prague", Switch([department], "x", "HR", "Humans"), [city])' } },
  ],
  ['expression: RegexReplace', { notes: { expression: 'RegexReplace([mail], "@.*$", "")' } }],
]

const people: readonly Attributes[] = Array.from({ length: USERS }, (_none, n) => ({
  userPrincipalName: `user${n}@contoso.com`,
  displayName: `Zoë Person ${n}`,
  givenName: n % 3 === 0 ? 'Zoë' : 'Ann',
  surname: `Person ${n}`,
  mail: `user${n}@contoso.com`,
  department: n % 2 === 0 ? 'HR' : 'IT',
  city: n % 5 === 0 ? 'Prague' : 'Brno',
  accountEnabled: true,
}))

const spent = new Map<string, number>()
let mapped = 0
for (let turn = 0; turn < TURNS; turn++) {
  for (const [name, properties] of CASES) {
    const mapping = prepareMapping(sourceSettings.parse({ connection: 'bench', users: { properties } }))
    const before = cpuUsage()
    for (const attributes of people) mapped += mapUser(attributes, mapping).fields.size
    const { user, system } = cpuUsage(before)
    const ms = (user + system) / 1_000
    spent.set(name, Math.min(spent.get(name) ?? ms, ms))
  }
}
const base = spent.get('nothing but defaults') ?? 0
const template = (spent.get('template: %givenName%.%surname%') ?? 0) - base
process.stdout.write(
  `CPU to map ${USERS} people, best of ${TURNS} (${mapped} fields in all); "more" is what the one property adds\n`,
)
for (const [name, ms] of spent) {
  const more = ms - base
  process.stdout.write(
    `${name.padEnd(34)} ${ms.toFixed(0).padStart(6)} ms  more ${more.toFixed(0).padStart(5)} ms  ${(more / template).toFixed(1)} × the template; whole mapping ${(ms / (base + template)).toFixed(2)} ×\n`,
  )
}
