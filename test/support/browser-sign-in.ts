// A browser world whose people sign in with Microsoft, over the emulator's own pages; and what its tests do again and again.
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { csrfOf } from '../../src/signin/sessions.ts'
import type { BrowserWorld } from './browser.ts'
import { sessionOf } from './server.ts'
import { configureStaff, syncStaff } from './staff.ts'

export interface RegistryPerson {
  readonly id: number
  readonly object_id: string
  readonly user_name: string
}

/** A connection *contoso* and a source *staff* that let people sign in, synchronized; the first start is over. */
export async function letPeopleSignIn(
  world: BrowserWorld,
  connection: { readonly passwordsAtTerminals?: boolean } = {},
): Promise<readonly RegistryPerson[]> {
  for (const base of [world.url, world.url.replace('127.0.0.1', 'localhost')])
    world.hosted.app.signIn.redirectUris.push({ uri: `${base}/signin/microsoft`, platform: 'web' })
  await configureStaff(world, {
    connection: { signInWithMicrosoft: true, ...connection },
    source: { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } },
  })
  await syncStaff(world)
  await world.database.db.query('update setup set done_at = now()')
  const found = await world.database.db.query<RegistryPerson>(
    'select id, object_id, user_name from users where active and object_id is not null order by id',
  )
  return found.rows
}

/** What the person types at Microsoft. */
export function accountOf({ hosted: { tenant } }: BrowserWorld, person: Pick<RegistryPerson, 'object_id'>) {
  const user = [...tenant.live('user')].find(({ id }) => id === person.object_id)!
  return { userName: String(user.properties['userPrincipalName']), password: tenant.accounts.defaultPassword! }
}

/** Name and password on the emulator's page. */
export async function typeAccount(page: Page, account: ReturnType<typeof accountOf>): Promise<void> {
  await page.locator('#loginfmt').fill(account.userName)
  await page.locator('#passwd').fill(account.password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Posts to the API as an administrator who is signed in, and expects that something was made. */
export async function asAdministrator<Answer>(world: BrowserWorld, path: string, body: object = {}): Promise<Answer> {
  const token = await sessionOf({ db: world.database.db, clock: systemClock }, 'administrator')
  const answer = await fetch(`${world.url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      cookie: `muster-session=${token}`,
      'x-muster-csrf': csrfOf(token),
      origin: world.url,
    },
    body: JSON.stringify(body),
  })
  expect([201, 202]).toContain(answer.status)
  return (await answer.json()) as Answer
}
