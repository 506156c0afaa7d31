// check: whether a connection works, and what to do where it does not.
import type { Command } from 'commander'
import { whoIsThis } from './approve.ts'
import { printable, writeJson, writeLine } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'

export function addCheckCommand(program: Command, run: Runner): void {
  program
    .command('check')
    .argument('<connection>', 'name of the connection')
    .description('check a connection: token, tenant, permissions, clock, expiry, each with its remedy')
    .addHelpText(
      'after',
      `
Example:
  muster check contoso
`,
    )
    .action(async (connection: string, _options: object, command: Command) => {
      await run((session) => check(session, connection), command.optsWithGlobals())
    })
}

async function check(session: Session, connection: string): Promise<number> {
  return withApp(session, async (app) => {
    const findings = await app.check({
      connection,
      actor: { kind: 'command line', name: whoIsThis() },
      signal: session.signal,
    })
    const ok = findings.every((finding) => finding.ok)
    if (session.json) {
      writeJson(session.io, { connection, ok, findings })
      return ok ? 0 : 1
    }
    for (const finding of findings) {
      const sign = finding.ok ? (finding.remedy === '' ? '✓' : '!') : '✗'
      writeLine(session.io, `${sign} ${printable(finding.message)}`)
      if (finding.remedy !== '') writeLine(session.io, `    → ${printable(finding.remedy)}`)
      if (finding.link !== null) writeLine(session.io, `    Consent: ${printable(finding.link)}`)
    }
    writeLine(session.io, ok ? 'The connection works.' : 'The connection does not work yet.')
    return ok ? 0 : 1
  })
}
