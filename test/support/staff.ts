// What most tests in a browser begin with: a connection *contoso* to the emulator of their world, and a source *staff* of it.
import type { BrowserWorld } from './browser.ts'

/** Saves connection and source, with settings of either. Nothing is read yet. */
export async function configureStaff(
  { hosted, graphUrl, app }: BrowserWorld,
  settings: { readonly connection?: object; readonly source?: object } = {},
): Promise<void> {
  const { tenantId, clientId } = hosted
  const roots = { cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  const contoso = { tenantId, clientId, clientSecret: { env: 'SECRET' }, ...roots, ...settings.connection }
  await app.configure({
    document: { connections: { contoso }, sources: { staff: { connection: 'contoso', ...settings.source } } },
    secrets: new Map([['contoso', { secrets: [hosted.app.secrets[0]!.secretText], certificates: [] }]]),
    prune: false,
    dryRun: false,
    actor: { kind: 'command line', name: 'test' },
    signal: new AbortController().signal,
  })
}

/** Runs the source to the end. */
export function syncStaff({ app }: BrowserWorld, trigger: 'manual' | 'schedule' = 'manual') {
  const { signal } = new AbortController()
  const how = { kind: 'sync', mode: 'auto', trigger, wait: true } as const
  return app.run({ source: 'staff', ...how, signal, onProgress: () => {} })
}
