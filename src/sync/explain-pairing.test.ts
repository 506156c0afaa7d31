// How somebody is paired, told in the sentence that a person would have found out by hand: each result of pairing.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import type { Settings } from '../../test/support/world.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { disable, remove, rename } from '../emulator/operations.ts'
import type { PairingSkip } from './explain-words.ts'

const x = anExplainedWorld()

interface Row {
  readonly settings?: Settings
  readonly arrange: () => Promise<DirectoryObject>
  readonly source?: string
  readonly result: string
  readonly sentence: string
  /** What his plan does, which the sentence speaks of. */
  readonly next?: readonly string[]
}

const synced = async (name = 'ann', more: Record<string, unknown> = {}) => {
  const somebody = x.person(name, more)
  await x.w.sync()
  return somebody
}
const number = (n: string) => ({ personal_number: n, personal_number_key: n, canonical_number: n })
const BY_NUMBER: Settings = {
  users: { properties: { personalNumber: 'employeeId' }, options: { pairBy: 'personalNumber' } },
}
const adopted = (reason: string) =>
  `The next run links a registry user without object id to him (${reason}); adoptions hold the plan unless adoptions is automatic.`
const REFUSED = 'Not paired: the registry record that the pairing key finds may not be taken, or there are two.'

/** Each reason for which a plan leaves somebody as he is that is about who he is. */
const SKIPS: Readonly<Record<PairingSkip, Omit<Row, 'result'>>> = {
  'pairing-refused': {
    arrange: async () => {
      await x.local('ann@contoso.com', { protected: true })
      return synced()
    },
    sentence: REFUSED,
  },
  'owned-by-source': {
    source: 'second',
    arrange: async () => {
      const ann = await synced()
      await x.another('second', 200)
      await x.w.sync({ source: 'second' })
      return ann
    },
    sentence: 'Another source comes first and owns him; its mapping alone applies. Memberships count from both.',
  },
  'new-users-off': {
    settings: { users: { options: { addNewUsers: false } } },
    arrange: () => synced(),
    sentence: 'Not in the registry, and users.options.addNewUsers is off: he is not created.',
  },
  protected: {
    arrange: async () => {
      const ann = await synced()
      await x.db.query('update users set protected = true where object_id = $1', [ann.id])
      remove(x.w.tenant, ann.id)
      await x.w.sync()
      return ann
    },
    sentence: 'The record is protected, or an administrator: no source changes it.',
  },
  'user-name-empty': {
    settings: { users: { properties: { userName: 'employeeId' } } },
    arrange: () => synced(),
    sentence: 'The attribute mapped to the user name is empty, so he is not imported.',
  },
  'user-name-conflict': {
    settings: { users: { properties: { userName: 'employeeId' } } },
    arrange: async () => {
      await synced('first', { employeeId: '7' })
      return synced('second', { employeeId: '7' })
    },
    sentence: 'Somebody else has the user name, so he is not imported, or keeps what he has.',
  },
  'deactivated-by-administrator': {
    arrange: async () => {
      const ann = await synced()
      await x.db.query(`update users set active = false, deactivated_by = 'administrator' where object_id = $1`, [
        ann.id,
      ])
      return ann
    },
    sentence: 'An administrator deactivated him: no source reactivates him.',
  },
  'restored-by-administrator': {
    arrange: async () => {
      const ann = await synced()
      remove(x.w.tenant, ann.id)
      await x.w.sync()
      await x.db.query(
        'update users set active = true, deactivated_by = null, restored_by_administrator = true where object_id = $1',
        [ann.id],
      )
      return ann
    },
    sentence: 'An administrator restored him: no source deactivates him until he was wanted once more.',
  },
  'missing-kept': {
    settings: { users: { options: { deactivateMissingUsers: false } } },
    arrange: async () => {
      const ann = await synced()
      remove(x.w.tenant, ann.id)
      await x.w.sync()
      return ann
    },
    sentence:
      'Missing, and users.options.deactivateMissingUsers is off: he stays as he is, and nothing of him changes.',
  },
  'grace-period': {
    settings: { users: { options: { graceDays: 7 } } },
    arrange: async () => {
      const ann = await synced()
      remove(x.w.tenant, ann.id)
      await x.w.sync()
      return ann
    },
    sentence: 'Missing, and his days of grace are not over: he stays as he is until then.',
  },
  'not-owned': {
    source: 'second',
    arrange: async () => {
      const ann = await synced('ann', { department: 'IT' })
      await x.another('second', 200)
      await x.db.query(
        `update sources set settings = jsonb_set(settings, '{users,filter}', '{"any": [{"all": [{"attribute": "department", "ne": "IT"}]}]}') where name = 'second'`,
      )
      await x.w.sync({ source: 'second' })
      return ann
    },
    sentence: 'This source does not want him, and another one owns him.',
  },
  'value-rejected': {
    settings: { users: { properties: { userName: 'companyName' } } },
    arrange: () => synced('ann', { companyName: 'n'.repeat(2_000) }),
    sentence: 'What is mapped to the user name cannot be kept, so he is not imported.',
  },
  'expression-failed': {
    settings: { users: { properties: { userName: { expression: 'CNum([companyName])' } } } },
    arrange: () => synced('ann', { companyName: 'a,b' }),
    sentence: 'The expression of the user name could not be worked out, so he is not imported.',
  },
}

/** The other results, with the ways that lead to each. */
const ROWS: Readonly<Record<string, Row>> = {
  'nobody: he is out of scope': {
    settings: { users: { guests: 'ignore' } },
    arrange: () => synced('ann', { userType: 'Guest' }),
    result: 'none',
    sentence: 'The registry has nobody with his object id.',
  },
  'to be created': {
    arrange: async () => {
      const ann = x.person('ann')
      await x.w.sync({ kind: 'plan' })
      return ann
    },
    result: 'create',
    sentence:
      'No registry user has his object id, and none that may be paired has his pairing key: the next run creates him.',
    next: ['create ann@contoso.com new-in-entra'],
  },
  'to be adopted by user name': {
    arrange: async () => {
      await x.local('ann@contoso.com')
      return synced()
    },
    result: 'adopt',
    sentence: adopted('paired-by-user-name'),
    next: ['adopt ann@contoso.com paired-by-user-name'],
  },
  'to be adopted by personal number': {
    settings: BY_NUMBER,
    arrange: async () => {
      await x.local('badge 7', number('7'))
      return synced('ann', { employeeId: '7' })
    },
    result: 'adopt',
    sentence: adopted('paired-by-personal-number'),
    next: ['adopt badge 7 paired-by-personal-number'],
  },
  'to be adopted by another record than the one that is linked, which loses his object id': {
    settings: { users: { options: { pairByObjectId: false } } },
    arrange: async () => {
      const ann = await synced()
      await x.local('ann.b@contoso.com')
      rename(x.w.tenant, ann.id, 'ann.b@contoso.com')
      await x.w.sync()
      return ann
    },
    result: 'adopt',
    sentence: adopted('paired-by-user-name'),
    next: ['deactivate ann@contoso.com object-id-moved', 'adopt ann.b@contoso.com paired-by-user-name'],
  },
  'of a removed source: to be linked again': {
    arrange: async () => {
      const ann = await synced()
      await x.db.query('update users set source_id = null')
      await x.db.query('delete from claims')
      return ann
    },
    result: 'adopt',
    sentence: adopted('linked-again'),
    next: ['adopt ann@contoso.com linked-again'],
  },
  'refused, because the record is an administrator': {
    arrange: async () => {
      await x.local('ann@contoso.com', { administrator: true })
      return synced()
    },
    result: 'pairing-refused',
    sentence: REFUSED,
  },
  'refused, because two records have the key': {
    settings: BY_NUMBER,
    arrange: async () => {
      await x.local('one', number('7'))
      const parked = { personal_number: '7', canonical_number: '7' }
      await x.local('two', { ...parked, active: false, deactivated_by: 'administrator' })
      return synced('ann', { employeeId: '7' })
    },
    result: 'pairing-refused',
    sentence: REFUSED,
  },
  'to be taken over from a source that comes after': {
    source: 'first',
    arrange: async () => {
      const ann = await synced()
      await x.another('first', 10)
      await x.w.sync({ source: 'first', kind: 'plan' })
      return ann
    },
    result: 'take over',
    sentence:
      'Linked by tenant and object id; the next run takes him over from the source that owns him now (comes-before-owner).',
    next: ['take over ann@contoso.com comes-before-owner'],
  },
}

describe('how he is paired', () => {
  const rows = {
    ...ROWS,
    ...Object.fromEntries(Object.entries(SKIPS).map(([result, row]) => [result, { ...row, result }])),
  }

  it.each(Object.entries(rows))(
    '%s',
    async (_what, { settings, arrange, source, result, sentence, next = [] }: Row) => {
      await x.begin(settings)
      const { id } = await arrange()

      const told = await x.source(id, source ?? x.w.source)

      expect(told.pairing).toEqual({ result, sentence })
      expect(told.next.items.map(({ action, name, reason }) => `${action} ${name} ${reason}`)).toEqual(next)
    },
  )

  it('linked, and since which run, whatever his name is now', async () => {
    await x.begin()
    const ann = x.person('ann')
    const first = await x.w.sync()
    rename(x.w.tenant, ann.id, 'ann.b@contoso.com')
    disable(x.w.tenant, ann.id)
    await x.w.sync()

    expect((await x.source('ann.b@contoso.com')).pairing).toEqual({
      result: 'linked',
      sentence: `Linked by tenant and object id, since run ${first.run} (create, new-in-entra), whatever his name is now.`,
    })
  })
})
