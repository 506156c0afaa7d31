// Groups that attributes make, compared with what the templates of a source say of everybody whom it wants.
import { attributeGroupsOf, judge } from '../support/model-entra.ts'
import type { Registry } from '../support/model.ts'
import type { Observed } from './observe.ts'

/** Where memberships that this source has just given in such groups, or default groups, are not those of its templates. */
export function attributeGroupMistakes(
  expected: Registry,
  { observed, source }: { readonly observed: Observed; readonly source: string },
): string[] {
  const view = expected.views[source]
  if (view === undefined) return []
  const mistakes: string[] = []
  const rows = [...observed.byAttributes].map((row) => row.split('\t'))
  for (const person of expected.people) {
    const { objectId } = person
    const user = objectId === null ? undefined : view.tenant.users.get(objectId)
    if (objectId === null || user === undefined || person.tenantId !== view.tenant.tenantId) continue
    if (!person.isActive || person.open.includes('all') || person.open.includes('active')) continue
    if (expected.openPeople.has(objectId) || judge(view, objectId) !== 'wanted') continue
    const wanted = attributeGroupsOf(view, user)
    const theirs = rows.filter(([, member]) => member === objectId)
    // What a removed source gave counts as given.
    const paths = new Set(theirs.filter(([, , giver]) => giver === source || giver === '').map(([path]) => path))
    for (const { path } of wanted) if (!paths.has(path)) mistakes.push(`${objectId}: is not in ${path}`)
    for (const [path, , giver] of theirs) {
      if (giver === source && !wanted.some((group) => group.path === path))
        mistakes.push(`${objectId}: should not be in ${path}`)
    }
    const first = wanted.find((group) => group.isDefault)?.path
    if (person.owner !== source || view.settings.groups.keepDefaultGroup || first === undefined) continue
    const is = observed.defaults.get(objectId)
    if (is !== first) mistakes.push(`${objectId}: default group: expected ${first}, is ${is}`)
  }
  return mistakes
}
