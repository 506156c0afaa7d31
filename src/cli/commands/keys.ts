// keys: the versions of the key that secrets and cards are sealed with; rotates and retires them.
import type { Command } from 'commander'
import { type KeysReport, RETIRABLE_MINUTES, type RotationDocument } from '../../contract/keys.ts'
import { parseKeyVersion } from '../arguments.ts'
import { type Io, writeJson, writeLine, writeNote, writeTable } from '../io.ts'
import { type Runner, type Session, withApp } from '../session.ts'
import { commandLine } from '../who.ts'

export function addKeysCommand(program: Command, run: Runner): void {
  const keys = program
    .command('keys')
    .description('list the versions of the key and how much is sealed under each; rotate or retire them')
    .addHelpText(
      'after',
      `
Examples:
  muster keys                 what is under which version
  muster keys rotate          a new version; everything is sealed anew while servers go on
  muster keys retire 1        take a version that nothing is under any more out of the key file
`,
    )
    .action(async (_options: object, command: Command) => {
      await run(list, command.optsWithGlobals())
    })
  keys
    .command('rotate')
    .description('add a version to the key file and seal everything anew with it, or go on with what was interrupted')
    .option('--on-every-host', 'the same key file with the new version lies on every host that uses this database')
    .addHelpText(
      'after',
      `
It may be interrupted and run again at any time; both versions are readable until the old one is retired.
Where the key file cannot be written, add a line to it yourself (the next number and 32 random bytes in
base64), then run this: it takes the line that is there. See docs/keys.md.
`,
    )
    .action(async ({ onEveryHost = false }: { onEveryHost?: boolean }, command: Command) => {
      await run((session) => rotate(session, onEveryHost), command.optsWithGlobals())
    })
  keys
    .command('retire')
    .argument('<version>', 'a version that nothing is under any more', parseKeyVersion)
    .description('take a version out of use and out of the key file; backups from before still need it')
    .action(async (version: number, _options: object, command: Command) => {
      await run((session) => retire(session, version), command.optsWithGlobals())
    })
}

async function list(session: Session): Promise<number> {
  return withApp(session, async (app) => {
    const report = await app.listKeys()
    if (session.json) writeJson(session.io, report)
    else writeKeys(session.io, report)
    return 0
  })
}

function writeKeys(io: Io, { keys, pins }: KeysReport): void {
  writeTable(
    io,
    ['version', 'state', 'since', 'in the file', 'values', 'fingerprint'],
    keys.map((key) => [
      String(key.version),
      key.state,
      key.since?.slice(0, 19).replace('T', ' ') ?? '',
      key.isInFile ? 'yes' : 'no',
      String(key.count),
      key.fingerprint,
    ]),
  )
  for (const key of keys)
    for (const { place, count } of key.places) writeLine(io, `  ${key.version}: ${count} ${place}`)
  if (pins > 0)
    writeLine(io, `${pins} PINs are kept as look-ups only, under the key of look-ups, which is sealed like a card.`)
}

/** Values between two notes to a person who waits. */
const NOTE_EVERY = 50_000

async function rotate(session: Session, isEverywhere: boolean): Promise<number> {
  const { io, json, signal } = session
  return withApp(session, async (app) => {
    let told = 0
    const onProgress = (done: number) => {
      if (json || done < told + NOTE_EVERY) return
      told = done
      writeNote(io, `${done} values sealed anew`)
    }
    const document = await app.rotateKeys({ actor: commandLine(), isEverywhere, signal, onProgress })
    if (json) writeJson(io, document)
    else writeRotation(io, document)
    return document.unreadable.length > 0 ? 1 : 0
  })
}

function writeRotation(io: Io, { version, isNew, resealed, unreadable, retirable }: RotationDocument): void {
  writeLine(
    io,
    isNew
      ? `Version ${version} of the key is in use: back up the key file. ${resealed} values were sealed anew.`
      : `The rotation to version ${version} went on where it stood: ${resealed} values were sealed anew. To make another version run it again.`,
  )
  for (const { place, count } of unreadable)
    writeLine(
      io,
      `${count} values cannot be opened and stay as they are: ${place}. They are damaged, or from another database.`,
    )
  for (const old of retirable)
    writeLine(
      io,
      `Nothing is under version ${old} any more: in ${RETIRABLE_MINUTES} minutes it can go, with muster keys retire ${old}.`,
    )
}

async function retire(session: Session, version: number): Promise<number> {
  return withApp(session, async (app) => {
    await app.retireKey({ version, actor: commandLine() })
    if (session.json) writeJson(session.io, { version, state: 'retired' })
    else
      writeLine(
        session.io,
        `Version ${version} is out of the key file. Keep a copy of it for as long as you keep backups from before.`,
      )
    return 0
  })
}
