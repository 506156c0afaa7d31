import { describe, expect, it } from 'vitest'
import { guid } from '../../test/support/graph.ts'
import { BadAnswer } from './errors.ts'
import {
  managerInDelta,
  managerInExpand,
  membersDeltaOf,
  memberTypeOf,
  objectIdOf,
  readEnvelope,
  removedOf,
  requireDeltaEnvelope,
} from './wire.ts'

const envelope = (text: string | Buffer) => readEnvelope(Buffer.from(text))

describe('pages as they arrive', () => {
  it('G13: an empty page with a next link is a page', () => {
    expect(envelope('{"value":[],"@odata.nextLink":"https://x/y"}')).toEqual({
      value: [],
      nextLink: 'https://x/y',
      deltaLink: undefined,
    })
  })

  it.each([
    ['nothing', ''],
    ['half a page', '{"value":[{"id":"1"}'],
    ['HTML', '<html><body>Please sign in</body></html>'],
    ['no value', '{"error":null}'],
    ['a value that is no array', '{"value":{}}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a list of nulls', '{"value":[null]}'],
    ['a list of lists', '{"value":[[]]}'],
    ['a link that is no text', '{"value":[],"@odata.nextLink":7}'],
    ['an empty link', '{"value":[],"@odata.nextLink":""}'],
    ['a byte order mark', '\uFEFF{"value":[]}'],
    ['NUL bytes', '\0\0{"value":[]}'],
    ['UTF-16', Buffer.from('{"value":[]}', 'utf16le')],
    ['broken UTF-8', Buffer.from([...Buffer.from('{"value":[{"id":"'), 0xc3, 0x28, ...Buffer.from('"}]}')])],
    ['two documents', '{"value":[]}{"value":[]}'],
  ])('T10: %s is not a page', (_, body) => {
    expect(() => envelope(body)).toThrow(BadAnswer)
  })

  it('T11: ten thousand levels of nesting do no harm', () => {
    const deep = `${'['.repeat(10_000)}${']'.repeat(10_000)}`

    const page = envelope(`{"value":[{"id":"${guid(1)}","odd":${deep}}]}`)

    expect(page.value).toHaveLength(1)
  })

  it('T7: a delta page has exactly one of next link and delta link', () => {
    const both = envelope('{"value":[],"@odata.nextLink":"https://x/a","@odata.deltaLink":"https://x/b"}')
    const none = envelope('{"value":[]}')

    expect(() => requireDeltaEnvelope(both)).toThrow(BadAnswer)
    expect(() => requireDeltaEnvelope(none)).toThrow(BadAnswer)
  })

  it('an object id is a UUID in lower case, and nothing goes without', () => {
    expect(objectIdOf({ id: guid(10).toUpperCase() })).toBe(guid(10))
    expect(() => objectIdOf({})).toThrow(BadAnswer)
    expect(() => objectIdOf({ id: 7 })).toThrow(BadAnswer)
    expect(() => objectIdOf({ id: '../users' })).toThrow(BadAnswer)
  })
})

describe('annotations', () => {
  it.each([
    [{}, undefined],
    [{ '@removed': { reason: 'changed' } }, 'changed'],
    [{ '@removed': { reason: 'deleted' } }, 'deleted'],
    [{ '@removed': { reason: 'archived' } }, 'unknown'],
    [{ '@removed': {} }, 'unknown'],
    [{ '@removed': true }, 'unknown'],
  ])('S7: %j is removed as %s', (raw, expected) => {
    expect(removedOf(raw)).toBe(expected)
  })

  it('G15: members of unknown types are counted by type, not fatal', () => {
    const unknown = new Map<string, number>()
    const members = [
      { '@odata.type': '#microsoft.graph.user', id: guid(1) },
      { '@odata.type': '#microsoft.graph.group', id: guid(2) },
      { '@odata.type': '#microsoft.graph.device', id: guid(3) },
      { '@odata.type': '#microsoft.graph.device', id: guid(4), displayName: null },
      { '@odata.type': '#microsoft.graph.toaster', id: guid(5) },
      { id: guid(6) },
    ]

    const types = members.map((raw) => memberTypeOf(raw, unknown))

    expect(types).toEqual(['user', 'group', 'other', 'other', 'other', 'other'])
    expect(unknown).toEqual(
      new Map([
        ['#microsoft.graph.device', 2],
        ['#microsoft.graph.toaster', 1],
        ['(none)', 1],
      ]),
    )
  })

  it('members@delta keeps its order, additions and removals', () => {
    const raw = {
      'members@delta': [
        { '@odata.type': '#microsoft.graph.user', id: guid(1), '@removed': { reason: 'deleted' } },
        { '@odata.type': '#microsoft.graph.user', id: guid(1) },
      ],
    }

    expect(membersDeltaOf(raw, new Map())).toEqual([
      { objectId: guid(1), type: 'user', removed: true },
      { objectId: guid(1), type: 'user', removed: false },
    ])
    expect(membersDeltaOf({}, new Map())).toEqual([])
    expect(() => membersDeltaOf({ 'members@delta': {} }, new Map())).toThrow(BadAnswer)
  })

  it('a manager is the one that came, null when one only went, unknown when nothing is said', () => {
    const came = { id: guid(1) }
    const went = { id: guid(2), '@removed': { reason: 'deleted' } }

    expect(managerInDelta({ 'manager@delta': [came, went] })).toBe(guid(1))
    expect(managerInDelta({ 'manager@delta': [went, came] })).toBe(guid(1))
    expect(managerInDelta({ 'manager@delta': [went] })).toBeNull()
    expect(managerInDelta({ 'manager@delta': [] })).toBeUndefined()
    expect(managerInDelta({})).toBeUndefined()
    expect(managerInExpand({ manager: { id: guid(1) } })).toBe(guid(1))
    expect(managerInExpand({ manager: null })).toBeNull()
    expect(managerInExpand({})).toBeUndefined()
  })
})
