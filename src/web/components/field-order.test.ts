import { expect, it } from 'vitest'
import { compareFields, TARGET_NAMES } from './field-order.ts'

it('fields are told in the order of the settings, own ones after them, and what has no place at the end', () => {
  const stored = [
    'zone',
    'email',
    'phone',
    'own.badge',
    'office',
    'userName',
    'fullName',
    'area',
    'own.alarm',
    'active',
  ]

  expect(stored.toSorted(compareFields)).toEqual([
    'userName',
    'fullName',
    'email',
    'phone',
    'office',
    'own.alarm',
    'own.badge',
    'active',
    'area',
    'zone',
  ])
  expect([...TARGET_NAMES].toReversed().toSorted(compareFields)).toEqual(TARGET_NAMES)
})
