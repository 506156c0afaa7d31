// What a planning knows before it looks at anybody: the selected groups, who has to be planned, and what may be left out.
import type { Issue } from '../contract/runs.ts'
import { fillDueKeys } from '../registry/absences.ts'
import { fillUnkeyedGroups } from '../registry/attribute-groups.ts'
import { fillOnlyKeys, fillPlanKeys } from '../registry/planning.ts'
import { fillScopeGroups } from '../registry/scope-groups.ts'
import { type Planning, watchesAbsence } from './planning-parts.ts'

/** Of the source, for everybody alike. */
export interface PlannedScope {
  /** Why nobody's absence from the selected groups proves anything. */
  readonly doubt: 'scope-group-missing' | 'membership-unknown' | undefined
  /** Selected groups, and those nested in them, that do not show their members. */
  readonly unreadable: ReadonlySet<string>
  /** False: the registry has nobody of the tenant. */
  readonly hasLinked: boolean
  /** False: the registry has nobody who could be adopted. */
  readonly hasPairable: boolean
}

/** Fills who is to be planned, and tells what the selected groups prove. */
export async function planScope({ tx, input, writer, templates }: Planning): Promise<PlannedScope> {
  if (templates.templates.length > 0) await fillUnkeyedGroups(tx)
  const { settings } = input.source
  const scope = settings.users.import
  let doubt: PlannedScope['doubt']
  let isUnreadable: readonly string[] = []
  if (scope !== 'all') {
    const { missing, unreadable } = await fillScopeGroups(tx, input.source.id, scope.groups)
    if (missing.length > 0) doubt = 'scope-group-missing'
    else if (unreadable.length > 0) doubt = 'membership-unknown'
    isUnreadable = unreadable
    const issues = missing.map(
      (objectId): Issue => ({
        code: 'scope-group-missing',
        objectId,
        message:
          'A selected group does not exist in Entra any more; people who came only through it stay as they are. Select another group, or restore it.',
      }),
    )
    for (const objectId of unreadable) {
      issues.push({
        code: 'membership-unknown',
        objectId,
        message:
          'Entra does not show the members of a selected group, or of one nested in it; people who are in no other stay as they are. Grant Member.Read.Hidden, or select another group.',
      })
    }
    await writer.addIssues(issues)
  }
  const has = await tx.query<{ linked: boolean; pairable: boolean }>(
    `select exists (select from users where tenant_id = $1) as linked, exists (select from users where object_id is null) as pairable`,
    [input.source.tenantId],
  )
  // What was noted while people were given time says nothing once they are not, nor later when they are again.
  if (input.everybody && !input.isPreview && !watchesAbsence(settings))
    await tx.query('delete from absences where source_id = $1', [input.source.id])
  const { only } = input
  const transitive = settings.groups.membership === 'transitive'
  if (only !== undefined) await fillOnlyKeys(tx, only, transitive)
  else if (!input.everybody) {
    await fillPlanKeys(tx, input.source.id, { transitive, scoped: scope !== 'all' })
    await fillDueKeys(tx, input.source.id, settings.users.options, input.now)
  }
  return {
    doubt,
    unreadable: new Set(isUnreadable),
    hasLinked: has.rows[0]?.linked ?? true,
    hasPairable: (has.rows[0]?.pairable ?? true) && settings.users.options.pairBy !== 'none',
  }
}
