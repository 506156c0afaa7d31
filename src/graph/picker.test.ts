import { describe, expect, it } from 'vitest'
import { compilePicker, selectOf } from './picker.ts'

describe('picking attributes', () => {
  it('L16, S10: an attribute that is absent stays absent, a null one is null', () => {
    const pick = compilePicker(['displayName', 'mail', 'jobTitle'])

    const attributes = pick({ id: 'x', displayName: 'Ann', mail: null })

    expect({ ...attributes }).toEqual({ displayName: 'Ann', mail: null })
    expect('jobTitle' in attributes).toBe(false)
  })

  it('nested attributes are flat: null with their whole object, absent with it, absent when not in it', () => {
    const pick = compilePicker(['employeeOrgData.costCenter', 'onPremisesExtensionAttributes.extensionAttribute5'])

    expect({ ...pick({ employeeOrgData: null }) }).toEqual({ 'employeeOrgData.costCenter': null })
    expect({ ...pick({ employeeOrgData: { division: 'x' } }) }).toEqual({})
    expect({
      ...pick({ onPremisesExtensionAttributes: { extensionAttribute5: '04:AB', extensionAttribute6: 'y' } }),
    }).toEqual({
      'onPremisesExtensionAttributes.extensionAttribute5': '04:AB',
    })
    expect({ ...pick({ employeeOrgData: 'odd' }) }).toEqual({})
  })

  it('T11: what was not asked for is dropped, and nothing is inherited', () => {
    const pick = compilePicker(['displayName', 'constructor', 'toString', 'hasOwnProperty'])

    const attributes = pick(JSON.parse('{"displayName":"Ann","__proto__":{"mail":"evil"},"badge":7}'))

    expect({ ...attributes }).toEqual({ displayName: 'Ann' })
    expect(attributes['mail']).toBeUndefined()
    expect(attributes['constructor']).toBeUndefined()
    expect(attributes['toString']).toBeUndefined()
    expect(attributes['__proto__']).toBeUndefined()
    expect(({} as Record<string, unknown>)['mail']).toBeUndefined()
  })

  it('T11: an own key of that name is an attribute like any other', () => {
    const attributes = compilePicker(['constructor'])(JSON.parse('{"constructor":"ACME"}'))

    expect(attributes['constructor']).toBe('ACME')
  })

  it('T11: duplicate keys and numbers beyond 2^53 do no harm', () => {
    const pick = compilePicker(['displayName', 'employeeId'])

    const attributes = pick(JSON.parse('{"displayName":"A","displayName":"B","employeeId":9007199254740993}'))

    expect({ ...attributes }).toEqual({ displayName: 'B', employeeId: 9007199254740992 })
  })

  it('lists of strings are kept, other structures are as if Graph had said nothing', () => {
    const pick = compilePicker(['proxyAddresses', 'identities', 'accountEnabled', 'mixed', 'object'])

    const attributes = pick({
      proxyAddresses: ['SMTP:a@x', 'smtp:b@x'],
      identities: [{ signInType: 'x' }],
      accountEnabled: false,
      mixed: ['a', 1],
      object: {},
    })

    expect({ ...attributes }).toEqual({ proxyAddresses: ['SMTP:a@x', 'smtp:b@x'], accountEnabled: false })
  })

  it.each(['', 'a b', 'a,b', '__proto__', 'a.b.c', "x'", 'a&$filter=b', 'ä'])(
    'S14: %j is no attribute name',
    (name) => {
      expect(() => compilePicker([name])).toThrow(RangeError)
      expect(() => selectOf([name])).toThrow(RangeError)
    },
  )

  it('$select holds the id and each outer name once', () => {
    const select = selectOf(
      ['mail', 'employeeOrgData.costCenter', 'employeeOrgData.division', 'mail', 'id', 'manager'],
      {
        without: ['manager'],
      },
    )

    expect(select).toBe('id,mail,employeeOrgData')
  })
})
