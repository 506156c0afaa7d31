// check: whether a connection works, and what to do where it does not.
import { shellWord } from '../../base/shell.ts'
import type { Command } from 'commander'
import { printable, writeJson, writeLine } from '../io.ts'
import { writeWholeFile } from '../output-file.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

export function addCheckCommand(program: Command, run: Runner): void {
  program
    .command('check')
    .argument('<connection>', 'name of the connection')
    .option('--certificate <file>', 'write the public part of its newest certificate to a file instead, for Entra')
    .description('check a connection: token, tenant, permissions, clock, expiry, each with its remedy')
    .addHelpText(
      'after',
      `
Examples:
  muster check contoso
  muster check contoso --certificate contoso.cer   write its certificate, to be uploaded to the app registration
`,
    )
    .action(async (connection: string, options: { readonly certificate?: string }, command: Command) => {
      const { certificate } = options
      await run(
        (session) =>
          certificate === undefined
            ? check(session, connection)
            : writeCertificate(session, { connection, path: certificate }),
        command.optsWithGlobals(),
      )
    })
}

/** The public part alone, which is what Entra is given. */
async function writeCertificate(
  session: Session,
  { connection, path }: { readonly connection: string; readonly path: string },
): Promise<number> {
  return withApp(session, async (app) => {
    const { signal } = session
    await writeWholeFile(path, (destination) => app.writeCertificate({ connection, destination, signal }))
    if (session.json) writeJson(session.io, { connection, certificate: path })
    else
      writeLine(
        session.io,
        `Written: ${printable(path)}. Upload it to the app registration under Certificates & secrets, then: muster check ${shellWord(printable(connection))}`,
      )
    return 0
  })
}

async function check(session: Session, connection: string): Promise<number> {
  return withApp(session, async (app) => {
    const findings = await app.check({
      connection,
      actor: commandLine(),
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
