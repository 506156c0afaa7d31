// Whether somebody should look at what saving changes before it is saved.
import type { Impact } from '../../../../contract/api/sources.ts'

/**
 * False where the settings change nobody for certain. What is made of attributes that were never read is not in the plan, so a plan
 * without changes says nothing then; and of a tenant that was never read nothing can be said about people who are here already.
 */
export function isWorthShowing(
  impact: Pick<Impact, 'isUnread' | 'unreadAttributes'> & { readonly document: Pick<Impact['document'], 'outcome'> },
  { people }: { readonly people: number },
): boolean {
  if (impact.isUnread) return people > 0
  return impact.document.outcome !== 'no-change' || impact.unreadAttributes.length > 0
}
