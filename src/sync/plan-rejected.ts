// Values that cannot be kept, as issues for whoever can correct them.
import type { Issue } from '../contract/runs.ts'
import type { RejectedValue } from './map/users.ts'
import { issue, type UserInput } from './plan-person.ts'
import type { TakenUser } from './plan-terms.ts'

/** One issue for each value of this person that cannot be kept. */
export function rejections(input: UserInput, wanted: TakenUser): Issue[] {
  return wanted.rejected.map((r) => issue(input, r.code, rejectionText(r, 'the field stays as it is')))
}

/** What is wrong with a value, what follows from it and what to do. */
export function rejectionText(rejected: RejectedValue, consequence: string): string {
  return rejected.code === 'expression-failed'
    ? `The expression for ${rejected.target} could not be worked out (${rejected.problem}); ${consequence}. Change the expression, or the attributes in Entra.`
    : `A value for ${rejected.target} ${rejected.problem}; ${consequence}. Correct it in Entra or map another attribute.`
}
