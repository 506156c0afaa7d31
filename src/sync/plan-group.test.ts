import { describe, expect, it } from 'vitest'
import { aRegistryGroup, MINE, OTHER } from '../../test/support/people.ts'
import type { MappedGroup } from './map/groups.ts'
import { type GroupInput, leaveUnread, planGroup } from './plan-group.ts'

const WANTED: MappedGroup = { kind: 'wanted', name: 'Sales', under: '' }
const IGNORED: MappedGroup = { kind: 'ignored', rule: 'groups.ignore' }
const UNNAMED: MappedGroup = { kind: 'unnamed', problem: 'has no name' }
const HEIR = { source: 'board', name: 'Sales', under: 'Board' }

const planned = (o: Partial<GroupInput> = {}) =>
  planGroup(
    {
      objectId: 'group-g',
      state: 'l',
      mapped: WANTED,
      membersUnknown: false,
      isHidden: false,
      existing: undefined,
      removalsAllowed: true,
      heirs: () => undefined,
      newId: () => 88,
      ...o,
    },
    { sourceId: MINE, rivals: [OTHER] },
  )
const NOTHING_HAPPENS = { item: undefined, issue: undefined }
/** What every item about the group of these tests says. */
const ABOUT = { object: 'group', userId: null, groupId: 5, objectId: 'group-g', name: 'Sales', names: null }

describe('a group that Entra has', () => {
  it('is created below its place', () => {
    expect(planned({ mapped: { kind: 'wanted', name: 'A|B', under: 'Entra' } })).toEqual({
      kind: 'wanted',
      groupId: 88,
      issue: undefined,
      item: {
        ...ABOUT,
        action: 'create',
        groupId: 88,
        name: 'A|B',
        old: null,
        new: { name: 'A|B', under: 'Entra', path: 'Entra|A\\|B' },
        rule: 'groups.import',
        reason: 'new-in-entra',
        sawVersion: null,
      },
    })
  })

  it.each([
    ['of this source', MINE],
    ['of another source', OTHER],
    ['of no source', null],
  ])('comes back as the record that is hidden, %s', (_whose, sourceId) => {
    expect(planned({ existing: aRegistryGroup({ hidden: true, name: 'Old', under: 'Top', sourceId }) })).toEqual({
      kind: 'wanted',
      groupId: 5,
      issue: undefined,
      item: {
        ...ABOUT,
        action: 'create',
        old: { hidden: true, name: 'Old', under: 'Top' },
        new: { name: 'Sales', under: '', path: 'Sales' },
        rule: 'groups.import',
        reason: 'back-again',
        sawVersion: 3,
      },
    })
  })

  it('that is as it should be changes nothing', () => {
    expect(planned({ existing: aRegistryGroup() })).toEqual({ kind: 'wanted', groupId: 5, ...NOTHING_HAPPENS })
  })

  it('is renamed, and moved by the same item', () => {
    const mapped: MappedGroup = { kind: 'wanted', name: 'Verkauf', under: 'Entra' }

    expect(planned({ existing: aRegistryGroup(), mapped }).item).toEqual({
      ...ABOUT,
      action: 'rename',
      old: { name: 'Sales', under: '' },
      new: { name: 'Verkauf', under: 'Entra' },
      rule: 'groups',
      reason: 'changed-in-entra',
      sawVersion: 3,
    })
  })

  it('is moved when the setting says another place', () => {
    expect(planned({ existing: aRegistryGroup({ under: 'Old' }) }).item).toEqual({
      ...ABOUT,
      action: 'move',
      old: { under: 'Old' },
      new: { under: '' },
      rule: 'groups.under',
      reason: 'setting',
      sawVersion: 3,
    })
  })

  it('of a removed source is linked again where it stands', () => {
    expect(planned({ existing: aRegistryGroup({ sourceId: null }) }).item).toEqual({
      ...ABOUT,
      action: 'move',
      old: { under: '' },
      new: { under: '' },
      rule: 'groups.under',
      reason: 'linked-again',
      sawVersion: 3,
    })
  })

  it('G11: whose members are hidden is an issue that names it, and imported all the same', () => {
    const { kind, item, issue } = planned({ membersUnknown: true, isHidden: true })

    expect(kind).toBe('wanted')
    expect(item?.action).toBe('create')
    expect(issue).toMatchObject({ code: 'membership-unknown', objectId: 'group-g' })
    expect(issue?.message).toContain('"Sales"')
    expect(issue?.message).toContain('Grant Member.Read.Hidden')
  })

  it('S11: whose members were not found sends nobody to consent to a permission that it does not need', () => {
    const { issue } = planned({ membersUnknown: true })

    expect(issue).toMatchObject({ code: 'membership-unknown', objectId: 'group-g' })
    expect(issue?.message).toMatch(
      /^Entra lists "Sales" and did not find it when asked for its members.*asked again\.$/,
    )
  })

  it('without a name that can be kept stays as it is, with an issue', () => {
    const known = planned({ existing: aRegistryGroup(), mapped: UNNAMED })

    expect(known).toMatchObject({ kind: 'frozen', groupId: 5, item: undefined })
    expect(known.issue).toMatchObject({ code: 'value-rejected', objectId: 'group-g' })
    expect(known.issue?.message).toContain('The group has no name; it stays as it is')
    expect(planned({ mapped: UNNAMED })).toMatchObject({ kind: 'ignored', groupId: undefined, item: undefined })
  })
})

describe('a group that goes', () => {
  const existing = aRegistryGroup({ under: 'Top' })
  const deleted = {
    ...ABOUT,
    action: 'delete',
    old: { name: 'Sales', under: 'Top', path: 'Top|Sales' },
    new: { hidden: true },
    sawVersion: 3,
  }
  const moved = {
    ...ABOUT,
    action: 'move',
    old: { under: 'Top' },
    new: { under: 'Board', source: 'board' },
    reason: 'dropped-by-owner',
    sawVersion: 3,
  }

  it('is deleted once it is gone from Entra', () => {
    expect(planned({ existing, state: 'x' })).toEqual({
      kind: 'ignored',
      groupId: 5,
      issue: undefined,
      item: { ...deleted, rule: 'groups', reason: 'gone' },
    })
  })

  it('is deleted when it is ignored, by the rule that ignores it', () => {
    expect(planned({ existing, mapped: IGNORED })).toEqual({
      kind: 'ignored',
      groupId: 5,
      issue: undefined,
      item: { ...deleted, rule: 'groups.ignore', reason: 'ignored' },
    })
  })

  it('goes to the next source that wants it when it is ignored, and to nobody when it is gone', () => {
    expect(planned({ existing, mapped: IGNORED, heirs: () => HEIR })).toEqual({
      kind: 'ignored',
      groupId: 5,
      issue: undefined,
      item: { ...moved, rule: 'groups.ignore' },
    })
    expect(planned({ existing, state: 'x', heirs: () => HEIR }).item).toMatchObject({ action: 'delete' })
  })

  it('is called what the next source calls it', () => {
    const heirs = () => ({ ...HEIR, name: 'Selling' })
    expect(planned({ existing, mapped: IGNORED, heirs }).item).toEqual({
      ...moved,
      old: { name: 'Sales', under: 'Top' },
      new: { name: 'Selling', under: 'Board', source: 'board' },
      rule: 'groups.ignore',
    })
  })

  it('of which nothing is read any more is deleted, or left to the next source', () => {
    expect(leaveUnread(existing, () => undefined)).toEqual({ ...deleted, rule: 'groups.import', reason: 'ignored' })
    expect(leaveUnread(existing, () => HEIR)).toEqual({ ...moved, rule: 'groups.import' })
  })

  it.each(['a', '?'])('stays while its removal is not proven: state %s', (state) => {
    expect(planned({ existing, state })).toEqual({ kind: 'frozen', groupId: 5, ...NOTHING_HAPPENS })
    expect(planned({ existing: aRegistryGroup({ sourceId: OTHER }), state })).toMatchObject({ kind: 'frozen' })
    expect(planned({ state, mapped: IGNORED })).toEqual({ kind: 'frozen', groupId: undefined, ...NOTHING_HAPPENS })
  })

  it('stays while listings contradict each other, and so does one that is ignored or would go to another source', () => {
    const stays = { groupId: 5, ...NOTHING_HAPPENS }

    expect(planned({ existing, state: 'x', removalsAllowed: false })).toEqual({ kind: 'frozen', ...stays })
    expect(planned({ existing, mapped: IGNORED, removalsAllowed: false })).toEqual({ kind: 'ignored', ...stays })
    const heirs = () => HEIR
    expect(planned({ existing, mapped: IGNORED, removalsAllowed: false, heirs })).toEqual({ kind: 'ignored', ...stays })
  })

  it.each([
    ['was never there', undefined],
    ['is hidden already', aRegistryGroup({ hidden: true })],
  ])('that %s needs nothing', (_what, group) => {
    const nothing = { kind: 'ignored', groupId: group?.id, ...NOTHING_HAPPENS }

    expect(planned({ existing: group, state: 'x' })).toEqual(nothing)
    expect(planned({ existing: group, mapped: IGNORED })).toEqual(nothing)
    expect(planned({ existing: group, state: 'x', removalsAllowed: false })).toEqual(nothing)
  })

  it('that is of a removed source stays, and is given nothing any more once that is proven', () => {
    const existing = aRegistryGroup({ sourceId: null })
    const stays = { kind: 'ignored', groupId: existing.id, ...NOTHING_HAPPENS }

    expect(planned({ existing, state: 'x' })).toEqual({ ...stays, isShared: false })
    expect(planned({ existing, mapped: IGNORED })).toEqual({ ...stays, isShared: false })
    expect(planned({ existing, state: 'x', removalsAllowed: false })).toEqual({ ...stays, kind: 'frozen' })
    expect(planned({ existing, mapped: IGNORED, removalsAllowed: false })).toEqual(stays)
  })
})

describe('a group that another source owns', () => {
  const existing = aRegistryGroup({ sourceId: OTHER, name: 'Theirs', under: 'Theirs' })

  it('is never changed, and gets the members that this source gives', () => {
    expect(planned({ existing })).toEqual({ kind: 'wanted', groupId: 5, isShared: true, ...NOTHING_HAPPENS })
  })

  it.each([[{ state: 'x' }], [{ mapped: IGNORED }], [{ state: 'x', mapped: IGNORED }]])(
    'gets none of its members from here when %j',
    (o) => {
      expect(planned({ existing, ...o })).toEqual({ kind: 'ignored', groupId: 5, isShared: false, ...NOTHING_HAPPENS })
    },
  )

  it('keeps the members that it has from here while listings contradict each other', () => {
    const o = { existing, mapped: IGNORED, removalsAllowed: false }

    expect(planned(o)).toEqual({ kind: 'ignored', groupId: 5, ...NOTHING_HAPPENS })
  })

  it.each([[{ mapped: UNNAMED }], [{ state: 'x', removalsAllowed: false }]])('is frozen when %j', (o) => {
    expect(planned({ existing, ...o })).toEqual({ kind: 'frozen', groupId: 5, ...NOTHING_HAPPENS })
  })
})
