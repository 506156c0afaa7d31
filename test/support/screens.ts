// Every screen that the web has, with the demo's company behind it.
import type { Page } from 'playwright-core'
import { expect, vi } from 'vitest'
import { changeCompany, demoConfiguration } from '../../src/cli/commands/demo.ts'
import type { Role } from '../../src/contract/api/endpoint.ts'
import { update } from '../../src/emulator/operations.ts'
import { demoCompany } from '../../src/emulator/tenants/contoso.ts'
import { type BrowserWorld, aBrowserWorld, type WindowOptions } from './browser.ts'
import { accountOf, asAdministrator, typeAccount } from './browser-sign-in.ts'

const SOURCE = 'contoso-staff'

/** Who looks at a screen: an account with a role, somebody who signed in with Microsoft, a device, nobody. */
export type Onlooker = 'account' | 'person' | 'terminal' | 'nobody'

export interface Screen {
  readonly name: string
  readonly path: string
  /** What is there when the screen is. */
  readonly shows: string | RegExp
  /** Done before it is looked at. */
  readonly first?: (page: Page) => Promise<unknown>
  /** Least role that has it; viewer unless told. */
  readonly role?: Role
  /** An account unless told. */
  readonly to?: Onlooker
  /** Shown in the README, of this width and colour. */
  readonly kept?: `${number}-${'light' | 'dark'}`
}

export interface WorldOfScreens {
  readonly world: BrowserWorld
  readonly screens: readonly Screen[]
  /** A window of its own for somebody. */
  open(onlooker: Onlooker, options: WindowOptions): Promise<Page>
  show(page: Page, screen: Screen): Promise<void>
  /** Looks at each of these screens in a window of whom it is for, several at once: they wait more than they compute. */
  lookAt(
    screens: readonly Screen[],
    windowOf: (onlooker: Onlooker) => Promise<Page>,
    look: (page: Page, screen: Screen) => Promise<void>,
  ): Promise<void>
}

/** Windows of an account at once. The others have a few screens only. */
const WINDOWS = 3

interface Ids {
  readonly user: string
  readonly group: string
  /** Of the first load, of a run with changes, of one that is held. */
  readonly first: string
  readonly second: string
  readonly held: string
  /** Of a run that goes on, and what was asked for with it. */
  readonly running: string
  readonly job: string
}

/** A company with a preview, a first load, a run with changes, one that is held, and one that goes on; two connections and a terminal. */
export async function aWorldOfScreens(): Promise<WorldOfScreens> {
  const world = await aBrowserWorld((clock) => demoCompany({ clock }))
  const { hosted, database } = world
  await database.db.query('update setup set done_at = now()')
  await configure(world)
  await run(world, 'plan')
  const first = await run(world, 'sync')
  changeCompany(hosted.tenant)
  const second = await run(world, 'sync')
  // A wave that is held.
  for (const { id } of [...hosted.tenant.live('user')].slice(0, 15))
    update(hosted.tenant, id, { accountEnabled: false })
  const held = await run(world, 'sync')
  const idOf = async (sql: string) => (await database.db.query<{ id: string; object_id: string }>(sql)).rows[0]!
  const ada = await idOf(`select id::text, object_id from users where user_name = 'ada.lovelace@contoso.com'`)
  const group = await idOf(`select id::text from groups where name = 'Engineering'`)
  const may = ['card', 'pin', 'userNamePin', 'deviceCode']
  const terminal = await asAdministrator<{ token: string }>(world, '/terminals', {
    name: 'Entrance',
    may,
    tells: [],
    unknownCard: 'register',
    cardTransform: null,
    days: null,
  })
  const running = await aRunThatWaits(world)
  await asAdministrator(world, '/role-mappings', {
    connection: 'fabrikam',
    kind: 'appRole',
    value: 'Muster.Administrator',
    role: 'administrator',
  })
  const screens = screensOf({
    user: ada.id,
    group: group.id,
    first: first.run,
    second: second.run,
    held: held.run,
    ...running,
  })
  return {
    world,
    screens,
    async open(onlooker, options) {
      const page = await world.open(onlooker === 'account' ? 'administrator' : undefined, options)
      if (onlooker === 'terminal') {
        await page.goto(`${world.url}/terminal#${terminal.token}`)
        await page.getByRole('heading', { name: 'Who are you?' }).waitFor()
      }
      if (onlooker === 'person') {
        await page.goto(`${world.url}/sign-in`)
        await page.getByRole('button', { name: 'with Microsoft' }).first().click()
        await typeAccount(page, accountOf(world, ada))
        await page.getByRole('heading', { name: 'My page' }).waitFor()
      }
      return page
    },
    async lookAt(chosen, windowOf, look) {
      const waiting = Map.groupBy(chosen, ({ to = 'account' }) => to)
      const windows = [...waiting].flatMap(([onlooker, queue]) =>
        Array.from({ length: onlooker === 'account' ? WINDOWS : 1 }, async () => {
          const page = await windowOf(onlooker)
          for (let screen = queue.shift(); screen !== undefined; screen = queue.shift()) await look(page, screen)
          await page.context().close()
        }),
      )
      await Promise.all(windows)
    },
    async show(page, screen) {
      await page.goto(`${world.url}${screen.path}`)
      // The navigation of narrow windows is there, and hidden.
      await page.getByText(screen.shows).filter({ visible: true }).first().waitFor()
      await screen.first?.(page)
      await world.settled(page)
    },
  }
}

async function configure(world: BrowserWorld): Promise<void> {
  const { hosted, graphUrl, app } = world
  hosted.app.signIn.redirectUris.push({ uri: `${world.url}/signin/microsoft`, platform: 'web' })
  const demo = demoConfiguration(hosted, graphUrl)
  const fabrikam = {
    tenantId: '5f3c1f0e-8a4b-4f0e-9d0e-0c7a4b6d2e11',
    clientId: '0b7d9a52-3c1e-4d8f-8e2a-6f5b4c3d2e1f',
    clientSecret: { file: 'fabrikam.secret' },
    signInWithMicrosoft: true,
  }
  await app.configure({
    document: {
      ...demo,
      connections: { ...demo.connections, fabrikam },
      // So that people of two organizations sign in. It has nobody to read.
      sources: {
        ...demo.sources,
        'fabrikam-staff': {
          connection: 'fabrikam',
          enabled: false,
          users: { options: { useAsAuthenticationServer: true } },
        },
      },
    },
    secrets: new Map([
      ['contoso', { secrets: [hosted.clientSecret], certificates: [] }],
      ['fabrikam', { secrets: ['fab8Q~rikam-has-no-emulator'], certificates: [] }],
    ]),
    prune: false,
    dryRun: false,
    actor: { kind: 'command line', name: 'demo' },
    signal: new AbortController().signal,
  })
}

function run({ app }: BrowserWorld, kind: 'plan' | 'sync') {
  const { signal } = new AbortController()
  const how = { mode: 'auto', trigger: 'manual', wait: true } as const
  return app.run({ source: SOURCE, kind, ...how, signal, onProgress: () => {} })
}

/** Of a source of its own, in the middle of reading memberships, where Microsoft asks for a pause that outlasts every test. */
async function aRunThatWaits(world: BrowserWorld): Promise<Pick<Ids, 'running' | 'job'>> {
  const { emulator, database } = world
  const settings = { connection: 'contoso', schedule: { delta: 'none', full: 'none' } }
  await asAdministrator(world, '/sources', { name: 'contoso-visitors', settings })
  emulator.faults.add({ kind: 'throttled', retryAfter: 840, path: '/groups/*/members', count: 1 })
  const { id } = await asAdministrator<{ id: string }>(world, '/sources/contoso-visitors/runs', { kind: 'sync' })
  const running = await vi.waitFor(
    async () => {
      const paused = await database.db.query<{ run: string }>(
        `select run_id::text as run from run_log where message = 'Graph asks for a pause'`,
      )
      expect(paused.rows).toHaveLength(1)
      return paused.rows[0]!.run
    },
    { timeout: 30_000 },
  )
  return { running, job: id }
}

const press = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).first().click()
const tab = (name: string) => (page: Page) => page.getByRole('tab', { name }).click()
/** The mapping of properties, with what it gives for three users. */
async function mapping(page: Page): Promise<void> {
  await tab('Users')(page)
  const number = page.getByRole('group', { name: 'Personal number' })
  await number.waitFor()
  // Whoever may not change it is not shown what it gives.
  const isChangeable = (await page.getByRole('button', { name: 'Save', exact: true }).count()) > 0
  if (isChangeable) await page.getByLabel('Result for User name').waitFor()
  await number.scrollIntoViewIfNeeded()
}

/** What saving would change: a line for everybody, and more than the safeguard lets pass, because it is planned with what waits already. */
async function impact(page: Page): Promise<void> {
  await mapping(page)
  await page.getByRole('combobox', { name: 'Full name: from' }).click()
  await page.getByRole('option', { name: 'Template' }).click()
  await page.getByRole('textbox', { name: 'Full name: value' }).fill('%displayName% (Contoso)')
  await press('Save')(page)
  const dialog = page.getByRole('dialog', { name: 'What saving changes' })
  await dialog.getByText('It will be held').waitFor()
  await dialog.getByRole('row').nth(30).waitFor()
}

function screensOf(ids: Ids): readonly Screen[] {
  const settings = '/settings/user-synchronization'
  const source = { path: `${settings}?source=${SOURCE}`, shows: 'Authentication Server' }
  const held = { path: `/runs/${ids.held}`, shows: 'Why it waits for approval' }
  const user = { path: `/users/${ids.user}`, shows: 'History' }
  const forAdministrators = [
    { name: 'source-add', path: `${settings}?add=entra`, shows: 'Authentication Server' },
    { name: 'source-impact', ...source, first: impact },
    { name: 'connection', path: '/settings/connections?connection=contoso', shows: 'Check connection' },
    { name: 'administrators', path: '/settings/administrators', shows: 'Add administrator' },
    {
      name: 'administrator-add',
      path: '/settings/administrators',
      shows: 'Add administrator',
      first: press('Add administrator'),
    },
    { name: 'sign-in-settings', path: '/settings/sign-in', shows: 'fabrikam' },
    { name: 'sign-in-role', path: '/settings/sign-in', shows: 'fabrikam', first: press('Add role') },
    { name: 'tokens', path: '/settings/tokens', shows: 'Add token' },
    { name: 'token-add', path: '/settings/tokens', shows: 'Add token', first: press('Add token') },
    { name: 'terminals', path: '/settings/terminals', shows: 'Entrance' },
    { name: 'terminal-add', path: '/settings/terminals', shows: 'Entrance', first: press('Add terminal') },
    { name: 'audit', path: '/settings/audit', shows: 'configuration.apply' },
    { name: 'installation', path: '/settings/installation', shows: 'MUSTER_HOME' },
  ]
  return [
    { name: 'overview', path: '/', shows: SOURCE },
    { name: 'users', path: '/users', shows: 'ada.lovelace@contoso.com' },
    { name: 'users-none', path: '/users?search=nobody-is-called-so', shows: /Nobody|No user/ },
    { name: 'user', ...user, kept: '400-dark' },
    { name: 'user-edit', ...user, first: press('Edit'), role: 'helpdesk' },
    { name: 'why', path: '/why?user=ada.lovelace@contoso.com', shows: /Why is/ },
    { name: 'groups', path: '/groups', shows: 'Contoso' },
    { name: 'group', path: `/groups/${ids.group}`, shows: 'ada.lovelace@contoso.com' },
    { name: 'runs', path: '/runs', shows: 'Applied' },
    { name: 'run-first', path: `/runs/${ids.first}`, shows: 'Adele Vance' },
    { name: 'run-applied', path: `/runs/${ids.second}`, shows: 'Megan Wilson' },
    { name: 'run-held', ...held, kept: '1280-light' },
    { name: 'run-approve', ...held, first: press('Approve'), role: 'operator' },
    {
      name: 'run-undo',
      path: `/runs/${ids.second}`,
      shows: 'Megan Wilson',
      first: press('Undo'),
      role: 'operator',
    },
    // Whose figures are there.
    { name: 'run-running', path: `/runs/${ids.running}`, shows: /Reading memberships/ },
    { name: 'run-none', path: '/runs/99999', shows: 'There is no such page' },
    { name: 'issues', path: '/issues', shows: 'Issues' },
    { name: 'sources', path: settings, shows: SOURCE },
    { name: 'source-general', ...source },
    { name: 'source-users', ...source, first: mapping, kept: '1280-light' },
    { name: 'source-groups', ...source, first: tab('Groups') },
    { name: 'results-none', path: `${settings}/results`, shows: 'Nothing is being synchronized' },
    { name: 'results-running', path: `${settings}/results?jobs=${ids.job}`, shows: /Reading memberships/ },
    { name: 'connections', path: '/settings/connections', shows: 'contoso' },
    ...forAdministrators.map((screen) => ({ ...screen, role: 'administrator' as const })),
    { name: 'account', path: '/account', shows: 'this one' },
    { name: 'nowhere', path: '/nowhere', shows: 'There is no such page' },
    { name: 'me', path: '/me', shows: 'My page', to: 'person' },
    { name: 'terminal', path: '/terminal', shows: 'Who are you?', to: 'terminal' },
    { name: 'terminal-pin', path: '/terminal', shows: 'Who are you?', first: press('PIN'), to: 'terminal' },
    { name: 'terminal-set-up', path: '/terminal', shows: 'Set up this terminal', to: 'nobody' },
    { name: 'sign-in', path: '/sign-in', shows: 'Sign in', to: 'nobody' },
    { name: 'sign-in-link', path: '/link#code', shows: 'Sign in', to: 'nobody' },
    { name: 'consent', path: '/consent#refused', shows: 'Consent was not given', to: 'nobody' },
    { name: 'set-up-over', path: '/setup#code', shows: 'The first administrator exists', to: 'nobody' },
  ]
}
