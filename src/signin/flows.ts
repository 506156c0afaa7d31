// Sign-ins in a browser that are under way: kept in the database so that any server finishes them, used once, for ten minutes.
import { z } from 'zod'
import { RunError } from '../base/errors.ts'
import { KEPT_BY_BROWSERS_SECONDS } from '../contract/keys.ts'
import type { Queries } from '../database/connect.ts'
import { networkOf, siteOf } from './network.ts'
import type { BegunCodeFlow } from './oidc.ts'
import type { SignInParts } from './parts.ts'
import { digestOf } from './random.ts'

const VALID_MS = KEPT_BY_BROWSERS_SECONDS * 1_000
/** Kept here at once for one network: a company behind one address signs in at eight. */
const MOST_OF_NETWORK = 500
const MOST_OF_SITE = 2_000
const MOST_OVERALL = 50_000

export interface Flow {
  readonly connectionId: number
  readonly redirectUri: string
  readonly returnTo: string
  readonly state: string
  readonly nonce: string
  readonly verifier: string
  /** The session that is to be proved anew; null: one is begun. */
  readonly sessionId: number | null
  /** The session that the browser has, as far as it is known; null: none. */
  readonly replaces: number | null
}

/**
 * Nobody is refused and nobody loses his way back because others begin many: where there is no room for one more of his network, the
 * browser keeps it.
 *
 * @returns what the browser is to bring back, sealed, where nothing is kept here
 */
export async function keepFlow(
  parts: SignInParts,
  flow: Pick<Flow, 'connectionId' | 'redirectUri' | 'returnTo'> & {
    readonly begun: BegunCodeFlow
    /** What the browser's cookie holds. */
    readonly browser: string
    readonly address: string
    readonly sessionId?: number | undefined
    readonly replaces?: number | undefined
  },
): Promise<string | undefined> {
  const { db, vault, clock } = parts
  const network = vault.lookup('sign-in flows', networkOf(flow.address))
  const site = vault.lookup('sign-in flows', `site ${siteOf(flow.address)}`)
  const { connectionId, redirectUri, returnTo, sessionId = null, replaces = null } = flow
  const { state, nonce, verifier } = flow.begun
  const digest = digestOf(state)
  const expiresAt = new Date(clock.now().getTime() + VALID_MS)
  if (!(await hasRoom(db, { network, site }))) {
    const kept: KeptByBrowser = {
      connectionId,
      redirectUri,
      returnTo,
      nonce,
      verifier,
      sessionId,
      replaces,
      until: expiresAt.getTime(),
    }
    return vault.seal(JSON.stringify(kept), contextInBrowser(digest)).toString('base64url')
  }
  await db.query(
    `insert into signin_flows (digest, connection_id, browser, nonce, verifier, redirect_uri, return_to, network, site, expires_at,
       session_id, replaces)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
    [
      digest,
      connectionId,
      digestOf(flow.browser),
      nonce,
      vault.seal(verifier, contextOf(digest)),
      redirectUri,
      returnTo,
      network,
      site,
      expiresAt,
      sessionId,
      replaces,
    ],
  )
  return undefined
}

/** Of several at once each may see room for the last one: a few more do no harm. */
async function hasRoom(db: Queries, of: { readonly network: Buffer; readonly site: Buffer }): Promise<boolean> {
  const { rows } = await db.query<{ room: boolean }>(
    `select (select count(*) from (select from signin_flows where network = $1 limit ${MOST_OF_NETWORK}) n) < ${MOST_OF_NETWORK}
        and (select count(*) from (select from signin_flows where site = $2 limit ${MOST_OF_SITE}) s) < ${MOST_OF_SITE}
        and (select count(*) from signin_flows) < ${MOST_OVERALL} as room`,
    [of.network, of.site],
  )
  return rows[0]?.room === true
}

const keptByBrowser = z.strictObject({
  connectionId: z.int(),
  redirectUri: z.string(),
  returnTo: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  sessionId: z.int().nullable(),
  /** Left out by a server from before there was one. */
  replaces: z.int().nullable().default(null),
  /** Milliseconds since 1970. */
  until: z.int(),
})
type KeptByBrowser = z.infer<typeof keptByBrowser>

/** Whether a callback belongs to a flow that this browser began and that nobody has taken: takes nothing. */
export async function isOwnFlow(
  parts: Pick<SignInParts, 'db' | 'vault' | 'clock'>,
  came: { readonly state: string; readonly browser: string | undefined; readonly sealed: string | undefined },
): Promise<boolean> {
  const { state, browser, sealed } = came
  if (browser === undefined && sealed === undefined) return false
  const digest = digestOf(state)
  const { rows } = await parts.db.query<{ kept: boolean; used: boolean }>(
    `select exists (select from signin_flows where digest = $1 and browser = $2 and expires_at > $3) as kept,
            exists (select from signin_flows_used where digest = $1) as used`,
    [digest, digestOf(browser ?? ''), parts.clock.now()],
  )
  const [found] = rows
  if (found?.kept === true) return true
  if (sealed === undefined || found?.used === true) return false
  const kept = openKept(parts, { sealed, digest })
  return kept !== undefined && kept.until > parts.clock.now().getTime()
}

/**
 * Takes the flow that a callback belongs to; of several callbacks one gets it. A callback in another browser uses it up as well:
 * whoever sent it there knows the state.
 */
export async function takeFlow(
  parts: SignInParts,
  came: { readonly state: string; readonly browser: string | undefined; readonly sealed: string | undefined },
): Promise<
  { readonly kind: 'taken'; readonly flow: Flow } | { readonly kind: 'unknown' } | { readonly kind: 'other-browser' }
> {
  const { state, browser, sealed } = came
  const digest = digestOf(state)
  const { rows } = await parts.db.query<{
    connection_id: number
    browser: Buffer
    nonce: string
    verifier: Buffer
    redirect_uri: string
    return_to: string
    session_id: number | null
    replaces: number | null
  }>(
    `delete from signin_flows where digest = $1 and expires_at > $2
     returning connection_id, browser, nonce, verifier, redirect_uri, return_to, session_id, replaces`,
    [digest, parts.clock.now()],
  )
  const [row] = rows
  if (row === undefined) return takeFromBrowser(parts, { state, sealed })
  if (browser === undefined || !digestOf(browser).equals(row.browser)) return { kind: 'other-browser' }
  const verifier = openSealed(parts, { sealed: row.verifier, context: contextOf(digest) })
  // Without it the code cannot be redeemed: as if the flow had never been.
  if (verifier === undefined) return { kind: 'unknown' }
  const { connection_id: connectionId, redirect_uri: redirectUri, return_to: returnTo, nonce, replaces } = row
  const flow = { connectionId, redirectUri, returnTo, state, nonce, verifier, sessionId: row.session_id, replaces }
  return { kind: 'taken', flow }
}

/** It is the browser's own: what another one brings does not open under this state. */
async function takeFromBrowser(
  parts: SignInParts,
  { state, sealed }: { readonly state: string; readonly sealed: string | undefined },
): Promise<{ readonly kind: 'taken'; readonly flow: Flow } | { readonly kind: 'unknown' }> {
  if (sealed === undefined) return { kind: 'unknown' }
  const digest = digestOf(state)
  const kept = openKept(parts, { sealed, digest })
  if (kept === undefined) return { kind: 'unknown' }
  const { until, ...flow } = kept
  const { rowCount } = await parts.db.query(
    'insert into signin_flows_used (digest, expires_at) select $1, $2::timestamptz where $2 > $3::timestamptz on conflict do nothing',
    [digest, new Date(until), parts.clock.now()],
  )
  return rowCount === 1 ? { kind: 'taken', flow: { ...flow, state } } : { kind: 'unknown' }
}

function openKept(
  parts: Pick<SignInParts, 'vault'>,
  { sealed, digest }: { readonly sealed: string; readonly digest: Buffer },
): KeptByBrowser | undefined {
  const text = openSealed(parts, { sealed: Buffer.from(sealed, 'base64url'), context: contextInBrowser(digest) })
  return text === undefined ? undefined : keptByBrowser.parse(JSON.parse(text))
}

/** Undefined where it is damaged, or stands under a version of the key that is gone. */
function openSealed(
  { vault }: Pick<SignInParts, 'vault'>,
  { sealed, context }: { readonly sealed: Buffer; readonly context: string },
): string | undefined {
  try {
    return vault.open(sealed, context)
  } catch (error) {
    if (error instanceof RunError && error.code === 'vault-unreadable') return undefined
    throw error
  }
}

/**
 * A browser has another session since it went to Microsoft: what comes back to its other tabs replaces that one. What the browser itself keeps
 * is sealed and stays as it was: where very many sign in from one network at once, the session of another tab may be left, in the list of
 * its owner, until its time is over.
 */
export async function haveFlowsReplace(
  tx: Queries,
  { browser, session }: { readonly browser: string; readonly session: number },
): Promise<void> {
  await tx.query('update signin_flows set replaces = $2 where browser = $1 and session_id is null', [
    digestOf(browser),
    session,
  ])
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
  await db.query('delete from signin_flows_used where expires_at < $1', [now])
}

function contextOf(digest: Buffer): string {
  return `sign-in flow:${digest.toString('hex')}`
}

function contextInBrowser(digest: Buffer): string {
  return `sign-in flow kept by the browser:${digest.toString('hex')}`
}
