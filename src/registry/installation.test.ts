// What can be told of a database's place: that it is another one than was written down.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { machineMark } from '../base/machine.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { isCopy, isElsewhere, notePlace, readPlace } from './installation.ts'

let one: TestDatabase
let other: TestDatabase
beforeAll(async () => {
  one = await createTestDatabase()
  other = await createTestDatabase()
})
afterAll(async () => {
  await one.drop()
  await other.drop()
})

const HERE = { machine: 'a', directory: '/var/lib/muster/database' }

describe('the place of a database', () => {
  it('E15: is noted once, and is the same for every server on every host that uses it', async () => {
    await notePlace(one.db, undefined)
    const noted = await one.db.query('select place from installation')
    await notePlace(one.db, undefined)

    expect(await isCopy(one.db, undefined)).toBe(false)
    expect((await one.db.query('select place from installation')).rows).toEqual(noted.rows)
    expect((await readPlace(one.db, undefined)).system).toMatch(/^\d{10,}$/)
  })

  it('E15: rows in another database are a copy', async () => {
    const { rows } = await one.db.query('select place from installation')
    await other.db.query('update installation set place = $1', [rows[0]!['place']])

    expect(await isCopy(other.db, undefined)).toBe(true)
  })

  it('E15: files of an embedded database on another machine or in another folder are a copy', async () => {
    const place = { system: '7', database: '5', ...HERE }

    expect(isElsewhere(place, { ...place })).toBe(false)
    expect(isElsewhere(place, { ...place, machine: 'b' })).toBe(true)
    expect(isElsewhere(place, { ...place, directory: '/elsewhere' })).toBe(true)
    expect(isElsewhere(place, { ...place, system: '8' })).toBe(true)
  })

  it('E15: what is not known, as in a container without an id of its own, makes no copy', () => {
    const place = { system: '7', database: '5', ...HERE }

    expect(isElsewhere(place, { ...place, machine: '' })).toBe(false)
    expect(isElsewhere({ ...place, system: '', machine: '' }, place)).toBe(false)
    expect(machineMark('/nonexistent')).toBe('')
  })
})
