// Every screen as a browser shows it, with the demo's company: nothing scrolls sideways, axe finds nothing serious, and where
// MUSTER_PICTURES names a folder a picture of each is kept, at 1280 and 400 pixels, light and dark.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeCompany, demoConfiguration } from '../../src/cli/commands/demo.ts'
import { update } from '../../src/emulator/operations.ts'
import { demoCompany } from '../../src/emulator/tenants/contoso.ts'
import {
  type BrowserWorld,
  aBrowserWorld,
  expectAccessible,
  sidewaysOf,
  wholePicture,
  type WindowOptions,
} from '../support/browser.ts'

const SOURCE = 'contoso-staff'

interface Screen {
  readonly name: string
  readonly path: string
  /** What is there when the screen is. */
  readonly shows: string | RegExp
  /** Done before it is looked at. */
  readonly first?: (page: Page) => Promise<void>
  /** Looked at without a session. */
  readonly isOutside?: true
}

/** Thirty screens, on a machine that others work on as well. */
const PATIENCE_MS = 900_000

const VARIANTS: readonly (Required<WindowOptions> & { readonly isJudged: boolean })[] = [
  { width: 1280, colorScheme: 'light', isJudged: true },
  { width: 400, colorScheme: 'dark', isJudged: true },
  { width: 400, colorScheme: 'light', isJudged: false },
  { width: 1280, colorScheme: 'dark', isJudged: false },
]

const hasPictures = process.env['MUSTER_PICTURES'] !== undefined

let world: BrowserWorld
let screens: readonly Screen[]

beforeAll(async () => {
  world = await aBrowserWorld((clock) => demoCompany({ clock }))
  const { hosted, app, graphUrl } = world
  await app.configure({
    document: demoConfiguration(hosted, graphUrl),
    secrets: new Map([['contoso', { secrets: [hosted.clientSecret], certificates: [] }]]),
    prune: false,
    dryRun: false,
    actor: { kind: 'command line', name: 'demo' },
  })
  await run('plan')
  const first = await run('sync')
  changeCompany(hosted.tenant)
  const second = await run('sync')
  // A wave that is held.
  for (const { id } of [...hosted.tenant.live('user')].slice(0, 15))
    update(hosted.tenant, id, { accountEnabled: false })
  const held = await run('sync')
  const user = await idOf(`select id from users where user_name = 'ada.lovelace@contoso.com'`)
  const group = await idOf(`select id from groups where name = 'Engineering'`)
  screens = screensOf({ user, group, first: first.run, second: second.run, held: held.run })
})
afterAll(() => world.stop())

const run = (kind: 'plan' | 'sync') =>
  world.app.run({
    source: SOURCE,
    kind,
    mode: 'auto',
    trigger: 'manual',
    wait: true,
    signal: new AbortController().signal,
    onProgress: () => {},
  })

const idOf = async (sql: string) => String((await world.database.db.query<{ id: number }>(sql)).rows[0]?.id)

const press = (name: string) => (page: Page) => page.getByRole('button', { name, exact: true }).first().click()
const tab = (name: string) => (page: Page) => page.getByRole('tab', { name }).click()

function screensOf(ids: Readonly<Record<'user' | 'group' | 'first' | 'second' | 'held', string>>): readonly Screen[] {
  const settings = '/settings/user-synchronization'
  return [
    { name: 'overview', path: '/', shows: SOURCE },
    { name: 'users', path: '/users', shows: 'ada.lovelace@contoso.com' },
    { name: 'users-none', path: '/users?search=nobody-is-called-so', shows: /Nobody|No user/ },
    { name: 'user', path: `/users/${ids.user}`, shows: 'History' },
    { name: 'user-edit', path: `/users/${ids.user}`, shows: 'History', first: press('Edit') },
    { name: 'why', path: '/why?user=ada.lovelace@contoso.com', shows: /Why is/ },
    { name: 'groups', path: '/groups', shows: 'Contoso' },
    { name: 'group', path: `/groups/${ids.group}`, shows: 'ada.lovelace@contoso.com' },
    { name: 'runs', path: '/runs', shows: 'Applied' },
    { name: 'run-first', path: `/runs/${ids.first}`, shows: 'Adele Vance' },
    { name: 'run-applied', path: `/runs/${ids.second}`, shows: 'Megan Wilson' },
    { name: 'run-held', path: `/runs/${ids.held}`, shows: 'Why it waits for approval' },
    { name: 'run-approve', path: `/runs/${ids.held}`, shows: 'Why it waits for approval', first: press('Approve') },
    { name: 'run-undo', path: `/runs/${ids.second}`, shows: 'Megan Wilson', first: press('Undo') },
    { name: 'run-none', path: '/runs/99999', shows: /no run/i },
    { name: 'issues', path: '/issues', shows: 'Issues' },
    { name: 'sources', path: settings, shows: SOURCE },
    { name: 'source-general', path: `${settings}?source=${SOURCE}`, shows: 'Authentication Server' },
    { name: 'source-users', path: `${settings}?source=${SOURCE}`, shows: 'Authentication Server', first: tab('Users') },
    {
      name: 'source-groups',
      path: `${settings}?source=${SOURCE}`,
      shows: 'Authentication Server',
      first: tab('Groups'),
    },
    { name: 'source-add', path: `${settings}?add=entra`, shows: 'Authentication Server' },
    { name: 'connections', path: '/settings/connections', shows: 'contoso' },
    { name: 'connection', path: '/settings/connections?connection=contoso', shows: 'Check connection' },
    { name: 'administrators', path: '/settings/administrators', shows: 'Add administrator' },
    {
      name: 'administrator-add',
      path: '/settings/administrators',
      shows: 'Add administrator',
      first: press('Add administrator'),
    },
    { name: 'tokens', path: '/settings/tokens', shows: 'Add token' },
    { name: 'token-add', path: '/settings/tokens', shows: 'Add token', first: press('Add token') },
    { name: 'audit', path: '/settings/audit', shows: 'configuration.apply' },
    { name: 'installation', path: '/settings/installation', shows: 'MUSTER_HOME' },
    { name: 'account', path: '/account', shows: 'this one' },
    { name: 'nowhere', path: '/nowhere', shows: 'There is no such page' },
    { name: 'sign-in-link', path: '/link#code', shows: 'Sign in', isOutside: true },
    { name: 'set-up', path: '/setup#code', shows: 'Set up Muster', isOutside: true },
  ]
}

describe.each(VARIANTS)('at $width pixels, $colorScheme', ({ isJudged, ...options }) => {
  it.runIf(isJudged || hasPictures)(
    'no screen scrolls sideways, and axe finds nothing serious',
    async () => {
      const inside = await world.open('administrator', options)
      const outside = await world.open(undefined, options)
      const wide: string[] = []
      for (const screen of screens) {
        const page = screen.isOutside === true ? outside : inside
        await show(page, screen)
        wide.push(...(await sidewaysOf(page)).map((what) => `${screen.name}: ${what}`))
        await wholePicture(page, `${screen.name}-${options.width}-${options.colorScheme}`)
        if (isJudged) await expectAccessible(page, screen.name)
      }

      expect(wide).toEqual([])
    },
    PATIENCE_MS,
  )
})

async function show(page: Page, { path, shows, first }: Screen): Promise<void> {
  await page.goto(`${world.url}${path}`)
  // The navigation of narrow windows is there, and hidden.
  await page.getByText(shows).filter({ visible: true }).first().waitFor()
  await first?.(page)
  await page.waitForLoadState('networkidle')
}
