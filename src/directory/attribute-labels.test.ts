import { expect, it } from 'vitest'
import { ATTRIBUTE_CHOICES } from './attribute-labels.ts'
import { ATTRIBUTE_NAMES, attributeProblem } from './attributes.ts'

it('every attribute that can be mapped has one label, and nothing else is offered', () => {
  const offered = ATTRIBUTE_CHOICES.map((choice) => choice.name)

  expect(offered.filter((name) => attributeProblem(name) !== undefined)).toEqual([])
  expect(ATTRIBUTE_NAMES.filter((name) => !offered.includes(name))).toEqual([])
  expect(new Set(offered).size).toBe(offered.length)
  expect(new Set(ATTRIBUTE_CHOICES.map((choice) => choice.label)).size).toBe(offered.length)
  expect(ATTRIBUTE_CHOICES.filter((choice) => choice.isList).map((choice) => choice.name)).toEqual([
    'otherMails',
    'proxyAddresses',
    'businessPhones',
    'imAddresses',
  ])
})
