// Each value of somebody with where it came from, and each that he does without, told in the sentence that a person would have
// found out by hand.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import type { ExplainedValue } from '../contract/explanation.ts'
import { canonical } from '../directory/canonical.ts'
import { disable, enable, remove, rename, update } from '../emulator/operations.ts'

const x = anExplainedWorld()

const valuesOf = async (user: string, kind: ExplainedValue['kind']) =>
  (await x.why(user)).registry!.values.filter((value) => value.kind === kind)

/** Adds a card, PIN or alias as an administrator does. */
async function addByHand(objectId: string, kind: 'card' | 'pin' | 'alias', value: string): Promise<void> {
  if (kind === 'alias') {
    await x.db.query(
      `insert into user_names (user_id, kind, value, key, origin, held) select id, 'a', $2, $3, 'o', true from users where object_id = $1`,
      [objectId, value, canonical(value)],
    )
    return
  }
  const { vault } = x.w.engine
  await x.db.query(
    `insert into credentials (user_id, kind, sealed, lookup, origin, held) select id, $2, $3, $4, 'o', true from users where object_id = $1`,
    [objectId, kind, kind === 'card' ? vault.seal(value, 'card') : null, vault.lookup(kind, value)],
  )
}

describe('each field, by its apply', () => {
  it.each([
    ['department', { from: 'department', apply: 'always' }, 'Sales', 'source', 'From department (S), in every run.'],
    [
      'office',
      { from: 'officeLocation', apply: 'whenCreated' },
      'B1',
      'registry',
      "From officeLocation (S) when he was created; since then the registry's own.",
    ],
    [
      'notes',
      { template: 'Works in %city%', apply: 'whenEmpty' },
      'Works in Bern',
      'registry',
      "Filled once from Works in %city% (S) or by hand; since then the registry's own.",
    ],
    [
      'company',
      { from: 'companyName', apply: 'whenEmpty' },
      null,
      'source',
      'Empty: S fills it from companyName as soon as that has a value.',
    ],
    ['storage', 'none', null, 'registry', "No source maps it: the registry's own."],
    ['own.badge', { expression: 'ToUpper([city])' }, 'BERN', 'source', 'From ToUpper([city]) (S), in every run.'],
  ] as const)('%s', async (field, property, value, owner, sentence) => {
    const own = field.startsWith('own.')
    await x.begin({ users: { properties: own ? { own: { badge: property } } : { [field]: property } } })
    const ann = x.person('ann', { department: 'Sales', officeLocation: 'B1', city: 'Bern' })
    await x.w.sync()

    const told = (await x.why(ann.id)).registry!.fields.find((f) => f.field === field)

    const from = property === 'none' ? null : Object.values(property)[0]
    expect(told).toEqual({ field, value, owner, from, sentence: sentence.replace(/\bS\b(?! ?\w*ales)/, x.w.source) })
  })
})

describe('each name, card, PIN, number and further mail address, by who gave it', () => {
  const properties = {
    aliases: ['city', { from: 'companyName', mode: 'append' }],
    cards: [{ from: 'faxNumber', transform: 'strip(-)' }, 'postalCode'],
    pin: { from: 'employeeType' },
    personalNumber: 'employeeId',
    alternateEmails: ['otherMails', 'mail'],
  } as const
  const attributes = {
    city: 'annie',
    companyName: 'ann-own',
    faxNumber: '12-34567890',
    postalCode: '1234567890',
    employeeType: '918273',
    employeeId: '4711',
    otherMails: ['ann@home.example'],
    mail: 'ann@work.example',
  }

  it('given by the source: the entries that give it now', async () => {
    await x.begin({ users: { properties: structuredClone(properties) as never } })
    const ann = x.person('ann', attributes)
    await x.w.sync()

    const told = (await x.why(ann.id)).registry!.values.map(({ kind, value, from, sentence }) => [
      kind,
      value,
      from,
      sentence.replace(x.w.source, 'S'),
    ])

    expect(told).toEqual([
      ['userName', 'ann@contoso.com', 'userPrincipalName', 'Given by S from userPrincipalName.'],
      ['alias', 'annie', 'city', 'Given by S from city.'],
      [
        'alias',
        'ann-own',
        'companyName',
        "The registry's own: no source removes it; S gives the same from companyName.",
      ],
      [
        'card',
        '••••7890',
        'faxNumber (strip(-)) and postalCode',
        'Given by S from faxNumber (strip(-)) and postalCode.',
      ],
      ['pin', '••••', 'employeeType', 'Given by S from employeeType.'],
      ['personalNumber', '4711', 'employeeId', 'Given by S from employeeId.'],
      ['alternateEmail', 'ann@home.example', 'otherMails', 'Given by S from otherMails.'],
      ['alternateEmail', 'ann@work.example', 'mail', 'Given by S from mail.'],
    ])
  })

  it('given by the source before, and by nothing now: a failed transformation keeps the card', async () => {
    await x.begin({ users: { properties: { cards: [{ from: 'faxNumber', transform: 'hex2dec' }] } } })
    const ann = x.person('ann', { faxNumber: 'ff01' })
    await x.w.sync()
    update(x.w.tenant, ann.id, { faxNumber: 'no card' })
    await x.w.sync()

    expect(await valuesOf(ann.id, 'card')).toMatchObject([
      { from: null, sentence: `Given by ${x.w.source}; users.properties.cards does not give it now.` },
    ])
  })

  it('a PIN that Muster drew', async () => {
    await x.begin({ users: { properties: { pin: 'generate' } } })
    const ann = x.person('ann')
    await x.w.sync()

    const told = (await x.why(ann.id)).registry!.values.find(({ kind }) => kind === 'pin')

    expect(told).toMatchObject({
      origin: 'source',
      sentence: `Given by ${x.w.source}, for which Muster draws PINs; no run changes one that is there.`,
    })
  })

  it.each(['alias', 'card', 'pin'] as const)('%s: added by hand', async (kind) => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()
    await addByHand(ann.id, kind, '445566')

    expect(await valuesOf(ann.id, kind)).toMatchObject([
      { origin: 'registry', from: null, isHeld: true, sentence: "The registry's own: no source removes it." },
    ])
  })

  it('a further mail address: added by hand', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()
    await x.db.query(`update users set alternate_emails = '{ann@hand.example}' where object_id = $1`, [ann.id])

    expect(await valuesOf(ann.id, 'alternateEmail')).toMatchObject([
      { value: 'ann@hand.example', origin: 'registry', sentence: "The registry's own: no source removes it." },
    ])
  })

  it('user name and number of a local user are his own, whatever sources map', async () => {
    await x.begin({ users: { properties: { personalNumber: 'employeeId' } } })
    await x.local('printer', { personal_number: '9', personal_number_key: '9', canonical_number: '9' })

    const told = (await x.why('printer')).registry!

    expect(told.sentence).toBe('Active. A local user: no source reads him.')
    expect(told.values.map(({ kind, origin, sentence }) => [kind, origin, sentence])).toEqual([
      ['userName', 'registry', "The registry's own: no source removes it."],
      ['personalNumber', 'registry', "The registry's own: no source removes it."],
    ])
  })

  it('a number that is given once is the registry’s own afterwards', async () => {
    await x.begin({ users: { properties: { personalNumber: { from: 'employeeId', apply: 'whenCreated' } } } })
    const ann = x.person('ann', { employeeId: '9' })
    await x.w.sync()

    expect(await valuesOf(ann.id, 'personalNumber')).toMatchObject([
      { sentence: `The registry's own: no source removes it; ${x.w.source} gives the same from employeeId.` },
    ])
  })

  it('an old user name that was kept', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()
    rename(x.w.tenant, ann.id, 'ann.b@contoso.com')
    await x.w.sync()

    expect(await valuesOf(ann.id, 'alias')).toMatchObject([
      {
        value: 'ann@contoso.com',
        origin: 'kept',
        from: null,
        isHeld: true,
        sentence: 'His old user name, kept as an alias; it yields to anybody who wants it.',
      },
    ])
  })

  it('D9: a user name that could be mistaken for another', async () => {
    await x.begin()
    const ann = x.person('\u0430nn')
    await x.w.sync()

    const [name] = await valuesOf(ann.id, 'userName')
    expect(name!.sentence).toBe(
      `Given by ${x.w.source} from userPrincipalName. It mixes Latin and Cyrillic letters in one word: look whom it could be mistaken for.`,
    )
  })
})

describe('each value that he does without', () => {
  const PARKED = [
    ['alias', 'aliases', 'city'],
    ['card', 'cards', 'faxNumber'],
    ['pin', 'pin', 'postalCode'],
    ['personalNumber', 'personalNumber', 'employeeId'],
  ] as const

  it.each(PARKED)(
    '%s: parked while he is deactivated, free or taken; a loser when he is back',
    async (kind, target, from) => {
      await x.begin({
        users: { properties: { [target]: target === 'pin' || target === 'personalNumber' ? from : [from] } },
      })
      const ann = x.person('ann', { [from]: '918273' })
      await x.w.sync()
      const given = `Given by ${x.w.source} from ${from}.`
      expect(await valuesOf(ann.id, kind)).toMatchObject([{ isHeld: true, sentence: given }])

      disable(x.w.tenant, ann.id)
      await x.w.sync()
      const free = await valuesOf(ann.id, kind)
      const bob = x.person('bob', { [from]: '918273' })
      await x.w.sync()
      const taken = await valuesOf(ann.id, kind)
      enable(x.w.tenant, ann.id)
      await x.w.sync()
      const back = await valuesOf(ann.id, kind)

      expect(free).toMatchObject([
        { isHeld: false, sentence: `${given} Parked, because he is deactivated; it comes back with him.` },
      ])
      expect(taken).toMatchObject([
        {
          isHeld: false,
          sentence: `${given} Parked, because he is deactivated, and "bob@contoso.com" has it now; it comes back only when it is free again.`,
        },
      ])
      // What the source gives he loses for good; the issue says to whom.
      expect(back).toEqual([])
      expect((await x.source(ann.id)).issues.map(({ code }) => code)).toEqual([
        `${kind === 'personalNumber' ? 'personal-number' : kind}-conflict`,
      ])
      expect(await valuesOf(bob.id, kind)).toMatchObject([{ isHeld: true, sentence: given }])
    },
  )

  it.each(['alias', 'card', 'pin'] as const)(
    '%s of his own: somebody had it when he came back, and it is free again',
    async (kind) => {
      const [target, from] = PARKED.find(([k]) => k === kind)!.slice(1) as ['aliases' | 'cards' | 'pin', string]
      await x.begin({ users: { properties: { [target]: target === 'pin' ? from : [from] } } })
      const ann = x.person('ann')
      await x.w.sync()
      await addByHand(ann.id, kind, '918273')
      disable(x.w.tenant, ann.id)
      await x.w.sync()
      const bob = x.person('bob', { [from]: '918273' })
      await x.w.sync()
      enable(x.w.tenant, ann.id)
      await x.w.sync()
      const taken = await valuesOf(ann.id, kind)
      remove(x.w.tenant, bob.id)
      await x.w.sync({ user: bob.id })
      const free = await valuesOf(ann.id, kind)
      const { next } = await x.source(ann.id)

      const own = "The registry's own: no source removes it."
      expect(taken).toMatchObject([
        {
          isHeld: false,
          sentence: `${own} Parked: "bob@contoso.com" has it; he does without it until it is free again.`,
        },
      ])
      expect(free).toMatchObject([
        {
          isHeld: false,
          sentence: `${own} Parked: somebody else had it when he came back; it is free now, and comes back in the next run.`,
        },
      ])
      // And it does come back.
      expect(next.items).toHaveLength(1)
      await x.w.sync()
      expect(await valuesOf(ann.id, kind)).toMatchObject([{ isHeld: true }])
    },
  )
})
