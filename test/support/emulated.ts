// A small emulated tenant on a clock that stands still until it is moved, and a caller with a token.
import type { Clock } from '../../src/base/clock.ts'
import type { ApplicationOptions } from '../../src/emulator/applications.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import { Emulator, type EmulatorOptions, type HostedTenant } from '../../src/emulator/server.ts'

/** A parsed answer; tests look into it by name. */
export type Json = any // oxlint-disable-line typescript/no-explicit-any

interface Call {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface Emulated {
  readonly emulator: Emulator
  readonly hosted: HostedTenant
  /** Posts a form to the token service; client credentials of the hosted app unless overridden (null leaves a field out). */
  readonly requestToken: (fields?: Readonly<Record<string, string | null>>) => Promise<{ status: number; body: Json }>
  /** A request to Graph with a token of the hosted app. */
  readonly call: (path: string, init?: Call) => Promise<Response>
  /** The same, parsed. */
  readonly json: (path: string, init?: Call) => Promise<Json>
}

const START_MS = Date.parse('2026-11-02T08:00:00Z')

/** Time that does not pass; `emulator.clock.advance` moves it. Sleeps end at once. */
export const stillClock: Clock = {
  now: () => new Date(START_MS),
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
}

const SIGNING = createSigningCertificate(stillClock.now())

export function emulate(
  options: EmulatorOptions & {
    readonly users?: number
    readonly groups?: number
    readonly memberships?: number
    readonly hiddenGroups?: number
    readonly application?: ApplicationOptions
  } = {},
): Emulated {
  const emulator = new Emulator({ clock: stillClock, signingCertificate: SIGNING, ...options })
  const { users = 60, groups = 20, memberships = 200, hiddenGroups = 0 } = options
  const tenant = generateTenant({ users, groups, memberships, hiddenGroups, seed: 7, clock: emulator.clock })
  const hosted = emulator.host(tenant, options.application)
  const requestToken: Emulated['requestToken'] = async (fields = {}) => {
    const form = {
      grant_type: 'client_credentials',
      client_id: hosted.clientId,
      client_secret: hosted.clientSecret,
      scope: 'https://graph.microsoft.com/.default',
      ...fields,
    }
    const given = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== null)
    const response = await emulator.fetch(`${emulator.authorityUrl}/${hosted.tenantId}/oauth2/v2.0/token`, {
      method: 'POST',
      body: new URLSearchParams(given),
    })
    return { status: response.status, body: await readJson(response) }
  }
  let token: Promise<string> | undefined
  const call: Emulated['call'] = async (path, init = {}) => {
    token ??= requestToken().then(({ body }) => String(body['access_token']))
    return await emulator.fetch(path.startsWith('http') ? path : `${emulator.graphUrl}/v1.0${path}`, {
      method: init.method ?? 'GET',
      headers: { authorization: `Bearer ${await token}`, 'content-type': 'application/json', ...init.headers },
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
    })
  }
  return {
    emulator,
    hosted,
    requestToken,
    call,
    json: async (path, init) => readJson(await call(path, init)),
  }
}

export async function readJson(response: Response): Promise<Json> {
  return await response.json()
}
