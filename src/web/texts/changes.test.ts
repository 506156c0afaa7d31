import { expect, it } from 'vitest'
import { changeTexts } from './changes.ts'
import { editorTexts } from './editor.ts'

it('fields are called as people call them, the same everywhere', () => {
  for (const [target, label] of Object.entries(editorTexts.users.targets))
    expect(changeTexts.fieldName(target)).toBe(label)
  expect(
    ['objectId', 'defaultGroup', 'givenBy', 'own.badgeColour'].map((field) => changeTexts.fieldName(field)),
  ).toEqual(['Object ID', 'Default group', 'Given by', 'badgeColour'])
})
