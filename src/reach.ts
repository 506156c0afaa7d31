// How the settings say that what is outside is reached: Microsoft through a proxy, whoever gets alerts by mail or webhook.
import { readFileSync } from 'node:fs'
import type { Sink } from './alerts/alert.ts'
import { createMailSink } from './alerts/mail.ts'
import { createWebhookSink } from './alerts/webhook.ts'
import type { Clock } from './base/clock.ts'
import { RunError } from './base/errors.ts'
import type { Log } from './base/log.ts'
import type { Config } from './config.ts'
import type { Database } from './database/connect.ts'
import { GraphClient, type GraphClientOptions } from './graph/client.ts'
import type { Sender } from './graph/request.ts'
import type { GraphAccess } from './http/parts.ts'
import { noteOutcomes } from './registry/connection-credentials.ts'
import { type Connection, openCredentials } from './registry/connections.ts'
import { createOidc, type Oidc } from './signin/oidc-exchange.ts'
import { notesOf } from './sync/check.ts'
import type { Engine } from './sync/engine.ts'
import type { Vault } from './vault/keys.ts'
import { VERSION } from './version.ts'

interface ClientParts {
  readonly clock: Clock
  readonly log: Log
  readonly config: Config
  readonly vault: Vault
  readonly db: Database
}

/** The client of a connection; what becomes of its credentials is noted. */
export async function createClient(connection: Connection, parts: ClientParts): Promise<GraphClient> {
  const { db, vault, clock, log } = parts
  const credentials = await openCredentials(db, { connectionId: connection.id, vault })
  return createClientWith({ ...connection, credentials }, parts, async (outcomes) => {
    try {
      await noteOutcomes(db, { notes: notesOf(outcomes), now: clock.now() })
    } catch (error) {
      // What the client was used for is done; the next one notes it.
      log.warn('what became of credentials could not be noted', {
        code: error instanceof RunError ? error.code : 'unknown',
      })
    }
  })
}

/** The OpenID side of the connections. */
export function openOidc({ db, vault, clock, log }: Engine, sender: Sender): Oidc {
  return createOidc({
    clock,
    log,
    sender,
    userAgent: `muster/${VERSION}`,
    openCredentials: (connectionId) => openCredentials(db, { connectionId, vault }),
  })
}

/** How Microsoft is reached from here. */
export function reachOf(config: Config): Pick<GraphClientOptions, 'proxy' | 'caFile'> {
  return {
    proxy: {
      ...(config.httpsProxy === undefined ? {} : { httpsProxy: config.httpsProxy.reveal() }),
      ...(config.noProxy === undefined ? {} : { noProxy: config.noProxy }),
    },
    ...(config.caFile === undefined ? {} : { caFile: config.caFile }),
  }
}

/** A client that goes over the network. */
export function createClientWith(
  access: GraphAccess,
  { config, clock, log }: Pick<ClientParts, 'config' | 'clock' | 'log'>,
  onStop?: GraphClientOptions['onStop'],
) {
  const { tenantId, clientId, authorityUrl, graphUrl, credentials } = access
  return new GraphClient({
    tenantId,
    clientId,
    authorityUrl,
    graphUrl,
    credentials,
    clock,
    random: Math.random,
    log,
    userAgent: `muster/${VERSION}`,
    ...reachOf(config),
    ...(onStop === undefined ? {} : { onStop }),
  })
}

/** Where alerts go. */
export function openSinks(config: Config, clock: Clock): readonly Sink[] {
  const { alertFrom, alertTo, alertWebhook, alertWebhookSecret, smtpUrl, httpsProxy, noProxy, caFile } = config
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
  const sinks: Sink[] = []
  if (smtpUrl !== undefined && alertFrom !== undefined && alertTo !== undefined)
    sinks.push(createMailSink({ url: smtpUrl, from: alertFrom, to: alertTo, ca }))
  if (alertWebhook !== undefined) {
    const proxy = httpsProxy === undefined ? undefined : { httpsProxy: httpsProxy.reveal(), noProxy }
    const userAgent = `muster/${VERSION}`
    sinks.push(createWebhookSink({ url: alertWebhook, secret: alertWebhookSecret, clock, userAgent, proxy, ca }))
  }
  return sinks
}
