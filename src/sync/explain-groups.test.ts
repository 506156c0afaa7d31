// The groups of somebody: who gives each, through which nested ones, and which of his groups are not imported and why.
import { describe, expect, it } from 'vitest'
import { anExplainedWorld } from '../../test/support/explained.ts'
import type { Settings } from '../../test/support/world.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import type { IgnoreRule } from './map/groups.ts'

const x = anExplainedWorld()

const groupsOf = async (user: string) =>
  Object.fromEntries((await x.why(user)).registry!.groups.map((group) => [group.path, group]))

describe('who gives a group', () => {
  it('direct, through a nested chain that has a cycle, and by hand', async () => {
    await x.begin({ groups: { membership: 'transitive' } })
    const ann = x.person('ann')
    const [company, dept, team] = ['Company', 'Dept', 'Team'].map((displayName) =>
      createGroup(x.w.tenant, { displayName }),
    )
    addMember(x.w.tenant, company!.id, dept!.id)
    addMember(x.w.tenant, dept!.id, team!.id)
    addMember(x.w.tenant, team!.id, company!.id)
    addMember(x.w.tenant, team!.id, ann.id)
    await x.w.sync()
    await x.db.query(
      `with g as (insert into groups (name) values ('Choir') returning id)
       insert into memberships (group_id, user_id, source_id, run_id) select g.id, u.id, 0, 0 from g, users u where u.object_id = $1`,
      [ann.id],
    )

    const groups = await groupsOf(ann.id)

    const S = x.w.source
    expect(groups['Team']).toEqual({
      path: 'Team',
      objectId: team!.id,
      isDefault: false,
      givenBy: [{ source: S, how: 'direct', chain: ['Team'] }],
      sentence: `Member because he is a direct member in Entra (${S}).`,
    })
    expect(groups['Company']).toMatchObject({
      givenBy: [{ source: S, how: 'nested', chain: ['Team', 'Dept', 'Company'] }],
      sentence: `Member because he is in Team, which is in Dept, which is in Company (${S}).`,
    })
    expect(groups['Choir']).toMatchObject({
      givenBy: [{ source: null, how: 'by hand', chain: [] }],
      sentence: 'Member because somebody added him by hand.',
    })
  })

  it('two sources, and one that was removed since', async () => {
    await x.begin()
    const ann = x.person('ann')
    const team = createGroup(x.w.tenant, { displayName: 'Team' })
    addMember(x.w.tenant, team.id, ann.id)
    await x.w.sync()
    await x.another('second', 200)
    await x.w.sync({ source: 'second' })
    const both = await groupsOf(ann.id)
    await x.db.query(
      'update memberships set source_id = 99999 where source_id = (select id from sources where name = $1)',
      ['second'],
    )

    const S = x.w.source
    expect(both['Team']!.sentence).toBe(
      `Member because he is a direct member in Entra (${S}); and he is a direct member in Entra (second).`,
    )
    expect((await groupsOf(ann.id))['Team']!.sentence).toBe(
      `Member because he is a direct member in Entra (${S}); and a source gave it that was removed since.`,
    )
  })

  it('a source whose connection names another tenant by now, and so does not find him there', async () => {
    await x.begin()
    const ann = x.person('ann')
    const team = createGroup(x.w.tenant, { displayName: 'Team' })
    addMember(x.w.tenant, team.id, ann.id)
    await x.w.sync()
    await x.db.query('update connections set tenant_id = gen_random_uuid()')

    expect((await groupsOf('ann@contoso.com'))['Team']).toMatchObject({
      givenBy: [{ source: x.w.source, how: 'formerly', chain: [] }],
      sentence: `Member because ${x.w.source} gave it, and does not find him in it any more.`,
    })
  })

  it('his attributes, and which is the default', async () => {
    await x.begin({ groups: { fromAttributes: [{ template: '%department%', makeDefault: true }] } })
    const ann = x.person('ann', { department: 'Sales' })
    await x.w.sync()

    expect(await groupsOf(ann.id)).toEqual({
      Sales: {
        path: 'Sales',
        objectId: null,
        isDefault: true,
        givenBy: [{ source: x.w.source, how: 'attributes', chain: [] }],
        sentence: `Member because ${x.w.source} makes the group of his attributes.`,
      },
    })
  })
})

const IGNORED: Readonly<Record<IgnoreRule, readonly [(id: string) => Settings['groups'], string]>> = {
  'groups.import': [() => ({ import: false }), 'Not imported: groups.import is off.'],
  'groups.ignore': [(id) => ({ ignore: [id] }), 'Not imported: its object id is in groups.ignore.'],
  'groups.ignoreContaining': [
    () => ({ ignoreContaining: ['TEMP'] }),
    'Not imported: its name contains a string of groups.ignoreContaining.',
  ],
  'groups.types': [() => ({ types: ['microsoft365'] }), 'Not imported: it is none of the groups.types.'],
}

describe('a group of his that is not imported', () => {
  it.each(Object.entries(IGNORED))('ignored by %s', async (rule, [settings, sentence]) => {
    await x.begin()
    const ann = x.person('ann')
    const temp = createGroup(x.w.tenant, { displayName: 'Temp workers', securityEnabled: true, mailEnabled: false })
    addMember(x.w.tenant, temp.id, ann.id)
    await x.w.sync()
    expect((await x.source(ann.id)).ignoredGroups).toEqual([])
    await x.w.configure({ safeguard: 'off', groups: settings(temp.id)! })

    expect((await x.source(ann.id)).ignoredGroups).toEqual([
      { objectId: temp.id, name: 'Temp workers', rule, sentence },
    ])
  })

  it('has no name that can be kept', async () => {
    await x.begin()
    const ann = x.person('ann')
    const group = createGroup(x.w.tenant, { displayName: 'x' })
    addMember(x.w.tenant, group.id, ann.id)
    await x.w.sync()
    await x.db.query(
      `update mirror_objects set attributes = attributes || '{"displayName": " "}' where object_id = $1`,
      [group.id],
    )

    expect((await x.source(ann.id)).ignoredGroups).toMatchObject([{ objectId: group.id, rule: 'groups' }])
  })

  it('counts only where members of nested groups count', async () => {
    await x.begin({ groups: { ignoreContaining: ['hidden'] } })
    const ann = x.person('ann')
    const [outer, inner] = ['Hidden all', 'Team'].map((displayName) => createGroup(x.w.tenant, { displayName }))
    addMember(x.w.tenant, outer!.id, inner!.id)
    addMember(x.w.tenant, inner!.id, ann.id)
    await x.w.sync()
    const direct = (await x.source(ann.id)).ignoredGroups
    await x.w.configure({ safeguard: 'off', groups: { ignoreContaining: ['hidden'], membership: 'transitive' } })

    expect(direct).toEqual([])
    expect((await x.source(ann.id)).ignoredGroups).toMatchObject([{ rule: 'groups.ignoreContaining' }])
  })
})
