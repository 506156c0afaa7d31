// emulator: the flags of the emulator on its own.
import type { Command } from 'commander'
import { parseWhole } from '../arguments.ts'
import { UsageError } from '../failure.ts'
import { writeLine } from '../io.ts'
import { notRemote } from '../remote.ts'
import type { Runner, Session } from '../session.ts'

interface Options {
  readonly users: number
  readonly groups: number
  readonly memberships?: number
  readonly seed: number
  readonly port: number
  readonly tls?: true
  readonly redirectUri?: readonly string[]
}

const count = (text: string) => parseWhole(text, { from: 0, to: 100_000_000 })

export function addEmulatorCommand(program: Command, run: Runner): void {
  program
    .command('emulator')
    .description('serve an Entra tenant of any size from this machine, for tests; no Microsoft account is needed')
    .option('--users <count>', 'people in it', count, 100)
    .option('--groups <count>', 'groups in it', count, 20)
    .option('--memberships <count>', 'direct memberships of users (default: five for each, where there is room)', count)
    .option('--seed <number>', 'the same seed makes the same tenant', count, 1)
    .option(
      '--port <port>',
      'where it listens on 127.0.0.1; 0 is any free port',
      (t) => parseWhole(t, { from: 0, to: 65_535 }),
      0,
    )
    .option('--tls', 'serve https with a certificate of its own authority, whose file it names')
    .option('--redirect-uri <uris...>', 'where people return to who sign in; http://localhost is good for every port')
    .addHelpText(
      'after',
      `
It prints one JSON line with authorityUrl, graphUrl, adminUrl, tenantId, clientId, clientSecret and
adminKey, and serves until Ctrl-C. In a config file it is a connection with cloud: custom.

People sign in on its pages with their user name and the password Emulator-2026; the first of them has
the app role Administrator. The page at authorityUrl lists them and shows how to change everything:
passwords, second factors, redirect URIs, app roles, signing keys.

Example:
  muster emulator --users 1000 --groups 50 --memberships 4000 --port 4000
  muster emulator --redirect-uri https://muster.example.com/signin/microsoft
`,
    )
    .action(async (options: Options, command: Command) => {
      await run((session) => emulate(session, options), command.optsWithGlobals())
    })
}

/** Ctrl-C is how it is meant to end. */
async function emulate(session: Session, options: Options): Promise<number> {
  notRemote(session.remote, 'emulator')
  const { users, groups } = options
  const room = users * groups
  const memberships = options.memberships ?? Math.min(users * 5, room)
  if (memberships > room) {
    throw new UsageError(
      `${memberships} memberships do not fit: ${users} users in ${groups} groups have room for ${room}`,
    )
  }
  const { runEmulator } = await import('./emulator.ts')
  await runEmulator({
    ...options,
    memberships,
    tls: options.tls === true,
    redirectUris: options.redirectUri ?? [],
    stdout: (line) => writeLine(session.io, line),
    signal: session.signal,
  })
  return 0
}
