// What went wrong, for whoever stands at the terminal.
import { ApiError } from '../../api.ts'
import { type Spoken, tellProblem } from '../../texts/terminal-page.ts'

export function tellError(texts: Spoken['texts'], error: unknown): string {
  if (!(error instanceof ApiError)) {
    const message = error instanceof Error ? error.message : String(error)
    return tellProblem(texts, { code: 'unknown', message })
  }
  const { status, retryAfterSeconds, message } = error
  if (status === 429 && retryAfterSeconds !== undefined) return texts.wait(retryAfterSeconds)
  return tellProblem(texts, { code: error.problem.code, message })
}
