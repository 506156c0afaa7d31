// Where somebody stands, told in the sentence that a person would have found out by hand: each row of the order in which people
// are judged, and each way in which a missing one is treated.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import { takeBack } from '../../test/support/reverted.ts'
import { aSyncWorld, type Settings } from '../../test/support/world.ts'
import { approveRun } from './approve.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { disable, enable, purge, remove, restore } from '../emulator/operations.ts'
import type { Judgement, OutOfScopeRule } from './judge.ts'

const x = anExplainedWorld()

/** `kind`, with the rule that leaves out or what freezes. */
type Verdict =
  | Exclude<Judgement['kind'], 'out-of-scope' | 'frozen'>
  | `out-of-scope ${OutOfScopeRule}`
  | `frozen ${Extract<Judgement, { kind: 'frozen' }>['why']}`

interface Row {
  readonly settings?: Settings
  /** What is done until somebody is found so; returns him. */
  readonly arrange: () => Promise<DirectoryObject>
  readonly entra: string
  readonly sentence: string
  /** What the registry says of him then; null: it does not have him. */
  readonly registry: string | null
}

const hired = async (more: Record<string, unknown> = {}): Promise<DirectoryObject> => {
  const ann = x.person('ann', more)
  await x.w.sync()
  return ann
}
const then = async (ann: DirectoryObject, what: () => unknown): Promise<DirectoryObject> => {
  what()
  await x.w.sync()
  return ann
}
const today = () => new Date().toISOString().slice(0, 10)
const active = () => `Active. Owned by ${x.w.source}.`
const deactivated = () =>
  `Deactivated by his source on ${today()}. He keeps what he has; his memberships have no effect. Owned by ${x.w.source}.`

/** A source that imports one selected group, which `arrange` makes. */
async function scoped(group: Record<string, unknown>, settings: Settings = {}) {
  const selected = createGroup(x.w.tenant, { displayName: 'Staff', ...group })
  await x.w.configure({
    safeguard: 'off',
    ...settings,
    users: { ...settings.users, import: { groups: [selected.id] } },
  })
  return selected
}

const VERDICTS: Readonly<Record<Verdict, Row>> = {
  gone: {
    arrange: async () => {
      const ann = await hired()
      return then(ann, () => {
        remove(x.w.tenant, ann.id)
        purge(x.w.tenant, ann.id)
      })
    },
    entra: 'gone',
    sentence:
      'Deleted in Entra for good (neither found by id nor in the recycle bin): missing, and his memberships have ended.',
    registry: 'deactivated',
  },
  'soft-deleted': {
    arrange: async () => {
      const ann = await hired()
      return then(ann, () => remove(x.w.tenant, ann.id))
    },
    entra: 'soft-deleted',
    sentence:
      'Deleted in Entra, and still in its recycle bin: missing. Restored there, he is back with all that he had.',
    registry: 'deactivated',
  },
  'out-of-scope users.guests': {
    settings: { users: { guests: 'ignore' } },
    arrange: () => hired({ userType: 'Guest' }),
    entra: 'there',
    sentence: 'Out of scope: he is a guest, and users.guests is ignore.',
    registry: null,
  },
  'out-of-scope users.import': {
    arrange: async () => {
      await scoped({})
      return hired()
    },
    entra: 'there',
    sentence: 'Out of scope: he is in none of the selected groups, nor in a group nested in one.',
    registry: null,
  },
  'out-of-scope users.filter': {
    settings: { users: { filter: { any: [{ all: [{ attribute: 'department', eq: 'Sales' }] }] } } },
    arrange: () => hired({ department: 'IT' }),
    entra: 'there',
    sentence: 'Out of scope: he does not meet users.filter.',
    registry: null,
  },
  'out-of-scope users.disabledAccounts': {
    settings: { users: { disabledAccounts: 'ignore' } },
    arrange: () => hired({ accountEnabled: false }),
    entra: 'disabled',
    sentence: 'Out of scope: the account is disabled in Entra, and users.disabledAccounts is ignore.',
    registry: null,
  },
  disabled: {
    arrange: async () => {
      const ann = await hired()
      return then(ann, () => disable(x.w.tenant, ann.id))
    },
    entra: 'disabled',
    sentence:
      'The account is disabled in Entra, and users.disabledAccounts is deactivate: he is never created so, and one who exists is deactivated at once.',
    registry: 'deactivated',
  },
  wanted: {
    arrange: () => hired(),
    entra: 'there',
    sentence: 'In scope: all users are imported, and no other setting leaves him out.',
    registry: 'active',
  },
  'frozen removal-unproven': {
    arrange: async () => {
      const ann = await hired()
      // As a run leaves him that ended between hearing of the removal and asking for him by id.
      await x.db.query(`update mirror_objects set state = 'a' where object_id = $1`, [ann.id])
      return ann
    },
    entra: 'unproven',
    sentence:
      'Frozen: Entra said that he was removed, and that is not proven yet. It is asked for by id in the next run.',
    registry: 'active',
  },
  'frozen scope-group-missing': {
    arrange: async () => {
      const staff = await scoped({})
      const ann = x.person('ann')
      addMember(x.w.tenant, staff.id, ann.id)
      await x.w.sync()
      return then(ann, () => remove(x.w.tenant, staff.id))
    },
    entra: 'there',
    sentence:
      'Frozen: a selected group does not exist in Entra any more, so that nothing can be said about whoever came through it alone.',
    registry: 'active',
  },
  'frozen membership-unknown': {
    arrange: async () => {
      const ann = await hired()
      const hidden = await scoped({ visibility: 'HiddenMembership', groupTypes: ['Unified'] })
      return then(ann, () => addMember(x.w.tenant, hidden.id, ann.id))
    },
    entra: 'there',
    sentence:
      'Frozen: Entra does not show the members of a selected group, so that nothing can be said about whoever is in no other.',
    registry: 'active',
  },
  'frozen listing-incomplete': {
    arrange: async () => {
      const ann = await hired({ department: 'IT' })
      const filter = { any: [{ all: [{ attribute: 'department', ne: 'IT' }] }] }
      await x.w.configure({ safeguard: 'off', users: { filter } })
      x.w.emulator.faults.add({ kind: 'short-list', keep: 1, path: /^\/users\?/, count: 2 })
      await x.w.sync({ mode: 'full' })
      return ann
    },
    entra: 'there',
    sentence: 'Frozen: the last reading contradicted itself or was incomplete, so nobody is taken for missing.',
    registry: 'active',
  },
}

/** The setting that decided. */
const RULES: Readonly<Record<string, string>> = {
  gone: 'users.options.deactivateMissingUsers',
  'soft-deleted': 'users.options.deactivateMissingUsers',
  disabled: 'users.disabledAccounts',
  'out-of-scope users.guests': 'users.guests',
  'out-of-scope users.import': 'users.import',
  'out-of-scope users.filter': 'users.filter',
  'out-of-scope users.disabledAccounts': 'users.disabledAccounts',
}

describe('where he stands', () => {
  it.each(Object.entries(VERDICTS))('%s', async (verdict, row) => {
    await x.begin(row.settings)
    const ann = await row.arrange()

    const told = await x.why(ann.id)

    const [kind] = verdict.split(' ')
    const [source] = told.sources
    expect(source!.entra).toBe(row.entra)
    expect(source!.scope).toMatchObject({ verdict: kind, sentence: row.sentence })
    expect(source!.scope.rule).toBe(RULES[verdict] ?? null)
    expect(told.registry?.sentence ?? null).toBe(
      row.registry === null ? null : row.registry === 'active' ? active() : deactivated(),
    )
    // What was done to him is done, and what freezes him lets nothing be done.
    expect(source!.next.items).toEqual([])
  })

  it('wanted, through groups that are nested in a selected one, with the chain', async () => {
    await x.begin()
    const all = await scoped({ displayName: 'All staff' })
    const dept = createGroup(x.w.tenant, { displayName: 'Sales' })
    const ann = x.person('ann')
    addMember(x.w.tenant, all.id, dept.id)
    addMember(x.w.tenant, dept.id, ann.id)
    await x.w.sync()

    expect((await x.source(ann.id)).scope).toEqual({
      verdict: 'wanted',
      rule: null,
      chain: ['Sales', 'All staff'],
      sentence: 'In scope: he is in a selected group (Sales → All staff).',
    })
  })

  it('frozen also because of what contradicted itself about somebody else, with the issue and what to do', async () => {
    await x.begin()
    const ann = await hired({ department: 'IT' })
    const bob = x.person('bob')
    await x.w.sync()
    const filter = { any: [{ all: [{ attribute: 'department', ne: 'IT' }] }] }
    await x.w.configure({ safeguard: 'off', users: { filter } })
    x.leaveOut(bob.id)
    await x.w.sync({ mode: 'full' })

    const told = await x.source(ann.id)

    expect(told.scope.verdict).toBe('frozen')
    expect(told.issues.map(({ code }) => code)).toEqual(['listing-contradicted'])
  })
})

describe('a connection that names another tenant than his', () => {
  const OTHER = '7c9e6679-7425-40de-944b-e07fc1f90ae7'

  it('his owner is told with it, and a source that claims him; put right again, all is as before', async () => {
    await x.begin({})
    const ann = x.person('ann', { department: 'Sales' })
    await x.w.sync()
    const before = await x.why(ann.id)
    await x.another('later', 200)
    const later = await x.db.query<{ id: number }>(`select id from sources where name = 'later'`)
    await x.db.query('insert into claims (user_id, source_id) select id, $1 from users where object_id = $2', [
      later.rows[0]!.id,
      ann.id,
    ])
    await x.db.query('update connections set tenant_id = $1', [OTHER])

    const told = await x.why('ann@contoso.com')

    expect(told.registry).toMatchObject({ owner: x.w.source })
    expect(told.registry?.sentence).toBe(
      `Active. Owned by ${x.w.source}, whose connection names another tenant than his: it gives him nothing until that names his again.`,
    )
    expect(told.registry?.fields.find(({ field }) => field === 'department')?.sentence).toBe(
      `From department (${x.w.source}), when it last read him.`,
    )
    expect(told.sources.map(({ source, owns, claims, entra }) => ({ source, owns, claims, entra }))).toEqual([
      { source: x.w.source, owns: true, claims: true, entra: 'unknown' },
      { source: 'later', owns: false, claims: true, entra: 'unknown' },
    ])
    for (const { scope, next } of told.sources) {
      expect(scope.sentence).toContain(`names the tenant ${OTHER}, and he is of ${x.w.hosted.tenantId}`)
      expect(next.sentence).toContain('No run changes anything about him')
    }

    await x.db.query('update connections set tenant_id = $1', [x.w.hosted.tenantId])
    await x.db.query(`delete from sources where name = 'later'`)
    expect(await x.why(ann.id)).toEqual(before)
  })

  it('approving what is read of the other tenant leaves him as he is', async () => {
    await x.begin({})
    const ann = x.person('ann', { department: 'Sales' })
    await x.w.sync()
    const other = await aSyncWorld(x.db, { users: 3, seed: 2 })
    await x.db.query(
      `update connections set tenant_id = $2, client_id = $3, authority_url = $4, graph_url = $4
       where id = (select connection_id from sources where name = $1)`,
      [x.w.source, other.hosted.tenantId, other.hosted.clientId, x.w.emulator.graphUrl],
    )
    const row = async () =>
      (
        await x.db.query('select id, user_name, active, source_id, department from users where object_id = $1', [
          ann.id,
        ])
      ).rows
    const before = await row()
    const next = async () => (await x.why('ann@contoso.com')).sources[0]?.next.sentence
    expect(await next()).toMatch(/his tenant again, the next run goes on with him\.$/)

    const held = await other.sync({ source: x.w.source })
    const approved = await approveRun(other.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'a' },
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect([held.outcome, approved.outcome]).toEqual(['held', 'applied'])
    expect(await row()).toEqual(before)
    expect(await next()).toMatch(
      /his tenant again, the next run goes on with him, once its plan is approved as well\.$/,
    )
    await other.stop()
  })
})

describe('what becomes of whoever is missing, and who is back', () => {
  it('deactivated, with the reason in the history; back again, he is reactivated', async () => {
    await x.begin()
    const ann = await hired()
    await then(ann, () => remove(x.w.tenant, ann.id))
    expect((await x.why(ann.id)).history[0]).toMatchObject({ action: 'deactivate', reason: 'soft-deleted' })

    restore(x.w.tenant, ann.id)
    await x.w.sync()

    const told = await x.why(ann.id)
    expect(told.registry!.sentence).toBe(active())
    expect(told.history[0]).toMatchObject({ action: 'reactivate', rule: 'users.import', reason: 'wanted-again' })
  })

  it('enabled again: what the next run will do is told before it is made', async () => {
    await x.begin()
    const ann = await hired()
    await then(ann, () => disable(x.w.tenant, ann.id))
    enable(x.w.tenant, ann.id)
    await x.w.sync({ kind: 'plan' })

    const { next } = await x.source(ann.id)

    expect(next.items.map(({ action, reason }) => [action, reason])).toEqual([['reactivate', 'wanted-again']])
    expect(next.sentence).toBe('The next run makes one change to him.')
  })

  it('an administrator deactivated him', async () => {
    await x.begin()
    const ann = await hired()
    await x.db.query(
      `update users set active = false, deactivated_by = 'administrator', deactivated_at = now() where object_id = $1`,
      [ann.id],
    )

    expect((await x.why(ann.id)).registry!.sentence).toBe(
      `Deactivated by an administrator on ${today()}; no source reactivates him. He keeps what he has; his memberships have no effect. Owned by ${x.w.source}.`,
    )
  })

  it('nobody of that name: what was looked for, and what to give', async () => {
    await x.begin()
    await expect(x.why('nobody')).rejects.toThrow(
      'There is no user "nobody"; neither the registry nor what was last read from Entra knows him; give a user name, a user principal name or an object id',
    )
    await expect(x.why('id:999999')).rejects.toThrow('There is no user "id:999999"')
  })
})

it('a new one whom the next run creates is wanted already, unless the source is disabled', async () => {
  await x.begin()
  await x.w.sync()
  const ann = x.person('ann')
  await x.w.sync({ kind: 'plan' })

  expect(await x.source(ann.id)).toMatchObject({ claims: true, owns: false, scope: { verdict: 'wanted' } })
  await x.db.query('update sources set enabled = false')
  expect(await x.source(ann.id)).toMatchObject({ claims: false, owns: false, scope: { verdict: 'wanted' } })
})

it('whoever was taken back has his history still', async () => {
  await x.begin()
  await x.w.sync()
  const ann = x.person('ann')
  const { run } = await x.w.sync()

  const reverted = await takeBack(x.db, run)

  const told = await x.why(ann.id)
  expect(told.registry).toBeNull()
  expect(told.history.map(({ run, object, action }) => `${run} ${object} ${action}`)).toEqual([
    `${reverted.run} user delete`,
    `${run} user create`,
  ])
})
