import { describe, expect, it } from 'vitest'
import { pageOf } from './item-page.ts'

const user = { object: 'user', action: 'update', userId: '7', groupId: null, leftOut: false } as const
const group = { object: 'group', action: 'rename', userId: null, groupId: '3', leftOut: false } as const
const shown = { isApplied: false, deleted: new Set<string>() }
const applied = { isApplied: true, deleted: new Set<string>() }

describe('a name in a plan leads to a page', () => {
  it('of users and groups that are here', () => {
    expect(pageOf(user, shown)).toEqual({ kind: 'user', id: '7' })
    expect(pageOf(group, shown)).toEqual({ kind: 'group', id: '3' })
    expect(pageOf({ ...user, object: 'membership', action: 'remove', groupId: '3' }, shown)).toEqual({
      kind: 'user',
      id: '7',
    })
  })

  it('of whom it creates when it was applied, and not before', () => {
    for (const made of [
      { ...user, action: 'create' },
      { ...group, action: 'create' },
      { ...user, object: 'membership', action: 'add', groupId: '3' },
      { ...user, object: 'credential', action: 'add' },
    ] as const) {
      expect(pageOf(made, shown)).toBeUndefined()
      expect(pageOf(made, applied)).toBeDefined()
      expect(pageOf({ ...made, leftOut: true }, applied)).toBeUndefined()
    }
  })

  it('of whom it deletes before it was applied, and not after', () => {
    expect(pageOf({ ...user, action: 'delete' }, shown)).toBeDefined()
    expect(pageOf({ ...user, action: 'delete' }, applied)).toBeUndefined()
  })

  it('of whoever loses a card or a membership, but for those whom it deletes as well, or may delete', () => {
    for (const lost of [
      { ...user, object: 'membership', action: 'remove', groupId: '3' },
      { ...user, object: 'credential', action: 'remove' },
    ] as const) {
      const page = { kind: 'user', id: '7' }
      expect(pageOf(lost, { isApplied: true, deleted: new Set(['8']) })).toEqual(page)
      expect(pageOf(lost, { isApplied: true, deleted: new Set(['7']) })).toBeUndefined()
      expect(pageOf(lost, { isApplied: true, deleted: undefined })).toBeUndefined()
      expect(pageOf(lost, { isApplied: false, deleted: undefined })).toEqual(page)
    }
  })
})
