// Finding users and groups by what somebody types, against the emulator: nothing typed breaks a query or widens it.
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emulatedWorld, type World } from '../../test/support/graph.ts'
import { createGroup } from '../emulator/memberships.ts'
import { hire } from '../emulator/operations.ts'
import type { Tenant } from '../emulator/tenant.ts'

const PEOPLE = [
  ['ann.lee@contoso.com', 'Ann Lee'],
  ['annika@contoso.com', 'Annika Berg'],
  ['lee.ann@contoso.com', 'Lee-Ann Ng'],
  ["o'brien@contoso.com", "Miles O'Brien"],
  ['rd@contoso.com', 'R&D Reception'],
  ['guest_fabrikam.com#EXT#@contoso.com', 'Guest + Friend'],
  ['party@contoso.com', '🎉 Party "Team" \\ 100 %'],
  ['zoe@contoso.com', 'Zoë Ångström'],
] as const

let world: World
let tenant: Tenant

beforeAll(() => {
  world = emulatedWorld({ users: 0, groups: 0, memberships: 0 })
  tenant = world.hosted.tenant
  for (const [userPrincipalName, displayName] of PEOPLE)
    hire(tenant, { userPrincipalName, displayName, mail: userPrincipalName.replace('#EXT#', '') })
  for (let i = 0; i < 40; i++) hire(tenant, { userPrincipalName: `many${i}@contoso.com`, displayName: `Many ${i}` })
  createGroup(tenant, { displayName: "All & sundry 'staff'" })
  createGroup(tenant, { displayName: 'Staff', mailEnabled: true, mail: 'everybody@contoso.com' })
})
afterAll(() => world[Symbol.asyncDispose]())

const find = async (text: string, kind: 'users' | 'groups' = 'users') => {
  const hits = await world.client.search({ kind, text, select: ['displayName'], signal: world.signal })
  return hits.map((hit) => hit.attributes['displayName'])
}

describe('searching Entra', () => {
  it('finds names that begin so first, then those that have the words anywhere', async () => {
    expect(await find('ann')).toEqual(['Ann Lee', 'Annika Berg', 'Lee-Ann Ng'])
    expect(await find('berg')).toEqual(['Annika Berg'])
    expect(await find('lee ann')).toEqual(['Ann Lee', 'Lee-Ann Ng'])
    expect(await find('ann.lee@')).toEqual(['Ann Lee', 'Lee-Ann Ng'])
  })

  it.each([
    ["O'Brien", ["Miles O'Brien"]],
    ["miles o'", ["Miles O'Brien"]],
    ['R&D', ['R&D Reception']],
    ['🎉', ['🎉 Party "Team" \\ 100 %']],
    ['🎉 Party "Team" \\ 100 %', ['🎉 Party "Team" \\ 100 %']],
    ['guest_fabrikam.com#EXT#', ['Guest + Friend']],
    ['Guest + F', ['Guest + Friend']],
    ['ångström', ['Zoë Ångström']],
    ["') or startsWith(displayName,'M", []],
    ['" OR "displayName:Many', []],
    ['%00', []],
    ['\ud83c', []],
    ['nobody', []],
  ])('%j finds exactly whom it means', async (text, names) => {
    expect(await find(text)).toEqual(names)
  })

  it('finds by object id, and nobody by one that there is not', async () => {
    const [first] = [...tenant.live('user')]

    expect(await find(first!.id.toUpperCase())).toEqual(['Ann Lee'])
    expect(await find('99999999-2222-3333-4444-555555555555')).toEqual([])
    expect(await find(first!.id, 'groups')).toEqual([])
  })

  it('gives at most 25, and some where nothing is typed', async () => {
    expect(await find('many')).toHaveLength(25)
    expect(await find('  ')).toHaveLength(25)
  })

  it('finds groups by name and mail', async () => {
    expect(await find("all & sundry 'st", 'groups')).toEqual(["All & sundry 'staff'"])
    expect(await find('staff', 'groups')).toEqual(['Staff', "All & sundry 'staff'"])
    expect(await find('everybody@', 'groups')).toEqual(['Staff'])
  })

  it('whatever is typed is answered, and every hit has been asked for', async () => {
    const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 60 }), async (text) => {
        const hits = await world.client.search({
          kind: 'users',
          text,
          select: ['displayName', 'userPrincipalName', 'mail'],
          signal: world.signal,
        })
        const typed = text
          .toWellFormed()
          .replace(/\p{Cc}/gu, ' ')
          .trim()
          .toLowerCase()
        for (const { attributes } of hits) {
          const values = Object.values(attributes).map((value) => String(value).toLowerCase())
          const begins = values.some((value) => value.startsWith(typed))
          const has = words(typed).every((word) => words(values[0] ?? '').some((own) => own.startsWith(word)))
          expect(begins || has).toBe(true)
        }
      }),
      { numRuns: 100 },
    )
  })
})
