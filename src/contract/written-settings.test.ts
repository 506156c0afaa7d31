// Settings given out and taken back are the same, and mistakes are those of the config file.
import { describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { parseConfigFile } from './config-file.ts'
import { warningsOf } from './warnings.ts'
import { parseSettings, writeSettings } from './written-settings.ts'

const GROUP = '11111111-2222-3333-4444-555555555555'
const EVERYTHING = {
  connection: 'contoso',
  enabled: false,
  priority: 7,
  adoptions: 'automatic',
  timezone: 'Europe/Prague',
  schedule: { delta: 'none', full: '0 4 * * *' },
  users: {
    import: { groups: [GROUP] },
    disabledAccounts: 'ignore',
    guests: 'ignore',
    filter: {
      any: [
        {
          all: [
            { attribute: 'employeeType', eq: 'none' },
            { attribute: 'mail', present: true },
          ],
        },
      ],
    },
    properties: {
      userName: { expression: 'ToLower(Join(".", [givenName], [surname]))' },
      fullName: 'none',
      aliases: ['upnPrefix', { from: 'mail', mode: 'append', apply: 'whenCreated' }],
      cards: [{ from: 'onPremisesExtensionAttributes.extensionAttribute5', transform: "strip(':') hex2dec" }],
      pin: 'generate',
      personalNumber: { from: 'employeeId', apply: 'whenEmpty' },
      office: { template: '%companyName%/%officeLocation%' },
      own: { badgeColour: 'extension_0123456789abcdef0123456789abcdef_badge' },
    },
    options: { deleteAfterDays: 30, pairBy: 'none' },
  },
  groups: { ignore: [GROUP], types: ['security'], under: 'Entra ID', fromAttributes: [{ template: '%department%' }] },
  safeguard: 'off',
}

describe('settings', () => {
  it.each([
    ['with every default', { connection: 'contoso' }],
    ['with everything set', EVERYTHING],
    ['with a preset', { connection: 'contoso', users: { filter: 'realPeopleOnly' } }],
    ['with a safeguard of its own', { connection: 'c', safeguard: { removals: { percent: 1, count: 2 } } }],
  ])('%s are the same after they were written and read again, as JSON and in the config file', (_what, written) => {
    const settings = parseSettings(written)
    const again: unknown = JSON.parse(JSON.stringify(writeSettings(settings)))

    expect(parseSettings(again)).toEqual(settings)
    const file = parseConfigFile({ sources: { staff: again } }, new Set(['contoso', 'c']))
    expect(file.sources['staff']).toEqual(settings)
    expect(JSON.stringify(again)).not.toContain('null')
  })

  it.each([
    ['a mistyped key', { users: { properties: { userNme: 'mail' } } }],
    ['several mistakes', { users: { import: { groups: [] }, guests: 'maybe' }, priority: 'first' }],
    ['an attribute that there is not', { users: { properties: { cards: ['extensionAttribute5'] } } }],
    ['a filter that was emptied', { users: { filter: null } }],
    ['pairing by a number that nobody has', { users: { options: { pairBy: 'personalNumber' } } }],
    [
      'pairing by a number that is mapped to nothing',
      { users: { properties: { personalNumber: 'none' }, options: { pairBy: 'personalNumber' } } },
    ],
    ['an expression that ends too early', { users: { properties: { notes: { expression: 'Left([mail], ' } } } }],
  ])('%s is told as in the config file, by the path inside the settings', (_what, mistaken) => {
    const source = { connection: 'contoso', ...mistaken }
    const told = problemsOf(() => parseSettings(source))
    const inFile = problemsOf(() => parseConfigFile({ sources: { staff: source } }, new Set(['contoso'])))

    expect(told).toEqual(inFile.map(({ at, message }) => ({ at: at.replace('sources.staff.', ''), message })))
    expect(told.length).toBeGreaterThan(0)
  })
})

describe('warnings', () => {
  const at = (written: object, facts = {}) =>
    warningsOf(parseSettings({ connection: 'c', ...written }), facts).map((w) => w.at)

  it('there are none about the defaults', () => {
    expect(at({})).toEqual([])
  })

  it.each([
    ['safeguard', { safeguard: 'off' }],
    ['adoptions', { adoptions: 'automatic' }],
    ['schedule', { schedule: { delta: 'none', full: 'none' } }],
    ['schedule.full', { schedule: { full: 'none' } }],
    ['users.disabledAccounts', { users: { disabledAccounts: 'import' } }],
    ['users.options.deactivateMissingUsers', { users: { options: { deactivateMissingUsers: false } } }],
    ['users.options.graceDays', { users: { options: { graceDays: 3 } } }],
    ['users.options.pairByObjectId', { users: { options: { pairByObjectId: false } } }],
    ['users.properties.pin', { users: { properties: { pin: 'employeeType' } } }],
    ['users.properties.own.left', { users: { properties: { own: { left: 'employeeLeaveDateTime' } } } }],
    ['users.properties.notes', { users: { properties: { notes: { expression: 'Trim([employeeLeaveDateTime])' } } } }],
    ['users.properties.notes', { users: { properties: { notes: { template: 'x%employeeLeaveDateTime%' } } } }],
  ])('about %s', (place, written) => {
    expect(at(written)).toEqual([place])
  })

  it('about signing in, only where the connection does not let anybody', () => {
    const written = { users: { options: { useAsAuthenticationServer: true } } }

    expect(at(written, { signInWithMicrosoft: false })).toEqual(['users.options.useAsAuthenticationServer'])
    expect(at(written, { signInWithMicrosoft: true })).toEqual([])
    expect(at(written)).toEqual([])
  })
})

function problemsOf(parse: () => unknown) {
  try {
    parse()
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}
