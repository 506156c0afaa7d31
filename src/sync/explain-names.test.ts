// One name and several people: each of them is told, whichever of them the registry has.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import { canonical } from '../directory/canonical.ts'
import { remove } from '../emulator/operations.ts'

const x = anExplainedWorld()

describe('a local record and somebody in Entra of the same name', () => {
  it('who was refused: both are told, and each alone where his id is given', async () => {
    await x.begin()
    const ann = x.person('ann')
    const printer = await x.local('ann@contoso.com', { protected: true })
    await x.w.sync()

    const told = await x.why('Ann@Contoso.com')

    expect(told).toMatchObject({ objectId: null, sources: [], registry: { id: String(printer) }, othersTotal: 1 })
    expect(told.registry!.sentence).toContain('A local user')
    const [other] = told.others
    expect(other).toMatchObject({ objectId: ann.id, tenantId: x.w.hosted.tenantId, registry: null })
    expect(other!.sources[0]).toMatchObject({
      pairing: {
        result: 'pairing-refused',
        sentence: 'Not paired: the registry record that the pairing key finds may not be taken, or there are two.',
      },
      issues: [{ code: 'pairing-refused' }],
    })
    expect(await x.why(ann.id)).toMatchObject({ objectId: ann.id, others: [], othersTotal: 0 })
    expect(await x.why(`id:${printer}`)).toMatchObject({
      registry: { id: String(printer) },
      others: [],
      othersTotal: 0,
    })
  })

  it('whose adoption waits for approval: he is told with the plan that would make the two one', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.local('ann@contoso.com')
    await x.w.sync()

    const { registry, others } = await x.why('ann@contoso.com')

    expect(registry!.userName).toBe('ann@contoso.com')
    expect(others.map(({ objectId }) => objectId)).toEqual([ann.id])
    expect(others[0]!.sources[0]!.waiting!.items.map(({ action }) => action)).toEqual(['adopt'])
  })

  it.each([
    ['an attribute', 'onPremisesSamAccountName'],
    ['upnPrefix', 'upnPrefix'],
    ['put together', { template: '%onPremisesSamAccountName%' }],
  ] as const)('by a user name that is no user principal name: %s', async (_what, userName) => {
    await x.begin({ users: { properties: { userName } } })
    // So that there is a plan to be found in: of one that changes nothing the skips are not kept.
    x.person('bob', { onPremisesSamAccountName: 'bob' })
    const ann = x.person('ann', { onPremisesSamAccountName: 'ANN' })
    await x.local('ann', { administrator: true })
    await x.w.sync()

    const { others } = await x.why('ann')

    expect(others.map(({ objectId }) => objectId)).toEqual([ann.id])
    expect(others[0]!.sources[0]!.pairing.result).toBe('pairing-refused')
  })
})

describe('a name that goes from one to another', () => {
  it('the leaver and whoever has his name now', async () => {
    await x.begin()
    const before = x.person('ann')
    await x.w.sync()
    remove(x.w.tenant, before.id)
    await x.w.sync()
    const after = x.person('ann')
    await x.w.sync()

    const told = await x.why('ann@contoso.com')

    expect(told).toMatchObject({ objectId: after.id, registry: { active: true } })
    expect(told.others).toMatchObject([{ objectId: before.id, registry: { active: false } }])
  })

  it('whoever is active comes first, also where a local record has lost the name to him', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()
    const old = await x.local('old ann', { active: false, deactivated_by: 'administrator' })
    await x.db.query(`insert into user_names values ($1, 'a', 'ann@contoso.com', 'ann@contoso.com', 'o', false)`, [old])

    const told = await x.why('ann@contoso.com')

    expect(told).toMatchObject({ objectId: ann.id, registry: { active: true } })
    expect(told.others.map(({ registry }) => registry!.userName)).toEqual(['old ann'])
  })

  it('somebody whom Entra calls by a new name, and the registry still by the old one, is one person', async () => {
    await x.begin()
    const ann = x.person('ann')
    await x.w.sync()
    await x.db.query(
      `update mirror_objects set attributes = attributes || '{"userPrincipalName": "ann.b@contoso.com"}' where object_id = $1`,
      [ann.id],
    )

    expect(await x.why('ann.b@contoso.com')).toMatchObject({
      objectId: ann.id,
      registry: { userName: 'ann@contoso.com' },
      othersTotal: 0,
    })
  })

  it('of very many the first are told, and how many there are', async () => {
    await x.begin()
    for (let n = 0; n < 12; n += 1) {
      const id = await x.local(`ann ${n}`, { active: false, deactivated_by: 'administrator' })
      await x.db.query(
        `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'a', 'ann', $2, 'o', false)`,
        [id, canonical('ann')],
      )
    }

    const told = await x.why('ann')

    expect(told.othersTotal).toBe(11)
    expect([told.registry!.userName, ...told.others.map(({ registry }) => registry!.userName)]).toEqual(
      Array.from({ length: 10 }, (_, n) => `ann ${n}`),
    )
  })
})
