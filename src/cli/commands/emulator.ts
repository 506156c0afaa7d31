// `muster emulator`: an Entra tenant of any size on this machine, for anybody who tests against Entra.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateTenant } from '../../emulator/generator.ts'
import type { AppSignInOptions } from '../../emulator/appsignin.ts'
import { Emulator } from '../../emulator/server.ts'
import type { Tenant } from '../../emulator/tenant.ts'

export interface EmulatorCommandOptions {
  readonly users: number
  readonly groups: number
  /** Direct memberships of users, over all groups. */
  readonly memberships: number
  readonly seed: number
  /** 0: any free port. */
  readonly port: number
  /** HTTPS with a certificate of a private authority, whose PEM is written to a file. */
  readonly tls: boolean
  /** Added to every answer. */
  readonly latencyMs?: number
  /** False: no throttling by resource units. */
  readonly throttling?: boolean
  /** Where people who sign in return to; `http://localhost` stands for every port. */
  readonly redirectUris?: readonly string[]
  readonly stdout: (line: string) => void
  /** Ends the emulator. */
  readonly signal: AbortSignal
}

/**
 * Starts the emulator, prints one JSON line (`authorityUrl graphUrl adminUrl tenantId clientId clientSecret adminKey`,
 * with TLS also `caFile`) and serves until the signal.
 *
 * @throws RangeError when so many memberships do not fit
 */
export async function runEmulator(options: EmulatorCommandOptions): Promise<void> {
  const { users, groups, memberships, seed } = options
  const emulator = new Emulator({
    seed,
    latencyMs: options.latencyMs ?? 0,
    throttling: { enabled: options.throttling ?? true },
  })
  const tenant = generateTenant({ users, groups, memberships, seed, clock: emulator.clock })
  const hosted = emulator.host(tenant, { signIn: signInOf(tenant, options.redirectUris ?? []) })
  if (options.signal.aborted) return
  const addresses = await emulator.listen({ port: options.port, tls: options.tls })
  try {
    options.stdout(
      JSON.stringify({
        authorityUrl: addresses.authorityUrl,
        graphUrl: addresses.graphUrl,
        adminUrl: addresses.adminUrl,
        tenantId: hosted.tenantId,
        clientId: hosted.clientId,
        clientSecret: hosted.clientSecret,
        adminKey: emulator.adminKey,
        ...(addresses.authorityPem === undefined ? {} : { caFile: await writeAuthority(addresses.authorityPem) }),
      }),
    )
    await aborted(options.signal)
  } finally {
    await emulator.stop()
  }
}

/** Everything allowed that a test may want, and a role for the first who can sign in. */
function signInOf(tenant: Tenant, redirectUris: readonly string[]): AppSignInOptions {
  const first = [...tenant.live('user')].find(
    ({ properties }) => properties['accountEnabled'] === true && properties['userType'] === 'Member',
  )
  return {
    publicClient: true,
    redirectUris,
    appRoles: ['Administrator', 'Operator', 'Helpdesk'].map((value) => ({ value, displayName: value })),
    assignments: first === undefined ? [] : [{ principalId: first.id, role: 'Administrator' }],
  }
}

async function writeAuthority(pem: string): Promise<string> {
  const file = join(await mkdtemp(join(tmpdir(), 'muster-emulator-')), 'ca.pem')
  await writeFile(file, pem)
  return file
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
