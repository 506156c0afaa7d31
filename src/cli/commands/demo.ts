// demo: a made-up company in the emulator, synchronized in front of one's eyes: first load, then a few changes.
import { writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { stringify } from 'yaml'
import type { App } from '../../app.ts'
import { openApp, resetDatabase } from '../../open-app.ts'
import type { ExportKind } from '../../contract/exports.ts'
import { parseConfigFile } from '../../contract/config-file.ts'
import { exitCodeOf, type Outcome, type RunDocument } from '../../contract/runs.ts'
import { addMember } from '../../emulator/memberships.ts'
import { hire, remove, update } from '../../emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../emulator/server.ts'
import type { DirectoryObject } from '../../emulator/object.ts'
import type { Tenant } from '../../emulator/tenant.ts'
import { contosoSignIn, demoCompany } from '../../emulator/tenants/contoso.ts'
import { readConfigDocument, readSecrets } from '../config-document.ts'
import { claimDemoHome } from '../demo-home.ts'
import { writeJson, writeLine, writeTable } from '../io.ts'
import { writePlan } from '../plan-table.ts'
import { readConfig, type Session, sessionLog } from '../session.ts'
import { writeRun } from '../summary.ts'
import { commandLine } from '../who.ts'
import { runWithProgress } from './sync.ts'

const SOURCE = 'contoso-staff'
const ADAS_CARD = '04:A2:3B:1C:55:18:15'
const SHOWCASE = {
  terminal: 'Entrance',
  connection: 'contoso',
  roles: { Administrator: 'administrator', Operator: 'operator', Helpdesk: 'helpdesk' },
} as const

type Serving = Awaited<ReturnType<App['serve']>>

/** Shows everything once; then serves the emulator until Ctrl-C, unless `once`. */
export async function runDemo(session: Session, options: { readonly once: boolean }): Promise<number> {
  const config = readConfig(session, {
    // Any free port: another Muster may serve here.
    defaults: { MUSTER_HOME: join(homedir(), '.muster-demo'), MUSTER_LISTEN: '127.0.0.1:0' },
    // An installation on this machine is none of the demo's business.
    without: ['MUSTER_DATABASE_URL', 'MUSTER_KEY_FILE'],
  })
  const appOptions = { clock: session.clock, log: sessionLog(session, config) }
  if ((await claimDemoHome(config.home)) === 'again') await resetDatabase(config, appOptions)
  const emulator = new Emulator({ seed: 1 })
  const app = await openApp(config, appOptions)
  try {
    const tenant = demoCompany({ clock: emulator.clock })
    const company = emulator.host(tenant, { signIn: contosoSignIn(tenant) })
    const { graphUrl } = await emulator.listen()
    const stage: Stage = { session, app, company, home: config.home, url: graphUrl }
    const played = await play(stage)
    const serving =
      options.once || played.kind === 'broken'
        ? undefined
        : await app.serve({ administrator: 'Demo', showcase: SHOWCASE })
    // Where it serves is known only now.
    if (serving !== undefined)
      for (const base of [serving.url, serving.url.replace('127.0.0.1', 'localhost')])
        for (const page of ['signin/microsoft', 'sign-in'])
          company.app.signIn.redirectUris.push({ uri: `${base}/${page}`, platform: 'web' })
    if (session.json) {
      const links = serving?.link === undefined ? {} : { web: serving.link, terminal: serving.terminalLink }
      writeJson(session.io, { home: config.home, runs: played.runs, ...links })
    }
    const last = played.runs.at(-1)
    if (played.kind === 'broken') return last === undefined ? 1 : exitCodeOf(last.outcome)
    if (!session.json) await writeFarewell(stage, { emulator, serving })
    if (serving !== undefined) {
      await aborted(session.signal)
      await serving.stop()
    }
    return 0
  } finally {
    await app.close()
    await emulator.stop()
  }
}

interface Stage {
  readonly session: Session
  readonly app: App
  readonly company: HostedTenant
  readonly home: string
  readonly url: string
}

/** `broken`: a run did not end as it does on every healthy machine; it was shown, and the story ends there. */
async function play(stage: Stage): Promise<{ kind: 'complete' | 'broken'; runs: readonly RunDocument[] }> {
  const { session, app, company } = stage
  const { tenant } = company
  const runs: RunDocument[] = []
  const execute = async (kind: 'plan' | 'sync', expected: Outcome) => {
    const document = await run(stage, kind)
    runs.push(document)
    // The first synchronization does what the preview has shown.
    if (runs.length !== 2) await showPlan(stage, document)
    showRun(stage, document)
    return document.outcome === expected
  }
  const accounts = `${tenant.count('user')} accounts and ${tenant.count('group')} groups`
  say(session, `Contoso, a company of ${accounts}, is served by an Entra emulator at ${stage.url}`)

  step(session, 1, { title: 'Connect', how: `muster apply -f ${join(stage.home, 'muster.yaml')}` })
  await applyConfiguration(stage)
  for (const finding of await app.check({ connection: 'contoso', actor: commandLine(), signal: session.signal })) {
    say(session, `  ${finding.ok ? '✓' : '✗'} ${finding.message}`)
  }

  step(session, 2, { title: 'See what a synchronization would do, before it does', how: `muster plan ${SOURCE}` })
  if (!(await execute('plan', 'planned'))) return { kind: 'broken', runs }

  step(session, 3, { title: 'Synchronize', how: `muster sync ${SOURCE}` })
  if (!(await execute('sync', 'applied'))) return { kind: 'broken', runs }
  await showPeople(stage)

  step(session, 4, { title: 'Meanwhile at Contoso', how: 'somebody is hired, somebody marries, somebody leaves' })
  for (const line of changeCompany(tenant)) say(session, `  ${line}`)

  step(session, 5, { title: 'Synchronize again: Microsoft is asked for changes only', how: `muster sync ${SOURCE}` })
  if (!(await execute('sync', 'applied'))) return { kind: 'broken', runs }
  return { kind: 'complete', runs }
}

/** Goes the way of `muster apply`, from files that stay for people to look at. */
async function applyConfiguration({ app, company, home, url, session: { signal } }: Stage): Promise<void> {
  const path = join(home, 'muster.yaml')
  await writeFile(join(home, 'contoso.secret'), `${company.clientSecret}\n`, { mode: 0o600 })
  await writeFile(path, `# The configuration of the demo.\n${stringify(demoConfiguration(company, url))}`)
  const document = await readConfigDocument(path)
  const file = parseConfigFile(document, await app.connectionNames())
  const secrets = await readSecrets(file, { configPath: path, environment: {} })
  await app.configure({ document, secrets, prune: false, dryRun: false, actor: commandLine(), signal })
}

/** What `muster.yaml` of the demo says. @param url of the emulator that has the company */
export function demoConfiguration({ tenantId, clientId }: HostedTenant, url: string) {
  return {
    connections: {
      contoso: {
        tenantId,
        clientId,
        clientSecret: { file: 'contoso.secret' },
        cloud: 'custom',
        authorityUrl: url,
        graphUrl: url,
        signInWithMicrosoft: true,
      },
    },
    sources: {
      [SOURCE]: {
        connection: 'contoso',
        users: {
          options: { useAsAuthenticationServer: true },
          properties: {
            aliases: ['upnPrefix', 'onPremisesSamAccountName'],
            cards: [{ from: 'onPremisesExtensionAttributes.extensionAttribute5' }],
            pin: 'generate',
            personalNumber: 'employeeId',
            costCenter: 'employeeOrgData.costCenter',
            office: 'officeLocation',
            jobTitle: 'jobTitle',
            company: 'companyName',
          },
        },
        groups: { under: 'Contoso', ignoreContaining: ['temp'], membership: 'transitive' },
      },
    },
  }
}

function run({ session, app }: Stage, kind: 'plan' | 'sync'): Promise<RunDocument> {
  return runWithProgress(session, (onProgress) =>
    app.run({
      source: SOURCE,
      kind,
      mode: 'auto',
      trigger: 'manual',
      wait: true,
      actor: commandLine(),
      signal: session.signal,
      onProgress,
    }),
  )
}

/** Somebody comes, somebody changes the name, somebody goes; each told in a sentence. */
export function changeCompany(tenant: Tenant): readonly string[] {
  const find = (name: string): DirectoryObject => {
    const found = [...tenant.live('user'), ...tenant.live('group')].find((o) => o.properties['displayName'] === name)
    if (found === undefined) throw new Error(`the made-up company has no ${name}`)
    return found
  }
  const ada = hire(tenant, {
    displayName: 'Ada Lovelace',
    givenName: 'Ada',
    surname: 'Lovelace',
    userPrincipalName: 'ada.lovelace@contoso.com',
    mail: 'ada.lovelace@contoso.com',
    department: 'Engineering',
    jobTitle: 'Analyst',
    employeeId: 'C1815',
    onPremisesExtensionAttributes: { extensionAttribute5: ADAS_CARD },
  })
  addMember(tenant, find('Engineering').id, ada.id)
  update(tenant, find('Megan Bowen').id, {
    displayName: 'Megan Wilson',
    surname: 'Wilson',
    userPrincipalName: 'megan.wilson@contoso.com',
    mail: 'megan.wilson@contoso.com',
  })
  remove(tenant, find('Alex Wilber').id)
  return [
    '+ Ada Lovelace is hired, gets a card and joins Engineering',
    '~ Megan Bowen is called Megan Wilson from now on',
    '- Alex Wilber leaves; his account is deleted',
  ]
}

async function showPlan({ session, app }: Stage, { run, planHash }: RunDocument): Promise<void> {
  if (session.json || planHash === null) return
  await app.readPlan(Number(run), (items) => writePlan(session.io, items, { ofEachKind: 3 }))
}

function showRun({ session }: Stage, document: RunDocument): void {
  if (!session.json) writeRun(session.io, document)
}

async function showPeople({ session, app }: Stage): Promise<void> {
  if (session.json) return
  const people = await exported(app, { kind: 'users', signal: session.signal })
  const text = (value: unknown) => (Array.isArray(value) ? value.join(', ') : typeof value === 'string' ? value : '')
  const groups = (value: unknown) =>
    Array.isArray(value) ? value.map((path) => String(path).replace('Contoso|', '')).join(', ') : ''
  say(session, '\nSome of the people that printers and doors now know:')
  writeTable(
    session.io,
    ['user name', 'full name', 'card', 'groups'],
    people.slice(0, 6).map((p) => [text(p['userName']), text(p['fullName']), text(p['cards']), groups(p['groups'])]),
  )
}

async function exported(
  app: App,
  { kind, signal }: { kind: ExportKind; signal: AbortSignal },
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const chunks: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      chunks.push(String(chunk))
      done()
    },
  })
  await app.export({ kind, format: 'ndjson', dialect: 'muster' }, { destination, signal })
  return chunks
    .join('')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

async function writeFarewell(
  { session, app, company, home, url }: Stage,
  { emulator, serving }: { emulator: Emulator; serving: Serving | undefined },
): Promise<void> {
  const people = await exported(app, { kind: 'users', signal: session.signal })
  const groups = await exported(app, { kind: 'groups', signal: session.signal })
  const cards = people.reduce((sum, person) => sum + (Array.isArray(person['cards']) ? person['cards'].length : 0), 0)
  const muster = `MUSTER_HOME=${home} ./muster`
  say(
    session,
    `\nThe registry now holds ${people.length} people with ${cards} cards and ${groups.length} groups. Look at them:`,
  )
  say(session, `  ${muster} export users`)
  say(session, `  ${muster} export users --format csv --csv-dialect myq`)
  say(session, `  ${muster} export groups`)
  say(session, `  ${muster} export memberships`)
  say(session, `  ${muster} runs`)
  if (serving?.link === undefined) return
  const hireUrl = `${url}/_admin/tenants/${company.tenantId}/hire`
  const newcomer = JSON.stringify({ userPrincipalName: 'you@contoso.com', displayName: 'You', department: 'IT' })
  say(session, '\nOr in the browser, signed in as administrator; the link works once, within 30 minutes:')
  say(session, `  ${serving.link}`)
  const password = company.tenant.accounts.defaultPassword
  if (password !== null) {
    say(session, '\nOr, in another window, as one of the people; Sign in with Microsoft leads to the emulator:')
    say(session, `  ${serving.url}/sign-in   user name ada.lovelace@contoso.com   password ${password}`)
    say(
      session,
      '  So may raul.razo (administrator), allan.deyoung (operator) and kwame.mensah (helpdesk): by their app roles.',
    )
  }
  say(session, '\nOr as a terminal: type a card and Enter, as a reader does; a PIN is drawn on My page:')
  say(session, `  ${serving.terminalLink}   card ${ADAS_CARD}`)
  say(session, '\nThe company stays in business until Ctrl-C. In another terminal, join it and synchronize:')
  say(session, `  curl -X POST -H 'x-admin-key: ${emulator.adminKey}' -d '${newcomer}' ${hireUrl}`)
  say(session, `  ${muster} sync ${SOURCE}`)
}

function step(session: Session, number: number, { title, how }: { title: string; how: string }): void {
  say(session, `\n── ${number}. ${title} ${'─'.repeat(Math.max(3, 70 - title.length))}\n   ${how}\n`)
}

function say(session: Session, line: string): void {
  if (!session.json) writeLine(session.io, line)
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
