import { describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { parseConfigFile } from './config-file.ts'

const ID = '11111111-2222-3333-4444-555555555555'
const contoso = { tenantId: ID, clientId: ID, clientSecret: { env: 'CONTOSO_SECRET' } }

function problemsOf(document: unknown): string[] {
  try {
    parseConfigFile(document, new Set(['known']))
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map((p) => `${p.at}: ${p.message}`)
  }
  return []
}

/** A file with one good connection and one source with these settings. */
function withSource(settings: object): unknown {
  return { connections: { contoso }, sources: { staff: { connection: 'contoso', ...settings } } }
}

describe('config file', () => {
  it('accepts the shortest source and fills in every default', () => {
    const file = parseConfigFile(withSource({}), new Set())

    expect(file.connections.contoso).toMatchObject({
      cloud: 'global',
      signInWithMicrosoft: false,
      passwordsAtTerminals: false,
    })
    expect(file.sources.staff).toMatchObject({
      enabled: true,
      priority: 100,
      adoptions: 'hold',
      timezone: 'UTC',
      schedule: { delta: '*/15 * * * *', full: '0 3 * * *' },
      users: {
        import: 'all',
        disabledAccounts: 'deactivate',
        guests: 'import',
        filter: null,
        options: { pairBy: 'userName', addNewUsers: true, deactivateMissingUsers: true, keepOldUserName: true },
      },
      groups: { import: true, under: null, membership: 'direct', types: 'all' },
      safeguard: { removals: { percent: 10, count: 500 }, memberships: { percent: 10, count: 20_000 } },
    })
    expect(file.sources.staff?.users.properties).toMatchObject({
      userName: { from: 'userPrincipalName', apply: 'always' },
      fullName: { from: 'displayName' },
      email: { from: 'mail' },
      phone: { from: 'mobilePhone' },
      aliases: [],
      cards: [],
      pin: null,
    })
  })

  it('accepts an empty file, which names nothing', () => {
    expect(parseConfigFile(null, new Set())).toEqual({ connections: {}, sources: {} })
  })

  it('takes a connection that only the database knows', () => {
    expect(problemsOf({ sources: { staff: { connection: 'known' } } })).toEqual([])
    expect(problemsOf({ sources: { staff: { connection: 'unknown' } } })).toEqual([
      'sources.staff.connection: there is no connection "unknown" in this file or in the database',
    ])
  })

  const mistakes: readonly (readonly [string, unknown, readonly string[]])[] = [
    [
      'an unknown key at the top, with what was meant',
      { conections: {} },
      ['conections: unknown key; did you mean "connections"?'],
    ],
    [
      'a misspelt key deep in the file',
      withSource({ users: { options: { addNewUser: true } } }),
      ['sources.staff.users.options.addNewUser: unknown key; did you mean "addNewUsers"?'],
    ],
    [
      'a key that resembles nothing, with those known there',
      withSource({ schedule: { zzz: 1 } }),
      ['sources.staff.schedule.zzz: unknown key; known here: delta, full'],
    ],
    [
      'a misspelt key inside a union without also telling that the right one is missing',
      withSource({ users: { import: { group: [ID] } } }),
      ['sources.staff.users.import.group: unknown key; did you mean "groups"?'],
    ],
    [
      'S14: an empty list of selected groups, which never means everybody',
      withSource({ users: { import: { groups: [] } } }),
      ['sources.staff.users.import.groups: no group is selected; this would mean nobody, and never means everybody'],
    ],
    [
      'S14: a filter of which nothing is left, which never means everybody',
      withSource({ users: { filter: null } }),
      ['sources.staff.users.filter: is empty; write none where everybody is meant'],
    ],
    [
      'S14: a filter without clauses, which never means everybody',
      withSource({ users: { filter: { any: [{ all: [] }] } } }),
      ['sources.staff.users.filter.any[0].all: a group without clauses would mean everybody'],
    ],
    [
      'S14: a clause with two operators, one with none, and one that would mean everybody',
      withSource({
        users: {
          filter: {
            any: [
              { all: [{ attribute: 'mail', present: true, eq: 'x' }] },
              { all: [{ attribute: 'mail' }] },
              { all: [{ attribute: 'mail', contains: '' }] },
              { all: [{ attribute: 'mail', ne: ' ' }] },
              { all: [{ attribute: 'mail', eq: '' }] },
              { all: [{ attribute: 'mail', present: false }] },
            ],
          },
        },
      }),
      [
        'sources.staff.users.filter.any[0].all[0]: a clause has an attribute and exactly one operator',
        'sources.staff.users.filter.any[1].all[0]: a clause has an attribute and exactly one operator',
        'sources.staff.users.filter.any[2].all[0].contains: an empty text is part of every value, so everybody with a value would meet this; write present: true',
        'sources.staff.users.filter.any[3].all[0].ne: an empty text is unequal to everything, so everybody would meet this; write present: true',
        'sources.staff.users.filter.any[4].all[0].eq: an empty text is never equal to anything; write absent: true',
        'sources.staff.users.filter.any[5].all[0].present: must be true, but is false',
      ],
    ],
    [
      'S14: an operator, an attribute and a regular expression that are not understood',
      withSource({
        users: {
          filter: {
            any: [
              { all: [{ attribute: 'mail', startWith: 'a' }] },
              { all: [{ attribute: 'e-mail', present: true }] },
              { all: [{ attribute: 'mail', matches: '(?=x)' }] },
              { all: [{ attribute: 'mail', matches: '[a' }] },
              { all: [{ attribute: 'mail', matches: 'x'.repeat(201) }] },
              { all: [{ attribute: 'mail', matches: '((a{100}){100}){100}' }] },
            ],
          },
        },
      }),
      [
        'sources.staff.users.filter.any[0].all[0].startWith: unknown key; did you mean "startsWith"?',
        'sources.staff.users.filter.any[0].all[0]: a clause has an attribute and exactly one operator',
        'sources.staff.users.filter.any[1].all[0].attribute: unknown attribute "e-mail"; did you mean "mail"?',
        'sources.staff.users.filter.any[2].all[0].matches: the regular expression is not understood: invalid or unsupported Perl syntax: `(?=` (look-ahead, look-behind and the like are not available)',
        'sources.staff.users.filter.any[3].all[0].matches: the regular expression is not understood: missing closing ]: `[a`',
        'sources.staff.users.filter.any[4].all[0].matches: the regular expression is longer than 200 characters',
        'sources.staff.users.filter.any[5].all[0].matches: the regular expression is not understood: invalid repeat count: `{100}`',
      ],
    ],
    [
      'a card transformation of something else',
      withSource({
        users: {
          properties: { aliases: [{ from: 'mail', transform: 'lower' }], email: { from: 'mail', transform: 'lower' } },
        },
      }),
      [
        'sources.staff.users.properties.aliases[0].transform: a card transformation is for cards; use an expression here',
        'sources.staff.users.properties.email.transform: a card transformation is for cards; use an expression here',
      ],
    ],
    [
      'expressions that are not understood, each mistake with its place, and one that gives too many values',
      withSource({
        users: {
          properties: {
            office: { expression: 'Join("/", [companyNam], Lft([city], 2))' },
            notes: { expression: 'Split([otherMails], ",")' },
            email: { expression: '[otherMails]' },
            aliases: [{ expression: '[otherMails]' }, { expression: '' }],
          },
        },
      }),
      [
        'sources.staff.users.properties.aliases[1].expression: the expression is empty (at character 1)',
        'sources.staff.users.properties.email.expression: the expression gives several values and this takes one; use Item(…, 1) or Join (at character 1)',
        'sources.staff.users.properties.office.expression: unknown attribute "companyNam"; did you mean "companyName"? (at character 11)',
        'sources.staff.users.properties.office.expression: there is no function "Lft"; did you mean "Left"? (at character 25)',
        'sources.staff.users.properties.notes.expression: Split takes a text for source, not several values; Item(…, 1) takes the first of them, Join puts them together (at character 7)',
      ],
    ],
    [
      'S14: a preset that does not exist',
      withSource({ users: { filter: 'realPepleOnly' } }),
      [
        'sources.staff.users.filter: must be one of realPeopleOnly, employeesOnly, withMail, none, but is "realPepleOnly"; did you mean "realPeopleOnly"?',
      ],
    ],
    [
      'a group by name where an id is asked for',
      withSource({ groups: { ignore: ['Everybody'] } }),
      [
        'sources.staff.groups.ignore[0]: "Everybody" is not an object id (a UUID); names are not accepted because they change',
      ],
    ],
    [
      'a word that is not among those accepted',
      withSource({ users: { disabledAccounts: 'deactivat' } }),
      [
        'sources.staff.users.disabledAccounts: must be one of deactivate, import, ignore, but is "deactivat"; did you mean "deactivate"?',
      ],
    ],
    [
      'an attribute in the wrong case',
      withSource({ users: { properties: { aliases: ['upnprefix'] } } }),
      ['sources.staff.users.properties.aliases[0]: unknown attribute "upnprefix"; did you mean "upnPrefix"?'],
    ],
    [
      'an attribute that is named like something every object in JavaScript has',
      withSource({ users: { properties: { aliases: ['constructor'], notes: { template: '%toString%' } } } }),
      [
        expect.stringContaining(
          'sources.staff.users.properties.aliases[0]: unknown attribute "constructor"; use the name',
        ),
        expect.stringContaining(
          'sources.staff.users.properties.notes.template: unknown attribute "toString"; use the name',
        ),
      ],
    ],
    [
      'an attribute that Graph cannot list',
      withSource({ users: { properties: { notes: 'aboutMe' } } }),
      ['sources.staff.users.properties.notes: Microsoft Graph cannot list the attribute "aboutMe"; choose another one'],
    ],
    [
      'a wrong value in one form of a property, told for that form',
      withSource({ users: { properties: { cards: [{ from: 'employeeId', mode: 'replac' }] } } }),
      [
        'sources.staff.users.properties.cards[0].mode: must be one of replace, append, but is "replac"; did you mean "replace"?',
      ],
    ],
    [
      'a misspelt key in a property',
      withSource({ users: { properties: { office: { form: 'officeLocation' } } } }),
      ['sources.staff.users.properties.office.form: unknown key; did you mean "from"?'],
    ],
    [
      'a missing connection',
      { connections: { contoso }, sources: { staff: {} } },
      ['sources.staff.connection: is missing'],
    ],
    ['a number in text', withSource({ priority: 'high' }), ['sources.staff.priority: must be a number, but is text']],
    [
      'yes where true is meant',
      withSource({ enabled: 'yes' }),
      ['sources.staff.enabled: must be true or false, but is text'],
    ],
    [
      'a limit outside its range',
      withSource({ safeguard: { removals: { percent: 200 } } }),
      ['sources.staff.safeguard.removals.percent: must be at most 100, but is 200'],
    ],
    [
      'a tenant id that is none',
      { connections: { contoso: { ...contoso, tenantId: 'contoso.onmicrosoft.com' } } },
      ['connections.contoso.tenantId: must be the directory (tenant) ID, a UUID as the Entra admin centre shows it'],
    ],
    [
      'a connection without a credential',
      { connections: { contoso: { tenantId: ID, clientId: ID } } },
      [
        'connections.contoso: a credential is missing: give clientSecret: { env: NAME } or { file: path }, certificate: { file: path } or generate, workloadIdentity: { file: path }, or managedIdentity: true',
      ],
    ],
    [
      'a custom cloud without its roots',
      { connections: { contoso: { ...contoso, cloud: 'custom' } } },
      [
        'connections.contoso.authorityUrl: is missing; cloud custom names both of its roots',
        'connections.contoso.graphUrl: is missing; cloud custom names both of its roots',
      ],
    ],
    [
      'plain http to another machine',
      {
        connections: {
          contoso: { ...contoso, cloud: 'custom', authorityUrl: 'http://127.0.0.1:1', graphUrl: 'http://10.0.0.1' },
        },
      },
      [
        'connections.contoso.graphUrl: plain http is accepted for this machine only (127.0.0.1, ::1, localhost), because secrets and tokens are sent there; use https',
      ],
    ],
    [
      'roots beside a cloud that has its own',
      { connections: { contoso: { ...contoso, graphUrl: 'https://graph.example.com' } } },
      ['connections.contoso.graphUrl: is accepted with cloud: custom only; the cloud global has its own'],
    ],
    [
      'passwords where nobody may sign in',
      { connections: { contoso: { ...contoso, passwordsAtTerminals: true } } },
      ['connections.contoso.passwordsAtTerminals: needs signInWithMicrosoft: nobody may sign in otherwise'],
    ],
    [
      'a name with a line break',
      { connections: { 'a\nb': contoso } },
      ['connections.a\nb: the name cannot be used: a name has no control characters and no outer spaces'],
    ],
    ['a list instead of a block', { sources: [] }, ['sources: must be a block of keys, but is a list']],
  ]

  it.each(mistakes)('tells %s', (_what, document, expected) => {
    expect(problemsOf(document)).toEqual(expected)
  })

  it('tells all mistakes at once', () => {
    const problems = problemsOf({
      connections: { contoso: { ...contoso, cloud: 'globl' } },
      sources: { staff: { connection: 'contoso', prority: 1, users: { guests: 'no' }, groups: { types: [] } } },
    })

    expect(problems).toEqual([
      'connections.contoso.cloud: must be one of global, usGov, usGovDod, china, custom, but is "globl"; did you mean "global"?',
      'sources.staff.users.guests: must be one of import, ignore, but is "no"',
      'sources.staff.groups.types: no type is selected',
      'sources.staff.prority: unknown key; did you mean "priority"?',
    ])
  })

  it('O2: takes credentials of every kind, and several of one kind', () => {
    const of = (credentials: object) =>
      parseConfigFile({ connections: { contoso: { tenantId: ID, clientId: ID, ...credentials } } }, new Set())
        .connections['contoso']

    expect(of({ clientSecret: [{ env: 'NEW', expires: '2027-05-31' }, { file: 'old' }] })).toMatchObject({
      clientSecret: [{ env: 'NEW', expires: '2027-05-31' }, { file: 'old' }],
    })
    expect(of({ certificate: { file: 'c.pem' } })).toMatchObject({ certificate: [{ file: 'c.pem' }] })
    expect(of({ certificate: 'generate' })).toMatchObject({ certificate: 'generate' })
    expect(of({ workloadIdentity: { file: '/var/run/token' } })).toMatchObject({
      workloadIdentity: { file: '/var/run/token' },
    })
    expect(of({ managedIdentity: true })).toMatchObject({ managedIdentity: true })
    expect(of({ managedIdentity: { clientId: ID.toUpperCase() } })).toMatchObject({ managedIdentity: { clientId: ID } })
  })

  it('tells credentials that cannot be meant', () => {
    const of = (credentials: object) =>
      problemsOf({ connections: { contoso: { tenantId: ID, clientId: ID, ...credentials } } })
    const custom = { cloud: 'custom', graphUrl: 'https://graph.example' }

    expect(of({ clientSecret: [] })).toHaveLength(1)
    expect(of({ clientSecret: { env: 'A', expires: 'soon' } })).toEqual([
      'connections.contoso.clientSecret.expires: must be a day like 2027-05-31',
    ])
    expect(of({ certificate: 'make' })).toHaveLength(1)
    expect(of({ managedIdentity: false })).toEqual([expect.stringContaining('managedIdentity: must be true')])
    expect(of({ workloadIdentity: { file: 'token' } })).toEqual([expect.stringContaining('must be an absolute path')])
    expect(of({ ...custom, workloadIdentity: { file: '/token' }, authorityUrl: 'https://login.example' })).toEqual([
      expect.stringContaining("workloadIdentity: is accepted with Microsoft's own clouds only"),
    ])
    expect(of({ ...custom, workloadIdentity: { file: '/token' }, authorityUrl: 'http://127.0.0.1:8081' })).toEqual([])
  })

  it('never repeats a secret that was pasted where it does not belong', () => {
    const secret = 'Zx8~verysecretvalue'
    const told = [
      problemsOf({ connections: { contoso: { ...contoso, clientSecret: secret } } }),
      problemsOf({ connections: { contoso: secret } }),
      problemsOf({ connections: { contoso: { ...contoso, clientId: secret } } }),
      problemsOf({ connections: { contoso: { ...contoso, certificate: secret } } }),
      problemsOf({ connections: secret }),
    ].flat()

    expect(told).toHaveLength(5)
    expect(told[0]).toBe(
      'connections.contoso.clientSecret: secrets do not stand in this file; name where it is: { env: NAME } or { file: path }',
    )
    expect(told.join('\n')).not.toContain(secret)
  })

  it('T11: a __proto__ key is refused like any unknown one', () => {
    const document: unknown = JSON.parse(`{"connections":{},"__proto__":{"sources":{}}}`)

    expect(problemsOf(document)).not.toEqual([])
  })
})
