// Each kind of issue as it is told of somebody: the sentence that a person would have found out by hand, and what to do.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import type { Settings } from '../../test/support/world.ts'
import { REMEDIES } from '../contract/remedies.ts'
import { ISSUE_CODES, type IssueCode } from '../contract/runs.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { remove } from '../emulator/operations.ts'

const x = anExplainedWorld()

interface Row {
  readonly settings?: Settings
  /** Until somebody has the issue: whom to ask about, and what the issue says, in full. */
  readonly arrange: () => Promise<{ readonly ask: string; readonly message: string }>
  readonly source?: string
}

/** Two people who want the same; made at one moment, the one with the lower object id has it. */
async function rivals(
  attributes: Record<string, unknown>,
): Promise<{ winner: DirectoryObject; loser: DirectoryObject }> {
  const both = [x.person('first', attributes), x.person('second', attributes)]
  await x.w.sync()
  const [winner, loser] = both.toSorted((a, b) => (a.id < b.id ? -1 : 1))
  return { winner: winner!, loser: loser! }
}

/** A source that imports one selected group. */
async function scoped(attributes: Record<string, unknown> = {}) {
  const staff = createGroup(x.w.tenant, { displayName: 'Staff', ...attributes })
  await x.w.configure({ safeguard: 'off', users: { import: { groups: [staff.id] } } })
  return staff
}

const ISSUES: Readonly<Record<IssueCode, Row>> = {
  'user-name-empty': {
    settings: { users: { properties: { userName: 'employeeId' } } },
    arrange: async () => {
      const ann = x.person('ann')
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'The attribute mapped to the user name is empty; the user is not imported. Fill it in Entra or map another attribute.',
      }
    },
  },
  'user-name-conflict': {
    settings: { users: { properties: { userName: 'department' } } },
    arrange: async () => {
      const ann = x.person('ann', { department: 'one' })
      await x.w.sync()
      const bob = x.person('bob', { department: 'one' })
      await x.w.sync()
      return {
        ask: bob.id,
        message: `The user name "one" belongs to the Entra user ${ann.id}; the user is not imported. Change one of the two names in Entra.`,
      }
    },
  },
  'alias-conflict': {
    settings: { users: { properties: { aliases: ['city'] } } },
    arrange: async () => {
      const { winner, loser } = await rivals({ city: 'both' })
      return {
        ask: loser.id,
        message: `The alias "both" belongs to the Entra user ${winner.id}; this user does without it.`,
      }
    },
  },
  'card-conflict': {
    settings: { users: { properties: { cards: ['faxNumber'] } } },
    arrange: async () => {
      const { winner, loser } = await rivals({ faxNumber: '77001' })
      return {
        ask: loser.id,
        message: `A card belongs to the Entra user ${winner.id}; this user does without it.`,
      }
    },
  },
  'pin-conflict': {
    settings: { users: { properties: { pin: 'postalCode' } } },
    arrange: async () => {
      const { winner, loser } = await rivals({ postalCode: '918273' })
      return { ask: loser.id, message: `A PIN belongs to the Entra user ${winner.id}; this user does without it.` }
    },
  },
  'personal-number-conflict': {
    settings: { users: { properties: { personalNumber: 'employeeId' } } },
    arrange: async () => {
      const { winner, loser } = await rivals({ employeeId: '5' })
      return {
        ask: loser.id,
        message: `The personal number "5" belongs to the Entra user ${winner.id}; this user does without it.`,
      }
    },
  },
  'pairing-refused': {
    arrange: async () => {
      const ann = x.person('ann')
      await x.local('ann@contoso.com', { protected: true })
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'The user is not paired and not imported: the registry user with this user name is an administrator or protected. Give one of the two another one, or remove the protection.',
      }
    },
  },
  'owned-by-source': {
    source: 'second',
    arrange: async () => {
      const ann = x.person('ann')
      await x.w.sync()
      await x.another('second', 200)
      await x.w.sync({ source: 'second' })
      return {
        ask: ann.id,
        message: `The source "${x.w.source}" comes before this one (priority 100) and owns the user; its mapping alone applies. Nothing needs to be done; to change it, change the priorities or the scopes.`,
      }
    },
  },
  'value-rejected': {
    settings: { users: { properties: { cards: [{ from: 'faxNumber', transform: 'hex2dec' }] } } },
    arrange: async () => {
      const ann = x.person('ann', { faxNumber: 'xyz' })
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'A value for cards was dropped by hex2dec: the value has characters that are no hexadecimal digits; the field stays as it is. Correct it in Entra or map another attribute.',
      }
    },
  },
  'expression-failed': {
    settings: { users: { properties: { office: { expression: 'CNum([companyName])' } } } },
    arrange: async () => {
      const ann = x.person('ann', { companyName: 'a,b' })
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'The expression for office could not be worked out (CNum: the text is not a number); the field stays as it is. Change the expression, or the attributes in Entra.',
      }
    },
  },
  'scope-group-missing': {
    arrange: async () => {
      const staff = await scoped()
      const ann = x.person('ann')
      addMember(x.w.tenant, staff.id, ann.id)
      await x.w.sync()
      remove(x.w.tenant, staff.id)
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'A selected group does not exist in Entra any more; people who came only through it stay as they are. Select another group, or restore it.',
      }
    },
  },
  'membership-unknown': {
    arrange: async () => {
      const hidden = await scoped({ visibility: 'HiddenMembership', groupTypes: ['Unified'] })
      const ann = x.person('ann')
      addMember(x.w.tenant, hidden.id, ann.id)
      await x.w.sync()
      return {
        ask: ann.id,
        message:
          'Entra does not show the members of a selected group, or of one nested in it; people who are in no other stay as they are. Grant Member.Read.Hidden, or select another group.',
      }
    },
  },
  'listing-incomplete': {
    arrange: async () => {
      const ann = x.person('ann')
      await x.w.sync()
      x.w.emulator.faults.add({ kind: 'short-list', keep: 1, path: /^\/users\?/, count: 2 })
      await x.w.sync({ mode: 'full' })
      return {
        ask: ann.id,
        message:
          'The users that Microsoft Graph listed and the number that it counts differ, also after a second reading; nobody is taken for missing, nobody active loses a membership, card or PIN, and no group is removed in this run. Accounts that Entra shows as disabled are deactivated all the same. The next full run compares again.',
      }
    },
  },
  'listing-contradicted': {
    arrange: async () => {
      const [, bob] = [x.person('ann'), x.person('bob')]
      await x.w.sync()
      x.leaveOut(bob.id)
      await x.w.sync({ mode: 'full' })
      return {
        ask: bob.id,
        message: `Microsoft Graph left the user ${bob.id} out or reported it removed, and shows it when asked for it by id; nobody is taken for missing, nobody active loses a membership, card or PIN, and no group is removed in this run. Accounts that Entra shows as disabled are deactivated all the same.`,
      }
    },
  },
}

describe('each kind of issue', () => {
  it.each(ISSUE_CODES)('%s: what it says of him, what to do, and since when', async (code) => {
    const row = ISSUES[code]
    await x.begin(row.settings)
    const { ask, message } = await row.arrange()

    const told = await x.source(ask, row.source ?? x.w.source)

    expect(told.issues).toEqual([{ code, message, remedy: REMEDIES[code], since: expect.stringMatching(/^\d{4}-/) }])
    expect(JSON.stringify(await x.why(ask))).not.toMatch(/918273|77001/)
  })
})
