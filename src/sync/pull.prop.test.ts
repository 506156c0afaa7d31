// S9: whatever happens in a tenant, the mirror folded from its changes equals the tenant, and a mirror read in full.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../emulator/memberships.ts'
import { disable, enable, hire, purge, remove, rename, restore, setManager, update } from '../emulator/operations.ts'
import { createRandom, type Random } from '../emulator/random.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import type { Tenant } from '../emulator/tenant.ts'
import type { Vault } from '../vault/keys.ts'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

const PROPERTIES = {
  cards: ['onPremisesExtensionAttributes.extensionAttribute5'],
  costCenter: 'employeeOrgData.costCenter',
  alternateEmails: ['otherMails'],
}
const LEAVING = [5, 6, 7, 8]

/** One thing that an administrator may do; some do not apply, then nothing happens. */
function act(tenant: Tenant, random: Random, options: { readonly n: number; readonly peopleLeave: boolean }): void {
  const { n } = options
  const live = (kind: 'user' | 'group'): DirectoryObject[] => [...tenant.live(kind)]
  const deleted = tenant.recycleBin.map((no) => tenant.at(no)).filter((o) => o.presence === 'deleted')
  const [users, groups] = [live('user'), live('group').filter((g) => g.properties['membershipRule'] === undefined)]
  const user = users.length === 0 ? undefined : random.pick(users)
  const group = groups.length === 0 ? undefined : random.pick(groups)
  if (user === undefined || group === undefined) {
    hire(tenant, { userPrincipalName: `again${n}@contoso.com` })
    createGroup(tenant, { displayName: `again${n}` })
    return
  }
  const gone = deleted.length === 0 ? undefined : random.pick(deleted)
  const isOf = (kind: string) => (g: DirectoryObject) => String(g.properties['groupTypes']).includes(kind)
  const nestable = groups.filter((g) => !isOf('Unified')(g))
  const member = random.next() < 0.8 || nestable.length === 0 || isOf('Unified')(group) ? user : random.pick(nestable)
  const action = random.int(16)
  if (!options.peopleLeave && LEAVING.includes(action)) return
  switch (action) {
    case 0:
      hire(tenant, {
        userPrincipalName: `new${n}@contoso.com`,
        department: 'New',
        employeeOrgData: { costCenter: '1' },
      })
      return
    case 1:
      rename(tenant, user.id, `renamed${n}@contoso.com`)
      return
    case 2:
      update(tenant, user.id, { department: random.pick([null, 'Sales', 'Ops', '']), otherMails: [`${n}@x.example`] })
      return
    case 3:
      update(tenant, user.id, {
        onPremisesExtensionAttributes: random.pick([null, { extensionAttribute5: `AA:${n % 90}` }]),
      })
      return
    case 4:
      if (user.properties['accountEnabled'] === false) enable(tenant, user.id)
      else disable(tenant, user.id)
      return
    case 5:
      remove(tenant, user.id)
      return
    case 6:
      purge(tenant, (gone ?? user).id)
      return
    case 7:
    case 8:
      if (gone === undefined) return
      if (gone.kind === 'user') restore(tenant, gone.id, { newUserPrincipalName: `back${n}@contoso.com` })
      else restore(tenant, gone.id)
      return
    case 9:
      setManager(tenant, user.id, random.pick([null, random.pick(users).id]))
      return
    case 10:
      renameGroup(tenant, group.id, `group ${n}`)
      return
    case 11:
      addMember(tenant, createGroup(tenant, { displayName: `made${n}` }).id, user.id)
      return
    case 12:
      if (groups.length > 3) remove(tenant, group.id)
      return
    case 13:
      if (group.members.length > 0) removeMember(tenant, group.id, tenant.at(random.pick(group.members)).id)
      return
    default:
      if (!group.members.includes(member.no) && member.id !== group.id) addMember(tenant, group.id, member.id)
  }
}

function upset(source: PulledSource, random: Random): void {
  Object.assign(source.tenant.behaviour, {
    deltaPageSize: random.pick([1, 3, 10, 200]),
    deltaMembersPerPage: random.pick([1, 4, 500]),
    interleaveGroups: random.next() < 0.5,
    emptyDeltaPages: random.pick([0, 0.3]),
    replayChanges: random.pick([0, 0, 15]),
    objectRepeatedInPage: random.pick([0, 0.5]),
    addAndRemoveOrder: random.pick(['net', 'both']),
    managerRepeat: random.next() < 0.5,
    hardDeleteGroupEvent: random.next() < 0.5,
    securityGroupsSoftDeleted: random.next() < 0.5,
  })
}

describe('after any sequence of changes', () => {
  it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
    'S9: the mirror equals the tenant, by changes and in full (seed %i)',
    async (seed) => {
      const random = createRandom(seed)
      // Graph tells nobody that a manager came back from the recycle bin, so the two are tried apart.
      const peopleLeave = seed % 4 !== 0
      const properties = peopleLeave ? PROPERTIES : { ...PROPERTIES, manager: 'manager' }
      const settings = { users: { properties } }
      await using source = await aPulledSource(at, { users: 18, groups: 5, memberships: 40, seed, settings })
      const { tenant } = source
      await source.pull()
      for (let round = 0; round < 5; round += 1) {
        upset(source, random)
        const actions = 1 + random.int(25)
        for (let n = 0; n < actions; n += 1) act(tenant, random, { n: seed * 10_000 + round * 100 + n, peopleLeave })
        source.world.emulator.clock.advance(random.pick([0, 60_000, 3 * 3_600_000]))

        const result = await source.pull({ mode: random.next() < 0.25 ? 'full' : 'auto' })

        expect(result.removals).toBe('allowed')
        expect(await source.mirror()).toEqual(truthOf(tenant, source.needs))
      }
      const sibling = await source.sibling()
      await sibling.pull()
      expect(await sibling.mirror()).toEqual(await source.mirror())
    },
  )
})
