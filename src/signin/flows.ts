// Sign-ins in a browser that are under way: kept in the database so that any server finishes them, used once, for ten minutes.
import { RunError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { networkOf, siteOf } from './network.ts'
import type { BegunCodeFlow } from './oidc.ts'
import type { SignInParts } from './parts.ts'
import { digestOf } from './random.ts'

const VALID_MS = 10 * 60_000
/** Under way at once from one network: a company behind one address signs in at eight. Of more, the oldest are forgotten. */
const MOST_OF_NETWORK = 500
const MOST_OF_SITE = 2_000
/** Under way at once from everywhere. Of more, the site with most of them loses its oldest. */
const MOST_OVERALL = 50_000
/** So many at once, as finding that site looks at all of them. */
const FORGOTTEN_AT_ONCE = 500

export interface Flow {
  readonly connectionId: number
  readonly redirectUri: string
  readonly returnTo: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The session that is to be proved anew; null: one is begun. */
  readonly sessionId: number | null
}

/** Nobody is refused because others begin many: whoever begins more than a site has people loses his own. */
export async function keepFlow(
  parts: SignInParts,
  flow: Pick<Flow, 'connectionId' | 'redirectUri' | 'returnTo'> & {
    readonly begun: BegunCodeFlow
    /** What the browser's cookie holds. */
    readonly browser: string
    readonly address: string
    readonly sessionId?: number | undefined
  },
): Promise<void> {
  const { db, vault, clock } = parts
  const now = clock.now()
  const network = vault.lookup('sign-in flows', networkOf(flow.address))
  const site = vault.lookup('sign-in flows', `site ${siteOf(flow.address)}`)
  const digest = digestOf(flow.begun.state)
  await db.query(
    `insert into signin_flows (digest, connection_id, browser, nonce, verifier, redirect_uri, return_to, network, site, expires_at,
       session_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      digest,
      flow.connectionId,
      digestOf(flow.browser),
      flow.begun.nonce,
      vault.seal(flow.begun.verifier, contextOf(digest)),
      flow.redirectUri,
      flow.returnTo,
      network,
      site,
      new Date(now.getTime() + VALID_MS),
      flow.sessionId ?? null,
    ],
  )
  await forgetOldest(db, { network, site })
}

async function forgetOldest(db: Queries, of: { readonly network: Buffer; readonly site: Buffer }): Promise<void> {
  await db.query(
    `delete from signin_flows where digest in (
       (select digest from signin_flows where network = $1 order by expires_at desc offset ${MOST_OF_NETWORK})
       union all (select digest from signin_flows where site = $2 order by expires_at desc offset ${MOST_OF_SITE}))`,
    [of.network, of.site],
  )
  const { rows } = await db.query<{ all: number }>('select count(*)::int as all from signin_flows')
  if ((rows[0]?.all ?? 0) <= MOST_OVERALL) return
  await db.query(
    `delete from signin_flows where digest in (
       select digest from signin_flows
        where site = (select site from signin_flows where site is not null group by site order by count(*) desc limit 1)
        order by expires_at limit ${FORGOTTEN_AT_ONCE})`,
  )
}

/**
 * Takes the flow that a callback belongs to; of several callbacks one gets it. A callback in another browser uses it up as well:
 * whoever sent it there knows the state.
 */
export async function takeFlow(
  parts: SignInParts,
  { state, browser }: { readonly state: string; readonly browser: string | undefined },
): Promise<
  { readonly kind: 'taken'; readonly flow: Flow } | { readonly kind: 'unknown' } | { readonly kind: 'other-browser' }
> {
  const digest = digestOf(state)
  const { rows } = await parts.db.query<{
    connection_id: number
    browser: Buffer
    nonce: string
    verifier: Buffer
    redirect_uri: string
    return_to: string
    session_id: number | null
  }>(
    `delete from signin_flows where digest = $1 and expires_at > $2
     returning connection_id, browser, nonce, verifier, redirect_uri, return_to, session_id`,
    [digest, parts.clock.now()],
  )
  const [row] = rows
  if (row === undefined) return { kind: 'unknown' }
  if (browser === undefined || !digestOf(browser).equals(row.browser)) return { kind: 'other-browser' }
  const verifier = openVerifier(parts, { sealed: row.verifier, digest })
  // Without it the code cannot be redeemed: as if the flow had never been.
  if (verifier === undefined) return { kind: 'unknown' }
  const { connection_id: connectionId, redirect_uri: redirectUri, return_to: returnTo, nonce } = row
  const flow = { connectionId, redirectUri, returnTo, state, nonce, verifier, sessionId: row.session_id }
  return { kind: 'taken', flow }
}

/** Undefined where it is damaged, or stands under a version of the key that is gone. */
function openVerifier(
  { vault }: SignInParts,
  { sealed, digest }: { readonly sealed: Buffer; readonly digest: Buffer },
): string | undefined {
  try {
    return vault.open(sealed, contextOf(digest))
  } catch (error) {
    if (error instanceof RunError && error.code === 'vault-unreadable') return undefined
    throw error
  }
}

/** Whether a browser is still on its way in another tab. */
export async function isUnderWay({ db, clock }: Pick<SignInParts, 'db' | 'clock'>, browser: string): Promise<boolean> {
  const found = await db.query('select 1 from signin_flows where browser = $1 and expires_at > $2 limit 1', [
    digestOf(browser),
    clock.now(),
  ])
  return found.rowCount === 1
}

/** Those that nobody came back from. */
export async function removeOldFlows(db: Queries, now: Date): Promise<void> {
  await db.query('delete from signin_flows where expires_at < $1', [now])
}

function contextOf(digest: Buffer): string {
  return `sign-in flow:${digest.toString('hex')}`
}
