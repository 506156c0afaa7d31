// What other settings of a source change, in them and for people.
import type { SettingsPreview } from '../app.ts'
import { shellWord } from '../base/shell.ts'
import type { FieldChange } from '../contract/configuration.ts'
import { type Io, printable, writeLine } from './io.ts'
import { writePlan } from './plan-table.ts'
import type { Session } from './session.ts'
import { writePlanCounts } from './summary.ts'

/** One line a setting. */
export function writeChanges(io: Io, changes: readonly FieldChange[]): void {
  for (const { at, old, new: next } of changes) writeLine(io, `    ${at}: ${value(old)} → ${value(next)}`)
}

function value(setting: unknown): string {
  return setting === undefined ? '(none)' : printable(JSON.stringify(setting))
}

/** What a changed source means for people, before it is saved. */
export async function writeImpact(
  session: Pick<Session, 'io'>,
  { document, items, isUnread, unreadAttributes }: SettingsPreview,
): Promise<void> {
  const source = printable(document.source)
  if (isUnread) {
    writeLine(
      session.io,
      `\n${source} was never read, so what it does shows in its first plan: muster plan ${shellWord(source)}`,
    )
    return
  }
  writeLine(
    session.io,
    `\nWith the new settings the next run of ${source} would do this, judged by what was read last:`,
  )
  if (unreadAttributes.length > 0)
    writeLine(
      session.io,
      `Never read so far: ${unreadAttributes.map(printable).join(', ')}. What is made of them is left as it is here. The next run reads them first; then see: muster plan ${source}`,
    )
  await writePlan(session.io, items)
  writePlanCounts(session.io, document)
}
