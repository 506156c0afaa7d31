// Links of admin consent are given to whoever administers the tenant, who need not be anybody here. What a link carries says that it
// was one of ours and for which tenant, so that the way back can tell whether the consent was given there. It is bound to no browser and
// proves nothing: nothing is begun or allowed by it.
import { timingSafeEqual } from 'node:crypto'
import type { Clock } from '../base/clock.ts'

/** The `state` of such a link begins with it, so that nobody takes the way back for a sign-in. */
const PREFIX = 'consent.'
/** A link may lie in a mailbox for some days. */
const VALID_MS = 14 * 86_400_000
const SPACE = 'admin consent'

interface Keyed {
  lookup(space: string, canonicalValue: string): Buffer
}

export function isConsentState(state: string): boolean {
  return state.startsWith(PREFIX)
}

/** The `state` of a link for a tenant. */
function consentState(vault: Keyed, { tenantId, now }: { readonly tenantId: string; readonly now: Date }): string {
  const text = `${tenantId.toLowerCase()}.${now.getTime() + VALID_MS}`
  return `${PREFIX}${text}.${vault.lookup(SPACE, text).toString('base64url')}`
}

/** Where the page of consent of a tenant leads back to; undefined where nobody has said under which address this server is reached. */
export function wayBackOf(
  at: { readonly redirectUri?: string | undefined; readonly vault: Keyed; readonly clock: Pick<Clock, 'now'> },
  tenantId: string,
): { readonly redirectUri: string; readonly state: string } | undefined {
  const { redirectUri, vault, clock } = at
  return redirectUri === undefined
    ? undefined
    : { redirectUri, state: consentState(vault, { tenantId, now: clock.now() }) }
}

/** The tenant that a link was made for; undefined where it was none of ours, or is too old. */
export function readConsentState(
  vault: Keyed,
  { state, now }: { readonly state: string; readonly now: Date },
): string | undefined {
  const [, text = '', tenantId, endsAt, digest = ''] =
    /^consent\.(([0-9a-f-]{36})\.(\d{1,15}))\.([\w-]{1,60})$/.exec(state) ?? []
  const expected = vault.lookup(SPACE, text)
  const given = Buffer.from(digest, 'base64url')
  const isOurs = given.length === expected.length && timingSafeEqual(given, expected)
  return isOurs && Number(endsAt) > now.getTime() ? tenantId : undefined
}
